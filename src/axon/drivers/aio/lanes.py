"""Slow and blocking work, off the loop: one thread for each lane, its jobs in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from time import perf_counter
from typing import Final

ROUND_S: Final = 0.002
"""So long outcomes are told in one round of the loop. Of forty blocks that were read at once each
may be sent to somebody when it is told, which takes a millisecond; peers and callers come between.
"""


class _Failed:
    """In an outcome's place: what the job raised."""

    def __init__(self, failure: BaseException) -> None:
        self.failure = failure


class _Lane:
    """One worker thread. Once a job has raised, none behind it runs: it might build on that one."""

    def __init__(
        self,
        name: str,
        perform: Callable[[object], object],
        ended: Callable[[int, object], None],
    ) -> None:
        self._perform = perform
        self._ended = ended
        self._jobs: SimpleQueue[tuple[int, object] | None] = SimpleQueue()
        self._closing = False
        self._thread = Thread(target=self._work, name=f"lane-{name}", daemon=True)
        self._thread.start()

    def submit(self, task: int, job: object) -> None:
        self._jobs.put((task, job))

    def _work(self) -> None:
        while self._do(self._jobs.get()):
            pass  # Nothing of a job is kept while the next is waited for: it may hold secrets.

    def _do(self, item: tuple[int, object] | None) -> bool:
        """One job; whether more may follow."""
        if item is None or self._closing:
            return False
        task, job = item
        outcome: object
        try:
            outcome = self._perform(job)
        except BaseException as failure:  # noqa: BLE001 (the loop is told of it)
            outcome = _Failed(failure)
        self._ended(task, outcome)
        return not isinstance(outcome, _Failed)

    def close(self) -> None:
        """Block until the job that runs has ended; those that wait are dropped."""
        self._closing = True
        self._jobs.put(None)
        self._thread.join()


class Lanes:
    """The lanes of one machine; a lane begins with its first job.

    A job that waits costs the loop little, and so does an outcome: threads that have many to tell
    wake the loop once.

    Args:
        perform: does a job and returns its outcome; called in the lane's thread.
        completed: told `(task, outcome)` on the loop, in the order in which jobs of a lane ended.
        failed: told on the loop what a job raised; nothing is heard of those behind it.
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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._outcomes: deque[tuple[int, object]] = deque()
        self._is_telling = False  # Whether the loop will come to the outcomes by itself.
        self._lock = Lock()  # Around the two.

    def delegate(self, task: int, job: object, lane: str) -> None:
        """Put a job at the end of its lane."""
        worker = self._lanes.get(lane)
        if worker is None:
            self._loop = asyncio.get_running_loop()
            worker = self._lanes[lane] = _Lane(lane, self._perform, self._ended)
        worker.submit(task, job)

    async def close(self) -> None:
        """End all threads, after the jobs that run. Those that wait are dropped: nobody was told
        that they are done, and whoever wants them orders them again in the next run."""
        loop = asyncio.get_running_loop()
        for lane in self._lanes.values():
            await loop.run_in_executor(None, lane.close)

    def _ended(self, task: int, outcome: object) -> None:  # In the lane's thread.
        with self._lock:
            self._outcomes.append((task, outcome))
            if self._is_telling:
                return
            self._is_telling = True
        assert self._loop is not None, "it was set before the first job"
        self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        """Tell outcomes for a while; what is left comes in the next round of the loop."""
        until = perf_counter() + ROUND_S
        while True:
            with self._lock:
                if not self._outcomes:
                    self._is_telling = False
                    return
                task, outcome = self._outcomes.popleft()
            if isinstance(outcome, _Failed):
                self._failed(outcome.failure)
            else:
                self._completed(task, outcome)
            if perf_counter() >= until:
                asyncio.get_running_loop().call_soon(self._tell)
                return
