"""Who is linked to whom, and what holds it together: components, cut vertices, bridges, cuts.

The graph is simple and undirected. Cut vertices and bridges are those of Tarjan's depth-first
search; a smallest cut between two vertices is a largest flow through vertices of capacity one
(Menger), found by augmenting paths. Nothing here recurses: a graph may be one long path.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

Link = tuple[str, str]
"""The names of two vertices, the smaller first."""

_UNBOUNDED: Final = 1 << 30
"""Capacity of what cannot be cut."""


class LinkGraph:
    """Vertices by name, and the links between them.

    Args:
        links: in any order, either way round, as often as one likes; none from a vertex to itself.
        vertices: further ones, which may have no link.
    """

    def __init__(self, links: Iterable[Link], vertices: Iterable[str] = ()) -> None:
        found: dict[str, dict[str, None]] = {vertex: {} for vertex in vertices}
        for one, other in links:
            found.setdefault(one, {})[other] = None
            found.setdefault(other, {})[one] = None
        self.neighbours: Mapping[str, tuple[str, ...]] = {
            vertex: tuple(sorted(found[vertex])) for vertex in sorted(found)
        }
        """Of each vertex, both in order of their names."""

    def links(self) -> list[Link]:
        """Each link once, in order."""
        return [
            (one, other) for one, near in self.neighbours.items() for other in near if one < other
        ]


def components(graph: LinkGraph, without: Iterable[str] = ()) -> list[list[str]]:
    """The parts that hang together once some vertices are gone, each in order, the largest first.

    Args:
        without: the vertices that are gone.
    """
    met = dict.fromkeys(without)
    parts: list[list[str]] = []
    for start in graph.neighbours:
        if start in met:
            continue
        met[start] = None
        part = [start]
        for vertex in part:
            for near in graph.neighbours[vertex]:
                if near not in met:
                    met[near] = None
                    part.append(near)
        parts.append(sorted(part))
    return sorted(parts, key=lambda part: (-len(part), part))


class _Search:
    """One depth-first search over all vertices: when each was met, and how far back it reaches."""

    def __init__(self, graph: LinkGraph) -> None:
        self.met: dict[str, int] = {}
        self.low: dict[str, int] = {}
        self.parent: dict[str, str | None] = {}
        for start in graph.neighbours:
            if start not in self.met:
                self._walk(graph, start)

    def _meet(self, vertex: str, parent: str | None) -> None:
        self.met[vertex] = self.low[vertex] = len(self.met)
        self.parent[vertex] = parent

    def _walk(self, graph: LinkGraph, start: str) -> None:
        self._meet(start, None)
        stack: list[tuple[str, Iterator[str]]] = [(start, iter(graph.neighbours[start]))]
        while stack:
            vertex, ahead = stack[-1]
            near = next(ahead, None)
            if near is None:
                stack.pop()
                parent = self.parent[vertex]
                if parent is not None:
                    self.low[parent] = min(self.low[parent], self.low[vertex])
            elif near not in self.met:
                self._meet(near, vertex)
                stack.append((near, iter(graph.neighbours[near])))
            elif near != self.parent[vertex]:
                self.low[vertex] = min(self.low[vertex], self.met[near])


def cut_vertices(graph: LinkGraph) -> list[str]:
    """The articulation points: each, once gone, leaves its component in more parts; in order."""
    search = _Search(graph)
    children: dict[str, int] = {}
    found: dict[str, None] = {}
    for vertex, parent in search.parent.items():
        if parent is None:
            continue
        children[parent] = children.get(parent, 0) + 1
        if search.parent[parent] is not None and search.low[vertex] >= search.met[parent]:
            found[parent] = None
    for vertex, count in children.items():
        if search.parent[vertex] is None and count > 1:
            found[vertex] = None
    return sorted(found)


def bridges(graph: LinkGraph) -> list[Link]:
    """Links without which their component falls in two; in order."""
    search = _Search(graph)
    return sorted(
        (min(vertex, parent), max(vertex, parent))
        for vertex, parent in search.parent.items()
        if parent is not None and search.low[vertex] > search.met[parent]
    )


def vertex_cut(graph: LinkGraph, source: str, target: str, limit: int) -> list[str] | None:
    """A smallest set of other vertices without which no way leads from one vertex to another.

    Args:
        limit: larger sets are of no interest.

    Returns:
        The set, in order, nearest to `source` where there are several; empty if no way leads there
        as it is; None if the two are linked, or if it would take more than `limit`.
    """
    if target in graph.neighbours[source]:
        return None
    return _cut(_Flow(graph, [(source, True)], target), limit)


def weakest_cut(graph: LinkGraph) -> list[str] | None:
    """A smallest set of vertices whose loss leaves the rest of the graph in parts.

    The neighbours of a vertex are such a set, so the smallest cut has at most as many as the
    smallest number of neighbours, k. Whether there is one with less than k is found by Even's
    algorithm: if it does not part two of the first k vertices, then the next vertex that it parts
    from them is parted from all that come before.

    Returns:
        The set, in order; empty if the graph is in parts as it is; None if every two vertices are
        linked, so that none exists.
    """
    vertices = list(graph.neighbours)
    loneliest = min(vertices, key=lambda vertex: len(graph.neighbours[vertex]), default="")
    if not vertices or len(graph.neighbours[loneliest]) == len(vertices) - 1:
        return None
    best = list(graph.neighbours[loneliest])
    while (smaller := _cut_below(graph, vertices, len(best))) is not None:
        best = smaller
    return best


def _cut_below(graph: LinkGraph, vertices: Sequence[str], size: int) -> list[str] | None:
    """Any set of less than `size` vertices that parts the graph; None if there is none."""
    for place, target in enumerate(vertices):
        if place < size:
            for source in vertices[:place]:
                cut = vertex_cut(graph, source, target, size - 1)
                if cut is not None:
                    return cut
        elif place:
            starts = [(vertex, False) for vertex in vertices[:place]]
            cut = _cut(_Flow(graph, starts, target), size - 1)
            if cut is not None:
                return cut
    return None


_Half = tuple[str, bool]
"""A vertex is split in two: where ways come in (False), where they go out (True)."""


def _cut(flow: _Flow, limit: int) -> list[str] | None:
    for _ in range(limit + 1):
        if not flow.augment():
            return flow.cut()
    return None


class _Flow:
    """Ways to a vertex that share no other, from any of several beginnings, added one by one."""

    def __init__(self, graph: LinkGraph, starts: Sequence[_Half], target: str) -> None:
        self._source, self._target = ("", True), (target, False)
        self._left: dict[_Half, dict[_Half, int]] = {}
        for vertex, near in graph.neighbours.items():
            self._add((vertex, False), (vertex, True), 1)
            for other in near:
                self._add((vertex, True), (other, False), _UNBOUNDED)
        for start in starts:
            self._add(self._source, start, _UNBOUNDED)

    def _add(self, start: _Half, end: _Half, capacity: int) -> None:
        self._left.setdefault(start, {})[end] = capacity
        self._left.setdefault(end, {}).setdefault(start, 0)

    def augment(self) -> bool:
        """Add one more way; False if there is none."""
        came = self._reach()
        if self._target not in came:
            return False
        half = self._target
        while half != self._source:
            before = came[half]
            self._left[before][half] -= 1
            self._left[half][before] += 1
            half = before
        return True

    def cut(self) -> list[str]:
        """The vertices that are reached but not left, once no way can be added."""
        came = self._reach()
        return sorted(vertex for vertex, out in came if not out and (vertex, True) not in came)

    def _reach(self) -> dict[_Half, _Half]:
        came: dict[_Half, _Half] = {self._source: self._source}
        ahead = deque((self._source,))
        while ahead:
            half = ahead.popleft()
            for near, capacity in self._left[half].items():
                if capacity > 0 and near not in came:
                    came[near] = half
                    ahead.append(near)
                    if near == self._target:
                        return came
        return came
