"""What is tried on a network, and which of what was found says all."""

from __future__ import annotations

from axon.swarm.blueprint import ComponentClass
from axon.swarm.spof.candidates import (
    MODES,
    Candidate,
    Mode,
    all_but_one,
    minimal,
    pairs,
    singles,
    subsets,
)
from axon.swarm.spof.plants import PLANTS, organic


def test_every_component_is_tried_in_every_way_that_fits_it() -> None:
    blueprint = PLANTS["bridge-link"].make(6)
    tried = singles(blueprint)
    named = {candidate.targets[0] for candidate in tried}
    assert named.issuperset(blueprint.components())
    assert named.issuperset(blueprint.links())
    assert len(tried) == len(set(tried))
    ways = {candidate.mode for candidate in tried if candidate.targets == ("n1",)}
    assert ways == set(MODES[ComponentClass.NODE])


def test_how_many_there_are() -> None:
    ten = organic(10)
    assert len(ten.links()) == 45
    assert len(pairs(ten)) == 45
    assert len(all_but_one(ten)) == 10
    assert len(subsets(ten)) == 2**10 - 2
    assert pairs(organic(40)) == [], "more than are tried"
    assert subsets(organic(11)) == []
    assert pairs(organic(2)) == all_but_one(organic(1)) == []


def test_what_holds_a_smaller_set_adds_nothing() -> None:
    one = Candidate(("n1",), Mode.KILL)
    both = Candidate(("n1", "n2"), Mode.KILL)
    others = Candidate(("n2", "n3"), Mode.KILL)
    stopped = Candidate(("n1", "n2"), Mode.STOP)
    assert minimal([both, others, stopped, one]) == [one, others, stopped]
