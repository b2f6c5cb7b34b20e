"""What is to be read from a plan."""

from __future__ import annotations

import pytest

from axon.swarm.spof.plants import PLANTS, organic
from axon.swarm.spof.predicted import Prediction, predicted


def test_of_a_sound_network_nothing_is_predicted() -> None:
    assert predicted(organic(6), 3) == []


@pytest.mark.parametrize("name", ["star", "one-server", "fixed-address", "bridge-node"])
def test_a_node_on_which_others_hang_is_predicted(name: str) -> None:
    assert [each.targets for each in predicted(PLANTS[name].make(6), 1)] == [
        (PLANTS[name].culprit,)
    ]


def test_it_is_said_what_is_apart_and_who_has_no_other() -> None:
    found = predicted(PLANTS["bridge-node"].make(5), 2)
    assert found[0] == Prediction(("n1",), "apart: n2 n3 | n4 n5")
    assert predicted(PLANTS["one-relay"].make(6), 3) == [
        Prediction(("n2", "n4", "n6"), "w1 dials no other")
    ]
    assert predicted(PLANTS["one-relay"].make(6), 2) == []
