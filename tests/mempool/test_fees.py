"""The fee estimator."""

from __future__ import annotations

import pytest

from axon.mempool import feehistory
from axon.mempool.entry import PoolEntry
from axon.mempool.feehistory import NO_END, FeeRange, RawEstimate
from axon.mempool.fees import (
    LONG,
    MAX_TARGET,
    MEDIUM,
    SHORT,
    Estimate,
    FeeEstimator,
)
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut

UNKNOWN = ("Insufficient data or no feerate found",)
ENOUGH = 8
"""Blocks after which something can be said of waits of two and four blocks."""


class Watch:
    """An estimator and the transactions it is shown."""

    def __init__(self, max_watched: int = 300_000) -> None:
        self.fees = FeeEstimator(max_watched)
        self.fees.block_connected(100, ())
        self._serial = 0

    def enter(self, feerate: int, count: int = 1) -> tuple[PoolEntry, ...]:
        return tuple([self._entry(feerate) for _ in range(count)])

    def _entry(self, feerate: int) -> PoolEntry:
        self._serial += 1
        point = OutPoint(self._serial.to_bytes(36, "little"))
        transaction = Transaction.build(2, [TxIn(point)], [TxOut(1, b"")])
        entry = PoolEntry(transaction, feerate * 4, 16_000, 16_000, 0, self.fees.height, 0)
        self.fees.entered(entry)
        return entry

    def mine(self, *groups: tuple[PoolEntry, ...]) -> None:
        confirmed = tuple([entry for group in groups for entry in group])
        self.fees.block_connected(self.fees.height + 1, confirmed)

    def usual(self, blocks: int = ENOUGH, feerate: int = 5_000, count: int = 10) -> None:
        """Transactions come in and are confirmed by the next block."""
        for _ in range(blocks):
            self.mine(self.enter(feerate, count))


def test_nothing_is_known_at_first() -> None:
    fees = FeeEstimator()
    assert fees.estimate(6) == Estimate(None, 0, UNKNOWN)
    assert fees.raw(6, 0.95, SHORT) == RawEstimate(None, FeeRange(), FeeRange(0.0, NO_END))


def test_few_examples_are_not_believed() -> None:
    watch = Watch()
    watch.mine(watch.enter(5_000, 12))
    for _ in range(ENOUGH):
        watch.mine()
    assert watch.fees.estimate(2).feerate_sat_kvb is None


def test_what_was_confirmed_at_once() -> None:
    watch = Watch()
    watch.usual()
    assert watch.fees.estimate(2) == Estimate(5_000, 2)
    assert watch.fees.estimate(1) == Estimate(5_000, 2)


def test_of_waits_that_were_not_possible_yet_nothing_is_said() -> None:
    watch = Watch()
    watch.usual(blocks=4)
    assert watch.fees.estimate(2) == Estimate(None, 1, UNKNOWN)
    watch.usual(blocks=9)
    assert watch.fees.estimate(20) == Estimate(5_000, 6)


def slow_and_fast() -> Watch:
    """High fees take one block, low ones ten."""
    watch = Watch()
    slow: list[tuple[PoolEntry, ...]] = []
    for _ in range(60):
        fast = watch.enter(20_000, 10)
        slow.append(watch.enter(1_000, 10))
        watch.mine(fast, slow.pop(0) if len(slow) >= 10 else ())
    return watch


def test_patience_is_cheaper() -> None:
    watch = slow_and_fast()
    assert watch.fees.estimate(2).feerate_sat_kvb == 20_000
    assert watch.fees.estimate(24).feerate_sat_kvb == 1_000
    assert watch.fees.estimate(24, conservative=True).feerate_sat_kvb == 1_000


def test_each_horizon_tells_its_ranges() -> None:
    found = slow_and_fast().fees.raw(2, 0.95, SHORT)
    assert found.feerate_sat_kvb == 20_000
    assert found.passed.start < 20_000 <= found.passed.end == NO_END
    assert found.passed.within_target == pytest.approx(found.passed.confirmed)
    assert found.passed.waiting == found.passed.left == 0
    assert found.failed.start < 1_000 <= found.failed.end < 20_000
    assert (found.failed.within_target, found.failed.waiting) == (0.0, 80)


def test_waiting_counts_as_failure() -> None:
    watch = Watch()
    watch.usual(20, count=3)
    assert watch.fees.estimate(2).feerate_sat_kvb == 5_000
    watch.enter(5_000, 200)
    for _ in range(4):
        watch.mine()
    assert watch.fees.estimate(2).feerate_sat_kvb is None
    assert watch.fees.raw(2, 0.5, SHORT).failed.waiting == 200


def test_leaving_counts_as_failure_only_after_waiting() -> None:
    watch = Watch()
    watch.usual(20, count=3)
    for entry in watch.enter(5_000, 200):
        watch.fees.left(entry.txid)  # Replaced at once: says nothing.
    assert watch.fees.estimate(2).feerate_sat_kvb == 5_000
    gone = watch.enter(5_000, 200)
    for _ in range(3):
        watch.mine()
    for entry in gone:
        watch.fees.left(entry.txid)
    assert watch.fees.raw(2, 0.85, SHORT).feerate_sat_kvb is None
    left = [watch.fees.raw(2, 0.5, horizon).failed.left for horizon in (SHORT, MEDIUM, LONG)]
    assert left == pytest.approx([200, 200, 0]), "a whole period of the horizon must have passed"
    assert watch.fees.raw(4, 0.5, SHORT).failed.left == 0, "it did not wait for so long"
    watch.fees.left(Txid(bytes(32)))


def test_old_examples_fade() -> None:
    watch = Watch()
    watch.usual(10)
    for _ in range(2_000):
        watch.mine()
    assert watch.fees.raw(2, 0.85, SHORT).feerate_sat_kvb is None
    assert watch.fees.raw(2, 0.85, MEDIUM).feerate_sat_kvb is None
    faded = watch.fees.raw(24, 0.85, LONG).failed
    assert faded.confirmed == pytest.approx(sum(10 * LONG.decay ** (2_000 + i) for i in range(10)))


def test_very_many_blocks_do_not_overflow() -> None:
    watch = Watch()
    for _ in range(20_000):
        watch.mine()
    watch.usual()
    assert watch.fees.estimate(2).feerate_sat_kvb == 5_000


def test_examples_that_are_scaled_down_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # The slow half fails now and then, and some leave: every figure of a bucket takes part.
    def watched() -> FeeEstimator:
        watch = Watch()
        waiting: list[tuple[PoolEntry, ...]] = []
        for block in range(60):
            waiting.append(watch.enter(2_000, 4))
            due = [waiting.pop(0)] if block > 8 else []
            if block % 7 == 0:
                watch.fees.left(watch.enter(3_000)[0].txid)
            watch.mine(watch.enter(9_000 + block, 3), *due)
        return watch.fees

    usual = watched()
    monkeypatch.setattr(feehistory, "_RENORMALISE", 1.01)
    scaled = watched()
    for target in (2, 4, 8, 10, 12, 48):
        for conservative in (False, True):
            expected = usual.estimate(target, conservative=conservative)
            assert scaled.estimate(target, conservative=conservative) == expected
    assert usual.estimate(2).feerate_sat_kvb != usual.estimate(24).feerate_sat_kvb


def test_children_and_stale_blocks_are_passed_over() -> None:
    watch = Watch()
    (parent,) = watch.enter(5_000)
    children = []
    for _ in range(50):
        (child,) = watch.enter(9_000)
        watch.fees.left(child.txid)
        child.parents[parent.txid] = parent
        watch.fees.entered(child)
        children.append(child)
    watch.mine(tuple(children))
    group = watch.enter(5_000, 50)
    watch.fees.block_connected(watch.fees.height, group)
    assert watch.fees.raw(2, 0.85, SHORT).failed.confirmed == 0


def test_what_a_block_that_is_not_new_confirms_waits_no_longer() -> None:
    watch = Watch()
    watch.usual()
    again = watch.enter(5_000, 100)
    watch.fees.block_connected(watch.fees.height, again)
    for _ in range(3):
        watch.mine()
    assert watch.fees.estimate(2) == Estimate(5_000, 2)


def test_extreme_feerates_have_a_place() -> None:
    watch = Watch()
    for _ in range(ENOUGH):
        watch.mine(watch.enter(1, 10), watch.enter(10**9, 10))
    assert watch.fees.estimate(2).feerate_sat_kvb == 1
    assert watch.fees.raw(2, 0.95, SHORT).passed.start == 0


@pytest.mark.parametrize(("watched", "known"), [(1, None), (6, 5_000)])
def test_no_more_than_so_many_are_watched(watched: int, known: int | None) -> None:
    watch = Watch(max_watched=watched)
    watch.usual(count=20)
    assert watch.fees.estimate(2).feerate_sat_kvb == known


def test_what_comes_in_behind_the_chain_teaches_nothing() -> None:
    watch = Watch()
    early = watch.fees.height
    for _ in range(3):
        watch.mine()
    entries = watch.enter(5_000, 20)
    for entry in entries:
        entry.height = early
    fresh = Watch()
    fresh.fees.block_connected(early + 3, ())
    for entry in entries:
        fresh.fees.entered(entry)
    fresh.mine(entries)
    assert fresh.fees.raw(2, 0.85, SHORT).failed.confirmed == 0


@pytest.mark.parametrize("horizon", [SHORT, MEDIUM, LONG])
def test_the_longest_wait_still_counts_as_success(horizon: feehistory.Horizon) -> None:
    watch = Watch()
    in_time, late = watch.enter(5_000, 200), watch.enter(70_000, 150)
    for _ in range(horizon.max_target - 1):
        watch.mine()
    watch.mine(in_time)
    watch.mine(late)
    found = watch.fees.raw(horizon.max_target, 0.95, horizon)
    assert found.feerate_sat_kvb is None, "the better paid came too late"
    assert found.failed.within_target == 0
    assert found.failed.confirmed == pytest.approx(150)
    together = watch.fees.raw(horizon.max_target, 0.4, horizon)
    assert together.feerate_sat_kvb == 5_000
    assert LONG.max_target == MAX_TARGET


def test_a_conservative_answer_asks_for_more() -> None:
    watch = Watch()
    slow: list[tuple[PoolEntry, ...]] = []
    for block in range(430):
        cheap = watch.enter(2_000, 10)
        slow.append(cheap)
        due = slow if block >= 330 else slow[: len(slow) - 11]
        slow = slow[len(due) :]
        watch.mine(watch.enter(9_000, 10), *due)
    assert watch.fees.estimate(2).feerate_sat_kvb == 2_000, "of late all are quick"
    assert watch.fees.estimate(2, conservative=True).feerate_sat_kvb == 9_000


def test_a_block_seen_before_teaches_nothing() -> None:
    watch = Watch()
    watch.fees.block_connected(watch.fees.height, watch.enter(5_000, 200))
    assert watch.fees.raw(2, 0.85, SHORT).failed == FeeRange(0.0, NO_END)
