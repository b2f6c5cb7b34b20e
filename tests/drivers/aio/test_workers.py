"""Slow work in threads: its outcome comes back, some at a time, and the rest when they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from threading import Barrier, Event, current_thread
from threading import enumerate as all_threads
from typing import Any

import pytest

from axon.drivers.aio.workers import Workers

COUNT = 2
LIMIT_S = 10.0
NAME = "tried"


def run(act: Callable[[Workers], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        workers = Workers(COUNT, NAME)
        async with asyncio.timeout(LIMIT_S):
            await act(workers)

    asyncio.run(main())


def test_what_is_returned_or_raised_comes_back() -> None:
    async def act(workers: Workers) -> None:
        assert await workers.run(divmod, 7, 2) == (3, 1)
        assert await workers.run(int, "ff", base=16) == 255
        with pytest.raises(ZeroDivisionError):
            await workers.run(divmod, 7, 0)
        assert (await workers.run(current_thread)).name.startswith(NAME)
        workers.close(wait=True)

    run(act)


def test_threads_begin_as_they_are_needed_and_are_no_more_than_allowed() -> None:
    names: set[str] = set()

    def work() -> None:
        names.add(current_thread().name)
        time.sleep(0.01)

    async def act(workers: Workers) -> None:
        for _ in range(3):
            await workers.run(work)
        assert len(names) == 1, "one after the other"
        await asyncio.gather(*[workers.run(work) for _ in range(3 * COUNT)])
        assert len(names) == COUNT
        workers.close(wait=True)

    run(act)


def test_closing_ends_what_waits_and_leaves_what_runs() -> None:
    async def act(workers: Workers) -> None:
        all_begun, may_end = Barrier(COUNT + 1), Event()

        def work() -> str:
            all_begun.wait(LIMIT_S)
            may_end.wait(LIMIT_S)
            return "done"

        running = [asyncio.ensure_future(workers.run(work)) for _ in range(COUNT)]
        waiting = asyncio.ensure_future(workers.run(work))
        await asyncio.to_thread(all_begun.wait, LIMIT_S)
        workers.close(wait=False)
        may_end.set()
        assert await asyncio.gather(*running) == ["done"] * COUNT
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(RuntimeError):
            await workers.run(work)
        workers.close(wait=True)
        assert not any(thread.name.startswith(NAME) for thread in all_threads())

    run(act)


def test_what_nobody_waits_for_any_more_does_not_begin() -> None:
    async def act(workers: Workers) -> None:
        may_end = Event()
        done: list[int] = []
        held = [asyncio.ensure_future(workers.run(may_end.wait, LIMIT_S)) for _ in range(COUNT)]
        given_up = asyncio.ensure_future(workers.run(done.append, 1))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
        may_end.set()
        await asyncio.gather(*held)
        await workers.run(int)
        assert done == []
        workers.close(wait=True)

    run(act)
