"""One run of a machine on a simulated host: its alarm, its lanes, its connections.

It ends in a crash; a restart is another run, with a machine of its own and peers counted from 0.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from axon.drivers.sim.agenda import Agenda
from axon.drivers.sim.streams import Socket
from axon.drivers.sim.trace import Trace
from axon.errors import StorageError
from axon.machine import (
    IMMEDIATELY,
    Answer,
    Clogged,
    Closed,
    Commanded,
    Completed,
    Delegate,
    Dial,
    DialFailed,
    Disconnect,
    Drained,
    Effect,
    Endpoint,
    Event,
    Instant,
    Machine,
    Opened,
    Pause,
    PeerId,
    Received,
    Report,
    Resolve,
    Resolved,
    Resume,
    Transmit,
)

FIRST_PORT, LAST_PORT = 32_768, 60_999
"""Where outbound connections come from (Linux)."""

HIDDEN_HOST: Final = "127.0.0.1"
"""Where private ones seem to come from: an onion service sees its own Tor."""

MAX_IMMEDIATE_TICKS: Final = 10_000
"""At one instant; a node whose inbox is full of the smallest messages needs some 2,000."""

_KINDS: dict[type[Event], int] = {
    Opened: 1,
    Received: 2,
    Closed: 3,
    Clogged: 4,
    Drained: 5,
    DialFailed: 6,
    Resolved: 7,
    Completed: 8,
    Commanded: 9,
}
_NOW: Final = -1
"""In place of an instant: what has waited is done at this moment."""

_RECEIVED = _KINDS[Received]
_TICK = 0
"""How events are called in the trace."""


@dataclass(frozen=True, slots=True)
class ProgramSettings:
    """What stays the same over the runs of a program; see `Simulation.add`."""

    boot: Callable[[Instant], Machine]
    endpoint: Endpoint
    perform: Callable[[object], object]
    job_time_us: Callable[[object], int]
    on_report: Callable[[object, Instant], None]
    listens: bool


class SimulationView(Protocol):
    """What a program asks of the simulation."""

    agenda: Agenda
    trace: Trace
    on_received: Callable[[int, int, bytes], None] | None

    def dial(self, program: Program, dial: Dial) -> None:
        """Begin a connection."""
        ...

    def resolve(self, program: Program, resolve: Resolve) -> None:
        """Ask the name server."""
        ...

    def answered(self, ticket: int, value: object) -> None:
        """A command is done."""
        ...

    def broke(self, program: Program, error: StorageError) -> None:
        """The disk failed."""
        ...


class Program:
    """One run of a machine; it starts at once.

    Args:
        number: of the node.
        settings: of the node.
        clock_offset_us: how far its clock is ahead of virtual time.
    """

    def __init__(
        self, number: int, settings: ProgramSettings, clock_offset_us: int, world: SimulationView
    ) -> None:
        self.number = number
        self.settings = settings
        self.clock_offset_us = clock_offset_us
        self.alive = True
        self.sockets: dict[PeerId, Socket] = {}
        self._world = world
        self._agenda = world.agenda
        self._trace = world.trace
        self._next_peer = 0
        self._next_port = FIRST_PORT
        self._lane_free_at: dict[str, Instant] = {}
        self._alarm: Instant | None = None  # Virtual time of the ring that counts.
        self._deadline: Instant | None = None  # The machine's, since it was last called.
        self._hindered = False  # It is stopped, or slow, or something waits because it was.
        self._stopped = False
        self._step_us = 0
        self._backlog: deque[Callable[[], None]] = deque()
        self._free_at: Instant = 0  # When it is done with what it does.
        self._release_at: Instant | None = None
        self._immediate_at: Instant | None = None
        self._immediate_ticks = 0  # At that instant of virtual time.
        self.machine = settings.boot(self.clock())
        self.set_alarm()

    def clock(self) -> Instant:
        """What its own clock says."""
        return self._agenda.now + self.clock_offset_us

    def crash(self, *, silent: bool) -> None:
        """End. The system closes the connections, unless it went down too (silent)."""
        self.alive = False
        for socket in self.sockets.values():
            if silent:
                socket.vanish()
            else:
                socket.leave()
        self.sockets.clear()

    # What its connections report.

    def entered(self, socket: Socket) -> None:
        """A connection stands: give it its peer id and tell the machine."""
        peer = socket.peer = PeerId(self._next_peer)
        self._next_peer += 1
        self.sockets[peer] = socket
        self.happened(Opened(peer, socket.remote, socket.local, socket.ticket))

    def received(self, peer: PeerId, data: bytes) -> None:
        """Bytes came in: `happened`, on the shortest way."""
        if self._hindered and self._waits(partial(self.received, peer, data)):
            return
        now = self._agenda.now
        self._trace.note(now, self.number, _RECEIVED, peer, data)
        told, socket = self._world.on_received, self.sockets.get(peer)
        if told is not None and socket is not None:
            told(socket.far.host.number, self.number, data)
        effects = self.machine.handle(Received(peer, data), now + self.clock_offset_us)
        if effects:
            self._perform(effects)
        self.set_alarm()

    def happened(self, event: Event) -> None:
        """Anything else: feed the machine and do what it says."""
        if not self.alive or (self._hindered and self._waits(partial(self.happened, event))):
            return
        if isinstance(event, Closed) and self.sockets.pop(event.peer, None) is None:
            return  # It was stopped or slow, and has disconnected it meanwhile.
        subject: int = getattr(event, event.__match_args__[0])  # The peer, ticket or task.
        self._trace.note(self._agenda.now, self.number, _KINDS[type(event)], subject)
        self._perform(self.machine.handle(event, self.clock()))
        self.set_alarm()

    # What keeps it from its work.

    def stop(self) -> None:
        """Do nothing until `go_on`, as after SIGSTOP; the system keeps the connections."""
        self._stopped = True
        self._look()

    def go_on(self) -> None:
        """Go on where it was stopped."""
        self._stopped = False
        self._release_later()
        self._look()

    @property
    def is_stopped(self) -> bool:
        """Whether it was stopped, and has not gone on."""
        return self._stopped

    def slow_down(self, step_us: int) -> None:
        """Take so much time for each thing that is done, one after the other; 0 for none."""
        self._step_us = step_us
        self._look()

    def _look(self) -> None:
        self._hindered = self._stopped or self._step_us > 0 or bool(self._backlog)

    def _waits(self, action: Callable[[], None]) -> bool:
        """Whether something has to wait, and is done later then."""
        if self._release_at == _NOW:
            return False
        self._backlog.append(action)
        self._release_later()
        return True

    def _release_later(self) -> None:
        if self._backlog and not self._stopped and self._release_at is None:
            self._release_at = max(self._agenda.now, self._free_at)
            self._agenda.at(self._release_at, self._release)

    def _release(self) -> None:
        """Do what has waited longest."""
        self._release_at = None
        if self._stopped or not self.alive:
            return
        action = self._backlog.popleft()
        self._free_at = self._agenda.now + self._step_us
        self._release_at = _NOW
        action()
        self._release_at = None
        self._release_later()
        self._look()

    # What its machine wants.

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Transmit):
                socket = self.sockets.get(effect.peer)
                if socket is not None:
                    socket.transmit(effect.data)
            elif isinstance(effect, Disconnect):
                socket = self.sockets.pop(effect.peer, None)
                if socket is not None:
                    socket.leave()
            else:
                self._perform_other(effect)

    def _perform_other(self, effect: Effect) -> None:
        match effect:
            case Report(fact):
                self.settings.on_report(fact, self.clock())
            case Delegate(task, job, lane):
                self._delegate(task, job, lane)
            case Answer(ticket, value):
                self._world.answered(ticket, value)
            case Pause(peer) if peer in self.sockets:
                self.sockets[peer].pause()
            case Resume(peer) if peer in self.sockets:
                self.sockets[peer].resume()
            case Dial():
                self._world.dial(self, effect)
            case Resolve():
                self._world.resolve(self, effect)

    def next_local(self, dial: Dial) -> Endpoint:
        """This end of the next outbound connection; a private one comes from nowhere."""
        port = self._next_port
        self._next_port = port + 1 if port < LAST_PORT else FIRST_PORT
        return Endpoint(HIDDEN_HOST if dial.private else self.settings.endpoint.host, port)

    # Lanes.

    def _delegate(self, task: int, job: object, lane: str) -> None:
        """A job takes its time behind those before it in the lane, and is done at the end of it."""
        begin = max(self._agenda.now, self._lane_free_at.get(lane, 0))
        end = begin + max(1, self.settings.job_time_us(job))  # Two never end at one instant.
        self._lane_free_at[lane] = end
        self._agenda.at(end, partial(self._do_job, task, job))

    def _do_job(self, task: int, job: object) -> None:
        if not self.alive:
            return
        try:
            outcome = self.settings.perform(job)
        except StorageError as error:
            self._world.broke(self, error)
        else:
            self.happened(Completed(task, outcome))

    # Time.

    def set_alarm(self) -> None:
        """Look at the deadline again; an alarm that is set too early rings for nothing."""
        deadline = self._deadline = self.machine.deadline()
        self._ring_at(deadline)

    def _ring_at(self, deadline: Instant | None) -> None:
        if deadline is None:
            return
        ring = max(deadline - self.clock_offset_us, self._agenda.now)
        if self._alarm is None or ring < self._alarm:
            self._alarm = ring
            self._agenda.at(ring, self._ring)

    def set_clock(self, offset_us: int) -> None:
        """Be so far ahead of virtual time from now on."""
        self.clock_offset_us = offset_us
        self._alarm = None
        self.set_alarm()

    def _ring(self) -> None:
        now = self._agenda.now
        if self._alarm != now or not self.alive:
            return  # An earlier alarm took its place.
        self._alarm = None
        if not (self._hindered and self._waits(self._tick_if_due)):
            self._tick_if_due()

    def _tick_if_due(self) -> None:
        now, due = self._agenda.now, self._deadline
        if due is not None and due <= self.clock():
            self._trace.note(now, self.number, _TICK, 0)
            self._perform(self.machine.tick(self.clock()))
            self.set_alarm()
            if due != IMMEDIATELY:
                assert self._deadline != due, "a due tick moves the deadline on"
            else:
                self._count_immediate_tick(now)
        else:
            self._ring_at(due)

    def _count_immediate_tick(self, now: Instant) -> None:
        """Hold the machine to it that work left comes to an end."""
        if now != self._immediate_at:
            self._immediate_at, self._immediate_ticks = now, 0
        self._immediate_ticks += 1
        assert self._immediate_ticks <= MAX_IMMEDIATE_TICKS, "work that is left comes to an end"
