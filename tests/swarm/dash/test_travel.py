"""What travels is worked out from who has it when, and who is linked to whom."""

from __future__ import annotations

from axon.machine import SECOND
from axon.swarm.dash.travel import MAX_ITEMS, MAX_SHOWN, ItemKind, Sighting, Travel
from tests.swarm.dash.runs import GENESIS, ONE

NODES = ("n1", "n2", "n3")


def chain() -> Travel:
    """Three nodes in a row, seen once."""
    travel = Travel()
    travel.know(NODES, [("n1", "n2"), ("n3", "n2")])
    for name in NODES:
        travel.saw(Sighting(name, 0, GENESIS, 0, frozenset()))
    assert travel.settle() == ([], []), "what was there has not travelled"
    return travel


def block(travel: Travel, name: str, at: int, tip: str = ONE, height: int = 1) -> None:
    travel.saw(Sighting(name, at, tip, height, frozenset()))


def ways(travel: Travel) -> list[tuple[str, str]]:
    return [(each.source, each.target) for each in travel.settle()[0]]


def test_a_block_comes_from_a_linked_node_that_had_it() -> None:
    travel = chain()
    block(travel, "n3", 300)  # Told last first: answers overtake each other.
    block(travel, "n2", 200)
    block(travel, "n1", 100)
    journeys, (arrival,) = travel.settle()
    assert [(each.source, each.target) for each in journeys] == [
        ("", "n1"),
        ("n1", "n2"),
        ("n2", "n3"),
    ]
    assert (arrival.item, arrival.height, arrival.nodes, arrival.took_us) == (ONE, 1, 3, 200)
    block(travel, "n1", 400)
    assert travel.settle() == ([], []), "nothing is told twice"


def test_a_miner_is_taken_for_the_finder_even_if_its_node_is_seen_late() -> None:
    travel = chain()
    travel.miners = {"n2": "m1"}
    block(travel, "n1", 100)
    block(travel, "n2", 120)
    assert ways(travel) == [("m1", "n2"), ("n2", "n1")]


def test_a_block_that_was_asked_for_is_no_miners() -> None:
    travel = chain()
    travel.expect(finder="n3")
    travel.expected(100)
    block(travel, "n2", 120)
    assert ways(travel) == [("", "n3"), ("n3", "n2")], "it was not looked at yet"
    block(travel, "n3", 130)
    assert ways(travel) == []
    travel.miners = {"n2": "m1"}
    block(travel, "n2", 10 * SECOND, GENESIS[:-1] + "9", 2)
    assert ways(travel) == [("m1", "n2")]


def test_nothing_comes_from_a_node_that_is_not_linked() -> None:
    travel = chain()
    travel.know(NODES, [("n1", "n2")])
    block(travel, "n1", 100)
    block(travel, "n3", 200)
    assert ways(travel) == [("", "n1"), ("", "n3")]


def test_a_payment_comes_from_its_payer_and_goes_on() -> None:
    travel = chain()
    travel.know(NODES, [("n1", "n2"), ("n2", "n3"), ("w1", "n2")])
    travel.expect("w1")
    for at, name in enumerate(("n2", "n1", "n3")):
        travel.saw(Sighting(name, 100 + at, GENESIS, 0, frozenset({"aa"})))
    journeys, (arrival,) = travel.settle()
    assert [(each.source, each.target) for each in journeys] == [
        ("w1", "n2"),
        ("n2", "n1"),
        ("n2", "n3"),
    ]
    assert arrival.kind is ItemKind.PAYMENT


def test_a_payment_of_strangers_comes_from_nowhere() -> None:
    travel = chain()
    travel.know(NODES, [("w1", "n2")])
    travel.saw(Sighting("n2", 100, GENESIS, 0, frozenset({"aa"})))
    assert ways(travel) == [("", "n2")]


def test_who_comes_back_brings_nothing_but_gets_what_is_new() -> None:
    travel = chain()
    travel.forget("n3")
    block(travel, "n1", 100)
    block(travel, "n2", 100)
    travel.settle()
    travel.saw(Sighting("n3", 200, GENESIS, 0, frozenset()))
    assert ways(travel) == []
    block(travel, "n3", 300)
    assert ways(travel) == [("n2", "n3")]


def test_who_is_not_asked_for_its_pool_keeps_it() -> None:
    travel = chain()
    travel.saw(Sighting("n1", 100, GENESIS, 0, frozenset({"aa"})))
    travel.settle()
    travel.saw(Sighting("n1", 200, ONE, 1))
    travel.settle()
    travel.saw(Sighting("n1", 300, ONE, 1, frozenset({"aa"})))
    assert ways(travel) == []


def test_an_old_answer_takes_nobody_back() -> None:
    travel = chain()
    block(travel, "n1", 100)
    travel.settle()
    block(travel, "n1", 50, GENESIS, 0)
    assert ways(travel) == []
    last = travel.last("n1")
    assert last is not None
    assert last.tip == ONE


def test_what_is_kept_and_shown_is_bounded() -> None:
    travel = chain()
    pool = frozenset(f"{number:064x}" for number in range(10 * MAX_ITEMS))
    travel.saw(Sighting("n1", 100, GENESIS, 0, pool))
    assert len(travel.settle()[0]) == MAX_SHOWN
    for height in range(2 * MAX_ITEMS):
        block(travel, "n1", 200 + height, f"{height:064x}", height)
        travel.settle()
    assert len(travel._items) == MAX_ITEMS
