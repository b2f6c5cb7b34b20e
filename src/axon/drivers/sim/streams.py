"""TCP between simulated hosts: ordered bytes, back-pressure, and the ways a connection ends.

    dialled --SYN and answer--> open --Disconnect, the other end's close, timeout--> gone

A connection is two `Socket`s. What one sends waits in its queue until it arrives at the other. A
close is the last piece in that queue, so it comes after all data; and like data it does not come at
all while the network is cut. Acknowledgements are not simulated: a cut in one direction leaves the
other direction of a connection as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from axon.drivers.bounds import (
    CONNECT_TIMEOUT,
    SEND_HIGH_WATER_BYTES,
    SEND_LOW_WATER_BYTES,
    SEND_MAX_BYTES,
)
from axon.drivers.sim.agenda import Agenda
from axon.drivers.sim.network import RETRANSMIT_MAX, RETRANSMIT_MIN, Cut, Flow, LinkTable
from axon.machine import (
    SECOND,
    Clogged,
    Closed,
    Dial,
    DialFailed,
    Drained,
    Endpoint,
    Event,
    Instant,
    PeerId,
)

KERNEL_BUFFER_BYTES = 4_000_000
"""What the kernels at both ends take before a sender's own buffer begins to fill (Linux)."""

GIVE_UP = 924 * SECOND
"""How long TCP tries to bring data through before it ends the connection (Linux, 15 retries)."""

SYN_TRIES = (0, 1 * SECOND, 3 * SECOND)
"""When a connection request is sent, within `CONNECT_TIMEOUT` (Linux)."""

CLOSED = "the peer closed the connection"
RESET = "the peer reset the connection"


class Host(Protocol):
    """A running program with its machine, as its connections see it."""

    number: int
    alive: bool

    def entered(self, socket: Socket) -> None:
        """A connection stands: give it its `peer` and tell the machine."""
        ...

    def received(self, peer: PeerId, data: bytes) -> None:
        """Bytes came in."""
        ...

    def happened(self, event: Event) -> None:
        """Anything else."""
        ...


class Directory(Protocol):
    """Who is where."""

    def number_of(self, host: str) -> int | None:
        """The number of the host with this address, None if there is none."""
        ...

    def listener(self, endpoint: Endpoint, source: str) -> Host | None:
        """The program that accepts connections there from a host, None if there is none."""
        ...

    def is_barred(self, number: int) -> bool:
        """Whether what a program dials is refused on its own side."""
        ...


class Socket:
    """One end of a connection, with what it has sent and `far` has not received.

    Args:
        host: the program it belongs to.
        local: this end.
        remote: the other end.
        flow: says how long its bytes take.
    """

    __slots__ = (
        "_agenda", "_clogged", "_finished", "_flow", "_gone", "_network", "_paused", "_queue",
        "_severed", "_stuck", "_stuck_since", "_waiting_bytes", "far", "host", "local", "peer",
        "remote", "ticket",
    )  # fmt: skip

    far: Socket

    def __init__(
        self,
        host: Host,
        local: Endpoint,
        remote: Endpoint,
        flow: Flow,
        agenda: Agenda,
        network: LinkTable,
    ) -> None:
        self.host = host
        self.local = local
        self.remote = remote
        self.ticket: int | None = None  # Of the `Dial` that made it, at the dialling end.
        self.peer: PeerId | None = None  # Set while open.
        self._flow = flow
        self._agenda = agenda
        self._network = network
        self._queue: list[tuple[Instant, bytes | str]] = []  # Text is the close, and why.
        self._waiting_bytes = 0
        self._clogged = False
        self._paused = False
        self._gone = False
        self._finished = False  # The close is sent.
        self._severed = False  # Nothing it sends will arrive, ever.
        self._stuck = False  # The first piece is due and does not come through.
        self._stuck_since: Instant | None = None  # None when the last piece came through.

    # What its host does.

    def transmit(self, data: bytes) -> None:
        """Send bytes."""
        agenda = self._agenda
        arrival = self._flow.arrival(agenda.now, len(data))
        self._queue.append((arrival, data))
        agenda.at(arrival, self._arrive)
        self._waiting_bytes += len(data)
        if self._waiting_bytes > KERNEL_BUFFER_BYTES + SEND_HIGH_WATER_BYTES:
            self._overfull()

    def leave(self) -> None:
        """Be gone: what was sent still arrives, and the close after it."""
        self._depart()
        self._finish(CLOSED)

    def vanish(self) -> None:
        """Be gone without a word, with all that was sent, as when the power fails."""
        self._depart()
        self._queue.clear()

    def reset(self) -> None:
        """Be ended from outside: what waits here is lost, and both ends are told."""
        self._queue.clear()
        self._end(RESET)
        self._finish(RESET)

    def sever(self) -> None:
        """Let nothing through from here any more; neither end is told."""
        self._severed = True

    def pause(self) -> None:
        """Read no more."""
        self._paused = True

    def resume(self) -> None:
        """Read again, what waits first."""
        self._paused = False
        self._agenda.at(self._agenda.now, self.far._arrive)

    # What the network does.

    def _arrive(self) -> None:
        """Hand over every piece that is due, unless something is in the way."""
        far, queue, now = self.far, self._queue, self._agenda.now
        if self._stuck or far._paused or not queue or queue[0][0] > now:
            return
        if self._severed or self._network.cuts:
            cut = self._network.cut_between(self.host.number, far.host.number)
            if self._severed or cut is not None:
                self._wait_behind(cut)
                return
        self._stuck_since = None
        while queue and queue[0][0] <= now and not far._paused:
            piece = queue.pop(0)[1]
            if isinstance(piece, bytes):
                self._waiting_bytes -= len(piece)
                far._take(piece)
            else:
                far._end(piece)
        if self._clogged and self._waiting_bytes <= KERNEL_BUFFER_BYTES + SEND_LOW_WATER_BYTES:
            self._agenda.at(now + self._latency_us(), self._drained)

    def _take(self, data: bytes) -> None:
        if self.peer is None:
            if self._gone or not self.host.alive:
                self._finish(RESET)
                return
            self.host.entered(self)
        if data and self.peer is not None:
            self.host.received(self.peer, data)

    def _end(self, reason: str) -> None:
        peer = self.peer
        self._depart()
        if peer is not None:
            self.host.happened(Closed(peer, reason))

    def _depart(self) -> None:
        self.peer = None
        self._gone = True
        self._paused = False

    def _finish(self, reason: str) -> None:
        if not self._finished:
            self._finished = True
            arrival = self._flow.arrival(self._agenda.now, 0)
            self._queue.append((arrival, reason))
            self._agenda.at(arrival, self._arrive)

    # Back-pressure.

    def _overfull(self) -> None:
        if not self._clogged:
            self._clogged = True
            self._agenda.at(self._agenda.now, self._tell_clogged)
        if self._waiting_bytes > KERNEL_BUFFER_BYTES + SEND_MAX_BYTES:
            self._agenda.at(self._agenda.now, self._break_off)

    def _tell_clogged(self) -> None:
        if self.peer is not None:
            self.host.happened(Clogged(self.peer))

    def _drained(self) -> None:
        if self._clogged and self._waiting_bytes <= KERNEL_BUFFER_BYTES + SEND_LOW_WATER_BYTES:
            self._clogged = False
            if self.peer is not None:
                self.host.happened(Drained(self.peer))

    def _break_off(self) -> None:
        if self.peer is None:
            return
        self._queue.clear()
        self._end(f"more than {SEND_MAX_BYTES} bytes wait for the peer to read them")
        self._finish(RESET)

    # Cuts.

    def _wait_behind(self, cut: Cut | None) -> None:
        """Try again when the cut is mended (None: never), and give up after a long time."""
        now = self._agenda.now
        self._stuck = True
        if self._stuck_since is None:
            self._stuck_since = now
            self._agenda.at(now + GIVE_UP, partial(self._give_up, now))
        if cut is not None:
            self._network.hold(partial(self._retry, cut))

    def _retry(self, cut: Cut) -> None:
        if not self._queue or self._stuck_since is None:
            return
        self._stuck = False
        sent = now = self._agenda.now
        if cut.drops:
            sent, timeout = self._stuck_since, RETRANSMIT_MIN
            while sent < now:
                sent += timeout
                timeout = min(2 * timeout, RETRANSMIT_MAX)
        arrival = sent + self._latency_us()
        self._queue[0] = (arrival, self._queue[0][1])  # All others wait behind it.
        self._agenda.at(arrival, self._arrive)

    def _give_up(self, since: Instant) -> None:
        if self._stuck and self._stuck_since == since:
            self._stuck, self._stuck_since = False, None
            self._queue.clear()
            self._end("the connection timed out")

    def _latency_us(self) -> int:
        return self._network.latency_us(self.host.number, self.far.host.number)


class Attempt:
    """A connection on its way: requests go out until one is answered or time is up.

    Args:
        host: the program that dials.
        local: its end of the connection.
        dial: where to.
    """

    def __init__(
        self,
        host: Host,
        local: Endpoint,
        dial: Dial,
        agenda: Agenda,
        network: LinkTable,
        directory: Directory,
    ) -> None:
        self._host = host
        self._local = local
        self._dial = dial
        self._agenda = agenda
        self._network = network
        self._directory = directory
        self._settled = False
        for wait in SYN_TRIES:
            agenda.at(agenda.now + wait, self._request)
        late = f"no answer within {CONNECT_TIMEOUT // SECOND} s"
        agenda.at(agenda.now + CONNECT_TIMEOUT, partial(self._fail, late))

    def _request(self) -> None:
        far = self._directory.number_of(self._dial.endpoint.host)
        if self._settled or far is None or self._network.cut_between(self._host.number, far):
            return  # No one answers, or no one any more.
        self._after(far, partial(self._requested, far))

    def _requested(self, far: int) -> None:
        if self._network.cut_between(far, self._host.number) is None:
            listener = self._directory.listener(self._dial.endpoint, self._local.host)
            self._after(far, partial(self._answered, listener))

    def _answered(self, listener: Host | None) -> None:
        if listener is None or self._directory.is_barred(self._host.number):
            self._fail("connection refused")
        elif not self._settled and self._host.alive:
            self._settled = True
            near = self._socket(self._host, listener, self._local, self._dial.endpoint)
            far = self._socket(listener, self._host, self._dial.endpoint, self._local)
            near.far, far.far = far, near
            near.ticket = self._dial.ticket
            near.transmit(b"")  # The third packet: with it the connection stands at the far end.
            self._host.entered(near)

    def _fail(self, reason: str) -> None:
        if not self._settled and self._host.alive:
            self._settled = True
            self._host.happened(DialFailed(self._dial.ticket, reason))

    def _after(self, far: int, action: Callable[[], None]) -> None:
        self._agenda.at(self._agenda.now + self._network.latency_us(self._host.number, far), action)

    def _socket(self, host: Host, far: Host, local: Endpoint, remote: Endpoint) -> Socket:
        flow = self._network.flow(host.number, far.number)
        return Socket(host, local, remote, flow, self._agenda, self._network)
