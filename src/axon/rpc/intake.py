"""What comes over a connection, on its way to the parser: costly bytes by and by, or none at all.

    reading --raw bytes--> parsing a piece in each turn --all parsed--> reading
    any --refuse()--> dropping --more than the bound--> deaf

Raw bytes are those of which nobody knows where a request ends (`RequestHeads`): chunked bodies and
what is no HTTP. While some of them wait no more are read. Behind a refusal nothing is parsed: who
has no password, or speaks no HTTP, costs no more than the reading of what still comes, for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aiohttp.streams import StreamReader

from axon.rpc.pieces import PIECE_BYTES, PieceTurns
from axon.rpc.requestheads import RequestHeads

MAX_DROPPED_BYTES: Final = 256 * 1024
"""So much of what a refused caller still sends is dropped: one that sends may see no answer."""

LINGER_S: Final = 1.0
"""How long a refused caller who is still sending has to see why."""


class Intake:
    """The incoming side of a connection.

    Args:
        transport: the connection.
        turns: when raw bytes are parsed, shared by all connections.
        parse: the parser.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        turns: PieceTurns,
        parse: Callable[[bytes], None],
    ) -> None:
        self._transport = transport
        self._turns = turns
        self._parse = parse
        self._heads = RequestHeads()
        self._raw = bytearray()  # Received, and not parsed yet.
        self._is_wanted = True
        self._is_refused = False
        self._dropped_bytes = 0
        self._has_ended = asyncio.Event()

    def received(self, data: bytes) -> None:
        """Take in bytes, cut anywhere."""
        if self._is_refused:
            self._dropped_bytes += len(data)
            self._read_on()
            return
        passed = self._heads.received(data)
        if not self._heads.is_raw:
            self._parse(passed)
        elif passed:
            if not self._raw:
                self._turns.add(self._take_piece)
            self._raw += passed
            self._read_on()

    def _take_piece(self) -> bool:
        """Have a piece of what is raw parsed; whether there is more."""
        piece = bytes(self._raw[:PIECE_BYTES])
        del self._raw[:PIECE_BYTES]
        if piece:
            self._parse(piece)
        self._read_on()
        return bool(self._raw)

    def want(self, more: bool) -> None:
        """Whether the parser takes more now; it has bounds of its own."""
        self._is_wanted = more
        self._read_on()

    def _read_on(self) -> None:
        """Read from the connection, or do not, whatever is right now."""
        if self._transport.is_closing():
            return
        if self._is_refused:
            reads = self._dropped_bytes < MAX_DROPPED_BYTES
        else:
            reads = self._is_wanted and not self._raw
        if reads:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def is_whole(self, last_body: StreamReader | None) -> bool:
        """Whether no request has been begun that is not whole.

        Args:
            last_body: of the last request that the parser has seen.
        """
        if self._is_refused:
            return True
        if self._heads.is_raw:
            return not self._raw and (last_body is None or last_body.is_eof())
        return self._heads.is_between

    @property
    def is_between(self) -> bool:
        """Whether a request may begin with the next byte that comes."""
        return not (self._is_refused or self._raw) and self._heads.is_between

    def refuse(self, body: StreamReader | None) -> None:
        """Have nothing more parsed.

        Args:
            body: of the request that is refused, as far as it has come; dropped. None if that is
                no request.
        """
        self._is_refused = True
        self._raw.clear()
        if body is not None and body.is_eof():
            self.ended()  # The caller is sending no more, so it will see the answer.
        elif body is not None:
            body.feed_eof()
            if body.exception() is None:
                body.read_nowait()
        self._read_on()

    async def linger(self) -> None:
        """After a refusal: a caller that still sends sees no answer if all is closed at once."""
        if not self._is_refused or self._has_ended.is_set() or self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            with suppress(OSError):  # The caller may have reset it.
                self._transport.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await self._has_ended.wait()

    def ended(self) -> None:
        """Nothing more comes."""
        self._has_ended.set()

    def closed(self) -> None:
        """The connection is no more."""
        self._raw.clear()
        self._has_ended.set()
