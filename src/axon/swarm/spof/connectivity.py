"""How well a network hangs together, in figures: smallest degree, cuts, the Laplacian, cores.

Of a graph with n vertices: the smallest degree bounds the vertex connectivity from above, which is
how many vertices must go until the rest is in parts; the algebraic connectivity (Fiedler's value,
the second smallest eigenvalue of the Laplacian) bounds it from below wherever the graph is not
complete. The k-core is what is left when vertices with less than k neighbours are taken off again
and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.swarm.audit.linkgraph import LinkGraph, components, cut_vertices, weakest_cut

MAX_VERTICES: Final = 100
"""Larger graphs are not measured: the time grows with the fourth power."""

_HALVINGS: Final = 40
"""Of the interval in which the eigenvalue lies: far more than is shown."""

_TINY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Connectivity:
    """The figures.

    Args:
        vertices, links: how many.
        parts: in which the graph is; 1 if it hangs together.
        min_degree, max_degree: of neighbours of one vertex.
        mean_degree: of all.
        vertex_connectivity: so many must go until the rest is in parts; n - 1 of a complete graph.
        weakest_cut: such vertices; empty of a complete graph, and of one that is in parts.
        cut_vertices: each of which, once gone, leaves more parts.
        algebraic_connectivity: 0 if the graph is in parts.
        core: the largest k so that there is a k-core.
        core_size: how many vertices are in it.
    """

    vertices: int
    links: int
    parts: int
    min_degree: int
    max_degree: int
    mean_degree: float
    vertex_connectivity: int
    weakest_cut: tuple[str, ...]
    cut_vertices: tuple[str, ...]
    algebraic_connectivity: float
    core: int
    core_size: int

    def to_json(self) -> dict[str, object]:
        """For a report."""
        return {
            "vertices": self.vertices,
            "links": self.links,
            "parts": self.parts,
            "min_degree": self.min_degree,
            "max_degree": self.max_degree,
            "mean_degree": round(self.mean_degree, 3),
            "vertex_connectivity": self.vertex_connectivity,
            "weakest_cut": list(self.weakest_cut),
            "cut_vertices": list(self.cut_vertices),
            "algebraic_connectivity": round(self.algebraic_connectivity, 4),
            "core": self.core,
            "core_size": self.core_size,
        }


def connectivity(graph: LinkGraph) -> Connectivity | None:
    """The figures of a graph; None of one that has no vertex, or too many."""
    degrees = [len(near) for near in graph.neighbours.values()]
    if not 1 <= len(degrees) <= MAX_VERTICES:
        return None
    cut = weakest_cut(graph)
    core, members = largest_core(graph)
    return Connectivity(
        len(degrees),
        len(graph.links()),
        len(components(graph)),
        min(degrees),
        max(degrees),
        sum(degrees) / len(degrees),
        len(degrees) - 1 if cut is None else len(cut),
        tuple(cut or ()),
        tuple(cut_vertices(graph)),
        algebraic_connectivity(graph),
        core,
        len(members),
    )


def largest_core(graph: LinkGraph) -> tuple[int, list[str]]:
    """The largest k with a k-core, and the vertices in it; 0 and all where there is no link."""
    left = {vertex: dict.fromkeys(near) for vertex, near in graph.neighbours.items()}
    k, members = 0, list(left)
    while left:
        weak = [vertex for vertex, near in left.items() if len(near) <= k]
        if not weak:
            k, members = k + 1, list(left)
            continue
        for vertex in weak:
            for near in left.pop(vertex):
                if near in left:
                    left[near].pop(vertex, None)
    return k, members


def algebraic_connectivity(graph: LinkGraph) -> float:
    """The second smallest eigenvalue of the Laplacian; 0 of a graph in parts or of one vertex.

    Found by halving an interval: by Sylvester's law of inertia a symmetric matrix, less x on its
    diagonal, has as many negative pivots as it has eigenvalues below x.
    """
    names = list(graph.neighbours)
    if len(names) < 2 or len(components(graph)) > 1:
        return 0.0
    places = {name: place for place, name in enumerate(names)}
    laplacian = [[0.0] * len(names) for _ in names]
    for name, near in graph.neighbours.items():
        laplacian[places[name]][places[name]] = float(len(near))
        for other in near:
            laplacian[places[name]][places[other]] = -1.0
    low, high = 0.0, float(len(names))  # No eigenvalue is larger than the number of vertices.
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _eigenvalues_below(laplacian, middle) >= 2:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _eigenvalues_below(matrix: list[list[float]], x: float) -> int:
    rows = [row[place:] for place, row in enumerate(matrix)]  # The half above the diagonal.
    for row in rows:
        row[0] -= x
    below = 0
    for place, row in enumerate(rows):
        pivot = row[0] if abs(row[0]) > _TINY else _TINY
        below += pivot < 0
        for ahead in range(1, len(row)):
            if row[ahead]:
                factor = row[ahead] / pivot
                target = rows[place + ahead]
                rows[place + ahead] = [
                    own - factor * other for own, other in zip(target, row[ahead:], strict=True)
                ]
    return below
