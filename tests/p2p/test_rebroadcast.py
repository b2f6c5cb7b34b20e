"""The clock of our own transactions."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from axon.machine import MINUTE, SECOND, Instant
from axon.p2p.rebroadcast import REBROADCAST_MIN, REBROADCAST_SPREAD, Rebroadcast

NOW: Instant = 1_700_000_000 * SECOND


def test_it_rings_every_ten_to_fifteen_minutes_from_the_first_peer_on() -> None:
    clock, moments = Rebroadcast(Random(1)), [NOW]
    assert clock.deadline() is None
    assert not clock.is_due(NOW)
    clock.start(NOW)
    for _ in range(50):
        due = clock.deadline()
        assert due is not None
        clock.start(due - 1)  # Another peer changes nothing.
        assert not clock.is_due(due - 1)
        assert clock.is_due(due)
        assert not clock.is_due(due)
        moments.append(due)
    waits = [later - before for before, later in pairwise(moments)]
    assert min(waits) >= REBROADCAST_MIN
    assert max(waits) <= REBROADCAST_MIN + REBROADCAST_SPREAD
    assert max(waits) - min(waits) > MINUTE


def test_it_can_be_hastened_once_it_runs() -> None:
    clock = Rebroadcast(Random(1))
    clock.bring_forward(MINUTE)
    assert clock.deadline() is None
    clock.start(NOW)
    before = clock.deadline()
    clock.bring_forward(MINUTE)
    after = clock.deadline()
    assert before is not None
    assert after == before - MINUTE
