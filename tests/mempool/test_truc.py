"""Version 3 transactions (BIP 431) and ephemeral dust."""

from __future__ import annotations

import pytest

from axon.mempool.outcome import Refused
from axon.mempool.policy import TRUC_CHILD_MAX_VSIZE, TRUC_MAX_VSIZE, Policy
from axon.mempool.truc import check_dust_spent
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from tests.mempool.scene import PAY, WITNESS, Scene, consistent, out


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


def sized_child(scene: Scene, vsize: int) -> Transaction:
    """A child of version 3 of exactly this size, of a new parent in the pool."""
    parent = scene.add(scene.pay(scene.coin(), version=3))
    spare = vsize - scene.pay(out(parent), version=3, pad=600, fee=9_000).vsize
    return scene.pay(out(parent), version=3, pad=600 + spare, fee=9_000)


def test_a_child_of_version_3_may_be_as_large_as_its_limit() -> None:
    scene = Scene()
    largest = sized_child(scene, TRUC_CHILD_MAX_VSIZE)
    assert largest.vsize == TRUC_CHILD_MAX_VSIZE
    assert scene.reason(largest) == ""
    assert "is too big: 1001 > 1000" in violation(scene, sized_child(scene, 1_001))


def test_signature_checks_count_as_size_of_version_3_too() -> None:
    scene = Scene()
    multisig = b"\x51\x21" + b"\x02" * 33 + b"\x51\xae"  # Counts as twenty keys.
    outputs = [TxOut(30_000, multisig)] * 26
    costly = Transaction.build(3, [TxIn(scene.coin(), witness=WITNESS)], outputs)
    assert costly.vsize < TRUC_MAX_VSIZE
    assert violation(scene, costly).endswith("is too big: 10405 > 10000 virtual bytes")
    scene.add(Transaction.build(3, costly.inputs, outputs[:24]))


def returned_parent(scene: Scene, children: int) -> tuple[Transaction, list[Transaction]]:
    """A parent that a reorganisation brought back, with more children than one may have."""
    coins = dict(scene.coins)
    source = scene.coin()
    coins[source] = scene.coins[source]
    parent = scene.pay(source, version=3, outputs=4)
    block = scene.mine(parent)
    scene.pool.block_connected(block, scene.now)
    below = [scene.pay(out(parent, place), version=3) for place in range(children)]
    for child in below:
        scene.add(child)
    scene.unmine(block, coins)
    scene.reorg([block], [])
    consistent(scene.pool)
    assert len(scene.pool) == children + 1
    return parent, below


def test_a_sibling_makes_way_only_where_it_is_the_only_one() -> None:
    scene = Scene()
    parent, _ = returned_parent(scene, 2)
    third = scene.pay(out(parent, 3), version=3, fee=50_000)
    said = violation(scene, third)
    assert said == f"tx {name(parent)} would exceed descendant count limit"
    assert len(scene.pool) == 3


def test_one_of_several_children_may_be_replaced() -> None:
    scene = Scene()
    parent, (first, second) = returned_parent(scene, 2)
    scene.add(scene.pay(out(parent), version=3, fee=50_000))
    assert first.txid not in scene.pool
    assert second.txid in scene.pool


def test_a_sibling_with_another_parent_does_not_make_way() -> None:
    scene = Scene()
    coins = dict(scene.coins)
    sources = [scene.coin(), scene.coin()]
    coins |= {point: scene.coins[point] for point in sources}
    parents = [scene.pay(point, version=3, outputs=2) for point in sources]
    block = scene.mine(*parents)
    scene.pool.block_connected(block, scene.now)
    joint = scene.add(scene.pay(*map(out, parents), version=3))
    scene.unmine(block, coins)
    scene.reorg([block], [])
    assert len(joint.parents) == 2
    second = scene.pay(out(parents[0], 1), version=3, fee=50_000)
    said = violation(scene, second)
    assert said == f"tx {name(parents[0])} would exceed descendant count limit"
    assert joint.txid in scene.pool
