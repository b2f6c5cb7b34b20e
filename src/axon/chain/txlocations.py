"""Keys that lead to transactions in blocks: what `-txindex` and `-txospenderindex` have in common.

A block gets a number when it is first indexed, and keeps it, also when it leaves the active chain.
An entry names a transaction by that number, and its place, offset and size in the block: 14 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Final

from axon.chain.backgroundindex import BackgroundIndex, BlockPlace, IndexedBlock
from axon.chain.store import Store
from axon.primitives.block import Block
from axon.primitives.encoding import compact_size
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE
from axon.primitives.transaction import Transaction

_BLOCK_PREFIX: Final = b"b"  # Then the number; the value is the hash, then where the block lies.
_NUMBER_PREFIX: Final = b"n"  # Then the hash; the value is the number.
_COUNT_KEY: Final = b"N"  # How many numbers are given.

_U32 = Struct("<I")
_PLACE = Struct("<II")  # File and offset.
_NO_PLACE: Final = 0xFFFF_FFFF  # In place of the file: it is not known.


@dataclass(frozen=True, slots=True)
class TxLocation:
    """Where a transaction is.

    Args:
        block_hash: of its block, which may have left the active chain.
        block_place: where the block lay when it was indexed; None if that is not known.
        place: of the transaction in the block; 0 for the coinbase.
        offset: of the transaction in the block, in bytes.
        size_bytes: of the transaction.
    """

    block_hash: BlockHash
    block_place: BlockPlace | None
    place: int
    offset: int
    size_bytes: int


class TxLocations(BackgroundIndex):
    """An index whose entries lead to transactions.

    Args:
        store: what an earlier run wrote, or nothing yet.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        count = store.get(_COUNT_KEY)
        self._count = 0 if count is None else int(_U32.unpack(count)[0])

    def _number_of(self, block_hash: BlockHash) -> int | None:
        """The number of a block that was indexed before."""
        found = self._store.get(_NUMBER_PREFIX + block_hash)
        return None if found is None else int(_U32.unpack(found)[0])

    def _numbered(self, indexed: IndexedBlock) -> tuple[int, Mapping[bytes, bytes | None]]:
        """The number of a block that is indexed now, and what is to be written for it."""
        number, place = self._number_of(indexed.hash), indexed.place
        changes: dict[bytes, bytes | None] = {}
        if number is None:
            number = self._count
            self._count += 1
            changes[_NUMBER_PREFIX + indexed.hash] = _U32.pack(number)
            changes[_COUNT_KEY] = _U32.pack(self._count)
        lies = (_NO_PLACE, 0) if place is None else (place.number, place.offset)
        changes[_BLOCK_PREFIX + _U32.pack(number)] = indexed.hash + _PLACE.pack(*lies)
        return number, changes

    def _location(self, number: int, place: int, offset: int, size_bytes: int) -> TxLocation | None:
        """What an entry leads to; None if its block has not been written yet."""
        found = self._store.get(_BLOCK_PREFIX + _U32.pack(number))
        if found is None:
            return None
        file, start = _PLACE.unpack_from(found, 32)
        block_place = None if file == _NO_PLACE else BlockPlace(file, start)
        return TxLocation(BlockHash(found[:32]), block_place, place, offset, size_bytes)


def with_offsets(block: Block) -> Iterator[tuple[Transaction, int]]:
    """The transactions of a block, and at which of its bytes each begins."""
    offset = HEADER_SIZE + len(compact_size(len(block.transactions)))
    for transaction in block.transactions:
        yield transaction, offset
        offset += len(transaction.raw)
