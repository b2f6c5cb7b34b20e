"""Callers that wait until a condition holds; it is tested whenever a fact is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from axon.drivers.aio.driver import Stopped


class Waiters:
    """Waiting callers, on one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], None] = {}
        self._closed = False

    def wake(self) -> None:
        """Something happened: all conditions are tested again."""
        waiting, self._waiting = self._waiting, {}
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    def close(self) -> None:
        """Nothing will happen any more: whoever waits, now or later, gets `Stopped`."""
        self._closed = True
        self.wake()

    async def wait_for(self, predicate: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until a condition holds.

        Args:
            predicate: quick, without effects.
            timeout_s: None for no limit.

        Returns:
            Whether it holds now.

        Raises:
            Stopped: the program stops before it holds.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not predicate():
                    if self._closed:
                        raise Stopped("the node is stopping")
                    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiting[waiter] = None
                    try:
                        await waiter
                    finally:
                        self._waiting.pop(waiter, None)
        except TimeoutError:
            return predicate()
        return True
