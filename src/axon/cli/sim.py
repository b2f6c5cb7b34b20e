"""`axon sim`: whole networks in virtual time, with faults drawn from a seed, judged one by one.

With `--wallet` it is one wallet among nodes that lie and die.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

from axon.cli.arguments import Parser, UsageError, add_seeds, and_see, meant, say_refusal
from axon.cli.simattack import attack_main
from axon.cli.simengine import add_engine, run_seeds
from axon.cli.simmerge import add_shard, merge_main
from axon.cli.simplan import (
    EXIT_FAULT,
    EXIT_INTERRUPTED,
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
from axon.cli.simsummary import print_seed, seeds_summary
from axon.errors import ConfigError
from axon.swarm.engine.seeds import EngineFailed
from axon.swarm.sim.faultruns import run_faults
from axon.swarm.sim.lightrun import run_light
from axon.swarm.sim.shardfile import (
    SeedReport,
    SeedShard,
    ShardRun,
    SimKind,
    SimWork,
    told_seeds,
)

_COMMANDS: Final = ("shrink", "attack", "merge", "replay")
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
            case ["merge"]:
                return merge_main(arguments[1:])
            case ["replay"]:
                return replay_main(arguments[1:])
            case [word] if not word.startswith("-"):
                told = f"there is no command {word!r}{meant(word, _COMMANDS)}"
                raise UsageError(f"{told}{and_see(told)} axon sim --help")
        return _sim(_parser().parse_args(arguments))
    except (ConfigError, EngineFailed) as error:
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
        if options.shard is not None or options.into is not None:
            raise UsageError(
                "--shard is for seeds of random faults, or with --wallet; not a --plan"
            )
        return _sim_plan(options)
    if options.into is not None and options.shard is None:
        raise UsageError("--into is where the file of a --shard goes")
    if options.into is not None and not options.into.is_dir():
        raise ConfigError(f"{options.into} is no folder; --into names one that is there")
    kind = SimKind.WALLET if options.wallet else SimKind.FAULTS
    nodes = options.nodes or (WALLET_NODES if options.wallet else FAULT_NODES)
    return _sim_seeds(SimWork(kind, nodes, options.seeds), options)


def _sim_seeds(work: SimWork, options: argparse.Namespace) -> int:
    """Each seed another network, and other faults; all of them, or the seeds of one shard."""
    began = time.perf_counter()
    reports: list[SeedReport] = []
    run: Callable[[int], SeedReport]
    run = partial(run_light if work.kind is SimKind.WALLET else run_faults, nodes=work.nodes)
    seeds = work.seeds if options.shard is None else options.shard.part(work.seeds)
    made: Generator[SeedReport, None, None] = run_seeds(run, seeds, options)
    try:
        with closing(made):
            for report in made:
                reports.append(report)
                print_seed(report, options.verbose)
    except (KeyboardInterrupt, EngineFailed) as error:
        if isinstance(error, EngineFailed) and not reports:
            raise  # Nothing was done that could be told.
        print(_stopped(seeds[len(reports) :], len(seeds), options.shard), file=sys.stderr)
        if reports:
            print(seeds_summary(reports, time.perf_counter() - began), flush=True)
        if isinstance(error, EngineFailed):
            raise
        return EXIT_INTERRUPTED
    seconds = time.perf_counter() - began
    print(seeds_summary(reports, seconds))
    if options.shard is not None:
        shard = ShardRun(work, options.shard, seconds, tuple(reports))
        print(f"shard {options.shard}: {shard.write(options.into or Path())}")
    return EXIT_PASS if all(report.passed for report in reports) else EXIT_VIOLATION


def _stopped(left: range, seeds: int, shard: SeedShard | None) -> str:
    unwritten = "" if shard is None else f"; no file is written of shard {shard}"
    return f"stopped: {len(left)} of {seeds} seeds are not done: {told_seeds(left)}{unwritten}"


def _sim_plan(options: argparse.Namespace) -> int:
    """One plan, done to one network, with chance of each seed."""
    passed = undecided = 0
    done = partial(run_planned, case=read_case(options))
    with closing(run_seeds(done, options.seeds, options)) as made:
        for run in made:
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
        "looks for a smaller case that fails in the same way; axon sim merge FILE ... makes one "
        "result of the files of all shards. Exit code: 0 all holds, 1 something "
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
    add_engine(parser)
    add_shard(parser)
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="print the seeds that passed as well"
    )
    return parser
