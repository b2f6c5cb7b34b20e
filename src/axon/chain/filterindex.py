"""The filters of the active chain's blocks, kept to be served (BIP 157).

Filters and headers are stored by block hash and stay when a block leaves the active chain: peers
may still ask for them. The mark of the newest block moves in the same atomic write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from axon.chain.coins import Coin
from axon.chain.filters import GENESIS_PREV_HEADER, basic_filter, elements_of, filter_hash
from axon.chain.follower import ChainFollower
from axon.chain.headerentry import HeaderEntry
from axon.chain.parts import BlockParts
from axon.chain.store import Store
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, filter_header, to_hex

CHECKPOINT_INTERVAL: Final = 1000
"""`cfcheckpt` carries the filter header of every so many blocks (BIP 157)."""

HOLD_BYTES: Final = 8 * 1024 * 1024
"""What filters may take up in memory before they are written: some 300 full blocks' worth."""

_FILTER_PREFIX = b"f"  # Then the block hash; the value is the filter.
_HEADER_PREFIX = b"h"  # Then the block hash; the value is the filter's hash and the filter header.
_MARK_KEY = b"F"  # Hash and height of the newest block.


class FilterIndex(ChainFollower):
    """The basic filters of the active chain up to `best`.

    Args:
        store: what an earlier run wrote, or nothing yet. Its keys that begin with `f`, `h` or `F`
            are ours.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store, _MARK_KEY, HOLD_BYTES)
        self._held: dict[bytes, bytes | None] = {}
        self._held_bytes = 0
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
        scripts = [coin.script_pubkey for coins in spent for coin in coins]
        return self.connect_parts(BlockParts.of(block), block_hash, height, scripts)

    def connect_parts(
        self, parts: BlockParts, block_hash: BlockHash, height: int, spent: Iterable[bytes]
    ) -> bytes:
        """The same with what a block spends and makes, and the scripts of the coins it spends."""
        self._expect_next(parts.header, height)
        data = basic_filter(block_hash, elements_of(parts, spent))
        digest = filter_hash(data)
        self._header = filter_header(digest, self._header)
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
        self._expect_best(block_hash)
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

    def flush(self) -> None:
        """Write what was held; nothing happens if nothing was.

        Raises:
            StorageError: the disk failed.
        """
        if self._held:
            self._store.write(self._held)
            self._held, self._held_bytes = {}, 0

    def _move(self, block_hash: BlockHash, height: int) -> None:
        self.best, self.height = block_hash, height
        self._held[_MARK_KEY] = self._mark()
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
            raise self.damage(f"the filter of block {to_hex(block_hash)} is missing: damaged")
        return header
