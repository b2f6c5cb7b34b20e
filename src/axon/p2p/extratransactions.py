"""Transactions that are not in the pool but may well be in the next block.

Those that were replaced or pushed out, and those that were refused: another miner may have seen
another one first, or have other rules. They help to make compact blocks whole (BIP 152).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from axon.primitives.transaction import Transaction

DEFAULT_EXTRA_TRANSACTIONS: Final = 100
"""So many are kept if the operator does not say otherwise (`-blockreconstructionextratxn`)."""

MAX_EXTRA_TX_BYTES: Final = 100_000
"""Longer ones are not kept: peers send refused ones for nothing (Bitcoin Core)."""

MAX_EXTRA_BYTES: Final = 10_000_000
"""Of all that are kept, however many the operator allows."""


class ExtraTransactions:
    """The last so many of them; the oldest make room.

    Args:
        limit: how many; 0 for none.
    """

    def __init__(self, limit: int = DEFAULT_EXTRA_TRANSACTIONS) -> None:
        self._limit = limit
        self._kept: dict[bytes, Transaction] = {}  # By wtxid, the oldest first.
        self.size_bytes = 0
        """Of all that are kept."""

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Transaction]:
        return iter(self._kept.values())

    def add(self, transaction: Transaction) -> None:
        """Keep one, unless it is too long."""
        if self._limit <= 0 or transaction.size_bytes > MAX_EXTRA_TX_BYTES:
            return
        before = self._kept.pop(transaction.wtxid, None)
        self._kept[transaction.wtxid] = transaction
        if before is None:
            self.size_bytes += transaction.size_bytes
        while len(self._kept) > self._limit or self.size_bytes > MAX_EXTRA_BYTES:
            oldest = self._kept.pop(next(iter(self._kept)))
            self.size_bytes -= oldest.size_bytes
