"""Bytes of a connection cut into lines: a request is a line of JSON, and so is an answer."""

from __future__ import annotations

from typing import Final

from axon.electrum.shares import Holder, Shares
from axon.errors import AxonError

MAX_LINE_BYTES: Final = 1_000_000
"""A package of transactions as large as the pool takes, in hex, with room."""

MAX_RECEIVED_BYTES: Final = 64_000_000
"""Of all connections together, what has come and is not answered yet; each has its share of it. A
line that is worked on may take some times its bytes."""

FREE_BYTES: Final = 65_536
"""Of these, so many a connection has for itself: nearly every request is shorter."""


class LineRefused(AxonError):
    """A line is longer than one may be, or all long lines together are."""


class LineBuffer:
    """What has come over one connection: what is not read yet, and the line that is worked on.

    Args:
        shares: of all connections, in bytes.
        holder: whose share is taken from.
    """

    def __init__(self, shares: Shares, holder: Holder) -> None:
        self._shares = shares
        self._holder = holder
        self._taken_bytes = 0
        self._data = bytearray()
        self._worked_on = 0  # Bytes of the last line: it is there until the next is asked for.
        self._searched = 0  # No line ends before.

    def received(self, data: bytes) -> None:
        """Take in bytes, cut anywhere.

        Raises:
            LineRefused: it is too much; the connection ends.
        """
        self._data += data
        wanted = self._needed() - self._taken_bytes
        if wanted > 0:
            if not self._shares.take(self._holder, wanted):
                raise LineRefused("too many long lines at once")
            self._taken_bytes += wanted
        if len(self._data) > MAX_LINE_BYTES and self._end() > MAX_LINE_BYTES:
            raise LineRefused(f"a line is longer than {MAX_LINE_BYTES:,} bytes")

    def _needed(self) -> int:
        return max(0, len(self._data) + self._worked_on - FREE_BYTES)

    def _end(self) -> int:
        """Where the first line ends; behind all that is there, if that is in none."""
        end = self._data.find(b"\n", self._searched)
        self._searched = len(self._data) if end < 0 else end
        return self._searched

    @property
    def has_line(self) -> bool:
        """Whether a whole line is there."""
        return self._end() < len(self._data)

    def next(self) -> bytes | None:
        """The first whole line without its end, which may be empty; None if there is none.

        Who asks is done with the line before.

        Raises:
            LineRefused: the one behind it is too long.
        """
        end, self._worked_on = self._end(), 0
        if end == len(self._data):
            self._give_back(self._needed())
            return None
        line = bytes(self._data[:end]).strip()
        del self._data[: end + 1]
        self._searched = 0
        self._skip_blank()
        self._worked_on = len(line)
        self._give_back(self._needed())
        if len(self._data) > MAX_LINE_BYTES and self._end() > MAX_LINE_BYTES:
            raise LineRefused(f"a line is longer than {MAX_LINE_BYTES:,} bytes")
        return line

    def _skip_blank(self) -> None:
        """Leave out empty lines: many of them cost no more than one."""
        if self._data[:1].isspace():
            self._data = self._data.lstrip()

    def _give_back(self, needed_bytes: int) -> None:
        if needed_bytes < self._taken_bytes:
            self._shares.give_back(self._holder, self._taken_bytes - needed_bytes)
            self._taken_bytes = needed_bytes

    def close(self) -> None:
        """The connection has ended: nothing is kept."""
        self._data.clear()
        self._searched = self._worked_on = 0
        self._give_back(0)
