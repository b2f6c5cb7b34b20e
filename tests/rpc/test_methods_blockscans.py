"""`scanblocks` and `getdescriptoractivity`, on a real node with libbitcoinkernel."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest

from axon.node.jobs import ReadBlock
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import Transaction, TxOut, outpoint
from tests.rpc.running import Rig, running
from tests.signing import Signer, Spendable

BOB = f"raw({Signer('bob').script.hex()})"
FEE = 1_000


@pytest.fixture(scope="module", name="rig")
def rig_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Alice pays Bob in block 102, he pays her in block 104, and more is in the pool."""
    with running(tmp_path_factory.mktemp("node")) as rig:
        coin = rig.coinbase(rig.mine(101)[0])
        to_bob = rig.alice.pay([coin], [TxOut(coin.amount_sat - FEE, rig.bob.script)])
        rig.send(to_bob)
        rig.mine(2)
        to_alice = rig.bob.pay([output(to_bob)], [TxOut(5_000, rig.alice.script)] * 2)
        rig.send(to_alice)
        rig.mine()
        back = rig.alice.pay([output(to_alice)], [TxOut(4_000, rig.bob.script)])
        rig.send(back)
        rig.send(rig.bob.pay([output(back)], [TxOut(3_000, rig.alice.script)]))
        yield rig


def output(transaction: Transaction, index: int = 0) -> Spendable:
    return Spendable(outpoint(transaction.txid, index), transaction.outputs[index].amount_sat)


def at(rig: Rig, height: int) -> str:
    entry = rig.node.active.at(height)
    assert entry is not None
    return to_hex(entry.hash)


@pytest.mark.parametrize("checked", [False, True])
def test_blocks_that_concern_a_script_are_found(rig: Rig, checked: bool) -> None:
    options = {"filter_false_positives": checked}
    found = rig.call("scanblocks", "start", [BOB], 0, None, "basic", options)
    assert found == {
        "from_height": 0,
        "to_height": 104,
        "relevant_blocks": [at(rig, 102), at(rig, 104)],
        "completed": True,
    }
    within = rig.call("scanblocks", "start", [{"desc": BOB}], 103, 104)
    assert within["relevant_blocks"] == [at(rig, 104)]


def test_what_a_filter_says_wrongly_is_left_out_if_wanted(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.rpc.blockscan.match_any", lambda *_: True)
    assert len(rig.call("scanblocks", "start", [BOB])["relevant_blocks"]) == 105
    options = {"filter_false_positives": True}
    found = rig.call("scanblocks", "start", [BOB], 0, None, "basic", options)
    assert found["relevant_blocks"] == [at(rig, 102), at(rig, 104)]


@contextmanager
def held(rig: Rig) -> Iterator[Future[Any]]:
    """A scan that waits in the middle until the end of the block."""
    real = rig.daemon.perform
    reached, go_on = threading.Event(), threading.Event()

    def perform(job: object) -> object:
        if isinstance(job, ReadBlock):
            reached.set()
            go_on.wait(10)
        return real(job)

    rig.daemon.perform = perform
    options = {"filter_false_positives": True}
    scan = rig.begin("scanblocks", "start", [BOB], 100, None, "basic", options)
    try:
        assert reached.wait(10)
        yield scan
    finally:
        go_on.set()
        rig.daemon.perform = real


def test_a_scan_can_be_watched_and_broken_off(rig: Rig) -> None:
    assert rig.call("scanblocks", "status") is None
    assert rig.call("scanblocks", "abort") is False
    with held(rig) as scan:
        assert rig.call("scanblocks", "status") == {"progress": 25, "current_height": 101}
        code, text = rig.refusal("scanblocks", "start", [BOB])
        assert (code, text.startswith("Scan already in progress")) == (-8, True)
        assert rig.call("scanblocks", "abort") is True
    ended = scan.result(10)
    assert (ended["completed"], ended["to_height"]) == (False, 102)
    assert rig.call("scanblocks", "status") is None


@pytest.mark.parametrize(
    ("args", "refusal"),
    [
        (["x"], (-8, "Invalid action 'x'")),
        (["start", [BOB], 500], (-1, "Invalid start_height")),
        (["start", [BOB], 5, 3], (-1, "Invalid stop_height")),
        (["start", [BOB], 0, None, "x"], (-5, "Unknown filtertype")),
        (["start"], (-3, "JSON value of type null is not of expected type array")),
    ],
)
def test_scans_are_refused(rig: Rig, args: list[object], refusal: tuple[int, str]) -> None:
    assert rig.refusal("scanblocks", *args) == refusal


def test_what_happened_to_a_script_is_told_in_order(rig: Rig) -> None:
    hashes = [at(rig, 104), at(rig, 102), at(rig, 104)]
    told = rig.call("getdescriptoractivity", hashes, [BOB])["activity"]
    kinds = [(event["type"], event.get("height")) for event in told]
    assert kinds == [("receive", 102), ("spend", 104), ("receive", None), ("spend", None)]
    assert told[0]["txid"] == told[1]["prevout_txid"]
    assert told[2]["txid"] == told[3]["prevout_txid"]
    assert told[3]["spend_vin"] == 0
    assert {event[name]["hex"] for event in told for name in event if name.endswith("spk")} == {
        Signer("bob").script.hex()
    }
    confirmed = rig.call("getdescriptoractivity", hashes, [BOB], False)["activity"]
    assert confirmed == told[:2]


def test_activity_is_refused_off_the_chain(rig: Rig) -> None:
    assert rig.refusal("getdescriptoractivity", ["11" * 32], [BOB]) == (-5, "Block not found")
    newest = at(rig, 104)
    rig.call("invalidateblock", newest)
    refused = rig.refusal("getdescriptoractivity", [newest], [BOB])
    rig.call("reconsiderblock", newest)
    assert refused == (-8, "Block is not in main chain")
    wrong_type = (-3, "JSON value of type number is not of expected type string")
    assert rig.refusal("getdescriptoractivity", [5], [BOB]) == wrong_type
