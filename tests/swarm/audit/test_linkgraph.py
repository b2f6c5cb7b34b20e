"""Cuts of graphs, against what taking vertices and links away one by one and in sets shows."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest

from axon.swarm.audit.linkgraph import (
    Link,
    LinkGraph,
    bridges,
    components,
    cut_vertices,
    vertex_cut,
    weakest_cut,
)


def star(leaves: int) -> LinkGraph:
    return LinkGraph(("hub", f"n{number}") for number in range(leaves))


def ring(size: int) -> LinkGraph:
    return LinkGraph((f"n{place}", f"n{(place + 1) % size}") for place in range(size))


def drawn(seed: int) -> LinkGraph:
    """A graph of two to eight vertices, of any density."""
    rng = Random(seed)
    names = [f"v{number}" for number in range(rng.randint(2, 8))]
    density = rng.random()
    links = [pair for pair in combinations(names, 2) if rng.random() < density]
    rng.shuffle(links)
    return LinkGraph(links, names)


def without_link(graph: LinkGraph, link: Link) -> LinkGraph:
    return LinkGraph((each for each in graph.links() if each != link), graph.neighbours)


def separated(graph: LinkGraph, source: str, target: str, gone: tuple[str, ...]) -> bool:
    return not any(source in part and target in part for part in components(graph, gone))


def smallest(graph: LinkGraph, source: str, target: str) -> int | None:
    """The size of the smallest cut between two vertices, by trying all sets; None if linked."""
    others = [vertex for vertex in graph.neighbours if vertex not in (source, target)]
    for size in range(len(others) + 1):
        if any(separated(graph, source, target, gone) for gone in combinations(others, size)):
            return size
    return None


def test_the_hub_of_a_star_and_each_of_its_links_hold_it_together() -> None:
    graph = star(4)
    assert cut_vertices(graph) == ["hub"]
    assert bridges(graph) == graph.links()
    assert weakest_cut(graph) == ["hub"]


def test_a_ring_falls_with_two() -> None:
    graph = ring(6)
    assert cut_vertices(graph) == []
    assert bridges(graph) == []
    assert len(weakest_cut(graph) or ()) == 2


def test_where_all_are_linked_there_is_no_cut() -> None:
    names = [f"n{number}" for number in range(5)]
    graph = LinkGraph(combinations(names, 2))
    assert weakest_cut(graph) is None
    assert vertex_cut(graph, "n0", "n1", 9) is None


def test_two_halves_hang_on_a_bridge_and_its_ends() -> None:
    halves = [*combinations("abc", 2), *combinations("xyz", 2)]
    graph = LinkGraph([*halves, ("c", "x")])
    assert bridges(graph) == [("c", "x")]
    assert cut_vertices(graph) == ["c", "x"]
    assert vertex_cut(graph, "a", "z", 5) == ["c"]


def test_a_graph_in_parts_needs_no_cut() -> None:
    graph = LinkGraph([("a", "b")], ["c"])
    assert components(graph) == [["a", "b"], ["c"]]
    assert weakest_cut(graph) == []
    assert vertex_cut(graph, "a", "c", 5) == []


def test_more_than_asked_for_is_not_looked_for() -> None:
    assert vertex_cut(ring(6), "n0", "n3", 1) is None
    assert vertex_cut(ring(6), "n0", "n3", 2) == ["n1", "n5"]


def test_a_long_path_is_walked() -> None:
    size = 20_000
    graph = LinkGraph((f"n{place:05}", f"n{place + 1:05}") for place in range(size))
    assert len(bridges(graph)) == size
    assert len(cut_vertices(graph)) == size - 1


@pytest.mark.parametrize("seed", range(150))
def test_agrees_with_taking_away(seed: int) -> None:
    graph = drawn(seed)
    parts = len(components(graph))
    alone = {vertex for vertex, near in graph.neighbours.items() if not near}
    assert cut_vertices(graph) == [
        vertex
        for vertex in graph.neighbours
        if len(components(graph, (vertex,))) > parts - (vertex in alone)
    ]
    assert bridges(graph) == [
        link for link in graph.links() if len(components(without_link(graph, link))) > parts
    ]
    sizes = []
    for source, target in combinations(graph.neighbours, 2):
        size = smallest(graph, source, target)
        cut = vertex_cut(graph, source, target, 8)
        assert (None if cut is None else len(cut)) == size
        if cut is not None:
            assert separated(graph, source, target, tuple(cut))
            sizes.append(len(cut))
    weakest = weakest_cut(graph)
    assert (None if weakest is None else len(weakest)) == min(sizes, default=None)
