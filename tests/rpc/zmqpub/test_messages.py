"""What the messages of each topic hold."""

from __future__ import annotations

from collections import Counter

import pytest

from axon.mempool.journal import PoolMove
from axon.node.notifications import (
    BlockNotification,
    Notification,
    PoolNotification,
    TipNotification,
)
from axon.primitives.network import REGTEST
from axon.rpc.zmqpub.messages import count_messages, messages, size_bytes
from axon.rpc.zmqpub.settings import TOPICS

BLOCK = REGTEST.genesis
(COINBASE,) = BLOCK.transactions
HASH, TXID = BLOCK.hash[::-1], COINBASE.txid[::-1]
TRANSACTION = {"hashtx": TXID, "rawtx": COINBASE.raw}

JOINED = BlockNotification(BLOCK.hash, BLOCK, joined=True)
LEFT = BlockNotification(BLOCK.hash, BLOCK, joined=False)
TIP = TipNotification(BLOCK.hash, BLOCK)
ENTERED = PoolNotification(PoolMove(COINBASE, 258, entered=True))
REMOVED = PoolNotification(PoolMove(COINBASE, 1, entered=False))


@pytest.mark.parametrize(
    ("notification", "steps"),
    [
        (TIP, [{"hashblock": HASH, "rawblock": BLOCK.raw}]),
        (JOINED, [TRANSACTION, {"sequence": HASH + b"C"}]),
        (LEFT, [TRANSACTION, {"sequence": HASH + b"D"}]),
        (ENTERED, [TRANSACTION | {"sequence": TXID + b"A" + bytes((2, 1, 0, 0, 0, 0, 0, 0))}]),
        (REMOVED, [{"sequence": TXID + b"R" + bytes((1, 0, 0, 0, 0, 0, 0, 0))}]),
    ],
    ids=["tip", "joined", "left", "entered", "removed"],
)
def test_each_notification(notification: Notification, steps: list[dict[str, bytes]]) -> None:
    assert list(messages(notification, TOPICS)) == steps
    counted = Counter(topic for step in steps for topic in step)
    assert +count_messages(notification) == counted, "as many as are published"
    assert size_bytes(notification) in (len(BLOCK.raw), len(COINBASE.raw))


def test_transactions_of_blocks_are_left_alone_where_nobody_wants_them() -> None:
    assert list(messages(JOINED, ("hashblock", "sequence"))) == [{"sequence": HASH + b"C"}]
