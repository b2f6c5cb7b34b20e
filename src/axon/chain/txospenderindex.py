"""Which confirmed transaction spends an output (`-txospenderindex`).

An outpoint is known by eight bytes of its hash, so an entry takes 23 bytes and not 51; who asks
looks whether the transactions that are found spend it. A block that leaves the active chain takes
its entries along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from struct import Struct
from typing import ClassVar, Final

from axon.chain.backgroundindex import IndexedBlock
from axon.chain.parts import spends_and_makes
from axon.chain.txlocations import TxLocation, TxLocations, with_offsets
from axon.primitives.block import Block
from axon.primitives.transaction import OutPoint

_SPEND_PREFIX: Final = b"s"  # Then eight bytes of the hash and a `_WHERE`; the value is the size.
_NAME_SIZE: Final = 8
_WHERE = Struct(">IHI")  # Number of the block, place in it, offset.
_U32 = Struct("<I")


class TxoSpenderIndex(TxLocations):
    """Finds who spends an output."""

    name: ClassVar[str] = "txospenderindex"

    def candidates(self, point: OutPoint) -> list[TxLocation]:
        """Where transactions are of which one spends this output, if any does.

        Raises:
            StorageError: the disk failed.
        """
        stem = _stem(point)
        found: list[TxLocation] = []
        for key, value in self._store.items(stem):
            number, place, offset = _WHERE.unpack_from(key, len(stem))
            location = self._location(number, place, offset, int(_U32.unpack(value)[0]))
            if location is not None:
                found.append(location)
        return found

    def _connected(self, indexed: IndexedBlock) -> Mapping[bytes, bytes | None]:
        number, numbered = self._numbered(indexed)
        return {**numbered, **dict(_entries(indexed.block, number))}

    def _disconnected(self, indexed: IndexedBlock) -> Mapping[bytes, bytes | None]:
        number = self._number_of(indexed.hash)
        assert number is not None, "a block that disconnects was indexed"
        return dict.fromkeys([key for key, _ in _entries(indexed.block, number)])


def _stem(point: bytes) -> bytes:
    return _SPEND_PREFIX + sha256(point).digest()[:_NAME_SIZE]


def _entries(block: Block, number: int) -> Iterator[tuple[bytes, bytes]]:
    """What is written for the block of this number."""
    for place, (transaction, offset) in enumerate(with_offsets(block)):
        if place == 0:
            continue  # The coinbase spends nothing.
        where, size = _WHERE.pack(number, place, offset), _U32.pack(len(transaction.raw))
        for point in spends_and_makes(transaction)[0]:
            yield _stem(point) + where, size
