"""Requests and answers as JSON: at once where they are short, else in threads."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Final

from axon.drivers.aio.driver import Stopped
from axon.drivers.aio.workers import Workers
from axon.rpc.amounts import decode_json, encode_json
from axon.rpc.longjson import decode_long, encoded_pieces, is_long

LONG_BYTES: Final = 32 * 1024
"""Shorter requests are decoded at once: that takes some milliseconds at most."""

CHUNK_BYTES: Final = 256 * 1024
"""An encoded answer comes in chunks of about this size."""

THREADS: Final = 2
"""Long requests and answers that are worked on at once; more would only take turns."""


class JsonCodec:
    """Encodes and decodes on an event loop and in threads of its own, which `close` ends."""

    def __init__(self) -> None:
        self._threads = Workers(THREADS, "rpc-json")
        self._closed = False

    def close(self) -> None:
        """End the threads, in the middle of what they do."""
        self._closed = True
        self._threads.close(wait=False)

    def _go_on(self) -> None:
        if self._closed:
            raise Stopped("the server has stopped")

    async def decode(self, chunks: Sequence[bytes]) -> object:
        """The value of a request; see `decode_json`.

        Args:
            chunks: its text, cut anywhere. To put a long one together takes long, too.

        Raises:
            ValueError: it is not JSON.
            Stopped: `close` is called meanwhile.
        """
        if sum(map(len, chunks)) < LONG_BYTES:
            return decode_json(b"".join(chunks))
        return await self._threads.run(self._decode, chunks)

    def _decode(self, chunks: Sequence[bytes]) -> object:
        reader = codecs.getincrementaldecoder("utf-8")()
        pieces: list[str] = []
        for chunk in chunks:
            for begin in range(0, len(chunk), CHUNK_BYTES):
                self._go_on()
                pieces.append(reader.decode(chunk[begin : begin + CHUNK_BYTES]))
        pieces.append(reader.decode(b"", final=True))
        return decode_long("".join(pieces), self._go_on)

    async def encode(self, value: object) -> list[bytes]:
        """The JSON of an answer as UTF-8, in chunks.

        A lone surrogate, which JSON can name and UTF-8 cannot, goes back as it came: escaped.

        Raises:
            TypeError, RecursionError: it has no form in JSON.
            Stopped: `close` is called meanwhile.
        """
        if not is_long(value):
            return [_utf8(encode_json(value))]
        return await self._threads.run(self._encode, value)

    def _encode(self, value: object) -> list[bytes]:
        chunks: list[bytes] = []
        pieces: list[str] = []
        size = 0
        for piece in encoded_pieces(value):
            self._go_on()
            pieces.append(piece)
            size += len(piece)
            if size >= CHUNK_BYTES:
                chunks.append(_utf8("".join(pieces)))
                pieces.clear()
                size = 0
        return [*chunks, _utf8("".join(pieces))]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
