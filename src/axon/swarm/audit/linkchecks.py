"""What hangs on one node, one link, one host or netgroup outside: read off the graph of links.

Where nodes have peers outside, each must have its way to the world; where none has, all must hang
together. Links as they stand at this moment: which ones the nodes would make instead is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from axon.swarm.audit.auditcheck import AuditCheck, AuditState, SinglePoint, by_number, named
from axon.swarm.audit.linkgraph import (
    Link,
    LinkGraph,
    bridges,
    components,
    cut_vertices,
    vertex_cut,
    weakest_cut,
)
from axon.swarm.audit.observednetwork import WORLD, ObservedNetwork
from axon.swarm.audit.places import Placed
from axon.swarm.invariants import counted

_LINKS = "who is linked to whom"
_BRIDGES = "links that are the only way"


def link_checks(network: ObservedNetwork) -> list[AuditCheck]:
    """All questions about links."""
    graph = network.graph()
    if network.outside:
        links = _ways_out(network, graph)
    else:
        links = _held_together(graph)
    found = [links, _bridges(network, graph, links)]
    if network.outside:
        places = network.places
        found.append(
            _by_place(network, "outside-netgroups", "ways out by netgroup", places.netgroup)
        )
        if places.asmap is not None:
            placed = places.autonomous_system
            found.append(_by_place(network, "outside-as", "ways out by AS", placed))
    return found


@dataclass(frozen=True, slots=True)
class _WaysOut:
    """How nodes are linked to the world.

    Args:
        weakest: the smallest set that cuts off any of them; empty if none has a way.
        hanging: the vertices that are enough alone, and the nodes that hang on each.
        lost: nodes that have no way as it is.
    """

    weakest: list[str]
    hanging: dict[str, list[str]]
    lost: list[str]


def ways_out(network: ObservedNetwork, graph: LinkGraph) -> _WaysOut:
    """The smallest cuts between nodes and the world.

    A node needs at least as many as it has hosts outside, for these share nothing, so those that
    have more than the smallest cut so far are not looked at.
    """
    hosts = {
        node: sum(near.startswith(WORLD) for near in graph.neighbours[node])
        for node in network.nodes
    }
    ways = _WaysOut([], {}, [])
    for node in sorted(hosts, key=lambda each: hosts[each]):
        best = len(ways.weakest) or len(graph.neighbours)
        if hosts[node] > 1 and hosts[node] >= best:
            continue
        cut = vertex_cut(graph, node, WORLD, max(best - 1, 1))
        if cut is None:
            continue
        if not cut:
            ways.lost.append(node)
            continue
        if len(cut) < best:
            ways.weakest[:] = cut
        if len(cut) == 1:
            ways.hanging.setdefault(cut[0], []).append(node)
    return ways


def point(network: ObservedNetwork, vertex: str, outside: str = "outside peer") -> SinglePoint:
    """A vertex as a component.

    Args:
        outside: what hosts beyond the nodes that were read are called.
    """
    return SinglePoint(vertex.removeprefix(WORLD), "node" if vertex in network.nodes else outside)


def _ways_out(network: ObservedNetwork, graph: LinkGraph) -> AuditCheck:
    ways = ways_out(network, graph)
    hanging = ways.hanging
    if ways.lost:
        said = f"{named(ways.lost)}: no way to the world is seen"
        if not hanging:
            return AuditCheck("links", _LINKS, AuditState.UNDECIDED, said)
    else:
        said = (
            f"{counted(len(network.links), 'link')} among the nodes, "
            f"{counted(len(network.outside), 'host')} outside; the weakest node has "
            f"{counted(len(ways.weakest), 'way')} to the world that share nothing"
        )
    for vertex, nodes in hanging.items():
        said += f"; without {vertex.removeprefix(WORLD)} {named(nodes)} has no way out"
    points = tuple(point(network, vertex) for vertex in hanging)
    return by_number("links", _LINKS, said, len(ways.weakest), points)


def _held_together(graph: LinkGraph) -> AuditCheck:
    parts = components(graph)
    single = cut_vertices(graph)
    if len(parts) > 1 and not single:
        told = " | ".join(named(part) for part in parts)
        said = f"the nodes are not linked with each other, as far as is seen: {told}"
        return AuditCheck("links", _LINKS, AuditState.UNDECIDED, said)
    if len(graph.neighbours) == 1:
        said = "one node, and no peers are seen"
        return AuditCheck("links", _LINKS, AuditState.UNDECIDED, said)
    links = counted(len(graph.links()), "link")
    if single:
        said = links
        for vertex in single:
            rest = components(graph, (vertex,))
            said += f"; without {vertex} the others are in {len(rest)} parts"
        points = tuple(SinglePoint(vertex, "node") for vertex in single)
        return AuditCheck("links", _LINKS, AuditState.FOUND, said, 1, points)
    cut = weakest_cut(graph)
    if cut is None:
        said = f"{links}: every node is linked with every other"
        return AuditCheck("links", _LINKS, AuditState.NONE, said)
    said = f"{links}; {len(cut)} nodes must be gone to part the others, such as {named(cut)}"
    return AuditCheck("links", _LINKS, AuditState.NONE, said, len(cut))


def _bridges(network: ObservedNetwork, graph: LinkGraph, links: AuditCheck) -> AuditCheck:
    ends = {each.component for each in links.points}
    told: list[Link] = []
    minor = 0
    for one, other in bridges(graph):
        if WORLD in (one, other):
            continue  # That is no link, but the host itself.
        rest = LinkGraph((each for each in graph.links() if each != (one, other)), graph.neighbours)
        sides = [part for part in components(rest) if one in part or other in part]
        cut_off = min(
            (part for part in sides if WORLD not in part),
            key=lambda part: sum(vertex in network.nodes for vertex in part),
        )
        alone = sum(vertex in network.nodes for vertex in cut_off) <= 1
        if alone and ends & {one.removeprefix(WORLD), other.removeprefix(WORLD)}:
            minor += 1
        else:
            told.append((one, other))
    if told:
        names = [f"{one}-{other}".replace(WORLD, "") for one, other in told]
        said = f"without {named(names)} the rest falls in two"
        points = tuple(SinglePoint(name, "link") for name in names)
        return AuditCheck("bridges", _BRIDGES, AuditState.FOUND, said, 1, points)
    if minor:
        said = f"{counted(minor, 'link')} of nodes that have one only, each to a node named above"
        return AuditCheck("bridges", _BRIDGES, AuditState.IDLE, said)
    return AuditCheck("bridges", _BRIDGES, AuditState.NONE, "no link is the only way anywhere")


def _by_place(network: ObservedNetwork, name: str, title: str, placed: Placed) -> AuditCheck:
    unknown = [host for host in network.outside if placed(host) is None]
    if unknown:
        said = f"not known for {named(unknown)}"
        return AuditCheck(name, title, AuditState.UNDECIDED, said)
    ways = ways_out(network, network.graph(placed))
    known = len({placed(host) for host in network.outside})
    said = f"{counted(len(network.outside), 'host')} outside in {known} of them"
    if not ways.weakest:
        return AuditCheck(name, title, AuditState.UNDECIDED, f"{said}, none with a way to it")
    hanging = {
        vertex: nodes for vertex, nodes in ways.hanging.items() if vertex not in network.nodes
    }
    for vertex, nodes in hanging.items():
        said += f"; without {vertex.removeprefix(WORLD)} {named(nodes)} has no way out"
    kind = "AS" if name.endswith("as") else "netgroup"
    points = tuple(point(network, vertex, kind) for vertex in hanging)
    if len(ways.weakest) == 1 and not hanging:
        return AuditCheck(name, title, AuditState.IDLE, f"{said}; nodes named above come first")
    return by_number(name, title, said, len(ways.weakest), points)
