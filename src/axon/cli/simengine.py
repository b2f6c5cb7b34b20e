"""Where the seeds of a simulation run, and how far they are: `--jobs`, and progress."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from typing import Final, TextIO

from axon.cli.arguments import positive
from axon.cli.progress import STEP_S
from axon.swarm.engine.seeds import Report, SeedProcesses, in_order

PLAIN_STEP_S: Final = 60.0
"""From one line to the next where lines cannot be overwritten: the log of a job."""


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add where seeds run."""
    parser.add_argument(
        "-j", "--jobs", type=positive, default=1, metavar="N", help="processes (default 1)"
    )


def run_seeds(
    run: Callable[[int], Report], seeds: range, options: argparse.Namespace
) -> Generator[Report, None, None]:
    """The reports in the order of their seeds, with progress on standard error.

    Raises:
        EngineFailed: as `in_order`.
    """
    progress = SeedProgress(len(seeds))
    try:
        if options.jobs == 1 or len(seeds) == 1:
            for done, seed in enumerate(seeds, 1):
                yield run(seed)
                progress.show(done)
            return
        open_executor = partial(SeedProcesses, options.jobs)
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
