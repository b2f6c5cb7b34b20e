"""Transactions that take the place of others."""

from __future__ import annotations

from axon.mempool.entry import PoolEntry
from axon.mempool.outcome import Admitted, Prepared, Refusal, Refused
from axon.mempool.policy import Policy
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import Transaction, TxIn, TxOut
from tests.mempool.scene import PAY, WITNESS, Scene, consistent, out


def refused(scene: Scene, transaction: Transaction) -> Refused:
    outcome = scene.submit(transaction)
    assert isinstance(outcome, Refused), outcome
    return outcome


def replaced(scene: Scene, transaction: Transaction) -> list[PoolEntry]:
    outcome = scene.submit(transaction)
    assert isinstance(outcome, Admitted), outcome
    consistent(scene.pool)
    return list(outcome.replaced)


def test_more_fee_takes_the_place_even_without_signalling() -> None:
    scene = Scene()
    point = scene.coin()
    old = scene.add(scene.pay(point, sequence=0xFFFFFFFF, fee=1_000))
    child = scene.add(scene.pay(out(old), fee=100))
    new = scene.pay(point, fee=1_200)
    assert replaced(scene, new) == [old, child]
    assert [entry.txid for entry in scene.pool.entries()] == [new.txid]


def test_fees_of_all_that_goes_must_be_paid() -> None:
    scene = Scene()
    point = scene.coin()
    old = scene.add(scene.pay(point, fee=1_000))
    scene.add(scene.pay(out(old), fee=5_000))
    new = scene.pay(point, fee=5_999)
    outcome = refused(scene, new)
    assert outcome.reason == "insufficient fee"
    assert outcome.detail == (
        f"rejecting replacement {to_hex(new.txid)}, less fees than conflicting txs;"
        " 0.00005999 < 0.00006"
    )
    assert outcome.kind is Refusal.RECONSIDERABLE


def test_relay_of_the_replacement_must_be_paid() -> None:
    scene = Scene()
    point = scene.coin()
    scene.add(scene.pay(point, fee=1_000))
    new = scene.pay(point, fee=1_010)
    outcome = refused(scene, new)
    assert outcome.reason == "insufficient fee"
    assert outcome.detail == (
        f"rejecting replacement {to_hex(new.txid)}, not enough additional fees to relay;"
        " 0.0000001 < 0.00000011"
    )
    assert replaced(scene, scene.pay(point, fee=1_011))


def test_more_fee_at_a_worse_feerate_is_no_improvement() -> None:
    scene = Scene()
    point = scene.coin()
    scene.add(scene.pay(point, fee=1_000))
    outcome = refused(scene, scene.pay(point, fee=5_000, pad=2_000))
    assert str(outcome) == (
        "replacement-failed, insufficient feerate: does not improve feerate diagram"
    )
    assert outcome.kind is Refusal.RECONSIDERABLE
    assert replaced(scene, scene.pay(point, fee=25_000, pad=2_000))


def test_replacement_may_add_unconfirmed_inputs() -> None:
    scene = Scene()
    point = scene.coin()
    other = scene.add(scene.pay(scene.coin(), fee=1_000))
    old = scene.add(scene.pay(point, fee=1_000))
    assert replaced(scene, scene.pay(point, out(other), fee=30_000)) == [old]


def test_replacement_that_hangs_below_a_poor_parent_does_not_improve() -> None:
    scene = Scene()
    point = scene.coin()
    poor = scene.add(scene.pay(scene.coin(), fee=300, pad=2_000))
    scene.add(scene.pay(point, fee=2_000))
    assert refused(scene, scene.pay(point, out(poor), fee=4_000)).reason == "replacement-failed"


def test_cannot_spend_what_it_replaces() -> None:
    scene = Scene()
    point = scene.coin()
    old = scene.add(scene.pay(point, fee=1_000))
    child = scene.add(scene.pay(out(old), fee=1_000))
    new = scene.pay(point, out(child), fee=100_000)
    outcome = refused(scene, new)
    assert outcome.reason == "bad-txns-spends-conflicting-tx"
    assert outcome.detail == (
        f"{to_hex(new.txid)} spends conflicting transaction {to_hex(old.txid)}"
    )
    assert len(scene.pool) == 2


def test_few_clusters_may_be_touched() -> None:
    scene = Scene()
    points = [scene.coin() for _ in range(101)]
    for point in points:
        scene.add(scene.pay(point, fee=200))
    new = scene.pay(*points, fee=1_000_000)
    outcome = refused(scene, new)
    assert outcome.reason == "too many potential replacements"
    assert outcome.detail == (
        f"rejecting replacement {to_hex(new.txid)}; too many conflicting clusters (101 > 100)"
    )
    assert len(replaced(scene, scene.pay(*points[:100], fee=1_000_000))) == 100


def test_replacement_keeps_the_cluster_limit() -> None:
    scene = Scene(Policy(cluster_count=3))
    point = scene.coin()
    parents = [scene.add(scene.pay(scene.coin(), fee=2_000)) for _ in range(3)]
    scene.add(scene.pay(point, fee=1_000))
    new = scene.pay(point, *map(out, parents), fee=90_000)
    assert refused(scene, new).reason == "too-large-cluster"
    assert replaced(scene, scene.pay(point, *map(out, parents[:2]), fee=90_000))


def test_place_that_becomes_free_by_the_replacement_counts() -> None:
    scene = Scene(Policy(cluster_count=2))
    parent = scene.add(scene.pay(scene.coin(), fee=2_000, outputs=2))
    old = scene.add(scene.pay(out(parent), fee=1_000))
    assert scene.reason(scene.pay(out(parent, 1), fee=1_000)) == "too-large-cluster"
    assert replaced(scene, scene.pay(out(parent), fee=3_000)) == [old]


def test_added_fees_protect_against_replacement() -> None:
    scene = Scene()
    point = scene.coin()
    old = scene.add(scene.pay(point, fee=1_000))
    scene.pool.prioritise(old.txid, 10_000)
    assert refused(scene, scene.pay(point, fee=9_000)).reason == "insufficient fee"


def test_two_conflicts_of_one_replacement() -> None:
    scene = Scene()
    first, second = scene.coin(), scene.coin()
    old = [scene.add(scene.pay(point, fee=1_000)) for point in (first, second)]
    assert set(replaced(scene, scene.pay(first, second, fee=3_000))) == set(old)


def test_sibling_of_version_3_is_pushed_out() -> None:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin(), version=3, outputs=2))
    sibling = scene.add(scene.pay(out(parent), version=3, fee=1_000))
    poor = scene.pay(out(parent, 1), version=3, fee=1_005)
    assert refused(scene, poor).reason == "insufficient fee (including sibling eviction)"
    assert replaced(scene, scene.pay(out(parent, 1), version=3, fee=2_000)) == [sibling]


def test_replacement_prepared_twice_replaces_the_winner() -> None:
    scene = Scene()
    point = scene.coin()
    scene.add(scene.pay(point, fee=1_000))
    prepared = [scene.prepare(scene.pay(point, fee=fee)) for fee in (2_000, 3_000)]
    entries: list[PoolEntry] = []
    for one in prepared:
        assert isinstance(one, Prepared)
        outcome = scene.admit(one)
        assert isinstance(outcome, Admitted)
        assert len(outcome.replaced) == 1
        entries.append(outcome.entry)
        consistent(scene.pool)
    assert list(scene.pool.entries()) == entries[1:]


def test_replacing_the_middle_of_a_cluster_splits_it() -> None:
    scene = Scene()
    shared = scene.coin()
    left, right = (scene.add(scene.pay(scene.coin(), fee=1_000)) for _ in range(2))
    bridge = scene.add(scene.pay(out(left), out(right), shared, fee=1_000))
    assert left.cluster is right.cluster
    new = Transaction.build(2, [TxIn(shared, witness=WITNESS)], [TxOut(990_000, PAY)])
    assert replaced(scene, new) == [bridge]
    assert left.cluster is not right.cluster


def test_equal_fees_lack_the_fee_for_relay() -> None:
    scene = Scene()
    point = scene.coin()
    scene.add(scene.pay(point, fee=1_000))
    reason = scene.reason(scene.pay(point, fee=1_000, outputs=2))
    assert "not enough additional fees to relay; 0.00 <" in reason
