"""One stage for both drivers: what `test_conformance` needs of a world, and a machine to watch it.

Real sockets and threads need real time: `AioWorld.until` sleeps for milliseconds between two looks.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.driver import AsyncioDriver
from axon.drivers.sim.driver import Asked, Simulation
from axon.machine import (
    MILLISECOND,
    SECOND,
    Answer,
    Closed,
    Commanded,
    DialFailed,
    Effect,
    Endpoint,
    Event,
    Instant,
    Opened,
    PeerId,
    Received,
)


@dataclass(frozen=True, slots=True)
class Do:
    """A command: let the machine answer with these effects, and then with an `Answer`."""

    effects: tuple[Effect, ...]


class Probe:
    """A machine that keeps what happened and does what a test tells it.

    Args:
        react: more to do on an event.
        alarm: its first deadline; `tick` moves it to `next_alarm`.
    """

    def __init__(
        self,
        react: Callable[[Event], list[Effect]] = lambda _: [],
        alarm: Instant | None = None,
    ) -> None:
        self.react = react
        self.alarm = alarm
        self.next_alarm: Instant | None = None
        self.events: list[Event] = []
        self.ticks: list[tuple[Instant, Instant]] = []  # When due, when rung.
        self.clock: Instant | None = None  # As of the last event.
        self._inside = False

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        self.clock = now
        assert not self._inside, "handle was entered twice"
        self._inside = True
        effects: list[Effect] = []
        if isinstance(event, Commanded) and isinstance(event.command, Do):
            effects = [*event.command.effects, Answer(event.ticket, None)]
        else:
            self.events.append(event)
        effects += self.react(event)
        self._inside = False
        return effects

    def tick(self, now: Instant) -> list[Effect]:
        assert not self._inside, "tick was called within handle"
        if self.alarm is not None and now >= self.alarm:
            self.ticks.append((self.alarm, now))
            self.alarm = self.next_alarm
        return []

    def deadline(self) -> Instant | None:
        return self.alarm

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def opened(self) -> list[Opened]:
        return [event for event in self.events if isinstance(event, Opened)]

    @property
    def closed(self) -> list[Closed]:
        return [event for event in self.events if isinstance(event, Closed)]

    @property
    def dial_failures(self) -> list[DialFailed]:
        return [event for event in self.events if isinstance(event, DialFailed)]

    def bytes_from(self, peer: int) -> bytes:
        return b"".join(
            event.data
            for event in self.events
            if isinstance(event, Received) and event.peer == PeerId(peer)
        )


def nothing(job: object) -> object:
    raise AssertionError(f"no job was expected: {job!r}")


class World(ABC):
    """Where machines run in a test; `until` lets it go on."""

    @abstractmethod
    def start(self, probe: Probe, perform: Callable[[object], object] = nothing) -> Endpoint:
        """Run a machine; returns where it listens."""

    @abstractmethod
    def stop(self, probe: Probe) -> None:
        """End a machine's driver."""

    @abstractmethod
    def now(self) -> Instant:
        """What the machines' clocks say."""

    @abstractmethod
    def command(self, probe: Probe, command: object) -> Asked:
        """Ask something of a machine."""

    @abstractmethod
    def until(self, met: Callable[[], bool]) -> None:
        """Go on until something is so; fails if that takes very long."""

    @abstractmethod
    def rest(self) -> None:
        """Let whatever is on its way arrive."""

    @abstractmethod
    def nowhere(self) -> Endpoint:
        """An endpoint of a host that is there, where nobody listens."""

    @abstractmethod
    def close(self) -> None:
        """End everything; fails if a machine did."""

    def do(self, probe: Probe, *effects: Effect) -> None:
        """Make a machine want something."""
        asked = self.command(probe, Do(effects))
        self.until(lambda: asked.done)


class AioWorld(World):
    """Loopback sockets.

    Args:
        loop_factory: makes the event loop.
    """

    def __init__(self, loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self._runner = asyncio.Runner(loop_factory=loop_factory)
        self._drivers: dict[Probe, tuple[AsyncioDriver, asyncio.Task[None]]] = {}
        self._asking: list[asyncio.Task[None]] = []
        self._clock = Clock()

    def start(self, probe: Probe, perform: Callable[[object], object] = nothing) -> Endpoint:
        driver = AsyncioDriver(
            probe,
            perform=perform,
            clock=self._clock,
            on_report=lambda _fact, _now: None,
            max_accepted=100,
        )
        endpoint = self._runner.run(driver.listen(Endpoint("127.0.0.1", 0)))
        task = self._runner.get_loop().create_task(driver.run())
        self._drivers[probe] = driver, task
        return endpoint

    def stop(self, probe: Probe) -> None:
        driver, _ = self._drivers[probe]
        driver.stop()

    def now(self) -> Instant:
        return self._clock.now()

    def command(self, probe: Probe, command: object) -> Asked:
        driver, _ = self._drivers[probe]
        asked = Asked()

        async def ask() -> None:
            asked.value = await driver.ask(command)
            asked.done = True

        self._asking.append(self._runner.get_loop().create_task(ask()))
        return asked

    def until(self, met: Callable[[], bool]) -> None:
        async def look() -> None:
            async with asyncio.timeout(20):
                while not met():  # noqa: ASYNC110 (a fact is waited for, not an asyncio event)
                    await asyncio.sleep(0.001)

        self._runner.run(look())

    def rest(self) -> None:
        self._runner.run(asyncio.sleep(0.1))

    def nowhere(self) -> Endpoint:
        async def closed_port() -> int:
            server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
            port: int = server.sockets[0].getsockname()[1]
            server.close()
            await server.wait_closed()
            return port

        return Endpoint("127.0.0.1", self._runner.run(closed_port()))

    def close(self) -> None:
        async def end() -> None:
            for driver, _ in self._drivers.values():
                driver.stop()
            await asyncio.gather(*(task for _, task in self._drivers.values()))

        try:
            self._runner.run(end())
        finally:
            self._runner.close()


class SimWorld(World):
    """Virtual time."""

    def __init__(self) -> None:
        self._simulation = Simulation(seed=1)
        self._nodes: dict[Probe, int] = {}

    def start(self, probe: Probe, perform: Callable[[object], object] = nothing) -> Endpoint:
        endpoint = Endpoint(f"10.0.0.{len(self._nodes) + 1}", 8333)
        self._nodes[probe] = self._simulation.add(lambda _: probe, endpoint, perform=perform)
        return endpoint

    def stop(self, probe: Probe) -> None:
        self._simulation.crash(self._nodes[probe])

    def now(self) -> Instant:
        return self._simulation.now

    def command(self, probe: Probe, command: object) -> Asked:
        return self._simulation.command(self._nodes[probe], command)

    def until(self, met: Callable[[], bool]) -> None:
        assert self._simulation.run_until(met, self.now() + 1_000 * SECOND)

    def rest(self) -> None:
        self._simulation.run(self.now() + 500 * MILLISECOND)

    def nowhere(self) -> Endpoint:
        return Endpoint("10.0.0.1", 1)

    def close(self) -> None:
        assert not self._simulation.failures
