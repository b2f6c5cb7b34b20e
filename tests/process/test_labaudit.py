"""A run of the lab, read while it lives."""

from __future__ import annotations

import pytest

from tests.process.lab import Lab

pytestmark = pytest.mark.process


def test_the_hub_of_a_star_is_named(lab: Lab) -> None:
    lab.run("up", "4", "--topology", "star", "--seed", "7")
    told = lab.json("audit", code=1)
    assert told["single_points"] == [{"component": "n1", "kind": "node"}]
    assert told["links"] == [["n1", "n2"], ["n1", "n3"], ["n1", "n4"]]


def test_nodes_that_find_each_other_hang_on_nothing_that_is_seen(lab: Lab) -> None:
    lab.run("up", "4", "--seed", "7")
    told = lab.run("audit")
    assert "NONE FOUND UP TO " in told
    assert "By reading, nothing was harmed: 4 nodes" in " ".join(told.split())
    assert "left out: version" in told
    assert "n2 (node)" in lab.run("audit", "--wallet", "w1=n2", code=1)
