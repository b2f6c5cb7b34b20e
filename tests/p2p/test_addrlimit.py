"""How many addresses a peer may tell."""

from __future__ import annotations

from axon.machine import SECOND, Instant
from axon.p2p.addrlimit import MAX_TOKENS, TOKEN, AddrLimit

NOW: Instant = 1_700_000_000 * SECOND


def taken(limit: AddrLimit) -> int:
    assert limit.take(0) == 0
    return limit.take(1) + limit.take(10**6)


def test_one_at_first_and_one_more_each_ten_seconds() -> None:
    limit = AddrLimit(NOW)
    assert taken(limit) == 1
    limit.refill(NOW + TOKEN - 1)
    assert taken(limit) == 0
    limit.refill(NOW + TOKEN)
    assert taken(limit) == 1
    limit.refill(NOW + 6 * TOKEN)
    assert taken(limit) == 5
    limit.refill(NOW)
    assert taken(limit) == 0, "a clock that was set back gives nothing"


def test_what_is_saved_up_is_bounded_but_not_what_was_asked_for() -> None:
    limit = AddrLimit(NOW)
    limit.refill(NOW + 3 * MAX_TOKENS * TOKEN)
    assert taken(limit) == MAX_TOKENS
    limit.grant(2 * MAX_TOKENS)
    limit.refill(NOW + 4 * MAX_TOKENS * TOKEN)
    assert taken(limit) == 2 * MAX_TOKENS
