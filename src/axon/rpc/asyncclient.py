"""A JSON-RPC client for asyncio: many calls at once, each on a connection of its own.

Speaks to axon and to Bitcoin Core alike. What it says and understands is `rpc.client.Exchange`, as
for the client that blocks. HTTP is spoken here, on the streams of asyncio: the few lines that a
JSON-RPC server needs cost a program less memory than an HTTP library does.
"""

from __future__ import annotations

import asyncio
import http
import http.client
import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from email.message import Message
from pathlib import Path
from typing import Any, Final, Self

from axon.rpc.client import DEFAULT_TIMEOUT_S, Exchange
from axon.rpc.jsonrpc import call_params

MAX_KEPT: Final = 8
"""Idle connections that are kept for later calls; a burst of calls may use more of them."""


_PIECE_BYTES: Final = 1 << 16


class _Broken(Exception):
    """What came is not HTTP, or ended too early."""


class _Gone(_Broken):
    """The connection was closed before any answer."""


class _Connection:
    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        max_answer_bytes: int | None,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._max_bytes = max_answer_bytes
        self.is_usable = False
        """Whether another request may follow: the last one was answered, and not with a close."""

    def close(self) -> None:
        self.is_usable = False
        self._writer.close()

    async def closed(self) -> None:
        """Close, and wait until the socket is."""
        self.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    @property
    def is_closed(self) -> bool:
        """Whether the server is known to have closed the connection."""
        return self._writer.is_closing() or self._reader.at_eof()

    async def exchange(self, head: str, body: bytes) -> tuple[int, bytes]:
        """Send a request; HTTP status and body of its answer."""
        self.is_usable = False
        try:
            self._writer.write(head.encode() + body)
            await self._writer.drain()
            status, fields = await self._head()
        except ConnectionError as error:
            raise _Gone(str(error)) from error
        data = await self._body(status, fields)
        closes = fields.get("Connection", "").lower() == "close"
        self.is_usable = not closes and not self._reader.at_eof()
        return status, data

    async def _head(self) -> tuple[int, Message]:
        status = int(http.HTTPStatus.CONTINUE)
        fields = Message()
        while status == http.HTTPStatus.CONTINUE:
            try:
                head = await self._reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError as error:
                if error.partial:
                    raise _Broken("the answer breaks off") from error
                raise _Gone("the connection was closed") from error
            except asyncio.LimitOverrunError as error:
                raise _Broken("what answers does not speak HTTP") from error
            line, _, rest = head.partition(b"\r\n")
            words = line.split(maxsplit=2)
            if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
                raise _Broken("what answers does not speak HTTP")
            status, fields = int(words[1]), http.client.parse_headers(io.BytesIO(rest))
        return status, fields

    async def _body(self, status: int, fields: Message) -> bytes:
        try:
            if fields.get("Transfer-Encoding", "").lower() == "chunked":
                return await self._chunks()
            length = fields.get("Content-Length")
            if length is not None:
                self._bounded(int(length))
                return await self._reader.readexactly(int(length))
            return b"" if status == http.HTTPStatus.NO_CONTENT else await self._rest()
        except (asyncio.IncompleteReadError, ValueError, ConnectionError) as error:
            raise _Broken("the answer breaks off") from error

    async def _chunks(self) -> bytes:
        data = bytearray()
        while True:
            size = int((await self._reader.readline()).partition(b";")[0], 16)
            self._bounded(len(data) + size)
            data += (await self._reader.readexactly(size + 2))[:size]
            if not size:
                return bytes(data)

    async def _rest(self) -> bytes:
        data = bytearray()
        while piece := await self._reader.read(_PIECE_BYTES):
            data += piece
            self._bounded(len(data))
        return bytes(data)

    def _bounded(self, size: int) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise _Broken(f"the answer is longer than {self._max_bytes:,} bytes")


class AsyncRpcClient:
    """One server, one user, calls that are awaited; on one event loop.

    A call is sent again once if the kept connection turns out to be closed before any answer, and
    once with a cookie read anew if the server has been started again since. A call that is
    cancelled closes its connection, by which a server knows that nobody waits any more.

    Args:
        url: `http://host:port`, or `http://user:password@host:port`.
        cookie: the cookie file; read at the first call and whenever its password is refused.
        user, password: instead of a cookie.
        wallet: its name, for `/wallet/NAME`.
        timeout_s: how long an answer may take; None for ever.
        numbers: what numbers with a fraction become, from their text.
        max_answer_bytes: longer answers are refused as no answer; None to take what comes.

    Raises:
        ConfigError: the URL is of another form.
    """

    def __init__(
        self,
        url: str,
        *,
        cookie: str | Path | None = None,
        user: str = "",
        password: str = "",
        wallet: str | None = None,
        timeout_s: float | None = DEFAULT_TIMEOUT_S,
        numbers: Callable[[str], object] = Decimal,
        max_answer_bytes: int | None = None,
    ) -> None:
        self._exchange = Exchange(
            url, cookie=cookie, user=user, password=password, wallet=wallet, numbers=numbers
        )
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._idle: list[_Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the idle connections; a later call opens a new one."""
        while self._idle:
            await self._idle.pop().closed()

    async def call(self, method: str, /, *args: object, **named: object) -> Any:
        """Call a method, with parameters by place, by name, or both.

        Returns:
            The result; numbers with a fraction are `Decimal`s, so sums of money stay exact.

        Raises:
            RpcError: the server's own error.
            Unreachable: no answer.
            Unauthorized: wrong password, or the method is not for this user.
        """
        return await self.call_with(method, call_params(args, named))

    async def call_with(self, method: str, params: object) -> Any:
        """Call a method with `params` as they stand in the request; raises as `call` does."""
        answer = await self._post(self._exchange.call(method, params))
        return self._exchange.result(*answer)

    async def batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Several calls in one request.

        Args:
            calls: method and parameters by place.

        Returns:
            For each call its result, or its `RpcError` as a value.

        Raises:
            Unreachable, Unauthorized: as `call` does.
        """
        answer = await self._post(self._exchange.batch(calls))
        return self._exchange.results(*answer, len(calls))

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        """HTTP status and body of the answer."""
        try:
            async with asyncio.timeout(self._timeout_s):
                status, data = await self._send_kept(body)
                if self._exchange.may_retry(status):
                    status, data = await self._send_kept(body)
        except (_Broken, OSError) as error:  # TimeoutError is an OSError.
            raise self._exchange.unreachable(error) from error
        return status, data

    async def _send_kept(self, body: bytes) -> tuple[int, bytes]:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_closed:
                connection.close()
                continue
            try:
                return await self._send(connection, body)
            except _Gone:  # It was closed while nothing went over it.
                break
        server = self._exchange.endpoint
        streams = await asyncio.open_connection(server.host, server.port)
        return await self._send(_Connection(*streams, self._max_answer_bytes), body)

    async def _send(self, connection: _Connection, body: bytes) -> tuple[int, bytes]:
        exchange = self._exchange
        lines = [f"POST {exchange.path} HTTP/1.1", f"Host: {exchange.endpoint}"]
        lines += [f"{name}: {value}" for name, value in exchange.headers().items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        try:
            return await connection.exchange("\r\n".join(lines), body)
        finally:
            if connection.is_usable and len(self._idle) < MAX_KEPT:
                self._idle.append(connection)
            else:  # Cancelled, broken, or one too many.
                connection.close()
