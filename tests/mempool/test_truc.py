"""Version 3 transactions (BIP 431) and ephemeral dust."""

from __future__ import annotations

import pytest

from axon.mempool.outcome import Refused
from axon.mempool.policy import TRUC_MAX_VSIZE, Policy
from axon.mempool.truc import check_dust_spent
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from tests.mempool.scene import PAY, WITNESS, Scene, out


def violation(scene: Scene, transaction: Transaction) -> str:
    outcome = scene.submit(transaction)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "TRUC-violation"
    return outcome.detail


def name(transaction: Transaction) -> str:
    return f"{to_hex(transaction.txid)} (wtxid={to_hex(transaction.wtxid)})"


@pytest.mark.parametrize(("old", "new"), [(2, 3), (3, 2), (3, 1)])
def test_version_is_inherited(old: int, new: int) -> None:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin(), version=old))
    child = scene.pay(out(parent), version=new)
    first, second = ("version=3", "non-version=3") if new == 3 else ("non-version=3", "version=3")
    assert violation(scene, child) == (
        f"{first} tx {name(child)} cannot spend from {second} tx {name(parent.transaction)}"
    )


def test_confirmed_parents_do_not_bind() -> None:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin(), version=3))
    scene.pool.block_connected(scene.mine(parent.transaction), scene.now)
    scene.add(scene.pay(out(parent), version=2, total=1_000_000 - 1_000))


def test_size() -> None:
    scene = Scene()
    big = scene.pay(scene.coin(), version=3, pad=9_950, fee=9_000)
    assert violation(scene, big) == (
        f"version=3 tx {name(big)} is too big: {big.vsize} > 10000 virtual bytes"
    )
    parent = scene.add(scene.pay(scene.coin(), version=3, pad=9_800, fee=9_000))
    child = scene.pay(out(parent), version=3, pad=950, fee=9_000)
    assert violation(scene, child) == (
        f"version=3 child tx {name(child)} is too big: {child.vsize} > 1000 virtual bytes"
    )
    scene.add(scene.pay(out(parent), version=3, pad=800, fee=9_000))


def test_one_parent() -> None:
    scene = Scene()
    parents = [scene.add(scene.pay(scene.coin(), version=3)) for _ in range(2)]
    child = scene.pay(*map(out, parents), version=3)
    assert violation(scene, child) == f"tx {name(child)} would have too many ancestors"


def test_no_grandparent() -> None:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin(), version=3))
    child = scene.add(scene.pay(out(parent), version=3))
    grandchild = scene.pay(out(child), version=3)
    assert violation(scene, grandchild) == f"tx {name(grandchild)} would have too many ancestors"


def test_child_may_be_replaced() -> None:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin(), version=3))
    scene.add(scene.pay(out(parent), version=3, fee=1_000))
    assert scene.reason(scene.pay(out(parent), version=3, fee=2_000)) == ""


def with_dust(scene: Scene, amount: int = 0, fee: int = 0, version: int = 3) -> Transaction:
    return Transaction.build(
        version,
        [TxIn(scene.coin(), witness=WITNESS)],
        [TxOut(1_000_000 - amount - fee, PAY), TxOut(amount, PAY)],
    )


def test_dust_needs_no_fee_from_the_operator_either() -> None:
    scene = Scene()
    parent = with_dust(scene)
    scene.pool.prioritise(parent.txid, 5_000)
    assert scene.reason(parent) == "dust, tx with dust output must be 0-fee"


def test_dust_must_be_spent_by_every_child() -> None:
    scene = Scene()
    parent = with_dust(scene, version=2)
    # Such a parent comes in with its child only; here it comes back from a block.
    coins = dict(scene.coins)
    block = scene.mine(parent)
    scene.unmine(block, coins)
    effect = scene.reorg([block], [])
    assert [entry.txid for entry in effect.returned] == [parent.txid]
    careless = scene.pay(out(parent), fee=2_000)
    assert scene.reason(careless) == (
        f"missing-ephemeral-spends, tx {name(careless)} did not spend parent's ephemeral dust"
    )
    assert scene.reason(scene.pay(out(parent), out(parent, 1), fee=2_000)) == ""


def test_version_3_may_be_as_large_as_its_limit() -> None:
    scene = Scene()
    spare = TRUC_MAX_VSIZE - scene.pay(scene.coin(), version=3, fee=20_000, pad=9_000).vsize
    largest = scene.pay(scene.coin(), version=3, fee=20_000, pad=9_000 + spare)
    assert largest.vsize == TRUC_MAX_VSIZE
    assert scene.reason(largest) == ""
    larger = scene.pay(scene.coin(), version=3, fee=20_000, pad=9_001 + spare)
    assert scene.reason(larger).startswith("TRUC-violation")


def test_a_child_spends_the_dust_of_all_its_parents() -> None:
    dusty = [
        Transaction.build(3, [TxIn(OutPoint(bytes((n,)) * 36))], [TxOut(100, PAY)]) for n in (1, 2)
    ]
    points = [out(parent) for parent in dusty]
    whole = Transaction.build(3, [TxIn(point) for point in points], [TxOut(1, b"")])
    half = Transaction.build(3, [TxIn(points[0])], [TxOut(1, b"")])
    assert check_dust_spent(whole, dusty, Policy()) is None
    refused = check_dust_spent(half, dusty, Policy())
    assert refused is not None
    assert refused.reason == "missing-ephemeral-spends"
