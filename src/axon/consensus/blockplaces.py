"""Where in the block files each block lies.

The library tells nobody where it has put a block. It writes one behind the other, so of new blocks
the place is known by looking whether the next record is theirs. Where older ones lie is found by
going through all files once, when somebody asks for the first of them: that takes some seconds for
each 100,000 blocks, and 14 bytes of memory for each block.

A place is a hint: after a crash the library may write another block there. Who reads looks whether
the header is the right one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from struct import Struct
from typing import Final

from axon.consensus.blockfiles import BlockFiles, Record
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE

MAX_NEW: Final = 50_000
"""Blocks of this run, and of the newest file, whose place is remembered: some 20 MB."""

_NAME_SIZE: Final = 8
_ENTRY = Struct(f">{_NAME_SIZE}sHI")  # Begin of the hash, file, offset of the block.


class BlockPlaces:
    """Finds blocks in a kernel's files.

    Args:
        files: where they are.
    """

    def __init__(self, files: BlockFiles) -> None:
        self._files = files
        self._new: dict[BlockHash, Record] = {}
        self._next: tuple[int, int] | None = (0, 0)  # None: not known any more.
        self._old: bytes | None = None  # `_ENTRY`s in order, once somebody has asked for one.
        self._searching = threading.Lock()

    def begin(self, records: Iterable[Record], following: tuple[int, int] | None) -> None:
        """What is known at a start.

        Args:
            records: of the newest file, in their order.
            following: file and offset of the next record that the library writes; None for those of
                an empty folder.
        """
        for record in records:
            self._remember(record)
        if following is not None:
            self._next = following

    def stored(self, block_hash: BlockHash, raw: bytes) -> None:
        """Remember where the library has just stored a block."""
        if self._next is None:
            return
        number, offset = self._next
        record = self._files.find(number, offset, raw) or self._files.find(number + 1, 0, raw)
        if record is None:  # It stored the block elsewhere; from now on the library is asked.
            self._next = None
            return
        self._next = (record.number, record.end)
        self._remember(record, block_hash)

    def _remember(self, record: Record, block_hash: BlockHash | None = None) -> None:
        self._new[block_hash or record.hash] = record
        if len(self._new) > MAX_NEW:
            del self._new[next(iter(self._new))]

    def read_new(self, block_hash: BlockHash) -> bytes | None:
        """The bytes of a block of this run or of the newest file; None for others."""
        return self._read(self._new.get(block_hash))

    def new(self, block_hash: BlockHash) -> Record | None:
        """Where a block of this run or of the newest file lies; None for others."""
        return self._new.get(block_hash)

    def find(self, block_hash: BlockHash) -> tuple[Record, bytes] | None:
        """Where any block lies, and its bytes; None if it is not found in the files.

        The first call for a block that is not new goes through all files.
        """
        record = self._new.get(block_hash)
        for candidate in (record,) if record is not None else self._search(block_hash):
            raw = self._read(candidate)
            if raw is not None and candidate.hash == block_hash:
                return candidate, raw
        return None

    def _read(self, record: Record | None) -> bytes | None:
        raw = None if record is None else self._files.read(record)
        if record is None or raw is None or raw[:HEADER_SIZE] != record.header:
            return None
        return raw

    def _search(self, block_hash: BlockHash) -> list[Record]:
        """The old records whose hash begins like this one."""
        with self._searching:
            if self._old is None:
                self._old = self._gone_through()
        entries, size = self._old, _ENTRY.size
        name = block_hash[:_NAME_SIZE]
        low, high = 0, len(entries) // size
        while low < high:
            middle = (low + high) // 2
            if entries[middle * size : middle * size + _NAME_SIZE] < name:
                low = middle + 1
            else:
                high = middle
        found: list[Record] = []
        while entries[low * size : low * size + _NAME_SIZE] == name:
            _, number, offset = _ENTRY.unpack_from(entries, low * size)
            record = self._files.record_at(number, offset)
            found += [] if record is None else [record]
            low += 1
        return found

    def _gone_through(self) -> bytes:
        pack, found = _ENTRY.pack, []
        for number in self._files.numbers():
            for record in self._files.records(number):
                found.append(pack(record.hash[:_NAME_SIZE], number, record.offset))
        return b"".join(sorted(found))
