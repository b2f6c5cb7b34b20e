"""One header with its place in the tree: height, accumulated work, ancestors.

Headers are kept by a `HeaderTable`, a main chain's million in flat memory. An entry is a view of
one of them, made when somebody asks. There is never more than one of a header at a time, so that
`is` tells whether two are the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from struct import Struct
from typing import Final, Protocol

from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.target import bits_to_target, work

MEDIAN_TIME_SPAN: Final = 11
"""Over how many headers the median time is taken (BIP 113)."""

_U32 = Struct("<I")
_TIME_OFFSET = 68


class TargetRun:
    """Consecutive headers with the same target.

    Args:
        bits: their target in compact form.
        base_height: height of the first of them.
        base_chainwork: accumulated work up to and with the first of them.
    """

    __slots__ = ("base_chainwork", "base_height", "bits", "target", "work")

    def __init__(self, bits: int, base_height: int, base_chainwork: int) -> None:
        self.bits = bits
        self.target = bits_to_target(bits)
        self.work = work(bits)
        self.base_height = base_height
        self.base_chainwork = base_chainwork


class HeaderPlaces(Protocol):
    """Where entries have their place: a `HeaderTable`."""

    @property
    def firsts(self) -> Sequence[int]:
        """The first slot of each segment."""

    @property
    def parents(self) -> Sequence[int]:
        """The slot on which that one builds."""

    @property
    def runs(self) -> Sequence[TargetRun]:
        """The targets of each segment."""

    def at(self, slot: int) -> HeaderEntry:
        """The entry in a slot."""

    def ancestor(self, slot: int, segment: int, height: int, wanted: int) -> int | None:
        """The slot of the header before another one at a height."""

    def fork(self, slot: int, segment: int, other: int, other_segment: int) -> int:
        """The slot of the last header that two chains share."""

    def append(self, raw: bytes, block_hash: BlockHash, parent: HeaderEntry) -> HeaderEntry:
        """A header that is not there yet."""


class HeaderEntry:
    """A header whose place in the chain is known; made by a `HeaderTable`, compared by identity.

    Args:
        table: which keeps it.
        slot: its place there.
        segment: the number of its segment there.
        height: how many headers lie between it and the genesis block, which has 0.
        block_hash: its sha256d, 32 bytes, internal order.
        raw: its 80 bytes.
    """

    __slots__ = ("__weakref__", "hash", "height", "raw", "segment", "slot", "table")

    def __init__(
        self,
        table: HeaderPlaces,
        slot: int,
        segment: int,
        height: int,
        block_hash: BlockHash,
        raw: bytes,
    ) -> None:
        self.table = table
        self.slot = slot
        self.segment = segment
        self.height = height
        self.hash = block_hash
        self.raw = raw

    @property
    def parent(self) -> HeaderEntry | None:
        """The header before; None for the one entry from which a tree grows."""
        table, slot = self.table, self.slot
        if slot != table.firsts[self.segment]:
            return table.at(slot - 1)
        return table.at(table.parents[self.segment]) if self.segment else None

    @property
    def target_run(self) -> TargetRun:
        """Its run of neighbours with the same target."""
        return self.table.runs[self.segment]

    @property
    def header(self) -> Header:
        """The header as a value, made anew at each call."""
        return Header(self.raw)

    @property
    def time(self) -> int:
        """Seconds since 1970, as the miner says."""
        return int(_U32.unpack_from(self.raw, _TIME_OFFSET)[0])

    @property
    def bits(self) -> int:
        """The target in compact form."""
        return self.table.runs[self.segment].bits

    @property
    def chainwork(self) -> int:
        """The expected number of hashes for the chain from the genesis block up to here."""
        target_run = self.table.runs[self.segment]
        return target_run.base_chainwork + (self.height - target_run.base_height) * target_run.work

    def ancestor(self, height: int) -> HeaderEntry | None:
        """The entry of this chain at a height, in O(log n); itself at its own height.

        Returns:
            None above its own height and below the root of the tree.
        """
        above = self.height - height
        if above <= 0:
            return None if above else self
        slot = self.table.ancestor(self.slot, self.segment, self.height, height)
        return None if slot is None else self.table.at(slot)

    def fork_with(self, other: HeaderEntry) -> HeaderEntry | None:
        """The last common ancestor of two entries, in O(log n); None if they share no root."""
        if other.table is not self.table:
            return None
        table = self.table
        return table.at(table.fork(self.slot, self.segment, other.slot, other.segment))

    def median_time_past(self) -> int:
        """The median time of this header and the ten before it, in seconds since 1970 (BIP 113).

        Fewer are counted near the root of the tree.
        """
        times: list[int] = []
        entry: HeaderEntry | None = self
        while entry is not None and len(times) < MEDIAN_TIME_SPAN:
            times.append(entry.time)
            entry = entry.parent
        times.sort()
        return times[len(times) // 2]

    def last_before(self, time_s: int) -> HeaderEntry | None:
        """The last header of this chain, itself included, of an earlier time; None if none is.

        Found by median times, which never go back: a header's own time is later than the median
        before it.

        Args:
            time_s: seconds since 1970.
        """
        root = self.table.at(0)
        heights = range(root.height, self.height + 1)
        place = bisect_left(heights, time_s, key=self._median_at)
        entry = self.ancestor(heights[min(place, len(heights) - 1)])
        while entry is not None and entry.time >= time_s:
            entry = entry.parent
        return entry

    def _median_at(self, height: int) -> int:
        entry = self.ancestor(height)
        assert entry is not None, "heights from the root up have an ancestor"
        return entry.median_time_past()

    def __repr__(self) -> str:
        return f"HeaderEntry({self.height}, {self.hash[::-1].hex()})"
