"""Transactions and spenders in blocks, found by background indexes of a real node."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.chain.backgroundindex import IndexedBlock
from axon.chain.coins import MemoryStore
from axon.chain.coinstatsindex import CoinStatsIndex
from axon.chain.txindex import TxIndex
from axon.chain.txospenderindex import TxoSpenderIndex
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxOut, outpoint
from tests.rpc.running import Rig, running
from tests.signing import Spendable

UNKNOWN = "ab" * 32


class Scene:
    """Alice has paid Bob in a block, and he has sent it on in the pool."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.first = rig.mine(103)[0]
        self.coin = rig.coinbase(self.first)
        paid = self.coin.amount_sat - 1_000
        self.payment = rig.alice.pay([self.coin], [TxOut(paid // 2, rig.bob.script)] * 2)
        rig.send(self.payment)
        (self.block,) = rig.mine()
        mine = Spendable(outpoint(self.payment.txid, 0), paid // 2)
        self.waiting = rig.bob.pay([mine], [TxOut(paid // 2 - 1_000, rig.alice.script)])
        rig.send(self.waiting)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    indexes = (
        TxIndex(MemoryStore()),
        CoinStatsIndex(MemoryStore(), REGTEST),
        TxoSpenderIndex(MemoryStore()),
    )
    with running(tmp_path_factory.mktemp("node"), indexes=indexes) as rig:
        yield Scene(rig)


def test_a_confirmed_transaction_is_found_without_its_block(scene: Scene) -> None:
    call, txid = scene.rig.call, to_hex(scene.payment.txid)
    assert call("getrawtransaction", txid) == scene.payment.raw.hex()
    block = to_hex(scene.block.hash)
    for level in (1, 2):
        named = call("getrawtransaction", txid, level, block)
        assert named.pop("in_active_chain") is True
        assert call("getrawtransaction", txid, level) == named
        assert list(named)[-4:] == ["blockhash", "confirmations", "time", "blocktime"]
    full = call("getrawtransaction", txid, 2)
    assert full["fee"].sat == 1_000
    (source,) = full["vin"]
    assert source["prevout"]["value"].sat == scene.coin.amount_sat
    assert (source["prevout"]["generated"], source["prevout"]["height"]) == (True, 1)
    assert (full["blockhash"], full["confirmations"]) == (block, 1)
    coinbase = call("getrawtransaction", to_hex(scene.first.transactions[0].txid), 2)
    assert "fee" not in coinbase
    assert coinbase["confirmations"] == 104


def test_an_unknown_transaction_is_in_no_block(scene: Scene) -> None:
    assert scene.rig.refusal("getrawtransaction", UNKNOWN) == (
        -5,
        "No such mempool or blockchain transaction. Use gettransaction for wallet transactions.",
    )
    other = to_hex(scene.first.hash)
    assert scene.rig.refusal("getrawtransaction", to_hex(scene.payment.txid), 0, other) == (
        -5,
        "No such transaction found in the provided block. Use gettransaction for wallet"
        " transactions.",
    )


def test_confirmed_spenders_come_behind_those_of_the_pool(scene: Scene) -> None:
    call = scene.rig.call
    confirmed = {"txid": to_hex(scene.first.transactions[0].txid), "vout": 0}
    waiting = {"txid": to_hex(scene.payment.txid), "vout": 0}
    unspent = {"txid": to_hex(scene.payment.txid), "vout": 1}
    in_pool = {**waiting, "spendingtxid": to_hex(scene.waiting.txid)}
    in_block = {**confirmed, "spendingtxid": to_hex(scene.payment.txid)}
    block = {"blockhash": to_hex(scene.block.hash)}
    asked = [confirmed, unspent, waiting]
    assert call("gettxspendingprevout", asked) == [in_pool, {**in_block, **block}, unspent]
    assert call("gettxspendingprevout", asked, {"mempool_only": True}) == [
        confirmed,
        unspent,
        in_pool,
    ]
    (told,) = call("gettxspendingprevout", [confirmed], {"return_spending_tx": True})
    assert told == {**in_block, "spendingtx": scene.payment.raw.hex(), **block}


def test_what_is_asked_stays_as_it_was_written(scene: Scene) -> None:
    asked = {"vout": 0, "txid": UNKNOWN.upper()}
    (told,) = scene.rig.call("gettxspendingprevout", [asked])
    assert list(told.items()) == list(asked.items())


def test_indexes_are_told_of_in_order(scene: Scene) -> None:
    told = {"synced": True, "best_block_height": 104}
    call = scene.rig.call
    names = ["txindex", "coinstatsindex", "txospenderindex", "basic block filter index"]
    assert list(call("getindexinfo").items()) == [(name, told) for name in names]
    assert call("getindexinfo", "txindex") == {"txindex": told}


def test_a_proof_of_a_transaction_that_is_spent(scene: Scene) -> None:
    spent = to_hex(scene.first.transactions[0].txid)
    proof = scene.rig.call("gettxoutproof", [spent])
    assert proof == scene.rig.call("gettxoutproof", [spent], to_hex(scene.first.hash))
    assert scene.rig.refusal("gettxoutproof", [UNKNOWN]) == (-5, "Transaction not yet in block")


def test_a_psbt_is_given_whole_transactions_of_blocks(scene: Scene) -> None:
    txid = to_hex(scene.payment.txid)
    psbt = scene.rig.call("createpsbt", [{"txid": txid, "vout": 1}], [{"data": "00"}])
    told = scene.rig.call("decodepsbt", scene.rig.call("utxoupdatepsbt", psbt))
    assert told["inputs"][0]["non_witness_utxo"]["txid"] == txid


def test_the_coins_in_sum_at_a_block(scene: Scene) -> None:
    call, refusal = scene.rig.call, scene.rig.refusal
    told = call("gettxoutsetinfo", "muhash", 104)
    assert list(told) == [
        "height",
        "bestblock",
        "txouts",
        "bogosize",
        "muhash",
        "total_amount",
        "total_unspendable_amount",
        "block_info",
    ]
    assert told == call("gettxoutsetinfo", "muhash", to_hex(scene.block.hash))
    assert told == call("gettxoutsetinfo", "muhash")
    counted = call("gettxoutsetinfo", "muhash", None, False)
    assert list(counted)[5:] == ["total_amount", "transactions", "disk_size"]
    assert {name: counted[name] for name in list(counted)[:6]} == {
        name: told[name] for name in list(told)[:6]
    }
    info = told["block_info"]
    assert info["prevout_spent"].sat == scene.coin.amount_sat
    assert info["unspendable"].sat == 0
    assert "muhash" not in call("gettxoutsetinfo", "none", 0)
    assert call("gettxoutsetinfo", "none", 0)["total_unspendable_amount"].sat == 50 * COIN
    assert refusal("gettxoutsetinfo", "hash_serialized_3", 1) == (
        -8,
        "hash_serialized_3 hash type cannot be queried for a specific block",
    )
    assert refusal("gettxoutsetinfo", "none", 1, False) == (
        -8,
        "Cannot set use_index to false when querying for a specific block",
    )
    assert refusal("gettxoutsetinfo", "none", 105)[0] == -8


class SlowIndex(TxIndex):
    """Takes in the blocks above 1 when it is let."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.may = threading.Event()

    def connect(self, indexed: IndexedBlock) -> None:
        if indexed.height > 1:
            self.may.wait(20)
        super().connect(indexed)


def test_while_an_index_is_built_nothing_waits_for_it(tmp_path: Path) -> None:
    index = SlowIndex()
    spenders = TxoSpenderIndex(MemoryStore())
    with running(tmp_path, indexes=(index, spenders)) as rig:
        flow = rig.node.blocks.followers.indexes
        flow._reached.clear()  # At the genesis block it was at the tip.
        blocks = rig.mine(3)
        try:
            wait_for(lambda: spenders.height == 3)
            assert rig.call("getindexinfo")["txospenderindex"]["synced"]
            flow._reached.clear()
            told = rig.call("getindexinfo", "txindex")["txindex"]
            assert told == {"synced": False, "best_block_height": 1}
            last: Transaction = blocks[2].transactions[0]
            assert rig.refusal("getrawtransaction", to_hex(last.txid)) == (
                -5,
                "No such mempool transaction. Blockchain transactions are still in the process of"
                " being indexed. Use gettransaction for wallet transactions.",
            )
            first = blocks[0].transactions[0]
            assert rig.call("getrawtransaction", to_hex(first.txid)) == first.raw.hex()
        finally:
            index.may.set()
        wait_for(lambda: index.height == 3)
        assert rig.call("getrawtransaction", to_hex(last.txid)) == last.raw.hex()


def test_an_index_that_follows_is_waited_for(tmp_path: Path) -> None:
    index = SlowIndex()
    with running(tmp_path, indexes=(index,)) as rig:
        rig.mine(1)
        wait_for(lambda: index.height == 1)
        (block,) = rig.mine(1)
        asked = rig.begin("getrawtransaction", to_hex(block.transactions[0].txid))
        time.sleep(0.05)  # That it waits shows only in time.
        assert not asked.done()
        index.may.set()
        assert asked.result(20) == block.transactions[0].raw.hex()


def wait_for(condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
