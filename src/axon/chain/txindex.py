"""Where each confirmed transaction is (`-txindex`).

As in Bitcoin Core what was in a block that left the active chain stays, until the transaction is in
another block; and the genesis block's transaction, which is no ordinary one, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import ClassVar, Final

from axon.chain.backgroundindex import IndexedBlock
from axon.chain.txlocations import TxLocation, TxLocations, with_offsets
from axon.primitives.hashes import Txid

_TX_PREFIX: Final = b"t"  # Then the txid; the value is an `_ENTRY`.
_ENTRY = Struct("<IHII")  # Number of the block, place in it, offset, size.


class TxIndex(TxLocations):
    """Finds transactions by txid."""

    name: ClassVar[str] = "txindex"

    def find(self, txid: Txid) -> TxLocation | None:
        """Where the transaction is that was last in a block; None if none was.

        Raises:
            StorageError: the disk failed.
        """
        found = self._store.get(_TX_PREFIX + txid)
        if found is None:
            return None
        number, place, offset, size_bytes = _ENTRY.unpack(found)
        return self._location(number, place, offset, size_bytes)

    def _connected(self, indexed: IndexedBlock) -> Mapping[bytes, bytes | None]:
        if indexed.height == 0:
            return {}
        number, numbered = self._numbered(indexed)
        changes = dict(numbered)
        pack = _ENTRY.pack
        for place, (transaction, offset) in enumerate(with_offsets(indexed.block)):
            size = len(transaction.raw)
            changes[_TX_PREFIX + transaction.txid] = pack(number, place, offset, size)
        return changes

    def _disconnected(self, indexed: IndexedBlock) -> Mapping[bytes, bytes | None]:  # noqa: ARG002
        return {}
