"""What is left of a network when its nodes go one after the other, by chance or the best first.

The order is drawn, or it is by neighbours, or by how many shortest ways lead through a node
(betweenness, Brandes 2001), both taken anew after each loss; or all that one hoster has go
together, those of the largest first. The threshold of a curve is the share
of nodes after whose loss the largest part first holds less than half of those that are left: the
network has come apart. One that is left with two nodes or less counts as gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from axon.swarm.audit.linkgraph import LinkGraph, components

MAX_VERTICES: Final = 60
"""Larger graphs have no curves: the ways are counted anew after each loss."""

DRAWS: Final = 50
"""Orders that are drawn; the curve is their mean."""

_SEED: Final = "removal curves"


@dataclass(frozen=True, slots=True)
class RemovalCurve:
    """One way of removing.

    Args:
        order: `random`, `degree`, `betweenness` or `hoster`.
        largest: by number of nodes that are gone, from 0: the share of all nodes that is in the
            largest part.
        threshold: the share of nodes after whose loss the network has come apart; a mean where
            orders are drawn.
        first: those that go first, at most ten; none where orders are drawn.
    """

    order: str
    largest: tuple[float, ...]
    threshold: float
    first: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """For a report."""
        return {
            "order": self.order,
            "largest": [round(share, 4) for share in self.largest],
            "threshold": round(self.threshold, 4),
            "first": list(self.first),
        }


def removal_curves(graph: LinkGraph) -> list[RemovalCurve]:
    """By chance, by neighbours and by ways; none of a graph that is too small or too large."""
    if not 3 <= len(graph.neighbours) <= MAX_VERTICES:
        return []
    by_ways = _worst_first(graph, betweenness)
    return [random_curve(graph), degree_curve(graph), _curve("betweenness", graph, by_ways)]


def random_curve(graph: LinkGraph) -> RemovalCurve:
    """By chance."""
    rng = Random(_SEED)
    drawn = [_curve("random", graph, _drawn(graph, rng)) for _ in range(DRAWS)]
    steps = zip(*[each.largest for each in drawn], strict=True)
    return RemovalCurve(
        "random",
        tuple(sum(step) / DRAWS for step in steps),
        sum(each.threshold for each in drawn) / DRAWS,
    )


def degree_curve(graph: LinkGraph) -> RemovalCurve:
    """By neighbours."""
    return _curve("degree", graph, _worst_first(graph, _degrees))


def hoster_curve(graph: LinkGraph, hosters: Sequence[Sequence[str]]) -> RemovalCurve:
    """By hosters.

    Args:
        hosters: the nodes of each; together all of the graph.
    """
    largest_first = sorted(hosters, key=len, reverse=True)
    return _curve("hoster", graph, [each for nodes in largest_first for each in nodes])


def betweenness(graph: LinkGraph) -> dict[str, float]:
    """Of each vertex: how many shortest ways between two others lead through it.

    Where there are several shortest ways between two, each counts for its part.
    """
    found = dict.fromkeys(graph.neighbours, 0.0)
    for source in graph.neighbours:
        far, ways = {source: 0}, {source: 1.0}
        before: dict[str, list[str]] = {source: []}
        order, ahead = list[str](), deque((source,))
        while ahead:
            vertex = ahead.popleft()
            order.append(vertex)
            for near in graph.neighbours[vertex]:
                if near not in far:
                    far[near], ways[near], before[near] = far[vertex] + 1, 0.0, []
                    ahead.append(near)
                if far[near] == far[vertex] + 1:
                    ways[near] += ways[vertex]
                    before[near].append(vertex)
        through = dict.fromkeys(order, 0.0)
        for vertex in reversed(order):
            for nearer in before[vertex]:
                through[nearer] += ways[nearer] / ways[vertex] * (1 + through[vertex])
            if vertex != source:
                found[vertex] += through[vertex]
    return {vertex: value / 2 for vertex, value in found.items()}  # Each pair was met twice.


def _degrees(graph: LinkGraph) -> dict[str, float]:
    return {vertex: float(len(near)) for vertex, near in graph.neighbours.items()}


def _drawn(graph: LinkGraph, rng: Random) -> list[str]:
    left, order = list(graph.neighbours), []
    while left:
        order.append(left.pop(int(rng.random() * len(left))))
    return order


def _worst_first(graph: LinkGraph, weigh: Callable[[LinkGraph], dict[str, float]]) -> list[str]:
    order: list[str] = []
    left = graph
    while left.neighbours:
        weights = weigh(left)
        gone = max(weights, key=lambda vertex: (weights[vertex], len(left.neighbours[vertex])))
        order.append(gone)
        rest = [vertex for vertex in left.neighbours if vertex != gone]
        left = LinkGraph([link for link in left.links() if gone not in link], rest)
    return order


def _curve(name: str, graph: LinkGraph, order: Sequence[str]) -> RemovalCurve:
    count, largest, threshold = len(order), [], 1.0
    for gone in range(count):
        parts = components(graph, order[:gone])
        largest.append(len(parts[0]) / count)
        left = count - gone
        if threshold == 1.0 and (left <= 2 or 2 * len(parts[0]) < left):
            threshold = gone / count
    first = () if name == "random" else tuple(order[:10])
    return RemovalCurve(name, (*largest, 0.0), threshold, first)
