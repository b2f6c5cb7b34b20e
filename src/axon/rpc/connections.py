"""The connections of an RPC server: who may have one, and how one speaks.

An address that may not call is refused before its first byte is read; which gives way when they are
too many say the `connectionslots`. Calls in the plainest form are read here (`plaincalls`), all
else by the HTTP library.

A caller that hangs up after its answer is gone at once: most make a connection for each call.

A connection on which nothing happens is closed in the end (`-rpcservertimeout`); the HTTP library
sees to that, and it counts the time that a header takes as such.

From a connection that was refused anything, by the parser or for want of a password, nothing more
is taken: its answer goes out, what still comes is dropped, and soon it is closed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse
from aiohttp.web_server import Server

from axon.rpc.connectionslots import ConnectionSlots
from axon.rpc.intake import Intake
from axon.rpc.pieces import PieceTurns
from axon.rpc.plaincalls import PlainCalls, PlainHead
from axon.rpc.settings import IpNetwork
from axon.rpc.sparselog import SparseLog

MAX_LEAVING: Final = 16
"""Refused connections that are given a moment to see why; more are closed at once."""

ENDED_GRACE_S: Final = 1.0
"""How long a call that waits goes on when its caller sends no more: hanging up looks the same.
And how long a refused caller has to see why."""

LOOPBACK: Final[tuple[IpNetwork, ...]] = (
    ipaddress.ip_network("127.0.0.0/8"),
    ipaddress.ip_network("::1/128"),
)

_FORBIDDEN: Final = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_log: Final = logging.getLogger("axon.rpc")


class HttpHandler(RequestHandler):
    """The HTTP library's part of a connection.

    Args:
        connection: which it is a part of.
        server: the library's.
        options: the library's.
    """

    def __init__(self, connection: RpcConnection, server: Server, **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self.connection = connection
        self._answered = 0
        self.last_body: StreamReader | None = None
        """Of the last request that has come."""

    def data_received(self, data: bytes) -> None:
        """Parse bytes; nothing is taken behind some that are no HTTP."""
        super().data_received(data)
        if not self._messages:
            return
        message, body = self._messages[-1]
        if isinstance(message, RawRequestMessage):
            self.last_body = body
        else:
            # The frames of a traceback hold the bytes, and the error in a cycle with itself.
            message.exc.with_traceback(None)
            if self.last_body is not None and not self.last_body.is_eof():
                self.last_body.set_exception(message.exc)  # Who reads that body gives the answer.
                self._messages.pop()
            self.connection.refuse(None)

    def _pause_transport_reading(self) -> None:
        self.connection.want(more=False)

    def _resume_transport_reading(self) -> None:
        self.connection.want(more=True)

    @property
    def is_idle(self) -> bool:
        """Whether all requests that have come are answered."""
        return self._answered == self._request_count

    def stay(self) -> None:
        """The connection has been in use just now, though not by the library."""
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout

    def _process_keepalive(self) -> None:
        if self.connection.is_answering:
            self.stay()
        super()._process_keepalive()

    async def drain(self) -> None:
        """Wait until what was written has gone out, more or less.

        Raises:
            ConnectionError: the caller has gone.
        """
        await self._drain_helper()

    @property
    def is_last(self) -> bool:
        """Whether no request has come behind the one under way."""
        return not self._messages

    async def finish_response(
        self, request: BaseRequest, resp: StreamResponse, start_time: float | None
    ) -> tuple[StreamResponse, bool]:
        """Send the answer; nothing is waited for behind the last one of who sends no more."""
        try:
            finished = await super().finish_response(request, resp, start_time)
        finally:
            self._answered += 1
            if self.connection.has_ended and self.is_idle:
                self.close()
        if self.is_last:
            await self.connection.linger()
        return finished


BeginPlain = Callable[["RpcConnection", PlainHead, bytes], asyncio.Task[None] | None]
"""Begins a call that came in over a connection in the plainest form; None if it does not."""


class RpcConnection(asyncio.Protocol):
    """One connection: it takes a place, and is as lenient as bitcoind's before HTTP is read.

    Args:
        server: the HTTP library's.
        slots: where it takes a place.
        allows: whether a host may call, by its address.
        turns: when costly bytes are parsed, shared by all connections.
        warnings: what the operator is told.
        begin: takes a call that was read here, or leaves it to the library.
        options: of the library, for each connection.
    """

    def __init__(
        self,
        server: Server,
        slots: ConnectionSlots,
        allows: Callable[[str], bool],
        turns: PieceTurns,
        warnings: SparseLog,
        begin: BeginPlain,
        **options: Any,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.host = ""
        """Of the caller."""
        self.is_local = False
        self.working = 0
        self.has_called = False
        self.has_ended = False
        self.idle_since = self._loop.time()
        self._http: HttpHandler | None = None  # None of a connection that was refused.
        self._stream: asyncio.Transport | None = None  # Likewise.
        self._server, self._options = server, options
        self._slots = slots
        self._allows = allows
        self._turns = turns
        self._warnings = warnings
        self._intake: Intake | None = None  # Likewise.
        self._plain: PlainCalls | None = None  # Likewise.
        self._begin = begin
        self._call: asyncio.Task[None] | None = None  # That was read by `_plain`.
        self._waiting = 0
        self._is_full = False  # What is to be sent.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take it in, or end it: with a 403 for who may not call, else without a word."""
        name = transport.get_extra_info("peername") or ("::",)
        self.host = host = str(name[0]).partition("%")[0]
        address = ipaddress.ip_address(host)
        self.is_local = any(address in network for network in LOOPBACK)
        # No assertion here: the loop's own transports share no class with the standard library's.
        stream = cast(asyncio.Transport, transport)
        if not self._allows(host):
            _log.debug("RPC: %s may not call", host)
            self._forbid(stream)
        elif not self._slots.take(self):
            self._warnings.warning(
                "RPC: every connection has a call under way; %s was refused", host
            )
            stream.abort()
        else:
            self._stream = stream
            self._http = HttpHandler(self, self._server, **self._options)
            self._intake = Intake(stream, self._turns, self._http.data_received)
            self._plain = PlainCalls(stream, self._is_free, self._take, self._intake.received)
            self._http.connection_made(transport)

    def _forbid(self, stream: asyncio.Transport) -> None:
        """Say no; a caller who is still sending would not see it if all were closed at once."""
        stream.write(_FORBIDDEN)
        if len(self._slots.leaving) >= MAX_LEAVING:
            stream.close()
            return
        self._slots.leaving[self] = None
        with suppress(OSError):  # The caller may have reset it.
            stream.write_eof()
        self._loop.call_later(ENDED_GRACE_S, stream.abort)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is no more."""
        self._slots.leave(self)
        self._slots.leaving.pop(self, None)
        self._stream = None
        if self._call is not None and self._waiting:
            self._call.cancel()
        if self._plain is not None:
            self._plain.closed()
        if self._intake is not None:
            self._intake.closed()
        if self._http is not None:
            self._http.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._plain is not None:
            self._plain.received(data)

    def _is_free(self) -> bool:
        assert self._http is not None and self._intake is not None  # noqa: PT018 Both or none.
        return self._http.is_idle and self._intake.is_between

    def _take(self, head: PlainHead, body: bytes) -> bool:
        self._call = self._begin(self, head, body)
        return self._call is not None

    @property
    def is_answering(self) -> bool:
        """Whether a call is under way that was not read by the library."""
        return self._plain is not None and self._plain.is_answering

    @property
    def _is_idle(self) -> bool:
        return not self.is_answering and (self._http is None or self._http.is_idle)

    async def answer(self, chunks: Iterable[bytes], timeout_s: float) -> None:
        """Send an answer as it stands, to the caller whose call `begin` took.

        Args:
            chunks: head and body; a long one in several.
            timeout_s: how long a chunk may wait until it is taken.

        Raises:
            TimeoutError: the caller does not take it.
            ConnectionError: the caller has gone.
        """
        for chunk in chunks:
            if self._stream is None or self._http is None:
                raise ConnectionResetError("the caller has gone")
            self._stream.write(chunk)
            if self._is_full:
                async with asyncio.timeout(timeout_s):
                    await self._http.drain()

    def answered(self) -> None:
        """The call that `begin` took is over."""
        self._call = None
        if self._plain is None or self._http is None or self._stream is None:
            return
        self._http.stay()
        self._plain.answered()
        if self.has_ended and self._is_idle:
            self._stream.close()

    def want(self, more: bool) -> None:
        """Whether the HTTP library takes more now."""
        if self._intake is not None:
            self._intake.want(more)

    def refuse(self, body: StreamReader | None) -> None:
        """Take nothing more from it; who calls this gives an answer.

        Args:
            body: of the request that is refused; None if that is no request.
        """
        if self._intake is not None:
            self._intake.refuse(body)

    async def linger(self) -> None:
        """Give a refused caller a moment to see the answer."""
        if self._intake is not None:
            await self._intake.linger()

    def pause_writing(self) -> None:
        """The caller reads slowly."""
        self._is_full = True
        if self._http is not None:
            self._http.pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._is_full = False
        if self._http is not None:
            self._http.resume_writing()

    def eof_received(self) -> bool:
        """The caller sends no more; whether it may still be answered."""
        if self._http is None or self._intake is None or self._plain is None:
            return False
        self._plain.release()
        self._intake.ended()
        if self._is_idle or not self._intake.is_whole(self._http.last_body):
            return False
        if not self.has_ended:
            self.has_ended = True
            self._loop.call_later(ENDED_GRACE_S, self._close_ended)
        return True

    def _close_ended(self) -> None:
        """Nobody tells us that such a caller is gone, so it is looked after from time to time."""
        if self._stream is None or self._is_idle:
            return
        if self._waiting:
            self.evict()
        else:
            self._loop.call_later(ENDED_GRACE_S, self._close_ended)

    @property
    def is_over(self) -> bool:
        """Whether its caller sends no more, and waits for the answer under way alone."""
        return self.has_ended and self._http is not None and self._http.is_last

    def evict(self) -> None:
        """Close it at once, what it has not taken is dropped; a call that waits ends."""
        if self._stream is not None:
            self._stream.abort()

    @contextmanager
    def work(self, *, proved: bool = True) -> Iterator[None]:
        """While a call is under way.

        Args:
            proved: its caller has proved who they are; others give way first, once they have their
                answer.
        """
        self.working, self.has_called = self.working + 1, self.has_called or proved
        try:
            yield
        finally:
            self.working -= 1
            self.idle_since = self._loop.time()

    @contextmanager
    def wait(self) -> Iterator[None]:
        """While such a call waits for something to happen."""
        if self._stream is None and self._call is not None:
            self._call.cancel()  # The caller has gone before it began.
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1


def connection_of(request: BaseRequest) -> RpcConnection:
    """The connection that a request came over."""
    handler = request.protocol
    assert isinstance(handler, HttpHandler), "the server makes no other"
    return handler.connection
