"""How many questions are worked on at once: of all clients, and of those from one place.

A question waits for a turn of its origin first, and then behind few of each other origin. So who
asks from many connections at once waits for himself.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final
from weakref import WeakValueDictionary

from axon.electrum.places import LOCAL

WORKING: Final = 16
"""Of all clients together: each may take some megabytes."""

WORKING_OF_ONE: Final = 4
"""Of these, of all who come from one address."""

WORKING_LOCAL: Final = 12
"""Of all who come from this machine."""


class OriginSlots:
    """Those of one origin; work is done inside `async with`.

    Args:
        most: so many at once.
        everybody: with whom it shares.
    """

    def __init__(self, most: int, everybody: asyncio.Semaphore) -> None:
        self._own = asyncio.Semaphore(most)
        self._everybody = everybody

    async def __aenter__(self) -> None:
        await self._own.acquire()
        try:
            await self._everybody.acquire()
        except BaseException:
            self._own.release()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._everybody.release()
        self._own.release()


class WorkSlots:
    """Those of all clients."""

    def __init__(self) -> None:
        self._everybody = asyncio.Semaphore(WORKING)
        self._of: WeakValueDictionary[str, OriginSlots] = WeakValueDictionary()

    def of(self, origin: str) -> OriginSlots:
        """Those of an origin, as long as somebody holds them."""
        most = WORKING_LOCAL if origin == LOCAL else WORKING_OF_ONE
        return self._of.setdefault(origin, OriginSlots(most, self._everybody))
