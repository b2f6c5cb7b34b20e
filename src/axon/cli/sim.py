"""`axon sim`: whole networks in virtual time, with faults drawn from a seed, judged one by one.

With `--wallet` it is one wallet among nodes that lie and die.
"""

from __future__ import annotations

import argparse
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Final, TypeVar

from axon.cli.arguments import (
    Parser,
    UsageError,
    add_seeds,
    and_see,
    meant,
    positive,
    say_refusal,
)
from axon.cli.simattack import attack_main
from axon.cli.simplan import (
    EXIT_FAULT,
    EXIT_PASS,
    EXIT_UNDECIDED,
    EXIT_VIOLATION,
    add_plan,
    node_count,
    read_case,
    replay_main,
    run_planned,
    shrink_main,
)
from axon.errors import ConfigError
from axon.machine import SECOND
from axon.swarm.sightings import over, sightings_lines
from axon.swarm.sim.faultruns import FaultRunReport, run_faults
from axon.swarm.sim.lightplan import LightReport
from axon.swarm.sim.lightrun import run_light

_Report = TypeVar("_Report")

FAULT_NODES: Final = 20
WALLET_NODES: Final = 10


def main(arguments: Sequence[str]) -> int:
    """Run the command; its exit code."""
    try:
        match arguments[:1]:
            case ["shrink"]:
                return shrink_main(arguments[1:])
            case ["attack"]:
                return attack_main(arguments[1:])
            case ["replay"]:
                return replay_main(arguments[1:])
            case [word] if not word.startswith("-"):
                told = f"there is no command {word!r}{meant(word, ('shrink', 'attack', 'replay'))}"
                raise UsageError(f"{told}{and_see(told)} axon sim --help")
        return _sim(_parser().parse_args(arguments))
    except ConfigError as error:
        return say_refusal(error, arguments, EXIT_FAULT)
    except BrokenPipeError:
        raise  # Whoever read it has had enough.
    except Exception:  # noqa: BLE001 Python leaves with 1, and that would say: a run has failed.
        traceback.print_exc()
        return EXIT_FAULT


def _sim(options: argparse.Namespace) -> int:
    if options.plan is not None and options.wallet:
        raise UsageError("--plan has a network of its own, and --wallet another one")
    if options.network is not None and options.plan is None:
        raise UsageError("--network is the network to which a --plan is done")
    if options.plan is not None:
        return _sim_plan(options)
    began = time.perf_counter()
    reports: list[FaultRunReport | LightReport] = []
    nodes = options.nodes or (WALLET_NODES if options.wallet else FAULT_NODES)
    run: Callable[[int], FaultRunReport | LightReport]
    run = partial(run_light if options.wallet else run_faults, nodes=nodes)
    made: Iterable[FaultRunReport | LightReport] = _run(run, options.seeds, options.jobs)
    for report in made:
        reports.append(report)
        if options.verbose or not report.passed:
            word = "" if report.passed else "FAILED "
            print(f"{word}{report}, trace {report.digest}", flush=True)
    print(_summary(reports, time.perf_counter() - began))
    return EXIT_PASS if all(report.passed for report in reports) else EXIT_VIOLATION


def _sim_plan(options: argparse.Namespace) -> int:
    """One plan, done to one network, with chance of each seed."""
    passed = undecided = 0
    for run in _run(partial(run_planned, case=read_case(options)), options.seeds, options.jobs):
        passed += run.passed
        undecided += not run.decided
        if options.verbose or not run.passed or len(options.seeds) == 1:
            print("\n".join(run.lines()), flush=True)
    left = f", {undecided} undecided" * bool(undecided)
    print(f"{passed} of {len(options.seeds)} seeds passed{left}")
    if passed == len(options.seeds):
        return EXIT_PASS
    return EXIT_UNDECIDED if passed + undecided == len(options.seeds) else EXIT_VIOLATION


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="axon sim",
        description="Simulate networks of full nodes that pay, mine and fail, and check that they "
        "keep one ledger. Prints the seeds that failed.",
        epilog="axon sim attack NAME has nodes lie, crowd in or crash; axon sim replay SEED "
        "[OPTION ...] runs a seed twice and compares the traces; axon sim shrink SEED --plan FILE "
        "looks for a smaller case that fails in the same way. Exit code: 0 all holds, 1 something "
        "does not, 2 undecided, 3 it was called wrongly.",
    )
    add_seeds(parser)
    parser.add_argument(
        "--nodes",
        type=node_count,
        metavar="N",
        help=f"default {FAULT_NODES}; with --wallet {WALLET_NODES}",
    )
    parser.add_argument(
        "--wallet",
        action="store_true",
        help="one wallet among nodes of which all but one may lie or die",
    )
    add_plan(parser)
    parser.add_argument(
        "-j", "--jobs", type=positive, default=1, metavar="N", help="processes (default 1)"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="print the seeds that passed as well"
    )
    return parser


def _run(run: Callable[[int], _Report], seeds: range, jobs: int) -> Iterable[_Report]:
    """The reports in the order of their seeds."""
    if jobs == 1 or len(seeds) == 1:
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(run, seeds)


def _summary(reports: Sequence[FaultRunReport | LightReport], seconds: float) -> str:
    failed = [str(report.seed) for report in reports if not report.passed]
    events = sum(report.events for report in reports)
    lines = [
        f"{len(reports) - len(failed)} of {len(reports)} seeds passed in {seconds:.0f} s "
        f"({events:,} events)"
    ]
    lines += _of_faults([report for report in reports if isinstance(report, FaultRunReport)])
    lines += _of_wallets([report for report in reports if isinstance(report, LightReport)])
    lines += sightings_lines(over(report.sometimes for report in reports), len(reports))
    if failed:
        lines.append("failed seeds: " + " ".join(failed))
    return "\n".join(lines)


def _of_faults(reports: Sequence[FaultRunReport]) -> list[str]:
    if not reports:
        return []
    waits = [report.converged_us for report in reports if report.converged_us is not None]
    kinds = Counter(kind for report in reports for kind in report.kinds)
    lines = [
        "faults (runs that had them): " + ", ".join(f"{k} {n}" for k, n in sorted(kinds.items())),
        f"deepest reorganisation: {max(report.deepest_reorg for report in reports)} blocks; "
        f"payments: {sum(report.payments for report in reports):,}",
    ]
    if waits:
        lines.append(f"slowest convergence after healing: {max(waits) // SECOND} s virtual")
    return lines


def _of_wallets(reports: Sequence[LightReport]) -> list[str]:
    if not reports:
        return []
    kinds = Counter(lie.value for report in reports for lie in report.plan.lies.values())
    kinds["dying"] = sum(len(report.plan.deaths) for report in reports)
    alone = sum(len(report.plan.honest) == 1 for report in reports)
    waits = [report.served_us for report in reports if report.served_us is not None]
    lines = [
        "bad nodes: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())),
        f"runs with one honest node only: {alone}; "
        f"liars caught: {sum(report.refuted for report in reports)}; "
        f"payments found: {sum(report.found for report in reports):,}",
    ]
    if waits:
        lines.append(f"slowest to be served in the end: {max(waits) // SECOND} s virtual")
    return lines
