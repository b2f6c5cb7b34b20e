"""What running a node and running a light client have in common.

A machine runs inside `async with Driven(...)`. If it fails, whoever is in the block is interrupted
and the failure comes out of the block; whatever else ends the block stops the machine in order.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from weakref import WeakSet

from axon.drivers.aio.driver import AsyncioDriver
from axon.errors import AxonError, real_fault
from axon.machine import Endpoint
from axon.node.facts import Fact

FACTS_KEPT: Final = 10_000
"""Facts that wait for one reader. A reader that is further behind has lost some and is told so."""

OnFact = Callable[[Fact], None]
"""Takes a fact, on the event loop of the node that states it."""

_log = logging.getLogger("axon")


class FactsLost(AxonError):
    """Facts came faster than a reader took them."""


@dataclass(frozen=True, slots=True)
class RpcAccess:
    """Where an RPC server answers.

    Args:
        endpoints: on which it listens.
        cookie: the file with the password of this run; None if there is another password.
    """

    endpoints: tuple[Endpoint, ...]
    cookie: Path | None

    @property
    def url(self) -> str:
        """Of its first endpoint."""
        return f"http://{self.endpoints[0]}"


class FactReader:
    """The facts stated from now on, for one `async for`; ends when the node is asked to stop."""

    def __init__(self) -> None:
        self._facts: deque[Fact] = deque()
        self._news = asyncio.Event()
        self._ended = False
        self._lost = False

    def put(self, fact: Fact) -> None:
        """Take in one fact."""
        if len(self._facts) == FACTS_KEPT:
            self._lost = True
        else:
            self._facts.append(fact)
        self._news.set()

    def end(self) -> None:
        """Say that no more come."""
        self._ended = True
        self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Fact:
        """The next fact.

        Raises:
            FactsLost: more than `FACTS_KEPT` waited; those that were kept have been read.
        """
        while not self._facts:
            if self._lost:
                raise FactsLost(f"more than {FACTS_KEPT:,} facts waited for their reader")
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._facts.popleft()


class FactStream:
    """The facts of one node: written to the log, handed to whoever takes them or reads them."""

    def __init__(self) -> None:
        self._takers: list[OnFact] = []
        self._readers: WeakSet[FactReader] = WeakSet()  # A reader ends with its loop.
        self.ended = asyncio.Event()
        """Set when the node is asked to stop."""

    def put(self, fact: Fact) -> None:
        """Take in one fact."""
        write_to_log(fact)
        for take in self._takers:
            take(fact)
        for reader in self._readers:
            reader.put(fact)

    def hand_to(self, take: OnFact) -> None:
        """Call a function with each fact from now on; it must be quick."""
        self._takers.append(take)

    def read(self) -> FactReader:
        """The facts from now on."""
        reader = FactReader()
        self._readers.add(reader)
        if self.ended.is_set():
            reader.end()
        return reader

    def end(self) -> None:
        """The node is asked to stop: let all readers end, after what they have not read yet."""
        self.ended.set()
        for reader in self._readers:
            reader.end()


def write_to_log(fact: Fact) -> None:
    """A fact in the log: always, or while its category is on."""
    if fact.category is None:
        _log.info("%s", fact)
    else:
        logger = logging.getLogger(f"axon.{fact.category}")
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s", fact)


class Driven:
    """Runs a driver, and work beside it, until the block is left.

    Args:
        driver: stopped in order at the end of the block.
        beside: work that is cancelled when the driver has stopped.

    Raises:
        Exception: what the driver or the work failed with, out of the block.
    """

    def __init__(self, driver: AsyncioDriver, *beside: Coroutine[Any, Any, None]) -> None:
        self._driver = driver
        self._beside = beside
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> None:
        await self._group.__aenter__()
        running = self._group.create_task(self._driver.run())
        tasks = [self._group.create_task(work) for work in self._beside]
        running.add_done_callback(lambda _: [task.cancel() for task in tasks])

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._driver.stop()
        failure: BaseException | None = None
        try:
            # What the block raised is not for the group: it would cancel what is to stop in order.
            await self._group.__aexit__(None, None, None)
        except ExceptionGroup as failures:
            failure = real_fault(failures)
        if failure is not None:
            raise failure


class NoLogs:
    """The switches of a log that somebody else keeps."""

    def categories(self) -> Mapping[str, bool]:
        """None that could be switched."""
        return {}

    def enable(self, category: str) -> bool:  # noqa: ARG002
        """There is none of this name."""
        return False

    def disable(self, category: str) -> bool:  # noqa: ARG002
        """There is none of this name."""
        return False
