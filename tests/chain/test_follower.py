"""What moves with the active chain: one block after the other, and only at its end."""

from __future__ import annotations

import pytest

from axon.chain.coins import Coins
from axon.chain.filterindex import FilterIndex
from axon.chain.store import MemoryStore
from axon.primitives.network import REGTEST
from axon.primitives.transaction import TxOut
from tests.chain.chains import block_on, coinbase

GENESIS = REGTEST.genesis
ONE = block_on(GENESIS.hash, coinbase(1, TxOut(50, b"\x51")))
TWO = block_on(ONE.hash, coinbase(2, TxOut(50, b"\x51")))
RIVAL = block_on(GENESIS.hash, coinbase(1, TxOut(50, b"\x52")))


def test_blocks_connect_one_after_the_other() -> None:
    coins, filters = Coins(MemoryStore()), FilterIndex(MemoryStore())
    coins.connect(GENESIS, GENESIS.hash, 0)
    filters.connect(GENESIS, GENESIS.hash, 0, [[]])
    for block, height in ((TWO, 1), (ONE, 2), (ONE, 0)):
        with pytest.raises(AssertionError):
            coins.connect(block, block.hash, height)
        with pytest.raises(AssertionError):
            filters.connect(block, block.hash, height, [[]])
    assert coins.best == filters.best == GENESIS.hash


def test_only_the_best_block_disconnects() -> None:
    coins, filters = Coins(MemoryStore()), FilterIndex(MemoryStore())
    for height, block in enumerate((GENESIS, ONE, TWO)):
        coins.connect(block, block.hash, height)
        filters.connect(block, block.hash, height, [[]])
    for block in (ONE, RIVAL):
        with pytest.raises(AssertionError):
            coins.disconnect(block, block.hash, GENESIS.hash, [[]])
        with pytest.raises(AssertionError):
            filters.disconnect(block.hash, GENESIS.hash)
    for block, before in ((TWO, ONE), (ONE, GENESIS)):
        coins.disconnect(block, block.hash, before.hash, [[]])
        filters.disconnect(block.hash, before.hash)
        assert coins.best == filters.best == before.hash
    with pytest.raises(AssertionError):
        coins.disconnect(GENESIS, GENESIS.hash, GENESIS.hash, [[]])
    assert coins.height == filters.height == 0


def test_the_mark_is_found_again() -> None:
    store = MemoryStore()
    coins, filters = Coins(store), FilterIndex(store)
    assert (coins.best, coins.height, filters.best, filters.height) == (None, -1, None, -1)
    for height, block in enumerate((GENESIS, ONE)):
        coins.connect(block, block.hash, height)
        filters.connect(block, block.hash, height, [[]])
    coins, filters = Coins(store), FilterIndex(store)
    assert (coins.best, coins.height) == (filters.best, filters.height) == (ONE.hash, 1)
