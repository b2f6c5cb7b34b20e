"""Bytes of a stream that wait, as the pieces in which they came."""

from __future__ import annotations

from typing import Final

MERGED_BYTES: Final = 2_048
"""A piece shorter than this grows by the next one: each piece costs an object, and a peer that
sends byte by byte must not make us keep fifty bytes for each."""


class ByteQueue:
    """Bytes in order: put in at the end in any pieces, cut off at the front in any others.

    What is cut is copied once; what only waits, not at all.
    """

    __slots__ = ("_pieces", "_start", "held")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # No deque: they are few, and none takes no memory.
        self._start = 0  # Where in the first piece the bytes begin that wait.
        self.held = 0
        """How many bytes wait."""

    def put(self, data: bytes) -> None:
        """Bytes came."""
        pieces = self._pieces
        if pieces and len(pieces[-1]) < MERGED_BYTES:
            pieces[-1] += data
        else:
            pieces.append(data)
        self.held += len(data)

    def put_back(self, data: bytes) -> None:
        """Bytes that were cut too much, to the front."""
        pieces = self._pieces
        if self._start:
            pieces[0] = pieces[0][self._start :]
            self._start = 0
        if data:
            pieces.insert(0, data)
            self.held += len(data)

    def peek(self, at: int, size: int) -> bytes:
        """Bytes behind the first `at`; fewer where the first piece ends before them."""
        at += self._start
        return self._pieces[0][at : at + size]

    def cut(self, size: int) -> bytes:
        """The next so many bytes, which are there."""
        assert size <= self.held, "nobody cuts more than waits"
        self.held -= size
        pieces, begin = self._pieces, self._start
        if not size:
            return b""
        first, end = pieces[0], begin + size
        if end < len(first):  # Most frames lie within one piece,
            self._start = end
            return first[begin:end]
        if end == len(first):  # or are one.
            del pieces[0]
            self._start = 0
            return first[begin:] if begin else first
        parts = [first[begin:] if begin else first]
        size -= len(parts[0])
        used = 1
        while size and size >= len(pieces[used]):
            size -= len(pieces[used])
            parts.append(pieces[used])
            used += 1
        if size:
            parts.append(pieces[used][:size])
        del pieces[:used]
        self._start = size
        return parts[0] if len(parts) == 1 else b"".join(parts)
