"""Many seeds on many processors: the one seam is `concurrent.futures.Executor`.

Which executor it is, processes of this machine or a cluster, changes nothing in what comes out: the
reports come in the order of their seeds, each made by the same call. A worker that is lost takes
what it was at with it, and those seeds run again; a seed that cannot be finished at all is named.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from axon.errors import AxonError

WINDOW: Final = 1_000
"""Seeds that are handed out ahead of the one whose report is due: enough to keep a cluster busy
behind a slow seed, few enough that a million seeds cost no memory."""

MAX_LOSSES: Final = 3
"""So often an executor may break with nothing finished between; then it is the seed's fault."""

LOOK_S: Final = 0.5
"""From one look at what is done to the next."""

Report = TypeVar("Report")
Watch = Callable[[int], None]
"""Told how many seeds are done."""


class EngineFailed(AxonError):
    """What runs the seeds cannot be reached, or does not get through them; the text says why."""


def in_order(
    open_executor: Callable[[], Executor],
    run: Callable[[int], Report],
    seeds: range,
    watch: Watch,
) -> Generator[Report, None, None]:
    """The reports of all seeds in their order. Closed early, it drops what has not begun.

    Args:
        open_executor: called at first, and after each time that its executor broke.
        run: makes the report of a seed; it and the reports must be picklable.
        seeds: which.
        watch: told often how many are done.

    Raises:
        EngineFailed: workers were lost again and again and nothing was finished meanwhile.
    """
    told = losses = 0
    while told < len(seeds):
        executor = open_executor()
        try:
            for report in _handed_out(executor, run, seeds[told:], partial(_further, watch, told)):
                told, losses = told + 1, 0
                yield report
        except BrokenExecutor as error:
            losses += 1
            if losses > MAX_LOSSES:
                raise EngineFailed(
                    f"workers were lost {losses} times while seed {seeds[told]} was due: {error}"
                ) from error
        finally:
            executor.shutdown(cancel_futures=True)


def _further(watch: Watch, told: int, done: int) -> None:
    watch(told + done)


def _handed_out(
    executor: Executor, run: Callable[[int], Report], seeds: range, watch: Watch
) -> Iterator[Report]:
    left = iter(seeds)
    due: deque[Future[Report]] = deque()
    told = 0
    while told < len(seeds):
        due.extend(executor.submit(run, seed) for seed in islice(left, WINDOW - len(due)))
        while not wait([due[0]], LOOK_S).done:
            watch(told + sum(each.done() for each in due))
        report = due.popleft().result()
        told += 1
        watch(told + sum(each.done() for each in due))
        yield report


class SeedProcesses(ProcessPoolExecutor):
    """Processes of this machine. What is dropped ends at once, and a ctrl-C is not theirs to hear.

    Args:
        jobs: how many.
    """

    def __init__(self, jobs: int) -> None:
        super().__init__(jobs, initializer=_ignore_interrupts)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for what runs; or end it, if all is dropped."""
        workers = list((self._processes or {}).values())
        super().shutdown(wait=False, cancel_futures=cancel_futures)
        if cancel_futures:
            for worker in workers:  # As kill_workers() of Python 3.14 does.
                worker.kill()
        super().shutdown(wait)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
