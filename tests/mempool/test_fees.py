"""The fee estimator."""

from __future__ import annotations

import pytest

from axon.mempool import fees
from axon.mempool.entry import PoolEntry
from axon.mempool.fees import MAX_TARGET, Estimate, FeeEstimator
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut

UNKNOWN = ("Insufficient data or no feerate found",)


class Watch:
    """An estimator and the transactions it is shown."""

    def __init__(self) -> None:
        self.fees = FeeEstimator()
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


def test_nothing_is_known_at_first() -> None:
    assert FeeEstimator().estimate(6) == Estimate(None, MAX_TARGET, UNKNOWN)


def test_few_examples_are_not_believed() -> None:
    watch = Watch()
    watch.mine(watch.enter(5_000, 5))
    assert watch.fees.estimate(2).feerate_sat_kvb is None


def test_what_was_confirmed_at_once() -> None:
    watch = Watch()
    for _ in range(5):
        watch.mine(watch.enter(5_000, 10))
    estimate = watch.fees.estimate(2)
    assert estimate.blocks == 2
    assert estimate.feerate_sat_kvb == 5_000
    assert watch.fees.estimate(1) == estimate


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
    assert watch.fees.estimate(12).feerate_sat_kvb == 1_000
    assert watch.fees.estimate(12, conservative=True).feerate_sat_kvb == 1_000


def test_waiting_counts_as_failure() -> None:
    watch = Watch()
    for _ in range(20):
        watch.mine(watch.enter(5_000, 3))
    assert watch.fees.estimate(2).feerate_sat_kvb == 5_000
    watch.enter(5_000, 200)
    for _ in range(4):
        watch.mine()
    estimate = watch.fees.estimate(2)
    assert estimate.blocks > 4
    assert estimate.feerate_sat_kvb == 5_000


def test_leaving_counts_as_failure_only_after_waiting() -> None:
    watch = Watch()
    for _ in range(20):
        watch.mine(watch.enter(5_000, 3))
    for entry in watch.enter(5_000, 200):
        watch.fees.left(entry.txid)  # Replaced at once: says nothing.
    assert watch.fees.estimate(2).feerate_sat_kvb == 5_000
    gone = watch.enter(5_000, 200)
    for _ in range(3):
        watch.mine()
    for entry in gone:
        watch.fees.left(entry.txid)
    assert watch.fees.estimate(2).blocks > 2
    watch.fees.left(Txid(bytes(32)))


def test_old_examples_fade() -> None:
    watch = Watch()
    for _ in range(10):
        watch.mine(watch.enter(5_000, 10))
    for _ in range(2_000):
        watch.mine()
    assert watch.fees.estimate(2).feerate_sat_kvb is None


def test_very_many_blocks_do_not_overflow() -> None:
    watch = Watch()
    for _ in range(60_000):
        watch.mine()
    for _ in range(5):
        watch.mine(watch.enter(5_000, 10))
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
    monkeypatch.setattr(fees, "_RENORMALISE", 1.01)  # After every third block, not 100,000.
    scaled = watched()
    for target in (2, 4, 8, 10, 12, 48):
        for conservative in (False, True):
            expected = usual.estimate(target, conservative=conservative)
            assert scaled.estimate(target, conservative=conservative) == expected
    assert usual.estimate(2).feerate_sat_kvb != usual.estimate(12).feerate_sat_kvb


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
    assert watch.fees.estimate(2).feerate_sat_kvb is None
    group = watch.enter(5_000, 50)
    watch.fees.block_connected(watch.fees.height, group)
    assert watch.fees.estimate(2).feerate_sat_kvb is None


def test_what_a_block_that_is_not_new_confirms_waits_no_longer() -> None:
    watch = Watch()
    for _ in range(5):
        watch.mine(watch.enter(5_000, 10))
    again = watch.enter(5_000, 100)
    watch.fees.block_connected(watch.fees.height, again)
    for _ in range(10):
        watch.mine()
    assert watch.fees.estimate(2) == Estimate(5_000, 2)


def test_extreme_feerates_have_a_place() -> None:
    watch = Watch()
    for _ in range(5):
        watch.mine(watch.enter(1, 10), watch.enter(10**9, 10))
    estimate = watch.fees.estimate(2).feerate_sat_kvb
    assert estimate == 1


def test_what_is_watched_is_bounded() -> None:
    watch = Watch()
    watch.fees = FeeEstimator(max_watched=5)
    watch.fees.block_connected(100, ())
    watch.mine(watch.enter(5_000, 50))
    assert watch.fees.estimate(2).feerate_sat_kvb is None
    watch.fees = FeeEstimator(max_watched=50)
    watch.fees.block_connected(100, ())
    watch.mine(watch.enter(5_000, 50))
    assert watch.fees.estimate(2).feerate_sat_kvb == 5_000


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
    assert fresh.fees.estimate(MAX_TARGET).feerate_sat_kvb is None


@pytest.mark.parametrize(("watched", "known"), [(5, None), (6, 5_000)])
def test_no_more_than_so_many_are_watched(watched: int, known: int | None) -> None:
    watch = Watch()
    watch.fees = FeeEstimator(max_watched=watched)
    watch.fees.block_connected(100, ())
    for _ in range(2):
        watch.mine(watch.enter(5_000, 20))  # Ten examples are believed.
    assert watch.fees.estimate(2).feerate_sat_kvb == known


def test_the_longest_wait_still_counts_as_success() -> None:
    watch = Watch()
    entries = watch.enter(5_000, 20)
    for _ in range(MAX_TARGET - 1):
        watch.mine()
    watch.mine(entries)
    assert watch.fees.estimate(MAX_TARGET).feerate_sat_kvb == 5_000


def test_a_conservative_answer_asks_for_more() -> None:
    watch = Watch()
    slow: list[tuple[PoolEntry, ...]] = []
    for _ in range(40):
        fast = watch.enter(5_000, 9)
        slow.append(watch.enter(5_000, 1))
        watch.mine(fast, slow.pop(0) if len(slow) >= 10 else ())
    assert watch.fees.estimate(2).blocks == 2
    assert watch.fees.estimate(2, conservative=True).blocks > 2


def test_a_block_seen_before_teaches_nothing() -> None:
    watch = Watch()
    watch.fees.block_connected(watch.fees.height, watch.enter(5_000, 200))
    for _ in range(5):
        watch.mine(watch.enter(5_000, 10))
    assert watch.fees.estimate(2).feerate_sat_kvb == 5_000
