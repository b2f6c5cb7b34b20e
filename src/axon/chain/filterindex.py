"""The filters of the active chain's blocks, kept to be served (BIP 157).

Filters and headers are stored by block hash and stay when a block leaves the active chain: peers
may still ask for them. The mark of the newest block moves in the same atomic write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final

from axon.chain.coins import Coin
from axon.chain.filters import GENESIS_PREV_HEADER, basic_filter, filter_elements
from axon.chain.headerentry import HeaderEntry
from axon.chain.store import Store
from axon.errors import DamageError
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, sha256d, to_hex

CHECKPOINT_INTERVAL: Final = 1000
"""`cfcheckpt` carries the filter header of every so many blocks (BIP 157)."""

HOLD_BYTES: Final = 8 * 1024 * 1024
"""What filters may take up in memory before they are written: some 300 full blocks' worth."""

_FILTER_PREFIX = b"f"  # Then the block hash; the value is the filter.
_HEADER_PREFIX = b"h"  # Then the block hash; the value is the filter's hash and the filter header.
_MARK_KEY = b"F"  # Hash and height of the newest block.
_U32 = Struct("<I")


class FilterIndex:
    """The basic filters of the active chain up to `best`.

    Args:
        store: what an earlier run wrote, or nothing yet. Its keys that begin with `f`, `h` or `F`
            are ours.
    """

    best: BlockHash | None
    """The block up to which the filters go; None before the genesis block."""
    height: int
    """Its height; -1 before the genesis block."""

    def __init__(self, store: Store) -> None:
        self._store = store
        mark = store.get(_MARK_KEY)
        self.best = None if mark is None else BlockHash(mark[:32])
        self.height = -1 if mark is None else int(_U32.unpack_from(mark, 32)[0])
        self._held: dict[bytes, bytes | None] = {}
        self._held_bytes = 0
        self._limit_bytes = 0
        self._header = GENESIS_PREV_HEADER  # Of `best`.
        if self.best is not None:
            self._header = self._stored_header(self.best)

    def connect(
        self,
        block: Block,
        block_hash: BlockHash,
        height: int,
        spent: Iterable[Iterable[Coin]],
    ) -> bytes:
        """Move forward by one block.

        Args:
            block: the block after `best`.
            block_hash: its hash.
            height: its height.
            spent: the coins that each of its transactions spends.

        Returns:
            Its filter.
        """
        assert height == self.height + 1, "blocks connect one after the other"
        assert self.best is None or block.header.prev == self.best, "a block connects to the best"
        data = basic_filter(block_hash, filter_elements(block, spent))
        digest = sha256d(data)
        self._header = sha256d(digest + self._header)
        self._held[_FILTER_PREFIX + block_hash] = data
        self._held[_HEADER_PREFIX + block_hash] = digest + self._header
        self._held_bytes += len(data)
        self._move(block_hash, height)
        return data

    def disconnect(self, block_hash: BlockHash, prev_hash: BlockHash) -> None:
        """Move back by one block; its filter stays.

        Args:
            block_hash: the block at `best`.
            prev_hash: the block before, which becomes the best.
        """
        assert block_hash == self.best, "the best block disconnects"
        assert self.height > 0, "the genesis block never disconnects"
        self._header = self._stored_header(prev_hash)
        self._move(prev_hash, self.height - 1)

    def filters(self, block_hashes: Sequence[BlockHash]) -> list[bytes | None]:
        """The filters of several blocks, in their order; None for one that is not known."""
        return self._read(_FILTER_PREFIX, block_hashes)

    def entries(self, block_hashes: Sequence[BlockHash]) -> list[tuple[bytes, bytes] | None]:
        """Hash and header of several blocks' filters, in their order; None for one not known."""
        values = self._read(_HEADER_PREFIX, block_hashes)
        return [None if value is None else (value[:32], value[32:]) for value in values]

    def filter_hashes(self, block_hashes: Sequence[BlockHash]) -> list[bytes | None]:
        """The hashes of several filters, as `cfheaders` carries them; None for one not known."""
        values = self._read(_HEADER_PREFIX, block_hashes)
        return [None if value is None else value[:32] for value in values]

    def headers(self, block_hashes: Sequence[BlockHash]) -> list[bytes | None]:
        """The filter headers of several blocks, in their order; None for one not known."""
        values = self._read(_HEADER_PREFIX, block_hashes)
        return [None if value is None else value[32:] for value in values]

    def checkpoints(self, stop: HeaderEntry) -> list[bytes | None]:
        """The filter headers of every thousandth block up to `stop`, as `cfcheckpt` carries them.

        From height 1,000 on, ascending, on the branch of `stop`; None for one not known.
        """
        heights = range(CHECKPOINT_INTERVAL, stop.height + 1, CHECKPOINT_INTERVAL)
        entries = map(stop.ancestor, heights)
        return self.headers([entry.hash for entry in entries if entry is not None])

    def hold(self, limit_bytes: int = HOLD_BYTES) -> None:
        """From now on let filters wait, so that many share one write, until `release`.

        Args:
            limit_bytes: how many bytes of filters may wait before they are written.
        """
        self._limit_bytes = limit_bytes

    def release(self) -> None:
        """Write what was held, and from now on each filter at once."""
        self._limit_bytes = 0
        self.flush()

    def flush(self) -> None:
        """Write what was held; nothing happens if nothing was."""
        if self._held:
            self._store.write(self._held)
            self._held, self._held_bytes = {}, 0

    def _move(self, block_hash: BlockHash, height: int) -> None:
        self.best, self.height = block_hash, height
        self._held[_MARK_KEY] = block_hash + _U32.pack(height)
        if self._held_bytes >= self._limit_bytes:
            self.flush()

    def _read(self, prefix: bytes, block_hashes: Sequence[BlockHash]) -> list[bytes | None]:
        keys = [prefix + block_hash for block_hash in block_hashes]
        held = self._held  # Replaced, never emptied, once it is written by another thread.
        values = list(self._store.multi_get(keys))
        if held:
            return [held.get(key, value) for key, value in zip(keys, values, strict=True)]
        return values

    def _stored_header(self, block_hash: BlockHash) -> bytes:
        (header,) = self.headers([block_hash])
        if header is None:
            raise DamageError(f"the filter of block {to_hex(block_hash)} is missing: damaged")
        return header
