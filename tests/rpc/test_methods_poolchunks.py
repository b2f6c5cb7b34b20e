"""The pool chunk by chunk, and a pool from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.mempool.persist import Dump, Saved, encode
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.rpc.amounts import Amount
from tests.rpc.running import Rig, running
from tests.signing import Spendable

LONG_AGO_S = 5


@pytest.fixture(name="rig")
def rig_fixture(tmp_path: Path) -> Iterator[Rig]:
    with running(tmp_path) as started:
        yield started


def pair(rig: Rig, low: int, high: int) -> tuple[Transaction, Transaction]:
    """A payment and one that spends it, with these fees."""
    coin = rig.coinbase(rig.mine(101)[0])
    parent = rig.alice.pay([coin], [TxOut(coin.amount_sat - low, rig.alice.script)])
    spent = Spendable(outpoint(parent.txid, 0), parent.outputs[0].amount_sat)
    return parent, rig.alice.pay([spent], [TxOut(spent.amount_sat - high, rig.bob.script)])


def test_a_cluster_and_the_diagram_are_told_chunk_by_chunk(rig: Rig) -> None:
    assert rig.call("getmempoolfeeratediagram") == [{"weight": 0, "fee": Amount(0)}]
    parent, child = pair(rig, 5_000, 1_000)
    for transaction in (parent, child):
        rig.send(transaction)
    first, second = parent.weight_wu, child.weight_wu
    assert rig.call("getmempoolcluster", to_hex(child.txid)) == {
        "clusterweight": first + second,
        "txcount": 2,
        "chunks": [
            {"chunkfee": Amount(5_000), "chunkweight": first, "txs": [to_hex(parent.txid)]},
            {"chunkfee": Amount(1_000), "chunkweight": second, "txs": [to_hex(child.txid)]},
        ],
    }
    assert rig.call("getmempoolfeeratediagram") == [
        {"weight": 0, "fee": Amount(0)},
        {"weight": first, "fee": Amount(5_000)},
        {"weight": first + second, "fee": Amount(6_000)},
    ]
    assert rig.refusal("getmempoolcluster", "11" * 32) == (-5, "Transaction not in mempool")


@pytest.mark.parametrize("believed", [False, True])
def test_a_pool_is_taken_from_a_file(rig: Rig, tmp_path: Path, believed: bool) -> None:
    parent, child = pair(rig, 5_000, 5_000)
    now_s = rig.daemon.now_s
    saved = (Saved(parent, now_s - LONG_AGO_S, 700), Saved(child, now_s - LONG_AGO_S, 0))
    dump = Dump(saved, {}, (parent.txid,))
    (tmp_path / "pool").write_bytes(encode(dump, bytes(8)))
    options = {
        "use_current_time": not believed,
        "apply_fee_delta_priority": believed,
        "apply_unbroadcast_set": believed,
    }
    assert rig.call("importmempool", str(tmp_path / "pool"), options) == {}
    entry = rig.call("getmempoolentry", to_hex(parent.txid))
    assert entry["fees"]["modified"] == Amount(5_700 if believed else 5_000)
    assert entry["unbroadcast"] is believed
    assert (entry["time"] == now_s - LONG_AGO_S) is believed
    assert to_hex(child.txid) in rig.call("getrawmempool")


def test_what_is_no_pool_is_refused(rig: Rig, tmp_path: Path) -> None:
    rig.mine()
    (tmp_path / "pool").write_bytes(b"no pool")
    refusal = (-1, "Unable to import mempool file, see debug log for details.")
    for name in ("pool", "missing", ""):
        assert rig.refusal("importmempool", str(tmp_path / name)) == refusal


def test_in_initial_sync_nothing_is_imported(rig: Rig, tmp_path: Path) -> None:
    refusal = (-10, "Can only import the mempool after the block download and sync is done.")
    assert rig.refusal("importmempool", str(tmp_path / "pool")) == refusal
