"""Bytes of a connection cut into lines: a request is a line of JSON, and so is an answer."""

from __future__ import annotations

from typing import Final

from axon.errors import AxonError

MAX_LINE_BYTES: Final = 1_000_000
"""A package of transactions as large as the pool takes, in hex, with room."""

MAX_UNFINISHED_BYTES: Final = 32_000_000
"""Of all connections together, what has come of lines whose end has not."""

FREE_BYTES: Final = 16_384
"""Of these, so many a connection has for itself: nearly every request is shorter."""


class LineRefused(AxonError):
    """A line is longer than one may be, or all long lines together are."""


class ByteAllowance:
    """How many bytes may be somewhere at a time, over all connections.

    Args:
        most_bytes: so many.
    """

    def __init__(self, most_bytes: int) -> None:
        self.left_bytes = most_bytes

    def take(self, size_bytes: int) -> bool:
        """Take so many if they are left; whether they were."""
        if size_bytes > self.left_bytes:
            return False
        self.left_bytes -= size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """So many are there no more."""
        self.left_bytes += size_bytes


class LineBuffer:
    """What has come over one connection.

    Args:
        allowance: shared by all connections.
    """

    def __init__(self, allowance: ByteAllowance) -> None:
        self._allowance = allowance
        self._taken_bytes = 0
        self._pieces: list[bytes] = []
        self._size_bytes = 0

    def received(self, data: bytes) -> list[bytes]:
        """Take in bytes, cut anywhere; the lines that are whole with them, without their ends.

        Raises:
            LineRefused: it is too much; the connection ends.
        """
        *whole, rest = data.split(b"\n")
        lines: list[bytes] = []
        for piece in whole:
            if self._size_bytes + len(piece) > MAX_LINE_BYTES:
                raise LineRefused(f"a line is longer than {MAX_LINE_BYTES:,} bytes")
            lines.append(b"".join((*self._pieces, piece)).strip())
            self._clear()
        if rest:
            self._keep(rest)
        return [line for line in lines if line]

    def _keep(self, piece: bytes) -> None:
        size_bytes = self._size_bytes + len(piece)
        if size_bytes > MAX_LINE_BYTES:
            raise LineRefused(f"a line is longer than {MAX_LINE_BYTES:,} bytes")
        wanted = max(0, size_bytes - FREE_BYTES) - self._taken_bytes
        if wanted > 0:
            if not self._allowance.take(wanted):
                raise LineRefused("too many long lines at once")
            self._taken_bytes += wanted
        self._size_bytes = size_bytes
        self._pieces.append(piece)
        if len(self._pieces) > 100:  # A byte at a time would cost an object each.
            self._pieces = [b"".join(self._pieces)]

    def _clear(self) -> None:
        self._pieces.clear()
        self._size_bytes = 0
        self._allowance.give_back(self._taken_bytes)
        self._taken_bytes = 0

    def close(self) -> None:
        """The connection has ended: nothing is kept."""
        self._clear()
