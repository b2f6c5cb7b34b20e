"""What is kept beside the active chain and moves with it, block by block.

A mark in the store says up to which block it goes; the mark reaches the store in the same atomic
write as the changes of the block. So a process that is killed at any instant finds both as they
belong together, and goes on from the mark.
"""

from __future__ import annotations

from struct import Struct

from axon.chain.store import Store
from axon.errors import DamageError
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header

_U32 = Struct("<I")


class ChainFollower:
    """Something that goes up to `best` of the active chain.

    Args:
        store: what an earlier run wrote, or nothing yet.
        mark_key: under which key hash and height of `best` are kept.
        hold_bytes: how much may wait in memory unless `hold` says otherwise.
    """

    best: BlockHash | None
    """The block up to which it goes; None before the genesis block."""
    height: int
    """Its height; -1 before the genesis block."""

    def __init__(self, store: Store, mark_key: bytes, hold_bytes: int) -> None:
        self._store = store
        self._hold_bytes = hold_bytes
        self._limit_bytes = 0
        mark = store.get(mark_key)
        self.best = None if mark is None else BlockHash(mark[:32])
        self.height = -1 if mark is None else int(_U32.unpack_from(mark, 32)[0])

    def hold(self, limit_bytes: int | None = None) -> None:
        """From now on let changes wait, so that many blocks share one write, until `release`.

        Args:
            limit_bytes: how much memory they may take up, roughly, before they are written.
        """
        self._limit_bytes = self._hold_bytes if limit_bytes is None else limit_bytes

    def release(self) -> None:
        """Write what was held, and from now on each block at once.

        Raises:
            StorageError: the disk failed.
        """
        self._limit_bytes = 0
        self.flush()

    def flush(self) -> None:
        """Write what was held; nothing happens if nothing was.

        Raises:
            StorageError: the disk failed.
        """
        raise NotImplementedError

    def damage(self, text: str) -> DamageError:
        """The error to raise where what it keeps is found damaged."""
        return DamageError(text, self._store.name)

    def _mark(self) -> bytes:
        assert self.best is not None, "there is something to mark"
        return self._mark_of(self.best, self.height)

    @staticmethod
    def _mark_of(best: BlockHash, height: int) -> bytes:
        return best + _U32.pack(height)

    def _expect_next(self, header: Header, height: int) -> None:
        assert height == self.height + 1, "blocks connect one after the other"
        assert self.best is None or header.prev == self.best, "a block connects to the best"

    def _expect_best(self, block_hash: BlockHash) -> None:
        assert block_hash == self.best, "the best block disconnects"
        assert self.height > 0, "the genesis block never disconnects"
