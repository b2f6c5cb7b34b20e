"""One header with its place in the tree: height, accumulated work, ancestors.

A main chain has close to a million headers, so an entry is kept small: 80 bytes as sent, the hash,
and three references. What most neighbours share, their target, is one `TargetRun` for all of them,
and the accumulated work follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Final

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


class HeaderEntry:
    """A header whose place in the chain is known; made by a `HeaderTree`, compared by identity."""

    __slots__ = ("_jump", "hash", "height", "parent", "raw", "target_run")

    raw: bytes
    """The 80 bytes of the header."""
    hash: BlockHash
    """Their sha256d, 32 bytes, internal order."""
    height: int
    """How many headers lie between it and the genesis block, which has 0."""
    parent: HeaderEntry | None
    """None for the one entry from which a tree grows."""
    target_run: TargetRun
    """Its run of neighbours with the same target."""
    _jump: HeaderEntry

    def __init__(
        self, raw: bytes, block_hash: BlockHash, parent: HeaderEntry, target_run: TargetRun
    ) -> None:
        height = parent.height
        self.raw = raw
        self.hash = block_hash
        self.height = height + 1
        self.parent = parent
        self.target_run = target_run
        # Jumps as in a skew-binary list: two of equal length join into one, else a new one begins.
        # Any ancestor is then O(log n) steps away, for one reference and constant time per header.
        jump = parent._jump
        far = jump._jump
        self._jump = far if height + far.height == 2 * jump.height else parent

    @classmethod
    def root(cls, header: Header, height: int = 0, chainwork: int | None = None) -> HeaderEntry:
        """The entry from which a tree grows: a genesis block, or a later block that is trusted.

        Args:
            header: the header.
            height: its height. Where targets are adjusted it must be the first of its period, a
                multiple of 2,016, or the next adjustment cannot be checked.
            chainwork: accumulated up to and with this header; None for a genesis block.
        """
        entry = cls.__new__(cls)
        entry.raw = header.raw
        entry.hash = header.hash
        entry.height = height
        entry.parent = None
        own_work = work(header.bits)
        entry.target_run = TargetRun(
            header.bits, height, own_work if chainwork is None else chainwork
        )
        entry._jump = entry
        return entry

    def extended(self, headers: Iterable[Header]) -> list[HeaderEntry]:
        """Entries for headers with this one's target, each built on the one before it.

        The same as making one after the other, in half the time.
        """
        entries: list[HeaderEntry] = []
        new, target_run, parent, height = HeaderEntry.__new__, self.target_run, self, self.height
        for header in headers:
            entry = new(HeaderEntry)
            entry.raw, entry.hash = header.raw, header.hash
            entry.parent, entry.target_run = parent, target_run
            jump = parent._jump
            far = jump._jump
            entry._jump = far if height + far.height == 2 * jump.height else parent
            entry.height = height = height + 1
            entries.append(entry)
            parent = entry
        return entries

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
        return self.target_run.bits

    @property
    def chainwork(self) -> int:
        """The expected number of hashes for the chain from the genesis block up to here."""
        target_run = self.target_run
        return target_run.base_chainwork + (self.height - target_run.base_height) * target_run.work

    def ancestor(self, height: int) -> HeaderEntry | None:
        """The entry of this chain at a height, in O(log n); itself at its own height.

        Returns:
            None above its own height and below the root of the tree.
        """
        if height > self.height:
            return None
        entry = self
        while entry.height > height:
            if entry._jump.height >= height:
                if entry._jump is entry:
                    return None
                entry = entry._jump
            else:
                assert entry.parent is not None
                entry = entry.parent
        return entry if entry.height == height else None

    def fork_with(self, other: HeaderEntry) -> HeaderEntry | None:
        """The last common ancestor of two entries, in O(log n); None if they share no root."""
        a, b = self.ancestor(other.height) or self, other.ancestor(self.height) or other
        while a is not b:
            if a._jump is not b._jump and a._jump is not a:
                a, b = a._jump, b._jump
            elif a.parent is None or b.parent is None:
                return None
            else:
                a, b = a.parent, b.parent
        return a

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

    def __repr__(self) -> str:
        return f"HeaderEntry({self.height}, {self.hash[::-1].hex()})"
