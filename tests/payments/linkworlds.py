"""Where wallets' machines run in a test: loopback sockets, or a simulated network."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.driver import AsyncioDriver
from axon.drivers.sim.driver import Simulation
from axon.machine import SECOND, Endpoint, Machine

Perform = Callable[[object], object]
Note = Callable[[object], None]


class LinkWorld(ABC):
    """Machines by number, in the order in which they were started."""

    @abstractmethod
    def start(self, make: Callable[[], Machine], perform: Perform, note: Note) -> Endpoint:
        """Run a machine; returns where it listens."""

    @abstractmethod
    def crash(self, number: int) -> None:
        """End a machine."""

    @abstractmethod
    def restart(self, number: int) -> None:
        """Run a new one in the place of one that has ended."""

    @abstractmethod
    def ask(self, number: int, command: object) -> object:
        """Put a command to a machine; its answer."""

    @abstractmethod
    def until(self, met: Callable[[], bool]) -> None:
        """Go on until something is so; fails if that takes very long."""

    @abstractmethod
    def close(self) -> None:
        """End everything; fails if a machine did."""


class AioLinkWorld(LinkWorld):
    """Loopback sockets.

    Args:
        loop_factory: makes the event loop.
        host: at which all listen.
    """

    def __init__(
        self, loop_factory: Callable[[], asyncio.AbstractEventLoop], host: str = "127.0.0.1"
    ) -> None:
        self._host = host
        self._runner = asyncio.Runner(loop_factory=loop_factory)
        self._started: list[tuple[Callable[[], Machine], Perform, Note, Endpoint]] = []
        self._running: dict[int, tuple[AsyncioDriver, asyncio.Task[None]]] = {}
        self._clock = Clock()

    def start(self, make: Callable[[], Machine], perform: Perform, note: Note) -> Endpoint:
        self._started.append((make, perform, note, Endpoint(self._host, 0)))
        number = len(self._started) - 1
        self.restart(number)
        return self._started[number][3]

    def restart(self, number: int) -> None:
        make, perform, note, endpoint = self._started[number]
        driver = AsyncioDriver(
            make(),
            perform=perform,
            clock=self._clock,
            on_report=lambda fact, _now: note(fact),
            max_accepted=100,
        )
        endpoint = self._runner.run(driver.listen(endpoint))
        self._started[number] = (make, perform, note, endpoint)
        task = self._runner.get_loop().create_task(driver.run())
        self._running[number] = driver, task

    def crash(self, number: int) -> None:
        driver, task = self._running.pop(number)
        driver.stop()

        async def ended() -> None:
            await task

        self._runner.run(ended())

    def ask(self, number: int, command: object) -> object:
        return self._runner.run(self._running[number][0].ask(command))

    def until(self, met: Callable[[], bool]) -> None:
        async def look() -> None:
            async with asyncio.timeout(20):
                while not met():  # noqa: ASYNC110 (a fact is waited for, not an asyncio event)
                    await asyncio.sleep(0.001)

        self._runner.run(look())

    def close(self) -> None:
        try:
            for number in list(self._running):
                self.crash(number)
        finally:
            self._runner.close()


class SimLinkWorld(LinkWorld):
    """Virtual time.

    Args:
        seed: of all chance.
    """

    def __init__(self, seed: int = 1) -> None:
        self.simulation = Simulation(seed)

    def start(self, make: Callable[[], Machine], perform: Perform, note: Note) -> Endpoint:
        endpoint = Endpoint(f"10.0.0.{self.simulation.count + 1}", 12966)
        self.simulation.add(
            lambda _: make(), endpoint, perform=perform, on_report=lambda fact, _now: note(fact)
        )
        return endpoint

    def crash(self, number: int) -> None:
        self.simulation.crash(number)

    def restart(self, number: int) -> None:
        self.simulation.restart(number)

    def ask(self, number: int, command: object) -> object:
        return self.simulation.ask(number, command)

    def until(self, met: Callable[[], bool]) -> None:
        assert self.simulation.run_until(met, self.simulation.now + 1_000 * SECOND)

    def close(self) -> None:
        assert not self.simulation.failures
