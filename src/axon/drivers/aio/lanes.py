"""Slow and blocking work, off the loop: one thread for each lane, its jobs in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Final

ROUND_S: Final = 0.002
"""So long outcomes are told in one round of the loop. Of forty blocks that were read at once each
may be sent to somebody when it is told, which takes a millisecond; peers and callers come between.
"""


class _Lane:
    """One worker thread. Once a job has raised, none behind it runs: it might build on that one."""

    def __init__(self, name: str, perform: Callable[[object], object]) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"lane-{name}")
        self._perform = perform
        self._sound = True
        self._closing = False

    def submit(self, job: object) -> Future[object]:
        return self._executor.submit(self._run, job)

    def _run(self, job: object) -> object:
        if self._closing:
            return None  # Dropped; nobody hears of it any more.
        assert self._sound, "a job before this one failed"
        self._sound = False
        outcome = self._perform(job)
        self._sound = True
        return outcome

    def close(self) -> None:
        """Block until the job that runs has ended; those that wait are dropped."""
        self._closing = True  # Cancelling many takes time, in which others would begin.
        self._executor.shutdown(wait=True, cancel_futures=True)


class Lanes:
    """The lanes of one machine; a lane begins with its first job.

    Args:
        perform: does a job and returns its outcome; called in the lane's thread.
        completed: told `(task, outcome)` on the loop, in the order in which jobs of a lane ended.
        failed: told on the loop what a job raised, and then about every job behind it.
    """

    def __init__(
        self,
        perform: Callable[[object], object],
        completed: Callable[[int, object], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._perform = perform
        self._completed = completed
        self._failed = failed
        self._lanes: dict[str, _Lane] = {}
        self._outcomes: deque[tuple[int, Future[object]]] = deque()
        self._is_telling = False  # Whether the loop will come to the outcomes by itself.

    def delegate(self, task: int, job: object, lane: str) -> None:
        """Put a job at the end of its lane."""
        worker = self._lanes.get(lane)
        if worker is None:
            worker = self._lanes[lane] = _Lane(lane, self._perform)
        loop = asyncio.get_running_loop()

        def ended(future: Future[object]) -> None:  # In the lane's thread.
            if not future.cancelled():
                loop.call_soon_threadsafe(self._ended, loop, task, future)

        worker.submit(job).add_done_callback(ended)

    async def close(self) -> None:
        """End all threads, after the jobs that run. Those that wait are dropped: nobody was told
        that they are done, and whoever wants them orders them again in the next run."""
        loop = asyncio.get_running_loop()
        for lane in self._lanes.values():
            await loop.run_in_executor(None, lane.close)

    def _ended(self, loop: asyncio.AbstractEventLoop, task: int, future: Future[object]) -> None:
        self._outcomes.append((task, future))
        if not self._is_telling:
            self._is_telling = True
            loop.call_soon(self._tell, loop)  # All that end in this round are told together.

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell outcomes for a while; what is left comes in the next round of the loop."""
        until = perf_counter() + ROUND_S
        while self._outcomes:
            task, future = self._outcomes.popleft()
            failure = future.exception()
            if failure is None:
                self._completed(task, future.result())
            else:
                self._failed(failure)
            if perf_counter() >= until:
                loop.call_soon(self._tell, loop)
                return
        self._is_telling = False
