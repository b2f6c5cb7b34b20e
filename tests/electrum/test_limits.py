"""What one client may have, and all of them together."""

from __future__ import annotations

import pytest

from axon.electrum.budget import (
    BURST_UNITS,
    COMMON_BURST_UNITS,
    COMMON_REFILL_UNITS_S,
    MAX_BUDGETS,
    REFILL_UNITS_S,
    SMALL_UNITS,
    Budget,
    Budgets,
)
from axon.electrum.places import (
    LOCAL,
    MAX_CLIENTS,
    MAX_FROM_NETWORK,
    MAX_FROM_ONE,
    MAX_FROM_PROVIDER,
    RESERVED_LOCAL,
    RESERVED_STRANGERS,
    ClientPlaces,
    holder_of,
    origin_of,
)
from axon.electrum.shares import Holder, Shares
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


@pytest.mark.parametrize(
    ("crowd", "neighbour", "elsewhere", "most"),
    [
        ("192.0.2.{0}", "192.0.2.255", "192.0.3.1", MAX_FROM_NETWORK),
        ("192.0.{0}.1", "192.0.255.255", "192.1.0.1", MAX_FROM_PROVIDER),
        ("2001:db8:7:{0:x}::/64", "2001:db8:7:fff::/64", "2001:db8:8::/64", MAX_FROM_NETWORK),
        ("2001:db8:{0:x}::/64", "2001:db8:fff::/64", "2001:db9::/64", MAX_FROM_PROVIDER),
    ],
)
def test_nor_has_a_network_all_of_them(
    crowd: str, neighbour: str, elsewhere: str, most: int
) -> None:
    places = ClientPlaces()
    origins = [crowd.format(number) for number in range(250)]
    seated = [origin for origin in origins if places.take(origin)]
    assert len(seated) == most
    assert not places.take(neighbour)
    assert places.take(elsewhere)
    places.leave(seated[0])
    assert places.take(neighbour)


def test_those_of_one_network_share_what_they_cost() -> None:
    """Else 65,536 of /64 that somebody has would be as many strangers."""
    one, other = holder_of("2001:db8:7:1::/64", 1), holder_of("2001:db8:7:2::/64", 2)
    assert one == other != holder_of("2001:db8:8::/64", 3)
    assert holder_of("192.0.2.1", 4) == holder_of("192.0.2.2", 5) != holder_of("192.0.3.1", 6)
    assert holder_of(LOCAL, 7) != holder_of(LOCAL, 8)


def test_strangers_leave_places_for_this_machine() -> None:
    places = ClientPlaces()
    taken = sum(places.take(f"198.{number}.2.1") for number in range(MAX_CLIENTS))
    assert taken == MAX_CLIENTS - RESERVED_LOCAL
    assert sum(places.take(LOCAL) for _ in range(MAX_CLIENTS)) == RESERVED_LOCAL


def test_this_machine_leaves_places_for_strangers() -> None:
    places = ClientPlaces()
    taken = sum(places.take(LOCAL) for _ in range(MAX_CLIENTS))
    assert taken == MAX_CLIENTS - RESERVED_STRANGERS
    others = sum(places.take(f"198.{number}.2.1") for number in range(MAX_CLIENTS))
    assert others == RESERVED_STRANGERS


def test_a_share_leaves_something_for_one_more() -> None:
    shares = Shares(200_000)
    held: list[int] = []
    for number in range(11):  # Each takes what it can get.
        holder = Holder(f"192.0.2.{number}", is_local=False)
        held.append(sum(100 for _ in range(1_000) if shares.take(holder, 100)))
    assert held[0] == 20_000
    assert held == sorted(held, reverse=True)
    assert held[10] >= 20_000 / 10
    owner = holder_of(LOCAL, 1)
    assert shares.take(owner, 33_333)
    assert not shares.take(owner, 1)
    assert shares.take(holder_of(LOCAL, 2), 22_222)
    for number, count in enumerate(held):
        shares.give_back(Holder(f"192.0.2.{number}", is_local=False), count)
    assert shares.left(is_local=False) == 100_000
    assert shares.left(is_local=True) == 100_000 - 33_333 - 22_222


def test_all_on_this_machine_have_a_credit_in_common() -> None:
    budgets, price = Budgets(0), 2 * SMALL_UNITS
    spent = 0
    for number in range(COMMON_BURST_UNITS // BURST_UNITS):
        greedy = budgets.of(holder_of(LOCAL, number), 0)
        greedy.charge(BURST_UNITS - 1, 0)
        assert greedy.wait_us(price, 0) == 0
        spent += BURST_UNITS - 1
    late = budgets.of(holder_of(LOCAL, 100), 0)
    assert late.wait_us(price, 0) == 0
    late.charge(COMMON_BURST_UNITS - spent + COMMON_REFILL_UNITS_S, 0)
    newcomer = budgets.of(holder_of(LOCAL, 101), 0)
    assert SECOND <= newcomer.wait_us(price, 0) <= SECOND + SECOND // 100
    assert newcomer.wait_us(SMALL_UNITS / 2, 0) == 0  # A ping waits for nobody else.
    stranger = budgets.of(holder_of("192.0.2.1", 102), 0)
    assert stranger.wait_us(price, 0) == 0


def test_so_have_all_strangers() -> None:
    budgets, price = Budgets(0), 2 * SMALL_UNITS
    for number in range(COMMON_BURST_UNITS // BURST_UNITS):
        budgets.of(holder_of(f"192.0.{number}.1", number), 0).charge(BURST_UNITS, 0)
    assert budgets.of(holder_of("198.51.100.1", 50), 0).wait_us(price, 0) > 0
    assert budgets.of(holder_of(LOCAL, 51), 0).wait_us(price, 0) == 0


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
    budgets = Budgets(0)
    alice, bob = Holder("alice", is_local=False), Holder("bob", is_local=False)
    budgets.of(alice, 0).charge(BURST_UNITS + 5, 0)
    assert budgets.of(alice, 0).wait_us(0, 0) > 0
    assert budgets.of(bob, 0).wait_us(0, 0) == 0
    for number in range(MAX_BUDGETS):
        budgets.of(Holder(str(number), is_local=True), 0)
    assert budgets.of(alice, 0).wait_us(0, 0) > 0  # Who comes from this machine has no name.
    for number in range(MAX_BUDGETS):
        budgets.of(Holder(str(number), is_local=False), 0)
    assert budgets.of(alice, 0).wait_us(0, 0) == 0  # Forgotten: the least recent of too many.
