"""The coins in sum, against Bitcoin Core's own figures."""

from __future__ import annotations

from hashlib import sha256

import pytest

from axon.chain.coins import Coin, Coins, MemoryStore
from axon.chain.coinstats import SetHash, coin_stats
from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.hashes import from_hex, sha256d
from axon.primitives.merkle import merkle_root
from axon.primitives.network import REGTEST
from axon.primitives.script import OP_TRUE, push, script_number
from axon.primitives.transaction import COIN, NULL_OUTPOINT, Transaction, TxIn, TxOut, outpoint
from tests.chain.chains import block_on, coinbase

ANYONE = decode_address("bcrt1p9yfmy5h72durp7zrhlw9lf7jpwjgvwdg0jr0lqmmjtgg83266lqsekaqka", REGTEST)
SOMEONE = decode_address("mjTkW3DjgyZck4KbiRusZsqTgaYTxdSz6z", REGTEST)


def _core_coinbase(height: int, script: bytes, padded: bool, *wtxids: bytes) -> Transaction:
    """A coinbase as Bitcoin Core's miner builds it on regtest."""
    number = bytes([0x50 + height]) if height <= 16 else push(script_number(height))
    filler = b"\x00" if padded or height <= 16 else b""
    commitment = sha256d(merkle_root([bytes(32), *wtxids]) + bytes(32))
    return Transaction.build(
        2,
        [TxIn(NULL_OUTPOINT, number + filler, 0xFFFFFFFE)],
        [TxOut(50 * COIN, script), TxOut(0, bytes.fromhex("6a24aa21a9ed") + commitment)],
        height - 1,
    )


# Figures of test/functional/feature_utxo_set_hash.py of Bitcoin Core 30 and of its master branch
# of 2026, whose miners differ in how they fill a coinbase script.
@pytest.mark.parametrize(
    ("padded", "expected"),
    [
        (True, "e0b4c80f2880985fdf1adc331ed0735ac207588f986c91c7c05e8cf5fe6780f0"),
        (False, "396058cfd7f3b4c05dcdfaf360be9986d859d2c8315082d3aadda6d2d16add25"),
    ],
)
def test_hash_of_bitcoin_core(padded: bool, expected: str) -> None:
    coins = Coins(MemoryStore())
    coins.connect(REGTEST.genesis, REGTEST.genesis.hash, 0)
    prev = REGTEST.genesis.hash
    first = _core_coinbase(1, ANYONE, padded)
    witness = (bytes([OP_TRUE]), b"\xc0" + (1).to_bytes(32, "big"))
    pays = Transaction.build(
        2, [TxIn(outpoint(first.txid, 0), b"", 0, witness)], [TxOut(50 * COIN - 31_200, ANYONE)]
    )
    for height in range(1, 102):
        if height == 101:
            block = block_on(prev, _core_coinbase(101, ANYONE, padded, pays.wtxid), pays)
        else:
            script = ANYONE if height == 1 else SOMEONE
            block = block_on(prev, _core_coinbase(height, script, padded))
        coins.connect(block, block.hash, height)
        prev = block.hash
    stats = coin_stats(coins)
    assert stats.set_hash == from_hex(expected)
    assert (stats.best, stats.height) == (prev, 101)
    assert (stats.transactions, stats.txouts) == (101, 101)
    assert stats.total_amount_sat == 101 * 50 * COIN - 50 * COIN + (50 * COIN - 31_200)
    assert stats.bogosize == 101 * 50 + 99 * 25 + 2 * 34


def test_outputs_of_one_transaction_are_hashed_by_index() -> None:
    # Byte order would put index 256 before index 1.
    many = coinbase(1, *[TxOut(index, b"\x51") for index in range(600)])
    block = block_on(REGTEST.genesis.hash, many)
    coins = Coins(MemoryStore())
    coins.connect(REGTEST.genesis, REGTEST.genesis.hash, 0)
    coins.connect(block, block.hash, 1)
    expected = sha256()
    for index in range(600):
        expected.update(outpoint(many.txid, index) + b"\x03\x00\x00\x00")
        expected.update(index.to_bytes(8, "little") + b"\x01\x51")
    stats = coin_stats(coins)
    assert stats.set_hash == sha256(expected.digest()).digest()
    assert (stats.transactions, stats.txouts) == (1, 600)


def test_nothing_yet() -> None:
    stats = coin_stats(Coins(MemoryStore()))
    assert (stats.best, stats.height, stats.txouts, stats.total_amount_sat) == (None, -1, 0, 0)
    assert stats.set_hash == sha256d(b"")


def test_the_hash_is_left_out_on_demand() -> None:
    coins = Coins(MemoryStore())
    block: Block = REGTEST.genesis
    coins.connect(block, block.hash, 0)
    after = block_on(block.hash, coinbase(1, TxOut(7, b"\x51")))
    coins.hold()
    coins.connect(after, after.hash, 1)
    stats = coin_stats(coins, SetHash.NONE)
    assert (stats.txouts, stats.total_amount_sat, stats.set_hash) == (1, 7, None)
    assert dict(coins.items()) == {
        outpoint(after.transactions[0].txid, 0): Coin(1, True, 7, b"\x51")
    }
