"""The order in which transactions come and go, as Bitcoin Core counts it."""

from __future__ import annotations

from axon.mempool.outcome import Admitted, CrowdedOut
from axon.mempool.policy import Policy
from axon.primitives.transaction import Transaction
from tests.mempool.scene import SECOND, Scene, out

HOUR = 3_600 * SECOND


def watched(policy: Policy | None = None) -> Scene:
    """A pool whose journal is kept."""
    scene = Scene(policy)
    scene.pool.journal.keep()
    return scene


def moves(scene: Scene) -> list[tuple[int, str, Transaction]]:
    """What the journal has since the last time."""
    return [
        (move.sequence, "in" if move.entered else "out", move.transaction)
        for move in scene.pool.journal.take()
    ]


def by_txid(*transactions: Transaction) -> list[Transaction]:
    return sorted(transactions, key=lambda item: item.txid)


def test_nothing_is_kept_unless_somebody_wants_to_know() -> None:
    scene = Scene()
    scene.add(scene.pay(scene.coin()))
    assert moves(scene) == []
    assert scene.pool.sequence == 2


def test_what_is_replaced_leaves_before_the_newcomer_comes() -> None:
    scene = watched()
    coin = scene.coin(10_000_000)
    first = scene.add(scene.pay(coin))
    second = scene.add(scene.pay(out(first)))
    newcomer = scene.add(scene.pay(coin, fee=50_000))
    gone = by_txid(first.transaction, second.transaction)
    assert moves(scene) == [
        (1, "in", first.transaction),
        (2, "in", second.transaction),
        (3, "out", gone[0]),
        (4, "out", gone[1]),
        (5, "in", newcomer.transaction),
    ]
    assert newcomer.sequence == 5
    assert moves(scene) == []


def test_what_has_no_room_leaves_before_the_newcomer_comes() -> None:
    scene = watched(Policy(max_mempool_bytes=4_040_000))
    fee = 50_000
    while True:
        fee += 100
        outcome = scene.submit(scene.pay(scene.coin(), fee=fee, pad=60_000))
        assert isinstance(outcome, Admitted)
        if outcome.evicted:
            break
        moves(scene)
    (old,) = outcome.evicted
    number = outcome.entry.sequence
    assert moves(scene) == [
        (number - 1, "out", old.transaction),
        (number, "in", outcome.entry.transaction),
    ]
    poor = scene.pay(scene.coin(), fee=50_001, pad=60_000)
    crowded = scene.submit(poor)
    if isinstance(crowded, CrowdedOut):  # Else the pool's floor has refused it before.
        assert moves(scene)[-1][1:] == ("out", poor)


def test_what_is_too_old_leaves_by_txid() -> None:
    scene = watched()
    old = [scene.add(scene.pay(scene.coin())).transaction for _ in range(3)]
    moves(scene)
    scene.now += 337 * HOUR
    fresh = scene.add(scene.pay(scene.coin())).transaction
    assert moves(scene) == [
        *[(4 + place, "out", each) for place, each in enumerate(by_txid(*old))],
        (7, "in", fresh),
    ]


def test_a_block_counts_in_its_own_order() -> None:
    scene = watched()
    coin = scene.coin(10_000_000)
    confirmed = [scene.add(scene.pay(scene.coin())) for _ in range(2)]
    rival = scene.add(scene.pay(coin))
    child = scene.add(scene.pay(out(rival)))
    moves(scene)
    winner = scene.pay(coin, fee=2_000)
    block = scene.mine(confirmed[0].transaction, winner, confirmed[1].transaction)
    scene.pool.block_connected(block, scene.now)
    assert moves(scene) == [(6, "out", rival.transaction), (7, "out", child.transaction)]
    assert scene.pool.sequence == 9, "5 and 8 are those of the block"


def test_what_comes_back_is_told_of_and_is_no_secret() -> None:
    scene = watched()
    lost = scene.pay(scene.coin())
    effect = scene.reorg([[lost]], [])
    assert [entry.transaction for entry in effect.returned] == [lost]
    assert moves(scene) == [(1, "in", lost)]
    assert effect.returned[0].sequence == 0
