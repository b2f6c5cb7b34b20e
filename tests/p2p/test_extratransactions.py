"""Transactions beside the pool."""

from __future__ import annotations

import pytest

from axon.p2p.extratransactions import (
    MAX_EXTRA_BYTES,
    MAX_EXTRA_TX_BYTES,
    ExtraTransactions,
)
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from tests.p2p.compactworld import spend


def long(number: int, size_bytes: int) -> Transaction:
    """A transaction of this size."""
    empty = Transaction.build(1, [TxIn(OutPoint(bytes(36)), b"", number)], [TxOut(1, b"")])
    script = bytes(size_bytes - empty.size_bytes - 4)
    return Transaction.build(1, [TxIn(OutPoint(bytes(36)), b"", number)], [TxOut(1, script)])


def test_the_oldest_make_room() -> None:
    extra = ExtraTransactions(3)
    for number in range(5):
        extra.add(spend(number))
    assert list(extra) == [spend(2), spend(3), spend(4)]
    assert extra.size_bytes == sum(item.size_bytes for item in extra)


def test_who_comes_again_is_the_newest_and_counts_once() -> None:
    extra = ExtraTransactions(2)
    for number in (1, 2, 1, 3):
        extra.add(spend(number))
    assert list(extra) == [spend(1), spend(3)]
    assert extra.size_bytes == 2 * spend(1).size_bytes


def test_long_ones_are_not_kept() -> None:
    extra = ExtraTransactions()
    extra.add(long(1, MAX_EXTRA_TX_BYTES + 1))
    assert len(extra) == 0
    extra.add(long(1, MAX_EXTRA_TX_BYTES))
    assert len(extra) == 1


def test_the_bytes_are_bounded_however_many_the_operator_allows() -> None:
    extra = ExtraTransactions(1_000_000)
    whole = MAX_EXTRA_BYTES // MAX_EXTRA_TX_BYTES
    for number in range(whole + 20):
        extra.add(long(number, MAX_EXTRA_TX_BYTES))
    assert len(extra) == whole
    assert extra.size_bytes <= MAX_EXTRA_BYTES


@pytest.mark.parametrize("limit", [0, -1])
def test_none_are_kept_if_none_are_wanted(limit: int) -> None:
    extra = ExtraTransactions(limit)
    extra.add(spend(1))
    assert len(extra) == 0
