"""The picture of who may dial whom."""

from __future__ import annotations

from axon.swarm.blueprint import Blueprint, MinerPlan, NodePlan, WalletPlan
from axon.swarm.spof.plants import organic
from axon.swarm.spof.reporttopology import MAX_DRAWN, topology
from tests.swarm.pageshape import Shape


def small() -> Blueprint:
    return Blueprint(
        "small",
        (NodePlan("n1"), NodePlan("n2", dials=("n1",)), NodePlan("n3", dials=(), listens=False)),
        (WalletPlan("w1", dials=("n1",)),),
        (MinerPlan("m1", ("n2",)),),
    )


def test_lines_are_who_may_dial_whom() -> None:
    shape = Shape(topology(small(), frozenset()))
    assert shape.classes.count("may") == 1, "n1 may dial n2; n3 lets nobody in"
    assert shape.classes.count("only") == 2, "n2 and w1 dial n1 alone"
    assert shape.classes.count("uses") == 1, "m1 asks n2"


def test_what_the_verdict_names_is_marked_and_said() -> None:
    picture = topology(small(), frozenset(("n1",)))
    assert Shape(picture).classes.count("culprit") == 1
    assert ">fails<" in picture
    assert "the verdict names n1" in picture
    assert "culprit" not in Shape(topology(small(), frozenset())).classes


def test_a_link_that_the_verdict_names_is_marked() -> None:
    assert Shape(topology(small(), frozenset(("n1-n2",)))).classes.count("may fails") == 1


def test_a_network_that_is_too_large_is_said_to_be() -> None:
    assert "too many to draw" in topology(organic(MAX_DRAWN), frozenset())
