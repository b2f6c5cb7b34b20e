"""Figures of graphs that are known by heart, and curves of networks that come apart."""

from __future__ import annotations

from itertools import combinations, pairwise
from math import cos, pi, sqrt

import pytest

from axon.swarm.audit.linkgraph import LinkGraph
from axon.swarm.spof.connectivity import (
    MAX_VERTICES,
    algebraic_connectivity,
    connectivity,
    largest_core,
)
from axon.swarm.spof.removal import betweenness, hoster_curve, removal_curves

PATH = LinkGraph(pairwise("abcd"))
RING = LinkGraph([*pairwise("abcde"), ("e", "a")])
STAR = LinkGraph([("hub", leaf) for leaf in "abcd"])
WHOLE = LinkGraph(combinations("abcde", 2))
PETERSEN = LinkGraph(
    [(f"o{n}", f"o{(n + 1) % 5}") for n in range(5)]
    + [(f"i{n}", f"i{(n + 2) % 5}") for n in range(5)]
    + [(f"o{n}", f"i{n}") for n in range(5)]
)
TAILED = LinkGraph([("a", "b"), ("b", "c"), ("c", "a"), ("c", "tail")])
APART = LinkGraph([("a", "b"), ("c", "d")])


@pytest.mark.parametrize(
    ("graph", "smallest", "vertex", "algebraic", "core"),
    [
        (PATH, 1, 1, 2 - sqrt(2), (1, 4)),
        (RING, 2, 2, 2 - 2 * cos(2 * pi / 5), (2, 5)),
        (STAR, 1, 1, 1.0, (1, 5)),
        (WHOLE, 4, 4, 5.0, (4, 5)),
        (PETERSEN, 3, 3, 2.0, (3, 10)),
        (TAILED, 1, 1, 1.0, (2, 3)),
        (APART, 1, 0, 0.0, (1, 4)),
        (LinkGraph([], ["a"]), 0, 0, 0.0, (0, 1)),
    ],
)
def test_the_figures_are_those_of_the_textbook(
    graph: LinkGraph, smallest: int, vertex: int, algebraic: float, core: tuple[int, int]
) -> None:
    found = connectivity(graph)
    assert found is not None
    assert (found.min_degree, found.vertex_connectivity) == (smallest, vertex)
    assert found.algebraic_connectivity == pytest.approx(algebraic, abs=1e-6)
    assert (found.core, found.core_size) == core
    if graph is not WHOLE:  # Fiedler 1973.
        assert found.algebraic_connectivity <= found.vertex_connectivity + 1e-6


def test_who_holds_a_network_together_is_named() -> None:
    found = connectivity(TAILED)
    assert found is not None
    assert found.cut_vertices == found.weakest_cut == ("c",)
    assert largest_core(TAILED)[1] == ["a", "b", "c"]


def test_what_is_empty_or_too_large_is_not_measured() -> None:
    assert connectivity(LinkGraph([])) is None
    assert connectivity(LinkGraph([], [f"n{n}" for n in range(MAX_VERTICES + 1)])) is None
    assert algebraic_connectivity(LinkGraph([])) == 0.0
    assert removal_curves(LinkGraph([("a", "b")])) == []


def test_ways_lead_through_the_middle() -> None:
    assert betweenness(STAR) == {"a": 0, "b": 0, "c": 0, "d": 0, "hub": 6}
    assert betweenness(LinkGraph([*pairwise("abcd"), ("d", "a")])) == dict.fromkeys("abcd", 0.5)
    assert betweenness(PATH) == {"a": 0, "b": 2, "c": 2, "d": 0}


def test_a_star_comes_apart_with_its_hub_and_a_full_mesh_with_nobody() -> None:
    drawn, degree, ways = removal_curves(STAR)
    assert degree.first[0] == ways.first[0] == "hub"
    assert degree.threshold == ways.threshold == 1 / 5
    assert degree.largest == (1.0, 0.2, 0.2, 0.2, 0.2, 0.0)
    assert drawn.threshold > degree.threshold
    for curve in removal_curves(WHOLE):
        assert curve.largest == pytest.approx((1.0, 0.8, 0.6, 0.4, 0.2, 0.0))
        assert curve.threshold == pytest.approx(3 / 5), "two are left, and count as gone"


def test_whoever_holds_most_ways_need_not_have_most_neighbours() -> None:
    bells = [*combinations("abcd", 2), *combinations("wxyz", 2), ("a", "mid"), ("mid", "z")]
    _, degree, ways = removal_curves(LinkGraph(bells))
    assert ways.first[0] == "mid"
    assert degree.first[0] in {"a", "z"}


def test_hosters_go_the_largest_first() -> None:
    curve = hoster_curve(STAR, [["hub"], ["a", "b"], ["c"], ["d"]])
    assert curve.first == ("a", "b", "hub", "c", "d")
    assert curve.largest == (1.0, 0.8, 0.6, 0.2, 0.2, 0.0)
    assert curve.threshold == 3 / 5
