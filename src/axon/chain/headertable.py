"""Headers in flat memory: 80 bytes each, a few for the way from a hash to its place, no more.

A header's place is its *slot*: the order in which headers were taken in. Almost all of them follow
the one in the slot before, with the same target: these are one *segment*, for which it is enough to
know where it begins and on what. Height, parent and accumulated work follow from that, and the hash
is what the next header names. Side branches are segments in the same row.

The newest headers are held as entries, as they are asked for all the time. Of older ones an entry
is made when it is asked for, and forgotten when nobody holds it any more. The oldest may lie in a
file, from which they are read.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from struct import Struct
from threading import Lock
from typing import Final
from weakref import ref

from axon.chain.headerentry import HeaderEntry, TargetRun
from axon.chain.headerindex import HeaderIndex
from axon.errors import DamageError
from axon.primitives.hashes import BlockHash, sha256d
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.octets import StoredOctets
from axon.primitives.target import work

NEWEST: Final = 4_096
"""At least so many of the newest headers are held as entries once there are as many: 1.5 MB."""

_SETTLED_AT_ONCE: Final = 1_024
_ADOPTED_FROM: Final = 64
"""Of so many at once no entries are made; the header of a new block comes with few others."""

_SWEEP_FROM: Final = 256
_NAMES_PARENT = slice(4, 36)
_bits = Struct("<72xI").unpack_from


class HeaderTable:
    """Headers of one tree. Nothing is judged here.

    Args:
        root: from which the tree grows: a genesis block, or a later one that is trusted.
        height: its height. Where targets are adjusted it must be the first of its period, a
            multiple of 2,016, or the next adjustment cannot be checked.
        chainwork: accumulated up to and with this header; None for a genesis block.
    """

    def __init__(self, root: Header, height: int = 0, chainwork: int | None = None) -> None:
        bits = root.bits
        total = work(bits) if chainwork is None else chainwork
        # By segment: its first slot and that one's height and parent, its targets; the segment of
        # the parent, how many segments lie below, and a far one of them.
        self.firsts = array("I", [0])
        self.bases = array("I", [height])
        self.parents = array("I", [0])
        self.runs = [TargetRun(bits, height, total)]
        self._below = array("I", [0])
        self._depths = array("I", [0])
        self._jumps = array("I", [0])
        self._root = root.raw
        self._stored: StoredOctets = b""  # The headers from slot 1 on, up to `_tail_start`.
        self._follows_stored = False  # What is taken in is what is stored next.
        self._tail = bytearray()
        self._tail_start = 1
        self._index: HeaderIndex | None = None  # Of the slots before `_settled`.
        self._settled = 0
        self._count = 1
        entry = HeaderEntry(self, 0, 0, height, root.hash, root.raw)
        self._newest: dict[int, HeaderEntry] = {0: entry}  # By slot.
        self._newest_by_hash: dict[bytes, HeaderEntry] = {entry.hash: entry}
        self._held: dict[int, ref[HeaderEntry]] = {}  # Older ones that somebody holds, or held.
        self._held_lock = Lock()  # What changes these, or two threads could make one entry each.
        self._sweep_at = _SWEEP_FROM

    def __len__(self) -> int:
        """How many headers there are; the slot of the next one."""
        return self._count

    # Looking up.

    @property
    def root(self) -> HeaderEntry:
        """The entry from which the tree grows."""
        return self.at(0)

    def get(self, block_hash: bytes) -> HeaderEntry | None:
        """The entry of a header, or None."""
        entry = self._newest_by_hash.get(block_hash)
        if entry is None and self._index is not None:
            slot = self._index.find(block_hash)
            return None if slot is None else self.at(slot)
        return entry

    def knows(self, block_hash: bytes) -> bool:
        """Whether a header is there."""
        if block_hash in self._newest_by_hash:
            return True
        return self._index is not None and self._index.find(block_hash) is not None

    def at(self, slot: int) -> HeaderEntry:
        """The entry in a slot."""
        entry = self._newest.get(slot)
        if entry is None:
            held = self._held.get(slot)
            entry = None if held is None else held()
        return self._make(slot) if entry is None else entry

    def raw(self, slot: int) -> bytes:
        """The 80 bytes of a header."""
        offset = (slot - self._tail_start) * HEADER_SIZE
        if offset >= 0:
            return bytes(self._tail[offset : offset + HEADER_SIZE])
        if slot == 0:
            return self._root
        offset = (slot - 1) * HEADER_SIZE
        return self._stored[offset : offset + HEADER_SIZE]

    def hash(self, slot: int) -> BlockHash:
        """The hash of a header."""
        return self._hash(slot, bisect_right(self.firsts, slot) - 1)

    def hashes(self, start: int, stop: int) -> list[bytes]:
        """The hashes of the headers from one slot to before another."""
        found: list[bytes] = []
        segment = bisect_right(self.firsts, start) - 1
        while start < stop:
            segment += 1
            end = self.firsts[segment] if segment < len(self.firsts) else self._count
            named = min(stop, end - 1)
            if start < named:
                raws = self._raws(start + 1, named + 1)
                found += [raws[at : at + 32] for at in range(4, len(raws), HEADER_SIZE)]
            if named < stop:
                found.append(sha256d(self.raw(named)))
            start = named + 1
        return found

    def _raws(self, start: int, stop: int) -> bytes:
        offset = (start - self._tail_start) * HEADER_SIZE
        if offset >= 0:
            return bytes(self._tail[offset : offset + (stop - start) * HEADER_SIZE])
        if start > 0 and stop <= self._tail_start:
            return self._stored[(start - 1) * HEADER_SIZE : (stop - 1) * HEADER_SIZE]
        return b"".join([self.raw(slot) for slot in range(start, stop)])

    def _hash(self, slot: int, segment: int) -> BlockHash:
        if slot + 1 < self._count:  # Looked at first: what it counts is whole.
            following = segment + 1
            if following == len(self.firsts) or self.firsts[following] != slot + 1:
                return BlockHash(self.raw(slot + 1)[_NAMES_PARENT])
        return BlockHash(sha256d(self.raw(slot)))

    def ancestor(self, slot: int, segment: int, height: int, wanted: int) -> int | None:
        """The slot of the header before another one at a height; None below the root.

        Args:
            slot: of the other one.
            segment: its segment.
            height: its height.
            wanted: the height of its ancestor, at most its own.
        """
        bases, jumps = self.bases, self._jumps
        if bases[segment] <= wanted:
            return slot - (height - wanted)
        if wanted < bases[0]:
            return None
        while bases[segment] > wanted:
            jump = jumps[segment]
            segment = jump if bases[jump] > wanted else self._below[segment]
        return self.firsts[segment] + wanted - bases[segment]

    def fork(self, slot: int, segment: int, other: int, other_segment: int) -> int:
        """The slot of the last header that two chains share.

        Args:
            slot: where the one ends.
            segment: its segment.
            other: where the other ends.
            other_segment: its segment.
        """
        depths, jumps, below = self._depths, self._jumps, self._below
        depth = min(depths[segment], depths[other_segment])
        a, b = self._climb(segment, depth), self._climb(other_segment, depth)
        while a != b:
            if jumps[a] != jumps[b]:
                a, b = jumps[a], jumps[b]
            else:
                a, b = below[a], below[b]
        return min(self._leaves_at(a, slot, segment), self._leaves_at(a, other, other_segment))

    def _climb(self, segment: int, depth: int) -> int:
        """The segment before another one that has so many before it."""
        depths, jumps = self._depths, self._jumps
        while depths[segment] > depth:
            jump = jumps[segment]
            segment = jump if depths[jump] >= depth else self._below[segment]
        return segment

    def _leaves_at(self, common: int, slot: int, segment: int) -> int:
        """The last slot of a segment on the way to another slot."""
        if segment == common:
            return slot
        return self.parents[self._climb(segment, self._depths[common] + 1)]

    # Growing.

    def append(self, raw: bytes, block_hash: BlockHash, parent: HeaderEntry) -> HeaderEntry:
        """A header that is not there yet.

        Args:
            raw: its 80 bytes.
            block_hash: their hash.
            parent: what it builds on.
        """
        slot, segment, height = self._count, parent.segment, parent.height + 1
        bits = _bits(raw)[0]
        if parent.slot != slot - 1 or bits != self.runs[segment].bits:
            segment = self._open(slot, parent.slot, segment, height, bits)
        entry = HeaderEntry(self, slot, segment, height, block_hash, raw)
        self._keep(raw, 1)
        self._newest[slot] = entry
        self._newest_by_hash[block_hash] = entry
        self._count = slot + 1
        if len(self._newest) >= NEWEST + _SETTLED_AT_ONCE:
            self._settle()
        return entry

    def extend(self, headers: Sequence[Header], parent: HeaderEntry) -> HeaderEntry:
        """Headers that are not there yet, each on the one before, all with the parent's target.

        The same as one after the other; of many, as they come in a first sync, in a third of the
        time, for entries are made only when they are asked for.

        Args:
            headers: at least one.
            parent: what the first builds on.

        Returns:
            The entry of the last.
        """
        if len(headers) < _ADOPTED_FROM:
            for header in headers:
                parent = self.append(header.raw, header.hash, parent)
            return parent
        slot, segment = self._count, parent.segment
        if parent.slot != slot - 1:
            bits = self.runs[segment].bits
            self._open(slot, parent.slot, segment, parent.height + 1, bits)
        raws = b"".join([header.raw for header in headers])
        self.adopt(raws, [header.hash for header in headers])
        return self.at(self._count - 1)

    def adopt(self, raws: bytes, hashes: Sequence[BlockHash]) -> None:
        """Headers that are not there yet, each on the one before, all with the same target.

        The first follows the newest, or has a segment of its own. No entries are made.

        Args:
            raws: 80 bytes each.
            hashes: theirs.
        """
        self._settle(0)
        assert self._index is not None, "it was made when something settled"
        self._keep(raws, len(hashes))
        self._count += len(hashes)  # From now on the index may ask for their hashes.
        self._index.add(hashes)
        self._settled = self._count

    def read_from(self, stored: StoredOctets) -> None:
        """What is taken in from now on is what is stored, in its order, and need not be kept."""
        assert self._count == 1, "the first that is stored lies on the root"
        self._stored, self._follows_stored = stored, True
        if self._index is None:
            self._index = HeaderIndex(self.hashes)
            self._index.reserve(len(stored) // HEADER_SIZE)

    def segments(self) -> list[tuple[int, int]]:
        """Where headers do not follow their neighbour, or change the target: slot and parent's."""
        return list(zip(self.firsts[1:], self.parents[1:], strict=True))

    def restore(self, chunks: Iterable[bytes], segments: Sequence[tuple[int, int]]) -> None:
        """Headers that a table had in an earlier run, at the slots from 1 on.

        Args:
            chunks: each some of them, 80 bytes each.
            segments: what `segments` said then.

        Raises:
            DamageError: a segment does not fit its parent. The headers before it stay.
        """
        self._settle(0)
        assert self._index is not None, "it was made when the root settled"
        at = 0
        for raws in chunks:
            start, stop = self._count, self._count + len(raws) // HEADER_SIZE
            names = [raws[place : place + 32] for place in range(84, len(raws), HEADER_SIZE)]
            self._keep(raws, stop - start)
            while at < len(segments) and segments[at][0] < stop:
                slot, parent = segments[at]
                self._count = slot
                self._restore_segment(slot, parent)
                if slot > start:
                    names[slot - 1 - start] = sha256d(self.raw(slot - 1))
                at += 1
            self._count = stop
            self._index.add([*names, sha256d(self.raw(stop - 1))])
            self._settled = stop

    def _restore_segment(self, slot: int, parent: int) -> None:
        below = bisect_right(self.firsts, parent) - 1
        height = self.bases[below] + parent - self.firsts[below] + 1
        raw = self.raw(slot)
        if raw[_NAMES_PARENT] != self.hash(parent):
            raise DamageError(f"stored header {slot - 1} is damaged: it connects to no other")
        self._open(slot, parent, below, height, _bits(raw)[0])

    def leaves(self) -> list[int]:
        """The slots that nothing builds on, in their order."""
        built_on = set(self.parents[1:])
        ends = [first - 1 for first in self.firsts[1:]] + [self._count - 1]
        return [slot for slot in ends if slot not in built_on]

    def stop_reading(self) -> None:
        """What is taken in from now on is stored elsewhere, or not at all."""
        self._follows_stored = False

    def _keep(self, raws: bytes, count: int) -> None:
        if self._follows_stored:
            self._tail_start += count
        else:
            self._tail += raws

    def _open(self, slot: int, parent: int, below: int, height: int, bits: int) -> int:
        """Begin a segment; its number."""
        run, jumps, depths = self.runs[below], self._jumps, self._depths
        if bits != run.bits:
            before = run.base_chainwork + (height - 1 - run.base_height) * run.work
            run = TargetRun(bits, height, before + work(bits))
        # Jumps as in a skew-binary list: two of equal length join into one, else a new one begins.
        # Any segment below is then O(log n) steps away.
        jump = jumps[below]
        far = jumps[jump]
        joins = depths[below] + depths[far] == 2 * depths[jump]
        self.firsts.append(slot)
        self.bases.append(height)
        self.parents.append(parent)
        self.runs.append(run)
        self._below.append(below)
        depths.append(depths[below] + 1)
        jumps.append(far if joins else below)
        return len(self.firsts) - 1

    # Older ones.

    def _settle(self, most: int = NEWEST) -> None:
        """Let go of the oldest entries but for so many; who holds one goes on holding it."""
        index = self._index
        if index is None:
            index = self._index = HeaderIndex(self.hashes)
        slots = range(self._settled, max(self._settled, self._count - most))
        self._settled = slots.stop
        hashes = [self._newest[slot].hash for slot in slots]
        index.add(hashes)
        # Whoever does not find an entry meanwhile waits for the lock, and looks again.
        with self._held_lock:
            entries = list(map(self._newest.pop, slots))
            for name in hashes:
                del self._newest_by_hash[name]
            refs = list(map(ref, entries))
            entries.clear()
            for slot, held in zip(slots, refs, strict=True):
                if held() is not None:
                    self._held[slot] = held

    def _make(self, slot: int) -> HeaderEntry:
        with self._held_lock:
            held = self._held.get(slot)
            entry = None if held is None else held()
            if entry is None:
                segment = bisect_right(self.firsts, slot) - 1
                height = self.bases[segment] + slot - self.firsts[segment]
                name = self._hash(slot, segment)
                entry = HeaderEntry(self, slot, segment, height, name, self.raw(slot))
                self._held[slot] = ref(entry)
                if len(self._held) >= self._sweep_at:
                    self._sweep()
        return entry

    def _sweep(self) -> None:
        """Forget who holds nothing any more."""
        self._held = {slot: each for slot, each in self._held.items() if each() is not None}
        self._sweep_at = max(_SWEEP_FROM, 2 * len(self._held))
