"""A machine in the real world: sockets, threads and the clock, on one asyncio event loop.

Everything that happens goes through `_happened` into the machine, one event at a time, and what the
machine answers is performed in order. Between `run` and `stop` the machine hears; before and after
it does not. An exception out of the machine or out of a job is a bug or a broken disk: it ends
`run`, which raises it.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from itertools import count

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.dialling import Dialler, direct
from axon.drivers.aio.lanes import Lanes
from axon.drivers.aio.resolve import resolve
from axon.drivers.aio.sockets import Sockets
from axon.errors import AxonError
from axon.machine import (
    MILLISECOND,
    SECOND,
    Answer,
    Commanded,
    Completed,
    Delegate,
    Dial,
    Disconnect,
    Effect,
    Endpoint,
    Event,
    Instant,
    Machine,
    NoCommand,
    Pause,
    PeerId,
    Report,
    Resolve,
    Resolved,
    Resume,
    Transmit,
)

MOCK_LOOK = 100 * MILLISECOND
"""How often the deadline is looked at under mock time, where no timer of the loop can know it."""

LONGEST_SLEEP = 10 * SECOND
"""The loop's timers run on a steady clock. When the wall clock jumps ahead of it, as after a laptop
was closed, alarms are late by at most this."""


class Stopped(AxonError):
    """The driver stopped before the machine had answered."""


class AsyncioDriver:
    """Runs one machine until it is stopped.

    Args:
        machine: what is run.
        perform: does a `Delegate`d job and returns its outcome; called in the thread of its lane.
        clock: the time the machine is told.
        on_report: takes the fact of every `Report`, with the time it was stated.
        dialler: makes outbound connections.
        max_accepted: connections of others at a time, for `Sockets`; none for who does not listen.
        looks_up: the system's resolver may be asked; else a `Resolve` is answered with nothing.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        perform: Callable[[object], object],
        clock: Clock,
        on_report: Callable[[object, Instant], None],
        dialler: Dialler | None = None,
        max_accepted: int = 0,
        looks_up: bool = True,
    ) -> None:
        self._machine = machine
        self._clock = clock
        self._on_report = on_report
        self._sockets = Sockets(self._happened, dialler or direct(), max_accepted)
        self._looks_up = looks_up
        self._lanes = Lanes(perform, self._completed, self._failed)
        self._inbox: deque[Event] = deque()
        self._asked: dict[int, asyncio.Future[object]] = {}
        self._tickets = count()
        self._outgoing: dict[asyncio.Task[None], None] = {}  # Dials and resolves on their way.
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: Instant = 0  # Only meaningful while there is an alarm.
        self._running = False
        self._stepping = False
        self._ended = asyncio.Event()
        self._failure: BaseException | None = None
        self._tasks: asyncio.TaskGroup
        clock.watch(self._look)

    @property
    def received_bytes(self) -> int:
        """Bytes read from all peers since the start."""
        return self._sockets.received_bytes

    @property
    def sent_bytes(self) -> int:
        """Bytes handed to the network for all peers since the start."""
        return self._sockets.sent_bytes

    async def listen(self, endpoint: Endpoint) -> Endpoint:
        """Accept connections at an endpoint; may be called several times, before or during `run`.

        Returns:
            The endpoint with its actual port, if port 0 was asked for.

        Raises:
            ConfigError: the port is in use, or the address is not usable here.
        """
        return await self._sockets.listen(endpoint)

    async def accept(self, sock: socket.socket, remote: Endpoint) -> None:
        """Take in a connection that came by other ways than a listener, as over I2P.

        Args:
            sock: it stands.
            remote: who is at its other end.
        """
        await self._sockets.accept(sock, remote)

    async def ask(self, command: object) -> object:
        """Put a command to the machine and wait for its `Answer`; many may wait at once.

        Raises:
            Stopped: the driver stops first.
            TypeError: the machine has no such command.
        """
        if self._ended.is_set():
            raise Stopped("the node is stopping")
        ticket = next(self._tickets)
        answer = self._asked[ticket] = asyncio.get_running_loop().create_future()
        try:
            self._happened(Commanded(ticket, command))
            value = await answer
        finally:
            del self._asked[ticket]
        if isinstance(value, NoCommand):
            raise TypeError(str(value))
        return value

    async def run(self) -> None:
        """Run the machine until `stop`, or until it fails.

        Bytes transmitted before the stop are flushed (within `sockets.STOP_LIMIT`), and of each
        lane the job that runs is run to its end; jobs that wait are dropped. The machine hears
        nothing more.

        Raises:
            Exception: whatever the machine or a job raised.
        """
        async with asyncio.TaskGroup() as self._tasks:
            self._running = not self._ended.is_set()
            self._step()
            try:
                await self._ended.wait()
            finally:
                await self._end()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Make `run` come to its end."""
        self._running = False
        self._ended.set()

    # Events in, effects out.

    def _happened(self, event: Event) -> None:
        """Feed the machine; an event that an effect causes waits until all effects are done."""
        if not self._ended.is_set():
            self._inbox.append(event)
            self._step()

    def _step(self, *, ring: bool = False) -> None:
        """Let the machine take in what waits; its bugs end the run."""
        if self._stepping or not self._running:
            return
        self._stepping = True
        try:
            if ring:
                self._tick()
            while self._inbox and self._running:
                event = self._inbox.popleft()
                self._perform(self._machine.handle(event, self._clock.now()))
            self._set_alarm()
        except Exception as bug:  # noqa: BLE001 (nothing is swallowed: run() raises it)
            self._failed(bug)
        finally:
            self._stepping = False

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects if len(effects) == 1 else joined(effects):
            match effect:
                case Transmit(peer, data):
                    self._sockets.transmit(peer, data)
                case Report(fact):
                    self._on_report(fact, self._clock.now())
                case Delegate(task, job, lane):
                    self._lanes.delegate(task, job, lane)
                case Answer(ticket, value):
                    self._answered(ticket, value)
                case Disconnect(peer):
                    self._sockets.disconnect(peer)
                    self._discard_events(peer)
                case Pause(peer):
                    self._sockets.pause(peer)
                case Resume(peer):
                    self._sockets.resume(peer)
                case Dial():
                    self._begin(self._sockets.dial(effect))
                case Resolve(ticket, host, port):
                    self._begin(self._resolve(ticket, host, port))

    def _discard_events(self, peer: PeerId) -> None:
        """Discard the events of a peer that was disconnected while they waited."""
        if self._inbox:
            kept = (event for event in self._inbox if getattr(event, "peer", None) != peer)
            self._inbox = deque(kept)

    # Work that takes its time.

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = self._tasks.create_task(work)
        self._outgoing[task] = None
        task.add_done_callback(self._outgoing.pop)

    async def _resolve(self, ticket: int, host: str, port: int) -> None:
        found = await resolve(host, port) if self._looks_up else ()
        self._happened(Resolved(ticket, found))

    def _completed(self, task: int, outcome: object) -> None:
        self._happened(Completed(task, outcome))

    def _answered(self, ticket: int, value: object) -> None:
        answer = self._asked.get(ticket)
        if answer is not None and not answer.done():  # Else whoever asked gave up.
            answer.set_result(value)

    # Time.

    def _set_alarm(self) -> None:
        deadline = self._machine.deadline()
        if deadline is None or (self._alarm is not None and self._alarm_at <= deadline):
            return  # An alarm that is set too early rings for nothing, and is set again.
        now = self._clock.now()
        if deadline <= now:
            wait = 0
        elif self._clock.is_mocked:
            wait = MOCK_LOOK
        else:
            wait = min(deadline - now, LONGEST_SLEEP)
        if self._alarm is not None:
            self._alarm.cancel()
        loop = asyncio.get_running_loop()
        self._alarm = loop.call_later(wait / SECOND / self._clock.pace, self._ring)
        self._alarm_at = now + wait

    def _ring(self) -> None:
        self._alarm = None
        self._step(ring=True)

    def _tick(self) -> None:
        now, deadline = self._clock.now(), self._machine.deadline()
        if deadline is not None and deadline <= now:
            self._perform(self._machine.tick(now))

    def _look(self) -> None:
        """The clock was set: what the alarm was set to means nothing any more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._ring()

    # The end.

    def _failed(self, failure: BaseException) -> None:
        if self._failure is None:
            self._failure = failure
        self.stop()

    async def _end(self) -> None:
        self.stop()  # Needed when run() itself was cancelled.
        if self._alarm is not None:
            self._alarm.cancel()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(Stopped("the node is stopping"))
        for work in self._outgoing:
            work.cancel()
        await self._sockets.close()
        await self._lanes.close()


def joined(effects: list[Effect]) -> Iterator[Effect]:
    """The same effects, what goes to one peer in a row as one: each costs a call of the system."""
    run: list[Transmit] = []
    for effect in effects:
        if run and not (isinstance(effect, Transmit) and effect.peer == run[0].peer):
            yield _as_one(run)
            run = []
        if isinstance(effect, Transmit):
            run.append(effect)
        else:
            yield effect
    if run:
        yield _as_one(run)


def _as_one(run: list[Transmit]) -> Transmit:
    if len(run) == 1:
        return run[0]
    return Transmit(run[0].peer, b"".join([item.data for item in run]))
