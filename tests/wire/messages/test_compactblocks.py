"""Messages about compact blocks (BIP 152)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.encoding import compact_size
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from axon.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut
from axon.wire.messages.compactblocks import (
    BlockTxn,
    CmpctBlock,
    GetBlockTxn,
    Prefilled,
    SendCmpct,
)
from tests.strategies import headers, transactions, u64

HEADER = REGTEST.genesis.header
HASH = BlockHash(bytes(range(32)))
SMALL = Transaction.build(1, [TxIn(NULL_OUTPOINT, b"\x51", 0)], [TxOut(1, b"")])


def test_flag_and_version() -> None:
    assert SendCmpct(0).encode().hex() == "000200000000000000"
    assert SendCmpct(1, 1).encode().hex() == "010100000000000000"
    assert SendCmpct.decode(bytes.fromhex("010200000000000000")) == SendCmpct(1, 2)


def test_a_flag_that_is_none_is_carried() -> None:
    assert SendCmpct.decode(bytes.fromhex("ff0200000000000000")) == SendCmpct(255, 2)


def test_a_version_that_nobody_knows_is_carried() -> None:
    assert SendCmpct.decode(b"\x00" + b"\xff" * 8) == SendCmpct(0, 2**64 - 1)


def test_cut_short() -> None:
    for size in range(9):
        with pytest.raises(DecodeError):
            SendCmpct.decode(bytes(size))
    with pytest.raises(DecodeError):
        CmpctBlock.decode(HEADER.raw + bytes(7))
    with pytest.raises(DecodeError):
        BlockTxn.decode(bytes(31))


@given(
    headers(),
    u64(),
    st.lists(st.binary(min_size=6, max_size=6), max_size=5),
    st.lists(st.tuples(st.integers(0, 300), transactions()), max_size=4),
)
def test_a_compact_block_is_read_as_it_was_built(
    header: object, nonce: int, names: list[bytes], gaps: list[tuple[int, Transaction]]
) -> None:
    prefilled, following = [], 0
    for gap, transaction in gaps:
        prefilled.append(Prefilled(following + gap, transaction))
        following += gap + 1
    built = CmpctBlock.build(header, nonce, names, prefilled)  # type: ignore[arg-type]
    message = CmpctBlock.decode(built.encode())
    short = message.short_block()
    assert message.header == header
    assert (short.nonce, short.short_ids) == (nonce, tuple(names))
    assert short.prefilled == tuple(prefilled)


def test_the_layout_of_a_compact_block() -> None:
    prefilled = (Prefilled(0, SMALL), Prefilled(2, SMALL))
    message = CmpctBlock.build(HEADER, 7, [b"abcdef"], prefilled)
    expected = HEADER.raw + b"\x07" + bytes(7) + b"\x01abcdef"
    assert message.raw == expected + b"\x02\x00" + SMALL.raw + b"\x01" + SMALL.raw


def compact(rest: bytes) -> CmpctBlock:
    """A compact block that goes on behind its nonce with these bytes."""
    return CmpctBlock.decode(HEADER.raw + bytes(8) + rest)


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"\x01abcde",
        b"\x00",
        b"\x00\x01\x00",
        b"\x00\x01\xfe\x00\x00\x01\x00" + SMALL.raw,  # A place above 65,535.
        b"\x00\x01\xfd\x00\x00" + SMALL.raw,  # Not the shortest compact size.
        b"\x00\x01\x00" + SMALL.raw[:-1],
        b"\xfe\x00\x00\x01\x00" + bytes(6 * 65_536) + b"\x00",  # More than 16 bits name.
        b"\xfd\xff\xff" + bytes(6 * 65_535) + b"\x01\x00" + SMALL.raw,
        b"\x00\xfe\xff\xff\xff\x00",  # More transactions than bytes.
    ],
    ids=range(10),
)
def test_a_compact_block_that_cannot_be_read(rest: bytes) -> None:
    with pytest.raises(DecodeError):
        compact(rest).short_block()


def test_a_place_may_lie_behind_the_block_and_above_16_bits() -> None:
    far = b"\xfd\xff\xff" + SMALL.raw
    short = compact(b"\x00\x02" + far + far).short_block()
    assert [index for index, _ in short.prefilled] == [65_535, 131_071]


def test_the_places_of_a_request_are_told_by_their_distances() -> None:
    request = GetBlockTxn(HASH, (0, 1, 5, 300))
    assert request.encode() == HASH + b"\x04\x00\x00\x03\xfd\x26\x01"
    assert GetBlockTxn.decode(request.encode()) == request


@given(st.lists(st.integers(0, 0xFFFF), unique=True, max_size=20).map(sorted))
def test_places_come_back(places: list[int]) -> None:
    request = GetBlockTxn(HASH, tuple(places))
    assert GetBlockTxn.decode(request.encode()) == request


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"\x01",
        b"\x02\x00",
        b"\x01\xfe\x00\x00\x01\x00",  # 65,536.
        b"\x02\xfd\xff\xff\x00",  # 65,535 and what follows.
        b"\x02\x00\xfe\xff\xff\xff\x01",  # A sum that would leave 16 bits.
        b"\xff" + b"\xff" * 8 + b"\x00",
        b"\xfe\x01\x00\x01\x00" + bytes(65_537),  # One more than there are places.
    ],
    ids=range(8),
)
def test_a_request_that_cannot_be_read(rest: bytes) -> None:
    with pytest.raises(DecodeError):
        GetBlockTxn.decode(HASH + rest)


@given(st.lists(transactions(), max_size=4))
def test_transactions_are_read_as_they_were_built(items: list[Transaction]) -> None:
    message = BlockTxn.decode(BlockTxn.build(HASH, items).encode())
    assert message.block_hash == HASH
    assert message.transactions() == tuple(items)


@pytest.mark.parametrize(
    "rest", [b"", b"\x01", b"\x01" + SMALL.raw[:-1], compact_size(2**20)], ids=range(4)
)
def test_transactions_that_cannot_be_read(rest: bytes) -> None:
    with pytest.raises(DecodeError):
        BlockTxn.decode(HASH + rest).transactions()
