"""Moves background indexes towards the validator's tip, and reads what they lead to.

An index needs nothing but its mark: what is not on the active chain is taken back, then it goes
forward block by block. Different indexes may be moved by different threads at a time, each by one,
while another thread feeds the validator; all may be asked meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from axon.chain.backgroundindex import BackgroundIndex, BlockPlace, IndexedBlock
from axon.chain.txindex import TxIndex
from axon.chain.txlocations import TxLocation
from axon.chain.txospenderindex import TxoSpenderIndex
from axon.consensus.blockfiles import BlockFiles
from axon.consensus.blockplaces import BlockPlaces
from axon.consensus.validator import Validator
from axon.errors import DecodeError, StorageError
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.transaction import OutPoint, Transaction

AT_ONCE_BYTES: Final = 1_000_000
"""Of blocks that an index takes in at a time: a fraction of a second."""

AT_ONCE_BLOCKS: Final = 100


@dataclass(frozen=True, slots=True)
class ConfirmedTransaction:
    """A transaction that an index has found.

    Args:
        block_hash: of its block, which may have left the active chain.
        place: of the transaction in the block; 0 for the coinbase.
        transaction: the same.
    """

    block_hash: BlockHash
    place: int
    transaction: Transaction


class Indexing:
    """The background indexes of one ledger.

    Args:
        validator: whose active chain they follow.
        indexes: by name.
        files, places: where its blocks lie; None if that is not known.
    """

    def __init__(
        self,
        validator: Validator,
        indexes: Mapping[str, BackgroundIndex],
        files: BlockFiles | None = None,
        places: BlockPlaces | None = None,
    ) -> None:
        self._validator = validator
        self._files = files
        self._places = places
        self.indexes = indexes

    def advance(self, name: str) -> int:
        """Move an index some blocks towards the validator's tip.

        Returns:
            How many blocks it is behind now; at least 1 off the active chain.

        Raises:
            DamageError: it goes up to a block that the validator does not have, or has lost what it
                knew; it can be built anew.
            StorageError: the validator has lost a block of its active chain, or the disk failed.
        """
        index, bytes_left = self.indexes[name], AT_ONCE_BYTES
        for _ in range(AT_ONCE_BLOCKS):
            moved = self._undo(index) or self._redo(index)
            bytes_left -= moved
            if not moved or bytes_left <= 0:
                break
        return self.lag(index)

    def lag(self, index: BackgroundIndex) -> int:
        """How many blocks an index is behind the validator's tip; at least 1 off its chain."""
        tip, height = self._validator.tip()
        return 0 if index.best == tip else max(1, height - index.height)

    def transaction(self, txid: Txid) -> ConfirmedTransaction | None:
        """The transaction of this txid that was last in a block; None if none is known.

        Raises:
            StorageError: the disk failed.
        """
        index = self.indexes[TxIndex.name]
        assert isinstance(index, TxIndex)
        location = index.find(txid)
        found = None if location is None else self._read(location)
        return found if found is not None and found.transaction.txid == txid else None

    def spender(self, point: OutPoint) -> ConfirmedTransaction | None:
        """The transaction of the active chain that spends an output; None if none does.

        Raises:
            StorageError: the disk failed.
        """
        index = self.indexes[TxoSpenderIndex.name]
        assert isinstance(index, TxoSpenderIndex)
        for location in index.candidates(point):
            found = self._read(location)
            if found is not None and point in found.transaction.prevouts:
                return found
        return None

    def _read(self, location: TxLocation) -> ConfirmedTransaction | None:
        """What lies at a location; None if its block is not there any more."""
        lies, offset, size = location.block_place, location.offset, location.size_bytes
        transaction = None
        if lies is not None and self._files is not None:
            transaction = _decoded(self._files.read_part(lies.number, lies.offset + offset, size))
        if transaction is None:
            block = self._validator.read_block(location.block_hash)
            transaction = None if block is None else _decoded(block[offset : offset + size])
        if transaction is None:
            return None
        return ConfirmedTransaction(location.block_hash, location.place, transaction)

    def _undo(self, index: BackgroundIndex) -> int:
        """Take back one block that is not on the active chain; its bytes, 0 if there is none."""
        best = index.best
        if best is None or self._validator.is_active(best):
            return 0
        indexed = self._indexed(index, best, index.height)
        if indexed is None:
            raise index.damage(f"The {index.name} goes up to block {to_hex(best)}, which is lost")
        index.disconnect(indexed)
        return len(indexed.block.raw)

    def _redo(self, index: BackgroundIndex) -> int:
        """Connect one more block; its bytes, 0 if there is none."""
        block_hash = self._validator.hash_at(index.height + 1)
        if block_hash is None:
            return 0
        indexed = self._indexed(index, block_hash, index.height + 1)
        if indexed is None:
            if not self._validator.is_active(block_hash):
                return 0  # It has left the chain just now, before it was read.
            text = f"Block {to_hex(block_hash)} is not in the block files"
            raise StorageError(f"{text}; start once with -reindex.")
        if index.best is not None and indexed.block.header.prev != index.best:
            return 0  # The validator has just moved to another branch.
        index.connect(indexed)
        return len(indexed.block.raw)

    def _indexed(
        self, index: BackgroundIndex, block_hash: BlockHash, height: int
    ) -> IndexedBlock | None:
        """A block with what the index wants of it; None if it is not there."""
        found = None if self._places is None else self._places.find(block_hash)
        if found is not None:
            record, raw = found
            place: BlockPlace | None = BlockPlace(record.number, record.offset)
        else:
            read, place = self._validator.read_block(block_hash), None
            if read is None:
                return None
            raw = read
        spent = self._validator.read_spent(block_hash) if index.needs_spent else []
        if spent is None:
            return None
        return IndexedBlock(Block.decode(raw), block_hash, height, spent, place)


def _decoded(raw: bytes) -> Transaction | None:
    try:
        return Transaction.decode(raw)
    except DecodeError:
        return None
