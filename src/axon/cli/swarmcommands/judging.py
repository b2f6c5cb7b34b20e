"""`check`: the invariants held against a run."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Final

from axon.cli.arguments import seconds
from axon.cli.swarmoptions import AddCommand
from axon.cli.swarmview import RunProgress, write, write_json
from axon.swarm.lab import checking, lifecycle
from axon.swarm.lab.liverun import LiveRun
from axon.swarm.lab.verdict import exit_code, sentence, table

_CHECK_MORE: Final = (
    "Hold the invariants against the network; docs/invariants.md tells each in plain words. "
    f"Without names: {' '.join(checking.HARMLESS)}; these mine a few blocks, make a payment and "
    f"start a node for a moment, and kill nobody. {' '.join(checking.HARMFUL)} kill nodes and wipe "
    "disks: they are tried if named, or with --harm, which also tries L1 and L3 with each node "
    "dead in turn."
)


def add_commands(add: AddCommand) -> None:
    """Add the command."""
    check = add("check", _check, "hold the invariants against the network", _CHECK_MORE)
    check.add_argument("names", nargs="*", metavar="INVARIANT", help="S2, L7, S*, ... (see above)")
    check.add_argument("--harm", action="store_true", help="kill nodes, too, and wipe their disks")
    check.add_argument(
        "--settle", type=seconds, default=0.0, metavar="S", help="leave it alone for S s first"
    )


def _check(options: Namespace, folder: Path) -> int:
    chosen = checking.choose(options.names, harm=options.harm)
    say = RunProgress()
    with lifecycle.taken(folder) as manifest:
        findings = checking.check(LiveRun(manifest), chosen, say, options.settle)
    say.end()
    code = exit_code(findings)
    if options.json:
        verdict = {
            "verdict": sentence(findings),
            "exit": int(code),
            "seed": manifest.seed,
            "topology": manifest.topology,
            "components": list(manifest.components),
            "invariants": {item.name: item.to_json() for item in findings},
        }
        write_json(verdict)
        return code
    for line in table(findings):
        write(line)
    write(f"\n{sentence(findings)}")
    return code
