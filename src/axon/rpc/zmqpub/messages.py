"""What the messages of each topic hold.

Hashes are in the order in which they are shown, not as they are hashed. `sequence` tells of a block
with `C` or `D`, of the pool with `A` or `R` and its count, 8 bytes little-endian.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from axon.node.notifications import (
    BlockNotification,
    Notification,
    PoolNotification,
    TipNotification,
)
from axon.primitives.transaction import Transaction

OF_TRANSACTIONS = frozenset({"hashtx", "rawtx"})


def messages(notification: Notification, topics: Collection[str]) -> Iterator[Mapping[str, bytes]]:
    """What is published for a notification, step by step: by topic, for all notifiers of a step.

    Args:
        topics: those that are published at all; a step may have others, too.
    """
    match notification:
        case TipNotification(block_hash, block):
            yield {"hashblock": block_hash[::-1], "rawblock": block.raw}
        case BlockNotification(block_hash, block, joined):
            if not OF_TRANSACTIONS.isdisjoint(topics):
                yield from map(_of_transaction, block.transactions)
            yield {"sequence": block_hash[::-1] + (b"C" if joined else b"D")}
        case PoolNotification(move):
            number = move.sequence.to_bytes(8, "little")
            name = move.transaction.txid[::-1]
            if move.entered:
                yield {**_of_transaction(move.transaction), "sequence": name + b"A" + number}
            else:
                yield {"sequence": name + b"R" + number}


def _of_transaction(transaction: Transaction) -> dict[str, bytes]:
    return {"hashtx": transaction.txid[::-1], "rawtx": transaction.raw}


def count_messages(notification: Notification) -> Counter[str]:
    """How many messages of each topic a notification is worth."""
    match notification:
        case TipNotification():
            return Counter({"hashblock": 1, "rawblock": 1})
        case BlockNotification(block=block):
            count = len(block.transactions)
            return Counter({"hashtx": count, "rawtx": count, "sequence": 1})
        case PoolNotification(move):
            return Counter({"hashtx": move.entered, "rawtx": move.entered, "sequence": 1})


def size_bytes(notification: Notification) -> int:
    """What a notification keeps in memory, about."""
    if isinstance(notification, PoolNotification):
        return notification.move.transaction.size_bytes
    return notification.block.size_bytes
