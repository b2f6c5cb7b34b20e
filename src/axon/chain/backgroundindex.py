"""What is worked out of the blocks of the active chain in the background, and kept.

A background index comes after the chain in a lane of its own: it may be behind by any number of
blocks, be switched on over a chain that is there already, and go on where it stood after it was
switched off for a while. Each block is one atomic write, the mark of `ChainFollower` with it, so a
process that is killed at any instant goes on from the mark.

    marked --connect, the next block of the active chain--> marked, one higher
    marked --disconnect, the mark's block has left the active chain--> marked, one lower

Who moves it is `consensus.indexing`; which of the two is due says the active chain. Another thread
may read meanwhile: what a block changes is there when `best` is that block, and perhaps before.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from axon.chain.coins import Coin
from axon.chain.follower import ChainFollower
from axon.chain.store import Store
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash

_MARK_KEY: Final = b"!"  # Hash and height of the newest block; other keys begin with letters.


@dataclass(frozen=True, slots=True)
class BlockPlace:
    """Where a block lies in the block files.

    Args:
        number: of the file.
        offset: of the block's first byte.
    """

    number: int
    offset: int


@dataclass(frozen=True, slots=True)
class IndexedBlock:
    """A block as an index takes it in, or gives it up.

    Args:
        block: the block.
        hash: its hash.
        height: its height.
        spent: the coins that each of its transactions spends, none for the coinbase; empty unless
            the index `needs_spent`.
        place: where it lies; None if that is not known.
    """

    block: Block
    hash: BlockHash
    height: int
    spent: Sequence[Sequence[Coin]]
    place: BlockPlace | None


class BackgroundIndex(ChainFollower):
    """An index that goes up to `best` of the active chain; a subclass says what a block changes.

    Args:
        store: what an earlier run wrote, or nothing yet. All its keys are the index's; those of the
            subclass begin with a letter.
    """

    name: ClassVar[str]
    """As `getindexinfo` calls it."""
    needs_spent: ClassVar[bool] = False
    """Whether it is to be given the coins that a block spends: to read them takes time."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, _MARK_KEY, 0)

    def connect(self, indexed: IndexedBlock) -> None:
        """Move forward by one block.

        Args:
            indexed: the block after `best`.

        Raises:
            StorageError: the disk failed.
        """
        self._expect_next(indexed.block.header, indexed.height)
        self._write(self._connected(indexed), indexed.hash, indexed.height)

    def disconnect(self, indexed: IndexedBlock) -> None:
        """Move back by one block.

        Args:
            indexed: the block at `best`.

        Raises:
            DamageError: what the index knew of the block before is missing.
            StorageError: the disk failed.
        """
        self._expect_best(indexed.hash)
        changes = self._disconnected(indexed)
        self._write(changes, indexed.block.header.prev, indexed.height - 1)

    def flush(self) -> None:
        """Nothing is held: each block is written at once."""

    def _write(self, changes: Mapping[bytes, bytes | None], best: BlockHash, height: int) -> None:
        self._store.write({**changes, _MARK_KEY: self._mark_of(best, height)})
        self.height, self.best = height, best  # Whoever reads goes by `best`.

    @abstractmethod
    def _connected(self, indexed: IndexedBlock) -> Mapping[bytes, bytes | None]:
        """What a new block changes in the store; None removes a key."""

    @abstractmethod
    def _disconnected(self, indexed: IndexedBlock) -> Mapping[bytes, bytes | None]:
        """What changes when a block leaves the active chain; nothing where its entries stay."""
