"""Headers of a chain that has yet to show its work: read twice, so that they cannot fill memory.

Headers at the easiest target of long ago cost next to nothing. So until a peer's chain has reached
a given total work, its headers are looked at and thrown away; then it must send the same ones
again, and only now are they handed on.

    first reading --enough claimed work--> second reading --last remembered hash--> done
    any --headers that do not fit, or too many--> failed

What is kept of the first reading is the last hash of each message. A hash commits to all headers
before it, so each message of the second reading is either the same or refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

from axon.p2p.views import HeaderEntryView
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.target import work

MAX_MARKS: Final = 4000
"""Hashes kept of one peer's first reading: 8 million headers, 150 years of blocks, in 300 kB. Who
sends more is sending a chain that no honest network can have."""


class Phase(Enum):
    """How far the two readings are."""

    FIRST = "first"
    SECOND = "second"
    DONE = "done"
    FAILED = "failed"


def claimed_work(headers: Sequence[Header]) -> int:
    """The sum of the work that headers say they took."""
    total, bits, each = 0, -1, 0
    for header in headers:
        if header.bits != bits:
            bits = header.bits
            each = work(bits)
        total += each
    return total


class Presync:
    """The two readings of one peer's chain.

    Args:
        start: the known entry on which the chain builds.
        enough: the total work from which on its headers are worth keeping.

    `height` is that of the last header looked at in the first reading; `fits` says whether the
    last headers received went on where those before had ended.
    """

    def __init__(self, start: HeaderEntryView, enough: int) -> None:
        self.start = start
        self.phase = Phase.FIRST
        self.height = start.height
        self.fits = True
        self._enough = enough
        self._work = start.chainwork
        self._last = start.hash
        self._marks: list[BlockHash] = []
        self._last_count = 0  # Headers before the last mark in its message, with its own.
        self._reread = 0  # Marks that came by in the second reading.

    @property
    def last(self) -> BlockHash:
        """After which header the peer is to go on."""
        return self._last

    def received(self, headers: Sequence[Header], full: bool) -> tuple[Header, ...]:
        """The next headers from the peer; `phase` says what they led to.

        Args:
            headers: at least one; they prove their work and connect to each other.
            full: as many as fit into a message, so there may be more.

        Returns:
            Those that are worth keeping; in the first reading none.
        """
        self.fits = headers[0].prev == self._last
        if self.phase is Phase.FIRST:
            self._read_first(headers, full)
            return ()
        return self._read_second(headers, full)

    def _read_first(self, headers: Sequence[Header], full: bool) -> None:
        if not self.fits or len(self._marks) >= MAX_MARKS:
            self.phase = Phase.FAILED
            return
        self._last = headers[-1].hash
        self._marks.append(self._last)
        self._last_count = len(headers)
        self._work += claimed_work(headers)
        self.height += len(headers)
        if self._work >= self._enough:
            self.phase = Phase.SECOND
            self._last = self.start.hash
        elif not full:
            self.phase = Phase.FAILED  # Its whole chain has too little work.

    def _read_second(self, headers: Sequence[Header], full: bool) -> tuple[Header, ...]:
        mark = self._marks[self._reread]
        is_last = self._reread == len(self._marks) - 1
        count = self._last_count if is_last else len(headers)
        same = self.fits and count <= len(headers) and headers[count - 1].hash == mark
        if not same or not (full or is_last):
            self.phase = Phase.FAILED
            return ()
        self._reread += 1
        self._last = headers[-1].hash
        if is_last:
            self.phase = Phase.DONE
        return tuple(headers)
