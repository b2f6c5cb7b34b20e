"""`axon sim --shard I/N` and `axon sim merge FILES`: seeds in parts, for clusters that run jobs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from axon.cli.arguments import Parser
from axon.cli.simplan import EXIT_PASS, EXIT_VIOLATION
from axon.cli.simsummary import print_seed, seeds_summary
from axon.swarm.invariants import counted
from axon.swarm.sim.shardfile import MAX_SHARDS, SeedShard, merged, read_shard


def shard_of(text: str) -> SeedShard:
    """A part of the seeds as `I/N`, for argparse."""
    number, slash, of = text.partition("/")
    try:
        found = SeedShard(int(number), int(of))
    except ValueError:
        found = SeedShard(0, 0)
    if not slash or not 1 <= found.number <= found.of <= MAX_SHARDS:
        raise argparse.ArgumentTypeError(f"{text!r:.80} is no shard: 1/N, 2/N ... N/N")
    return found


def add_shard(parser: argparse.ArgumentParser) -> None:
    """Add which part of the seeds is run, and where its file goes."""
    parser.add_argument(
        "--shard",
        type=shard_of,
        metavar="I/N",
        help="run part I (from 1) of N of the seeds, and write a file for axon sim merge",
    )
    parser.add_argument(
        "--into", type=Path, metavar="FOLDER", help="with --shard: where to write (default .)"
    )


def merge_main(arguments: Sequence[str]) -> int:
    """`axon sim merge FILE ...`."""
    parser = Parser(
        prog="axon sim merge",
        description="Make one result of the files that axon sim --shard wrote: what one process "
        "would have printed. Files that are not all the shards of one whole, run by the same code "
        "with the same options, are refused, and what is amiss is named. Exit code: 0 all holds, "
        "1 something does not, 3 it was called wrongly or refuses.",
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="of all shards")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="print the seeds that passed as well"
    )
    options = parser.parse_args(arguments)
    shards = [(str(path), read_shard(path)) for path in options.files]
    reports = merged(shards)
    for report in reports:
        print_seed(report, options.verbose)
    seconds = sum(each.seconds for _, each in shards)
    print(seeds_summary(reports, seconds, f" of {counted(len(shards), 'shard')}"))
    return EXIT_PASS if all(report.passed for report in reports) else EXIT_VIOLATION
