"""inv, getdata, notfound, tx, mempool, feefilter."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.encoding import compact_size
from axon.primitives.transaction import Transaction
from axon.wire.messages.inventory import (
    MAX_INVENTORY,
    MAX_NOTFOUND,
    FeeFilter,
    GetData,
    Inv,
    InvItem,
    InvType,
    MempoolMessage,
    NotFound,
    Tx,
)
from axon.wire.messages.limits import OverLimit
from axon.wire.transport import MAX_PAYLOAD_SIZE
from tests.strategies import inv_items, transactions

HASH = bytes(range(32))
ITEM = InvItem(InvType.WTX, HASH)


def test_items_are_a_kind_and_a_hash() -> None:
    data = bytes.fromhex("0205000000") + HASH + bytes.fromhex("02000040") + HASH
    inv = Inv((InvItem(5, HASH), InvItem(0x40000002, HASH)))
    assert Inv.decode(data) == inv
    assert inv.encode() == data
    assert [InvType(item.kind) for item in inv.items] == [InvType.WTX, InvType.WITNESS_BLOCK]


def test_kinds_have_the_numbers_of_the_protocol() -> None:
    assert [int(kind) for kind in InvType] == [1, 2, 3, 4, 5, 1 << 30 | 1, 1 << 30 | 2]


def test_a_kind_that_nobody_knows_is_carried() -> None:
    assert Inv.decode(b"\x01" + b"\xff" * 36).items == (InvItem(0xFFFFFFFF, b"\xff" * 32),)


@given(st.lists(inv_items(), max_size=300))
def test_encode_agrees_with_the_plain_way(items: list[InvItem]) -> None:
    plain = chain.from_iterable((item.kind.to_bytes(4, "little"), item.hash) for item in items)
    assert Inv(tuple(items)).encode() == compact_size(len(items)) + b"".join(plain)


@pytest.mark.parametrize("kind", [Inv, GetData])
def test_fifty_thousand_is_the_most(kind: type[Inv | GetData]) -> None:
    most = kind((ITEM,) * MAX_INVENTORY)
    assert kind.decode(most.encode()) == most
    with pytest.raises(OverLimit):
        kind.decode(kind((ITEM,) * (MAX_INVENTORY + 1)).encode())


def test_notfound_may_hold_what_fits_into_a_message() -> None:
    most = NotFound((ITEM,) * MAX_NOTFOUND).encode()
    assert len(most) <= MAX_PAYLOAD_SIZE < len(most) + 36
    assert len(NotFound.decode(most).items) == MAX_NOTFOUND


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x01" + bytes(35), b"\xfd\x00", b"\xfd\x01\x00"])
def test_what_is_cut_short_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        Inv.decode(data)
    assert not isinstance(caught.value, OverLimit)


def test_an_announced_count_costs_nothing() -> None:
    with pytest.raises(DecodeError):
        NotFound.decode(compact_size(MAX_NOTFOUND) + bytes(100))


@given(transactions())
def test_tx_is_the_bytes_of_its_transaction(transaction: Transaction) -> None:
    assert Tx(transaction).encode() == transaction.raw
    decoded = Tx.decode(transaction.raw + b"ignored")
    assert decoded.transaction.raw == transaction.raw
    assert decoded.transaction.wtxid == transaction.wtxid


def test_half_a_transaction_is_refused() -> None:
    with pytest.raises(DecodeError):
        Tx.decode(b"\x01\x00\x00\x00\x01")


def test_feefilter() -> None:
    assert FeeFilter(1000).encode().hex() == "e803000000000000"
    assert FeeFilter.decode(b"\xff" * 8) == FeeFilter(-1)
    with pytest.raises(DecodeError):
        FeeFilter.decode(bytes(7))


def test_mempool_has_no_payload() -> None:
    assert MempoolMessage().encode() == b""
    assert MempoolMessage.command == "mempool"
