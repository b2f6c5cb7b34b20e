"""The order in which transactions come into the pool and leave it, counted as Bitcoin Core does.

The count is what `getrawmempool` shows as `mempool_sequence`, and what subscribers of the topic
`sequence` are told with every move. So its order matters: what leaves for a newcomer, or for want
of room, counts before that; what goes together counts by txid; and what a block takes along counts
too, though nobody is told of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from axon.primitives.transaction import Transaction


@dataclass(frozen=True, slots=True)
class PoolMove:
    """A transaction came in, or left without a block.

    Args:
        transaction: which.
        sequence: the count before it.
        entered: whether it came in.
    """

    transaction: Transaction
    sequence: int
    entered: bool


class PoolJournal:
    """Counts moves, and keeps them once somebody wants to know."""

    def __init__(self) -> None:
        self.sequence = 1
        self._moves: list[PoolMove] | None = None

    def keep(self) -> None:
        """From now on keep moves until they are taken."""
        self._moves = []

    def take(self) -> list[PoolMove]:
        """What was kept since the last time, in order."""
        if not self._moves:
            return []
        moves, self._moves = self._moves, []
        return moves

    def entered(self, transaction: Transaction) -> int:
        """A transaction came in; its number."""
        return self._count(transaction, True)

    def left(self, transaction: Transaction) -> None:
        """A transaction left, and not by a block."""
        self._count(transaction, False)

    def confirmed(self) -> None:
        """A transaction left because a block has it."""
        self.sequence += 1

    def _count(self, transaction: Transaction, entered: bool) -> int:
        number = self.sequence
        self.sequence += 1
        if self._moves is not None:
            self._moves.append(PoolMove(transaction, number, entered))
        return number
