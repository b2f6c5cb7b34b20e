"""What one client may have, and all of them together."""

from __future__ import annotations

import pytest

from axon.electrum.budget import (
    BURST_UNITS,
    MAX_BUDGETS,
    REFILL_UNITS_S,
    Budget,
    Budgets,
)
from axon.electrum.places import (
    LOCAL,
    MAX_CLIENTS,
    MAX_FROM_ONE,
    RESERVED_LOCAL,
    ClientPlaces,
    origin_of,
)
from axon.machine import SECOND


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1", LOCAL),
        ("127.5.0.1", LOCAL),
        ("::1", LOCAL),
        ("::ffff:127.0.0.1", LOCAL),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:2", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_where_a_client_comes_from(host: str, origin: str) -> None:
    assert origin_of(host) == origin


def test_one_address_has_few_places() -> None:
    places = ClientPlaces()
    assert all(places.take("192.0.2.1") for _ in range(MAX_FROM_ONE))
    assert not places.take("192.0.2.1")
    assert places.take("192.0.2.2")
    places.leave("192.0.2.1")
    assert places.take("192.0.2.1")


def test_strangers_leave_places_for_this_machine() -> None:
    places = ClientPlaces()
    taken = sum(places.take(f"192.0.2.{number}") for number in range(MAX_CLIENTS))
    assert taken == MAX_CLIENTS - RESERVED_LOCAL
    assert sum(places.take(LOCAL) for _ in range(MAX_CLIENTS)) == RESERVED_LOCAL


def test_this_machine_may_have_them_all() -> None:
    places = ClientPlaces()
    assert sum(places.take(LOCAL) for _ in range(MAX_CLIENTS + 5)) == MAX_CLIENTS
    assert not places.take("192.0.2.1")


def test_credit_is_used_up_and_comes_back() -> None:
    budget = Budget(0)
    budget.charge(BURST_UNITS - 1, 0)
    assert budget.wait_us(0) == 0
    budget.charge(1 + REFILL_UNITS_S, 0)
    wait_us = budget.wait_us(0)
    assert SECOND <= wait_us <= SECOND + SECOND // 100
    assert budget.wait_us(wait_us) == 0
    budget.charge(BURST_UNITS, 10_000 * SECOND)
    assert budget.wait_us(10_000 * SECOND) > 0  # Never more than a burst was saved up.


def test_who_comes_again_finds_his_credit_as_he_left_it() -> None:
    budgets = Budgets()
    budgets.of("a", 0).charge(BURST_UNITS + 5, 0)
    assert budgets.of("a", 0).wait_us(0) > 0
    assert budgets.of("b", 0).wait_us(0) == 0
    for number in range(MAX_BUDGETS):
        budgets.of(str(number), 0)
    assert budgets.of("a", 0).wait_us(0) == 0  # Forgotten: the least recent of too many.
