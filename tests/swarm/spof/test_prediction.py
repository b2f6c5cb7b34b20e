"""What a plan foretells: each planted point by its death, and nobody in a sound network."""

from __future__ import annotations

import json

import pytest

from axon.swarm.spof.candidates import MODES, Candidate, Mode, singles
from axon.swarm.spof.plants import PLANTS, organic
from axon.swarm.spof.prediction import foretell, is_foretold
from axon.swarm.spof.reportprediction import compare, prediction_section
from axon.swarm.spof.savedverdict import read_verdict
from tests.swarm.spof.savedverdicts import saved

BY_OTHER_MEANS = {"one-clock", "no-failover"}
"""Their culprits must be harmed in a way of which nothing is foretold."""


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_point_is_foretold_and_no_other_component(name: str) -> None:
    plant = PLANTS[name]
    blueprint = plant.make(8)
    named = {
        each.targets
        for each in singles(blueprint)
        if is_foretold(each, blueprint) and foretell(each, blueprint)
    }
    assert named == (set() if name in BY_OTHER_MEANS else {(plant.culprit,)})


def test_a_sound_network_bears_every_death() -> None:
    blueprint = organic(5)
    assert not any(
        foretell(each, blueprint) for each in singles(blueprint) if is_foretold(each, blueprint)
    )
    survivors = ("n1", "n2", "n3", "n4")
    assert not foretell(Candidate(survivors, Mode.KILL), blueprint)
    assert foretell(Candidate((*survivors, "n5"), Mode.KILL), blueprint) == "no node is left"
    assert foretell(Candidate(("m1", "m2"), Mode.KILL), blueprint).startswith("no miner")


def test_nothing_is_foretold_of_what_stands_still() -> None:
    blueprint = organic(4)
    modes = [Candidate(("n1",), mode) for mode in MODES[blueprint.components()["n1"]]]
    assert [each.mode for each in modes if is_foretold(each, blueprint)] == [Mode.KILL]
    assert is_foretold(Candidate(("n1-n2",), Mode.CUT), blueprint)


def test_a_difference_is_shown() -> None:
    verdict = read_verdict(json.dumps(saved(Candidate(("n1",), Mode.KILL))))
    found = compare(verdict.records, verdict.blueprint)
    assert [str(each.candidate) for each in found if not each.agrees] == ["kill n1"]
    drawn = "".join(prediction_section(found))
    assert "they DIFFER" in drawn
    assert "1 differ" in drawn
    sound = read_verdict(json.dumps(saved()))
    assert "0 differ" in "".join(prediction_section(compare(sound.records, sound.blueprint)))
