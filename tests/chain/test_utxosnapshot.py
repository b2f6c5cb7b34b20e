"""Coins as Bitcoin Core writes them to a file, and coins of an earlier block."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.chain.coins import Coin, Coins, MemoryStore
from axon.chain.utxosnapshot import (
    COUNT_OFFSET,
    METADATA_BYTES,
    CoinRollback,
    encode_packed,
    metadata,
    records,
)
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.keys import public_key
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, OutPoint, TxOut, outpoint
from tests.chain.chains import PAYEE, block_on, coinbase, spending

HASH = bytes(range(20))
LONG_KEY = public_key(b"\x07" * 32, compressed=False)
SHORT_KEY = public_key(b"\x07" * 32)


@pytest.mark.parametrize(
    ("amount_sat", "packed"),
    [
        (0, "00"),
        (1, "01"),
        (1_000_000, "07"),
        (COIN, "09"),
        (50 * COIN, "32"),
        (21_000_000 * COIN, "8980dd40"),
    ],
)
def test_amounts_lose_their_zeros(amount_sat: int, packed: str) -> None:
    assert encode_packed(Coin(0, False, amount_sat, b"")).hex() == f"00{packed}06"


@pytest.mark.parametrize(
    ("script", "packed"),
    [
        (b"\x76\xa9\x14" + HASH + b"\x88\xac", b"\x00" + HASH),
        (b"\xa9\x14" + HASH + b"\x87", b"\x01" + HASH),
        (b"\x21" + SHORT_KEY + b"\xac", SHORT_KEY),
        (b"\x41" + LONG_KEY + b"\xac", bytes((4 | LONG_KEY[64] & 1,)) + LONG_KEY[1:33]),
        # No point of the curve: it stays as it is.
        (b"\x41\x04" + bytes(64) + b"\xac", b"\x49\x41\x04" + bytes(64) + b"\xac"),
        (b"\x51" * 122, b"\x80\x00" + b"\x51" * 122),
    ],
)
def test_usual_scripts_are_a_type_and_a_hash(script: bytes, packed: bytes) -> None:
    assert encode_packed(Coin(3, True, 0, script)) == b"\x07\x00" + packed


def test_the_count_has_its_place_in_the_metadata() -> None:
    head = metadata(b"\xfa\xbf\xb5\xda", BlockHash(b"\x01" * 32), 5)
    assert head == b"utxo\xff\x02\x00\xfa\xbf\xb5\xda" + b"\x01" * 32 + b"\x05" + bytes(7)
    assert (len(head), head[COUNT_OFFSET]) == (METADATA_BYTES, 5)


def test_coins_stand_by_transaction_in_the_order_of_packed_indexes() -> None:
    txid = Txid(b"\x02" * 32)
    coin = Coin(1, False, 0, b"")
    coins = [(outpoint(txid, index), coin) for index in (256, 16_512, 1)]
    [(record, ordered)] = records(coins)
    assert [point for point, _ in ordered] == [outpoint(txid, i) for i in (1, 16_512, 256)]
    assert record[:33] == txid + b"\x03"
    assert record.endswith(b"\xfd\x00\x01" + encode_packed(coin))


def test_coins_of_an_earlier_block_come_back() -> None:
    genesis = REGTEST.genesis
    first = coinbase(1, TxOut(5_000, PAYEE))
    paid = spending([outpoint(first.txid, 0)], [TxOut(1_000, PAYEE)] * 3)
    again = spending([outpoint(paid.txid, 1)], [TxOut(500, PAYEE), TxOut(0, b"\x6a")])
    last = spending([outpoint(again.txid, 0), outpoint(paid.txid, 0)], [TxOut(9, PAYEE)])
    blocks = [block_on(genesis.hash, first)]
    for height, transactions in ((2, (paid, again)), (3, (last,))):
        reward = coinbase(height, TxOut(height, PAYEE))
        blocks.append(block_on(blocks[-1].hash, reward, *transactions))
    coins = Coins(MemoryStore())
    coins.connect(genesis, genesis.hash, 0)
    taken: list[list[list[Coin]]] = []
    states: list[dict[OutPoint, Coin]] = [{}]
    for height, block in enumerate(blocks, 1):
        taken.append(coins.connect(block, block.hash, height))
        states.append(dict(coins.items()))
    rollback = CoinRollback(MemoryStore())
    for height in (3, 2, 1):
        rollback.undo(blocks[height - 1], taken[height - 1])
        applied = list(rollback.applied(coins.items()))
        assert dict(applied) == states[height - 1]
        assert applied == sorted(applied)


@given(st.sets(st.integers(0, 40)), st.dictionaries(st.integers(0, 40), st.booleans()))
def test_changes_meet_coins_in_any_pattern(present: set[int], changes: dict[int, bool]) -> None:
    """Changes stand before, between, on and behind the coins."""
    txid, coin, other = Txid(bytes(32)), Coin(1, False, 1, b""), Coin(2, True, 2, b"\x51")
    rollback = CoinRollback(store := MemoryStore())
    value = {True: b"\x05" + bytes(3) + b"\x02" + bytes(7) + b"\x51", False: b""}
    store.write({b"u" + outpoint(txid, index): value[real] for index, real in changes.items()})
    expected = {outpoint(txid, index): coin for index in present if index not in changes}
    expected |= {outpoint(txid, index): other for index, real in changes.items() if real}
    coins = iter([(outpoint(txid, index), coin) for index in sorted(present)])
    assert dict(rollback.applied(coins)) == expected
