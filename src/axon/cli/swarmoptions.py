"""What `axon swarm` can be told: its commands and their options, with the text of their help."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from axon.cli.arguments import Parser, seconds
from axon.swarm.lab import checking
from axon.swarm.lab.plan import INTERVAL_S
from axon.swarm.lab.topology import RunTopology

REFRESH_S: Final = 1.0
"""How often a live picture is drawn."""

_TARGET_HELP: Final = (
    "n3 or 3; n1-n5 or 1-5; all; all-but:3; random:2; group:7 (nodes of one /16); m1, miner:1 or "
    "miner:*; w1, w1-w3 or wallet:*; several with commas"
)


def make_parser() -> argparse.ArgumentParser:
    """Reads a command line; raises `ConfigError` where it cannot."""
    parser = Parser(
        prog="axon swarm",
        description="Start a network of real nodes on this machine (a test chain, loopback only), "
        "watch it, damage it, and check it.",
        epilog="Exit code of check: 0 all holds, 1 something does not, 2 undecided, 3 the lab "
        "failed or was called wrongly; of all others: 0 or 3.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")

    def add(name: str, about: str, more: str = "") -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, help=about, description=more or f"{about[0].upper()}{about[1:]}."
        )
        added.add_argument(
            "--dir", type=Path, metavar="FOLDER", help="of the run (default ~/.axon/swarm)"
        )
        return added

    add("doctor", "what this machine can do for a lab").add_argument(
        "--json", action="store_true", help="one JSON object"
    )
    _add_up(add("up", "start a network, or what is missing of the one that is up"))
    status = add("status", "every component, its state and what it says")
    status.add_argument("--json", action="store_true", help="one JSON object")
    watch = add("watch", "a live picture: who is linked to whom, last blocks by colour")
    watch.add_argument("--once", action="store_true", help="print one picture and leave")
    _add_harm(add)
    check = add("check", "hold the invariants against the network", _CHECK_MORE)
    check.add_argument("names", nargs="*", metavar="INVARIANT", help="S2, L7, S*, ... (see above)")
    check.add_argument("--harm", action="store_true", help="kill nodes, too, and wipe their disks")
    check.add_argument(
        "--settle", type=seconds, default=0.0, metavar="S", help="leave it alone for S s first"
    )
    check.add_argument("--json", action="store_true", help="one JSON object")
    add("down", "end all processes of the run and remove what up made")
    return parser


_CHECK_MORE: Final = (
    "RunLock the invariants against the network; docs/invariants.md tells each in plain words. "
    f"Without names: {' '.join(checking.HARMLESS)}; these mine a few blocks, make a payment and "
    f"start a node for a moment, and kill nobody. {' '.join(checking.HARMFUL)} kill nodes and wipe "
    "disks: they are tried if named, or with --harm, which also tries L1 and L3 with each node "
    "dead in turn."
)


def _add_up(up: argparse.ArgumentParser) -> None:
    up.add_argument("nodes", type=int, metavar="N", help="full nodes")
    up.add_argument("--miners", type=int, default=0, metavar="M", help="miners (default 0)")
    up.add_argument("--wallets", type=int, default=0, metavar="W", help="wallets (default 0)")
    up.add_argument(
        "--topology",
        default=RunTopology.ORGANIC,
        metavar="NAME",
        help=f"{', '.join(RunTopology)} (default organic)",
    )
    up.add_argument("--groups", type=int, default=0, metavar="G", help="netgroups (default N)")
    up.add_argument("--seed", type=int, metavar="S", help="of all chance (default: drawn)")
    up.add_argument(
        "--interval",
        type=seconds,
        default=INTERVAL_S,
        metavar="S",
        help=f"mean seconds from block to block with miners (default {INTERVAL_S:g})",
    )


def _add_harm(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    def add_target(command: argparse.ArgumentParser) -> None:
        command.add_argument("target", metavar="TARGET", help=_TARGET_HELP)

    killing = add("kill", "end components at once (SIGKILL), or in order")
    add_target(killing)
    killing.add_argument("--sig", choices=("KILL", "TERM"), default="KILL", help="default KILL")
    add_target(add("stop", "pause components where they are (SIGSTOP)"))
    add_target(add("cont", "let paused components go on (SIGCONT)"))
    restart = add("restart", "end components in order if they live, and start them")
    add_target(restart)
    restart.add_argument("--wipe", action="store_true", help="with an empty disk")
    cut = add("partition", "cut the network into sides that refuse each other")
    cut.add_argument("sides", metavar="SIDES", help="as in '1-3|4-6': each node on one side")
    add("heal", "take back what partition told the nodes")
    mining = add("mine", "have a node find blocks")
    mining.add_argument("node", nargs="?", default="n1", metavar="NODE", help="default n1")
    mining.add_argument("count", nargs="?", type=int, default=1, metavar="COUNT", help="default 1")
