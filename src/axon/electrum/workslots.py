"""How many questions are worked on at once: of all clients, and of those from one network.

A question waits for a turn of its network first, and then behind few of each other one. So who
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
"""Of these, of all who come from one network."""

WORKING_LOCAL: Final = 12
"""Of all who come from this machine."""


class NetworkSlots:
    """Those of one network; work is done inside `async with`.

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
        self._of: WeakValueDictionary[str, NetworkSlots] = WeakValueDictionary()

    def of(self, network: str) -> NetworkSlots:
        """Those of a network, as long as somebody holds them."""
        most = WORKING_LOCAL if network == LOCAL else WORKING_OF_ONE
        return self._of.setdefault(network, NetworkSlots(most, self._everybody))
