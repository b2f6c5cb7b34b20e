"""HTTP as a client on asyncio's streams: one request, one answer.

The few lines that a JSON-RPC call or a payjoin needs cost a program less memory than an HTTP
library does.
"""

from __future__ import annotations

import asyncio
import http
import http.client
import io
from contextlib import suppress
from email.message import Message
from typing import Final

_PIECE_BYTES: Final = 1 << 16


class HttpBroken(Exception):
    """What came is not HTTP, or ended too early."""


class HttpGone(HttpBroken):
    """The connection was closed before any answer."""


class HttpConnection:
    """A connection to a server, for one request after another.

    Args:
        reader, writer: its streams.
        max_answer_bytes: longer answers are broken off; None to take what comes.
    """

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
        """Close it, now or as soon as what was written has gone out."""
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
        """Send a request; HTTP status and body of its answer.

        Args:
            head: request line and headers, with the empty line behind them.

        Raises:
            HttpGone: the connection was closed before any answer.
            HttpBroken: what came is no whole answer in HTTP.
        """
        self.is_usable = False
        try:
            self._writer.write(head.encode() + body)
            await self._writer.drain()
            status, fields = await self._head()
        except ConnectionError as error:
            raise HttpGone(str(error)) from error
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
                    raise HttpBroken("the answer breaks off") from error
                raise HttpGone("the connection was closed") from error
            except asyncio.LimitOverrunError as error:
                raise HttpBroken("what answers does not speak HTTP") from error
            line, _, rest = head.partition(b"\r\n")
            words = line.split(maxsplit=2)
            if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
                raise HttpBroken("what answers does not speak HTTP")
            try:
                status, fields = int(words[1]), http.client.parse_headers(io.BytesIO(rest))
            except http.client.HTTPException as error:
                raise HttpBroken("the answer has a head without end") from error
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
            raise HttpBroken("the answer breaks off") from error

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
            raise HttpBroken(f"the answer is longer than {self._max_bytes:,} bytes")
