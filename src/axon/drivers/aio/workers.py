"""Threads for slow work that is awaited, each piece of it on its own.

The standard library's pool tells two futures of each outcome, each with locks of its own, and on
the way threads wait for one another: a question of 50 us took 200 us more. Here one thread takes
the work from a queue and wakes the loop, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class _Work(NamedTuple):
    """A call that somebody on a loop waits for."""

    perform: Callable[[], Any]
    outcome: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Workers:
    """Some threads, which begin when they are needed. All that runs is awaited on one loop.

    Args:
        count: threads at most; what finds all of them busy waits.
        name: theirs, for who looks at the process.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._under_way = 0
        self._is_closed = False

    async def run(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call a function in a thread; what it returns or raises.

        Raises:
            RuntimeError: after `close`.
            CancelledError: `close` is called before it has begun.
        """
        if self._is_closed:
            raise RuntimeError(f"the threads {self._name} have ended")
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[_T] = loop.create_future()
        self._under_way += 1
        if len(self._threads) < min(self._under_way, self._count):
            self._begin_thread()
        perform = (lambda: function(*args, **kwargs)) if args or kwargs else function
        self._queue.put(_Work(perform, outcome, loop))
        return await outcome

    def _begin_thread(self) -> None:
        name = f"{self._name}-{len(self._threads)}"
        thread = Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while self._do(self._queue.get()):
            pass  # Nothing of the work is kept while the next is waited for: it may be large.

    def _do(self, work: _Work | None) -> bool:
        """One piece of work; whether more may follow."""
        if work is None:
            return False
        result, failure = None, None
        try:
            if not work.outcome.cancelled():  # Nobody waits for it any more.
                result = work.perform()
        except BaseException as error:  # noqa: BLE001 Whoever waits for it is told.
            failure = error
        with suppress(RuntimeError):  # The loop has been closed: nobody waits.
            work.loop.call_soon_threadsafe(self._ended, work.outcome, result, failure)
        return True

    def _ended(
        self, outcome: asyncio.Future[Any], result: Any, failure: BaseException | None
    ) -> None:
        self._under_way -= 1
        if outcome.done():
            return
        if failure is None:
            outcome.set_result(result)
        else:
            outcome.set_exception(failure)

    def close(self, *, wait: bool) -> None:
        """End the threads after what they do; who waits for other work sees it cancelled.

        Args:
            wait: block until they have ended.
        """
        self._is_closed = True
        with suppress(Empty, RuntimeError):  # Of a loop that has been closed.
            while True:
                work = self._queue.get_nowait()
                if work is not None:
                    work.loop.call_soon_threadsafe(work.outcome.cancel)
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads if wait else ():
            thread.join()
