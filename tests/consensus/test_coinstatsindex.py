"""The coins in sum at each block, against Bitcoin Core's figures and against counting them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.chain.coins import Coins, MemoryStore
from axon.chain.coinstats import SetHash, coin_stats
from axon.chain.coinstatsindex import CoinStatsIndex, IndexedStats
from axon.consensus.indexing import Indexing
from axon.consensus.kernel import Kernel
from axon.consensus.ledger import Ledger
from axon.consensus.memoryvalidator import MemoryValidator, World
from axon.consensus.validator import Validator
from axon.errors import DamageError
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, TxOut
from axon.primitives.verdict import Accepted
from tests.consensus.chains import (
    ANYONE,
    GENESIS,
    GENESIS_SPOT,
    block_on,
    chain_on,
    coinbase,
    committed,
    spend,
    spot_of,
)

BASE = chain_on(GENESIS_SPOT, 105)
TIP = spot_of(BASE[-1], 105)
FIRST = spend([(BASE[0].transactions[0], 0)], outputs=2)
SECOND = spend([(FIRST, 0), (BASE[1].transactions[0], 0)])
SPENDER = block_on(TIP, [FIRST, SECOND], fees_sat=2000)
BURNING = spend([(BASE[2].transactions[0], 0)], script=b"\x6a\x01x")
MODEST = coinbase(106, outputs=[TxOut(30 * COIN, ANYONE)])
RIVALS = [block_on(TIP, [BURNING], base=committed(MODEST, [BURNING]))]
RIVALS.append(block_on(spot_of(RIVALS[0], 106)))
# What Bitcoin Core says of these blocks (`gettxoutsetinfo muhash HEIGHT`, 31.99).
MUHASHES = {
    0: "dd5ad2a105c2d29495f577245c357409002329b9f4d6182c0af3dc2f462555c8",
    1: "2af51b0c5c82440311f88556209d729456c528a4586814b15a5d1a60f793325c",
    2: "4369c0dde2f705c0fc142fb300d7e2b7a200696c561afc007b4b0982bb205764",
    106: "5c27df7a874c6cbaf920bafeb90792bc45de32c3dcd4951eb09d520637fd9271",
}


class Scene:
    """The index over a ledger, whose coins can be counted."""

    def __init__(self, validator: Validator) -> None:
        self.store = MemoryStore()
        self.validator = validator
        self.open()

    def open(self) -> None:
        self.index = CoinStatsIndex(self.store, REGTEST)
        indexing = Indexing(self.validator, {self.index.name: self.index})
        self.ledger = Ledger(self.validator, Coins(MemoryStore()), indexing=indexing)

    def feed(self, *blocks: Block) -> None:
        for block in blocks:
            assert self.ledger.validate(block.raw).verdict == Accepted()
        while self.ledger.indexing.advance(self.index.name):
            pass
        while self.ledger.lag:
            self.ledger.catch_up(100)

    def at(self, block: Block) -> IndexedStats:
        stats = self.index.stats(block.hash)
        assert stats is not None
        return stats

    def check(self) -> None:
        """The figures of the tip are those of the coins that are there."""
        assert self.index.best is not None
        told, counted = (
            self.index.stats(self.index.best),
            coin_stats(self.ledger.coins, SetHash.MUHASH),
        )
        assert told is not None
        assert (counted.best, counted.set_hash) == (self.index.best, told.muhash)
        assert (counted.txouts, counted.bogosize) == (told.txouts, told.bogosize)
        assert counted.total_amount_sat == told.total_amount_sat


@pytest.fixture(params=["kernel", "memory"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    validator: Validator
    if request.param == "kernel":
        validator = Kernel(REGTEST, tmp_path, threads=0)
    else:
        validator = MemoryValidator(World(), lambda: int(time.time() * 1_000_000))
    yield Scene(validator)
    validator.close()


def test_the_figures_are_those_of_bitcoin_core(scene: Scene) -> None:
    blocks = [GENESIS, *BASE, SPENDER]
    scene.feed(*blocks[1:])
    for height, expected in MUHASHES.items():
        assert to_hex(scene.at(blocks[height]).muhash) == expected
    told, before = scene.at(SPENDER), scene.at(BASE[-1])
    assert (told.txouts, told.bogosize) == (106, 8904)
    assert told.total_amount_sat == 5300 * COIN
    assert told.unspendable_sat == told.genesis_sat == 50 * COIN
    assert told.prevout_spent_sat - before.prevout_spent_sat == 12_499_999_500
    assert told.coinbase_sat - before.coinbase_sat == 5_000_002_000
    assert told.new_outputs_sat - before.new_outputs_sat == 12_499_997_500
    scene.check()


def test_what_is_lost_is_told_by_kind(scene: Scene) -> None:
    scene.feed(*BASE, RIVALS[0])
    told, before = scene.at(RIVALS[0]), scene.at(BASE[-1])
    burnt = BURNING.outputs[0].amount_sat
    assert told.scripts_sat - before.scripts_sat == burnt
    fee = 50 * COIN - burnt
    assert told.unclaimed_sat - before.unclaimed_sat == 20 * COIN + fee
    assert told.bip30_sat == before.bip30_sat == 0
    scene.check()


def test_a_reorganisation_leads_to_the_figures_of_the_other_branch(scene: Scene) -> None:
    scene.feed(*BASE, SPENDER)
    lost = scene.at(SPENDER)
    scene.feed(*RIVALS)
    scene.check()
    assert scene.at(SPENDER) == lost  # It stays.
    scene.feed(*chain_on(spot_of(SPENDER, 106), 2))
    scene.check()
    assert scene.at(SPENDER) == lost


def test_a_new_run_goes_on(scene: Scene) -> None:
    scene.feed(*BASE[:50])
    scene.open()
    scene.feed(*BASE[50:], SPENDER)
    scene.check()
    assert to_hex(scene.at(SPENDER).muhash) == MUHASHES[106]


def test_damage_is_noticed() -> None:
    validator = MemoryValidator(World(), lambda: int(time.time() * 1_000_000))
    scene = Scene(validator)
    scene.feed(*BASE[:3])
    (product,) = [value for _, value in scene.store.items(b"m")]
    scene.store.write({b"m": product[:-1] + bytes((product[-1] ^ 1,))})
    with pytest.raises(DamageError, match="not those of its block"):
        scene.open()
    scene.store.write({b"m": product, b"s" + BASE[2].hash: None})
    with pytest.raises(DamageError, match="has lost block"):
        scene.open()
