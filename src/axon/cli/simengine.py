"""Where the seeds of a simulation run, and how far they are: `--jobs`, `--engine`, and progress."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import Executor
from contextlib import closing
from functools import partial
from typing import Final, TextIO

from axon.cli.arguments import UsageError, positive
from axon.cli.progress import STEP_S
from axon.swarm.engine.seeds import Report, SeedProcesses, in_order

PLAIN_STEP_S: Final = 60.0
"""From one line to the next where lines cannot be overwritten: the log of a job."""


def engine_of(text: str) -> str:
    """`ray` or `ray://HEAD[:PORT]`, for argparse."""
    if text != "ray" and not text.startswith("ray://"):
        raise argparse.ArgumentTypeError(f"{text!r:.80} is no engine: ray or ray://HEAD[:PORT]")
    return text


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add where seeds run."""
    parser.add_argument("-j", "--jobs", type=positive, metavar="N", help="processes (default 1)")
    parser.add_argument(
        "--engine",
        type=engine_of,
        metavar="ray[://HEAD]",
        help="run seeds on a Ray cluster: the one of this machine, which is begun if there is "
        "none, or that of another head (needs axon-node[ray])",
    )


def _executor(options: argparse.Namespace) -> Callable[[], Executor] | None:
    """What opens the executor that options name; None if this process is to run all."""
    if options.engine is None:
        jobs = options.jobs or 1
        return None if jobs == 1 else partial(SeedProcesses, jobs)
    if options.jobs is not None:
        raise UsageError("--jobs are processes of this machine; Ray knows how many cores there are")
    # Only now: it takes a second and 60 MB, and need not be installed.
    from axon.swarm.engine.rayexecutor import RayExecutor

    return partial(RayExecutor, options.engine.partition("://")[2] or None)


def run_seeds(
    run: Callable[[int], Report], seeds: range, options: argparse.Namespace
) -> Generator[Report, None, None]:
    """The reports in the order of their seeds, with progress on standard error.

    Raises:
        EngineFailed: as `in_order`.
    """
    open_executor = _executor(options)
    progress = SeedProgress(len(seeds))
    try:
        if open_executor is None or (options.engine is None and len(seeds) == 1):
            for done, seed in enumerate(seeds, 1):
                yield run(seed)
                progress.show(done)
            return
        with closing(in_order(open_executor, run, seeds, progress.show)) as made:
            for report in made:
                progress.clear()
                yield report
    finally:
        progress.clear()


class SeedProgress:
    """How many seeds are done: one line that changes, or one a minute in a log.

    Args:
        seeds: how many there are.
        stream: where to; standard error if none is named.
    """

    def __init__(self, seeds: int, stream: TextIO | None = None) -> None:
        self._seeds = seeds
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._began = self._shown = time.monotonic()
        self._open_line = False

    def show(self, done: int) -> None:
        """So many are done; said if it is time."""
        now = time.monotonic()
        if now - self._shown < (STEP_S if self._live else PLAIN_STEP_S):
            return
        self._shown = now
        text = f"{done:,} of {self._seeds:,} seeds are done after {now - self._began:.0f} s"
        self._stream.write(f"\r{text}\x1b[K" if self._live else f"{text}\n")
        self._stream.flush()
        self._open_line = self._live

    def clear(self) -> None:
        """Make room for something else."""
        if self._open_line:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._open_line = False
