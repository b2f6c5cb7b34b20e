"""The minimum that peers are told: rounded, not too often, and at once when it matters."""

from __future__ import annotations

from random import Random

from axon.machine import MINUTE, SECOND, Instant, PeerId
from axon.p2p.feefilter import FEEFILTER_SOON, NOTHING_SAT_KVB, FeeFilters, FeeRounder
from axon.primitives.transaction import MAX_MONEY_SAT
from axon.wire.messages import FeeFilter

NOW: Instant = 1_700_000_000 * SECOND
HOUR_ON = NOW + 60 * MINUTE
ALICE = PeerId(0)


def run(filters: FeeFilters, until: Instant) -> list[tuple[Instant, int]]:
    """What is told, and when: the clock rings whenever it wants to."""
    found: list[tuple[Instant, int]] = []
    while (due := filters.deadline()) is not None and due <= until:
        for action in filters.tick(due):
            assert isinstance(action.message, FeeFilter)
            found.append((due, action.message.feerate_sat_kvb))
    return found


def opened_with(minimum: int, seed: int = 1) -> FeeFilters:
    filters = FeeFilters(Random(seed), 100)
    filters.minimum_changed(minimum, NOW)
    filters.opened(ALICE, NOW)
    return filters


def test_the_minimum_is_told_after_the_handshake_and_rounded() -> None:
    ((when, told),) = run(opened_with(5_000), NOW)
    assert when == NOW
    assert told != 5_000
    assert 5_000 / 1.1 <= told <= 5_000 * 1.1


def test_it_never_goes_below_what_relay_costs() -> None:
    for seed in range(10):
        assert run(opened_with(0, seed), NOW) == [(NOW, 100)]


def test_what_relay_costs_at_least_is_never_rounded_up() -> None:
    for seed in range(10):
        filters = FeeFilters(Random(seed), 100)
        filters.opened(ALICE, NOW)
        assert run(filters, NOW) == [(NOW, 100)]


def test_when_the_first_sync_ends_the_peer_is_told_at_once() -> None:
    filters = opened_with(MAX_MONEY_SAT)
    ((_, told),) = run(filters, NOW)
    assert told >= NOTHING_SAT_KVB
    filters.minimum_changed(1_000, NOW + 5)
    ((when, told),) = run(filters, NOW + 5)
    assert when == NOW + 5
    assert told <= 1_100


def test_a_large_change_is_told_soon_and_a_small_one_is_not() -> None:
    for minimum, soon in ((50_000, 30), (150, 30), (72, 30), (1, 30), (105, 0), (85, 0)):
        told = 0
        for seed in range(30):
            filters = opened_with(100, seed)
            run(filters, NOW)
            due = filters.deadline()
            assert due is not None
            filters.minimum_changed(minimum, NOW)
            moved = filters.deadline()
            assert moved is not None
            told += moved <= NOW + FEEFILTER_SOON
            assert moved <= due
        usual = sum(_waits(seed) <= FEEFILTER_SOON for seed in range(30))
        assert told == soon or (not soon and told == usual)


def _waits(seed: int) -> Instant:
    """How long a peer waits for its second message where nothing changes."""
    filters = opened_with(100, seed)
    run(filters, NOW)
    due = filters.deadline()
    assert due is not None
    return due - NOW


def test_what_has_not_changed_is_not_told_again() -> None:
    filters = opened_with(0)
    assert run(filters, HOUR_ON) == [(NOW, 100)]


def test_who_has_gone_is_told_nothing() -> None:
    filters = opened_with(100)
    filters.closed(ALICE)
    assert filters.deadline() is None
    assert filters.tick(HOUR_ON) == []


def test_the_rounder_chooses_the_lower_step_twice_as_often() -> None:
    rounder = FeeRounder(Random(1))
    found = [rounder.round(1_000) for _ in range(3000)]
    low, high = min(found), max(found)
    assert low < 1_000 <= high < low * 1.11
    assert 0.6 < found.count(low) / len(found) < 0.73
    assert rounder.round(0) == 0
    assert rounder.round(MAX_MONEY_SAT) == rounder.highest
