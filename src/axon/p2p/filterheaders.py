"""The chain of filter headers that we go by, beside the best chain of block headers (BIP 157).

Each filter header commits to the filter of its block and to the filter header before, so one of
them speaks for all filters below it. The chain is that of one branch: with each filter header goes
the hash of its block, and when the best chain turns elsewhere, what is above the fork is cut off.
Nothing here is judged; `filtersync` finds out whom to believe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from axon.p2p.views import HeaderEntryView
from axon.primitives.hashes import ZERO_HASH, BlockHash, filter_header
from axon.primitives.octets import StoredOctets

RECORD_SIZE: Final = 64
"""Bytes of one height in a file: the block's hash, its filter header."""

_HASH_SIZE = 32


@dataclass(frozen=True, slots=True)
class HeadersChange:
    """What has to be written to make a file equal to the chain again.

    The file is cut at the record of `start_height`, and the records are put behind: a write that
    is cut short leaves a shorter chain, not a wrong one.

    Args:
        start_height: of the first record that changed.
        records: all from there to the end, `RECORD_SIZE` bytes each; empty if the end was cut off.
    """

    start_height: int
    records: bytes = field(repr=False)


class FilterHeaderChain:
    """Filter headers by height, kept in 64 bytes each: a main chain has close to a million.

    Args:
        start_height: of the first block.
        previous: the filter header before it, which is trusted.
    """

    def __init__(self, start_height: int = 0, previous: bytes = ZERO_HASH) -> None:
        self.start_height = start_height
        self._previous = previous
        self._stored: StoredOctets = b""
        self._stored_count = 0  # These hold; where the chain was cut below, less than are stored.
        self._records = bytearray()  # Those behind.
        self._unwritten: int | None = None  # The first height that changed.

    @classmethod
    def load(
        cls, records: StoredOctets, start_height: int = 0, previous: bytes = ZERO_HASH
    ) -> FilterHeaderChain:
        """The chain that an earlier run wrote.

        Args:
            records: a file's bytes, which are read as they are needed; what lies below the chain's
                lowest cut does not change. A last one that is cut short is left out.
            start_height: as it was then.
            previous: as it was then.
        """
        chain = cls(start_height, previous)
        chain._stored, chain._stored_count = records, len(records) // RECORD_SIZE
        return chain

    @property
    def height(self) -> int:
        """Of the last block; one below `start_height` if there is none."""
        count = self._stored_count + len(self._records) // RECORD_SIZE
        return self.start_height + count - 1

    def at(self, height: int) -> bytes:
        """The filter header at a height, 32 bytes; the trusted one just below the start."""
        if height == self.start_height - 1:
            return self._previous
        return self._record(height)[_HASH_SIZE:]

    def block_hash(self, height: int) -> BlockHash:
        """The hash of the block at a height from `start_height` to `height`."""
        return BlockHash(self._record(height)[:_HASH_SIZE])

    def fits(self, height: int, filter_hash: bytes) -> bool:
        """Whether the filter header at a height commits to a filter with this hash."""
        return filter_header(filter_hash, self.at(height - 1)) == self.at(height)

    def append(self, block_hashes: Sequence[BlockHash], headers: Sequence[bytes]) -> None:
        """Grow by blocks and their filter headers, in order."""
        self._changed_from(self.height + 1)
        for block_hash, header in zip(block_hashes, headers, strict=True):
            self._records += block_hash + header

    def truncate(self, height: int) -> None:
        """Forget all above a height."""
        assert self.start_height - 1 <= height <= self.height, "a height of this chain"
        if height == self.height:
            return
        self._changed_from(height + 1)
        self._stored_count = min(self._stored_count, height + 1 - self.start_height)
        del self._records[self._offset(height + 1) :]

    def fork(self, best: HeaderEntryView) -> int:
        """The height of the last block that the chain ending in `best` has in common with this."""
        low, high = self.start_height - 1, min(self.height, best.height)
        # Mostly the whole of it is; and if one block is, all below it are.
        probe = high
        while low < high:
            entry = best.ancestor(probe)
            if entry is not None and entry.hash == self.block_hash(probe):
                low = probe
            else:
                high = probe - 1
            probe = (low + high + 1) // 2
        return low

    def take_changes(self) -> HeadersChange | None:
        """What has changed since the last call; None if nothing has."""
        first, self._unwritten = self._unwritten, None
        if first is None:
            return None
        return HeadersChange(first, bytes(self._records[self._offset(first) :]))

    def _changed_from(self, height: int) -> None:
        if self._unwritten is None or height < self._unwritten:
            self._unwritten = height

    def _record(self, height: int) -> bytes:
        assert self.start_height <= height <= self.height, "a height of this chain"
        offset = self._offset(height)
        if offset < 0:
            offset = (height - self.start_height) * RECORD_SIZE
            return self._stored[offset : offset + RECORD_SIZE]
        return bytes(self._records[offset : offset + RECORD_SIZE])

    def _offset(self, height: int) -> int:
        return (height - self.start_height - self._stored_count) * RECORD_SIZE
