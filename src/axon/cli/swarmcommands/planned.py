"""`run`: a plan of faults, done to a network of processes."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from axon.cli.arguments import positive
from axon.cli.simplan import PLAN_NODES, PlannedRun, add_network, read_case
from axon.cli.swarmoptions import AddCommand
from axon.cli.swarmview import RunProgress, write, write_json
from axon.swarm.lab.manifest import BackendName
from axon.swarm.lab.trials.labtrials import LabTrials
from axon.swarm.lab.verdict import Exit
from axon.swarm.spof.shrink import Case
from axon.swarm.trialreport import TrialReport

_MORE: Final = (
    "Raise a network of processes, do a fault plan (JSON) to it while clients read, pay and are "
    "paid, take back what lasts of it, and hold the invariants against what is left and against "
    "all. The same plan in virtual time: axon sim --plan FILE. Exit code: 0 all holds, 1 something "
    "does not, 2 the plan could not be carried out, 3 called wrongly."
)


def add_commands(add: AddCommand) -> None:
    """Add the command."""
    run = add("run", _run, "do a plan of faults to a network of its own", _MORE)
    run.add_argument("plan", type=Path, metavar="PLAN", help="a file with the plan")
    add_network(run)
    run.add_argument("--nodes", type=positive, metavar="N", help=f"default {PLAN_NODES}")
    run.add_argument(
        "--backend",
        choices=list(BackendName),
        type=BackendName,
        default=BackendName.PROC,
        help="proc: processes on loopback (default); netns: in network namespaces (Linux, root), "
        "where links can be shaped and cut in one direction",
    )
    run.add_argument("--seed", type=int, default=1, metavar="S", help="of all chance (default 1)")


def _run(options: Namespace, _folder: Path) -> int:
    case, say = read_case(options, simulated=False), RunProgress()
    with TemporaryDirectory(prefix="axon-run-") as folder:
        report = asyncio.run(_attempt(options, case, Path(folder), say))
    say.end()
    run = PlannedRun(options.seed, report)
    if options.json:
        write_json(report.to_json())
    else:
        for line in run.lines():
            write(line)
    if report.trouble:
        return Exit.INCONCLUSIVE
    return Exit.PASS if run.passed else Exit.VIOLATED


async def _attempt(options: Namespace, case: Case, folder: Path, say: RunProgress) -> TrialReport:
    network = folder / "network"
    trials = LabTrials(case.blueprint, options.seed, network, options.registry, options.backend)
    if trials.impossible(case.harm()):
        return await trials.attempt(case)  # It says why, and raises nothing.
    say("the network is raised")
    async with trials:
        return await trials.attempt(case)
