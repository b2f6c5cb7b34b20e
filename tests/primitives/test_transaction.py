"""Transactions: real ones, built ones, and bytes that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.network import MAINNET
from axon.primitives.transaction import (
    NULL_OUTPOINT,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
    outpoint_index,
    outpoint_txid,
    scan_transaction,
)

# The signed P2WPKH example of BIP 143: one legacy input, one with a witness.
SIGNED = (
    "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830"
    "450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f928"
    "1a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e81"
    "5b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f6"
    "6f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988"
    "ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c"
    "4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7aca"
    "fcdb3566bb0ad253f62fc70f07aeee635711000000"
)


def test_a_real_transaction() -> None:
    transaction = Transaction.decode(bytes.fromhex(SIGNED))
    assert transaction.txid == Transaction.decode(transaction.stripped).txid
    assert bytes(transaction.wtxid) != bytes(transaction.txid)
    assert transaction.version == 1
    assert transaction.locktime == 17
    assert [len(item.witness) for item in transaction.inputs] == [0, 2]
    assert [item.amount_sat for item in transaction.outputs] == [112_340_000, 223_450_000]
    assert transaction.weight_wu == len(transaction.stripped) * 3 + len(transaction.raw)
    assert not transaction.is_coinbase
    rebuilt = Transaction.build(1, transaction.inputs, transaction.outputs, 17)
    assert rebuilt.raw == transaction.raw
    assert rebuilt == transaction


def test_the_first_coinbase() -> None:
    coinbase = MAINNET.genesis.transactions[0]
    assert coinbase.is_coinbase
    assert coinbase.prevouts == (NULL_OUTPOINT,)
    assert not coinbase.has_witness
    assert bytes(coinbase.wtxid) == bytes(coinbase.txid)
    assert to_hex(coinbase.txid).startswith("4a5e1e4baab89f3a")
    assert coinbase.vsize == coinbase.size_bytes == 204


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**32 - 1))
def test_outpoints(txid: bytes, index: int) -> None:
    point = outpoint(Txid(txid), index)
    assert len(point) == 36
    assert (outpoint_txid(point), outpoint_index(point)) == (txid, index)


@st.composite
def parts(draw: st.DrawFn) -> tuple[int, list[TxIn], list[TxOut], int]:
    u32 = st.integers(0, 2**32 - 1)
    witness = st.lists(st.binary(max_size=300), max_size=3).map(tuple)
    inputs = st.builds(
        TxIn,
        st.binary(min_size=36, max_size=36).map(OutPoint),
        st.binary(max_size=300),
        u32,
        witness,
    )
    outputs = st.builds(TxOut, st.integers(-(2**63), 2**63 - 1), st.binary(max_size=300))
    return (
        draw(u32),
        draw(st.lists(inputs, min_size=1, max_size=4)),
        draw(st.lists(outputs, max_size=4)),
        draw(u32),
    )


@given(parts())
def test_round_trip(given_parts: tuple[int, list[TxIn], list[TxOut], int]) -> None:
    version, inputs, outputs, locktime = given_parts
    built = Transaction.build(version, inputs, outputs, locktime)
    read = Transaction.decode(built.raw)
    assert (read.version, list(read.inputs), list(read.outputs), read.locktime) == given_parts
    assert read.has_witness == any(item.witness for item in inputs)
    assert read.stripped == built.stripped
    assert (read.txid, read.wtxid) == (built.txid, built.wtxid)
    assert read.weight_wu == built.weight_wu == 3 * len(read.stripped) + len(read.raw)


@given(parts(), st.data())
def test_every_cut_is_noticed(
    given_parts: tuple[int, list[TxIn], list[TxOut], int], data: st.DataObject
) -> None:
    raw = Transaction.build(*given_parts).raw
    end = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(DecodeError):
        Transaction.decode(raw[:end])
    with pytest.raises(DecodeError):
        Transaction.decode(raw + b"\0")


@given(st.binary(max_size=200), st.integers(0, 210))
def test_any_bytes_give_a_transaction_or_a_decode_error(data: bytes, offset: int) -> None:
    try:
        transaction, end = scan_transaction(data, offset)
    except DecodeError:
        return
    assert transaction.raw == data[offset:end]
    Transaction.build(
        transaction.version, transaction.inputs, transaction.outputs, transaction.locktime
    )


def test_a_witness_flag_without_witness_is_refused() -> None:
    raw = bytes.fromhex("02000000000101") + bytes(36) + b"\0" + bytes(4) + b"\0" + b"\0"
    with pytest.raises(DecodeError, match="a witness where the flag announces one"):
        Transaction.decode(raw + bytes(4))
