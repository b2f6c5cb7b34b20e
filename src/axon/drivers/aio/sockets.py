"""TCP connections: asyncio's callbacks in, events out; `Transmit`, `Disconnect` and the like back.

One connection is a `Link`:

    connected --accepted or dialled--> open --Disconnect, end of stream, too much unread--> leaving
              open or leaving --connection lost--> gone

An open link has a `PeerId` and is heard. A leaving one is forgotten by the machine: what was
transmitted still flows out, what comes in is thrown away, and after a while it is cut. It reads on
because a socket closed with unread bytes in it makes the kernel throw away its unsent ones as well.

Each socket costs a file descriptor and what waits in it costs memory, from the first moment to the
last. So all that were accepted are counted until they are closed, those that leave are few, and
what waits to be sent is bounded over all of them.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import cast

from axon.drivers.aio.dialling import Dialler
from axon.drivers.bounds import (
    DISCONNECT_LIMIT,
    SEND_HIGH_WATER_BYTES,
    SEND_LOW_WATER_BYTES,
    SEND_MAX_BYTES,
    SEND_TOTAL_BYTES,
)
from axon.errors import ConfigError
from axon.machine import (
    SECOND,
    Clogged,
    Closed,
    Dial,
    DialFailed,
    Drained,
    Endpoint,
    Event,
    Opened,
    PeerId,
    Received,
)

READ_MAX_BYTES = 262_144
"""Most bytes in one `Received`, and read from one peer in one round of the loop: few events for a
block, and no peer holds the loop for long. The loop by itself would go on with a socket as long as
there is something in it, for megabytes, and that with each."""

STOP_LIMIT = 1 * SECOND
"""How long peers may take to read the last bytes when the whole program stops."""

BACKLOG = 128
"""Connections the kernel holds for a listener while the loop is busy."""

MAX_LEAVING = 32
"""Connections that may take their time to read our last words. One more, and the one that has had
longest is cut: whoever comes and is sent away again and again must not fill the table."""


class Link(asyncio.BufferedProtocol):
    """One TCP connection, as asyncio calls it back.

    It reads into a buffer of ours: asyncio's other way, a new object of the largest size for each
    read, halves the rate of small messages.

    Args:
        sockets: the table it enters when it opens.
        ticket: of the `Dial` it answers; None for an accepted connection.
        remote: what was dialled; None to ask the socket.
    """

    __slots__ = (
        "_cut",
        "_sockets",
        "accepted",
        "clogged",
        "has_sent",
        "is_paused",
        "peer",
        "remote",
        "ticket",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(
        self, sockets: Sockets, ticket: int | None = None, remote: Endpoint | None = None
    ) -> None:
        self._sockets = sockets
        self._cut: asyncio.TimerHandle | None = None
        self.ticket = ticket
        self.remote = remote
        self.peer: PeerId | None = None  # Set while open.
        self.accepted = False  # Set while it is counted as that.
        self.clogged = False
        self.has_sent = False
        self.is_paused = False  # The machine wants nothing more of it for now.

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(SEND_HIGH_WATER_BYTES, SEND_LOW_WATER_BYTES)
        self._sockets.opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return self._sockets.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        if nbytes == READ_MAX_BYTES and not self.is_paused:
            self.transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._read_on)
        if self.peer is not None:
            self._sockets.received(self.peer, nbytes)

    def _read_on(self) -> None:
        if not self.is_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        self._sockets.clogged(self, True)

    def resume_writing(self) -> None:
        self._sockets.clogged(self, False)

    def eof_received(self) -> None:
        self._sockets.lost(self, "the peer closed the connection")
        self._cut_later(DISCONNECT_LIMIT)  # It may have closed only its sending side and read on.

    def connection_lost(self, exc: Exception | None) -> None:
        if self._cut is not None:
            self._cut.cancel()
        self._sockets.gone(self, "the connection was lost" if exc is None else str(exc))

    # What the table calls.

    def leave(self, limit_us: int) -> None:
        """Send what is buffered, then end; cut the connection if that takes longer than this."""
        if not self.has_sent:
            self.transport.abort()  # It was told nothing, so nothing can be lost on its way.
            return
        self._cut_later(limit_us)
        self.is_paused = False
        if not self.transport.is_closing():
            self.transport.resume_reading()
            try:
                self.transport.write_eof()
            except OSError:  # The peer has reset it, and the loop has not heard of that yet.
                self.transport.abort()

    def _cut_later(self, limit_us: int) -> None:
        if self._cut is not None:
            self._cut.cancel()
        loop = asyncio.get_running_loop()
        self._cut = loop.call_later(limit_us / SECOND, self.transport.abort)


class Sockets:
    """All TCP connections of one machine.

    Args:
        happened: takes every event; called on the loop, also from within `transmit`.
        dialler: makes outbound connections.
        max_accepted: connections that others opened, those that leave included; more are closed
            before anybody hears of them.

    Attributes:
        received_bytes: read from all peers since the start.
        sent_bytes: handed over for all peers since the start, some of it perhaps still buffered.
    """

    def __init__(
        self, happened: Callable[[Event], None], dialler: Dialler, max_accepted: int
    ) -> None:
        self.happened = happened
        self._dialler = dialler
        self._max_accepted = max_accepted
        self._accepted = 0
        self._servers: list[asyncio.Server] = []
        self._open: dict[PeerId, Link] = {}
        self._leaving: dict[Link, None] = {}
        self._clogged: dict[Link, None] = {}  # Also those that leave.
        self._none_left = asyncio.Event()
        self._next_peer = 0
        self._closing = False
        # One buffer serves all links: bytes are copied out of it before the next read begins.
        self.read_buffer = memoryview(bytearray(READ_MAX_BYTES))
        self.received_bytes = 0
        self.sent_bytes = 0

    async def listen(self, endpoint: Endpoint) -> Endpoint:
        """Accept connections at an endpoint, from now on.

        Args:
            endpoint: an address of this machine; port 0 lets the system choose.

        Returns:
            The endpoint with its actual port.

        Raises:
            ConfigError: the port is in use, or the address is not usable here.
        """
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                partial(Link, self), endpoint.host, endpoint.port, backlog=BACKLOG
            )
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            if error.errno == errno.EADDRINUSE:
                reason = f"port {endpoint.port} is in use by another program"
            raise ConfigError(f"Unable to bind to {endpoint} on this computer: {reason}") from error
        self._servers.append(server)
        return _endpoint(server.sockets[0].getsockname())

    async def dial(self, dial: Dial) -> None:
        """Connect; ends in one `Opened` or one `DialFailed` with its ticket."""
        link = Link(self, dial.ticket, dial.endpoint)
        reason = "the connection broke off at once"
        try:
            await self._dialler(dial, lambda: link)
        except (OSError, UnicodeError) as error:
            reason = _dial_refusal(error)
        if link.ticket is not None:  # Else it opened, if in the last moment, and ends by itself.
            self.happened(DialFailed(dial.ticket, reason))

    async def accept(self, sock: socket.socket, remote: Endpoint) -> None:
        """Take in a connection that came by other ways than a listener, as over I2P.

        Args:
            sock: it stands.
            remote: who is at its other end.
        """
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(lambda: Link(self, None, remote), sock)

    def transmit(self, peer: PeerId, data: bytes) -> None:
        """Send bytes; nothing happens if the peer has gone."""
        link = self._open.get(peer)
        if link is None or link.transport.is_closing():
            return
        self.sent_bytes += len(data)
        link.has_sent = True
        link.transport.write(data)
        if link.clogged:
            self._bound_what_waits(link)

    def disconnect(self, peer: PeerId) -> None:
        """End a connection once its buffer is sent; nothing happens if the peer has gone."""
        link = self._open.get(peer)
        if link is not None:
            self._forget(link)
            link.leave(DISCONNECT_LIMIT)

    def pause(self, peer: PeerId) -> None:
        """Stop reading from a peer; nothing happens if it has gone."""
        link = self._open.get(peer)
        if link is not None and not link.transport.is_closing():
            link.is_paused = True
            link.transport.pause_reading()

    def resume(self, peer: PeerId) -> None:
        """Read from a peer again; nothing happens if it has gone."""
        link = self._open.get(peer)
        if link is not None and not link.transport.is_closing():
            link.is_paused = False
            link.transport.resume_reading()

    async def close(self) -> None:
        """Stop listening, end every connection in order, and wait for that within `STOP_LIMIT`."""
        self._closing = True
        for server in self._servers:
            server.close()
        for link in list(self._open.values()):
            self._forget(link)
        for link in self._leaving:
            link.leave(STOP_LIMIT)
        while self._leaving:
            self._none_left.clear()
            await self._none_left.wait()

    # What links call.

    def opened(self, link: Link) -> None:
        """Give a connection its peer id and tell the machine of it."""
        local = link.transport.get_extra_info("sockname")
        remote = link.transport.get_extra_info("peername")
        if self._closing or local is None or remote is None:
            link.transport.abort()  # The program stops, or the peer broke off already.
            return
        if link.ticket is None:
            if self._accepted >= self._max_accepted:
                link.transport.abort()
                return
            self._accepted += 1
            link.accepted = True
        ticket, link.ticket = link.ticket, None
        link.peer = PeerId(self._next_peer)
        self._next_peer += 1
        self._open[link.peer] = link
        opened = Opened(link.peer, link.remote or _endpoint(remote), _endpoint(local), ticket)
        self.happened(opened)

    def received(self, peer: PeerId, size_bytes: int) -> None:
        """Hand on what the read buffer begins with."""
        self.received_bytes += size_bytes
        self.happened(Received(peer, bytes(self.read_buffer[:size_bytes])))

    def clogged(self, link: Link, clogged: bool) -> None:
        """A connection's send buffer is over its bound, or low again."""
        link.clogged = clogged
        if clogged:
            self._clogged[link] = None
        else:
            self._clogged.pop(link, None)
        if link.peer is not None:
            self.happened(Clogged(link.peer) if clogged else Drained(link.peer))

    def lost(self, link: Link, reason: str) -> None:
        """Tell the machine that an open connection ended without its doing."""
        if link.peer is not None:
            peer = link.peer
            self._forget(link)
            self.happened(Closed(peer, reason))

    def gone(self, link: Link, reason: str) -> None:
        """Let go of a connection whose socket is closed."""
        self.lost(link, reason)
        if link.accepted:
            link.accepted = False
            self._accepted -= 1
        self._clogged.pop(link, None)
        self._leaving.pop(link, None)
        if not self._leaving:
            self._none_left.set()

    def _forget(self, link: Link) -> None:
        """From open to leaving: no event and no effect concerns it any more."""
        assert link.peer is not None
        del self._open[link.peer]
        self._leaving[link] = None
        link.peer = None
        if len(self._leaving) > MAX_LEAVING and not self._closing:
            next(iter(self._leaving)).transport.abort()

    def _bound_what_waits(self, link: Link) -> None:
        """Cut a connection that more waits for than for any one, or for all together, may."""
        if link.transport.get_write_buffer_size() > SEND_MAX_BYTES:
            self._cut(link, f"more than {SEND_MAX_BYTES} bytes wait for the peer to read them")
            return
        waiting = {each: each.transport.get_write_buffer_size() for each in self._clogged}
        if sum(waiting.values()) > SEND_TOTAL_BYTES:
            most = max(waiting, key=waiting.__getitem__)
            why = f"more than {SEND_TOTAL_BYTES} bytes wait for all peers, most of them for this"
            self._cut(most, why)

    def _cut(self, link: Link, reason: str) -> None:
        self.lost(link, reason)
        link.transport.abort()


def _endpoint(address: tuple[str, int] | tuple[str, int, int, int] | str) -> Endpoint:
    """From what `getsockname` and `getpeername` return; flow and scope of IPv6 are left out.

    A Unix socket has a path, or no name: then nothing is said.
    """
    return Endpoint("::", 0) if isinstance(address, str) else Endpoint(address[0], address[1])


def _dial_refusal(error: OSError | UnicodeError) -> str:
    """Why nobody was reached, without the numbers that systems give to it."""
    if isinstance(error, socket.gaierror):
        return f"its name was not found ({error.strerror})"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error)
