"""Which of the nodes that were read are linked to each other, and which to the world outside.

A connection is told by both of its ends, each in its own words. It is one link between two nodes
if, in this order: both ends of the dialler are both ends of the one who was dialled; what was
dialled is an address of exactly one other node; or the dialler's own end is one that exactly one
other node was dialled from. Whatever else a node has dialled is outside, unless it is on the host
of a node that was read: that may be the same node, so it counts as nothing. Peers that dialled a
node from outside may be anybody's, so they count as a way out only for a node that dialled nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from axon.machine import Endpoint
from axon.swarm.audit.linkgraph import Link, LinkGraph
from axon.swarm.audit.nodereading import NodeReading, PeerReading
from axon.swarm.audit.places import Placed, Places, address_of

WORLD: Final = "outside:"
"""The vertex of all that is beyond the peers that were dialled outside."""

WITNESSES: Final = 2
"""So many peers from different hosts must say the same of a node's address to be believed."""


@dataclass(slots=True)
class OutsideHost:
    """A host to which nodes that were read are linked, and which was not read itself.

    Args:
        host: its address or name.
        nodes: the names of those linked to it.
        dialled: one of them has dialled it, so it accepts inbound.
        services: what it offers.
        relays: it takes transactions.
    """

    host: str
    nodes: dict[str, None] = field(default_factory=dict)
    dialled: bool = False
    services: int = 0
    relays: bool = False

    @property
    def vertex(self) -> str:
        """Its name in a graph."""
        return WORLD + self.host


@dataclass(frozen=True, slots=True)
class ObservedNetwork:
    """What was seen.

    Args:
        nodes: by name.
        places: how addresses are read.
        links: between nodes that were read; each once, the smaller name first.
        outside: the hosts outside, by their address.
        hosts: for each node its own hosts, as far as they are seen: those that mean the same to
            everybody if there are any, else local ones by which it is linked to another.
        strangers: peers that dialled a node from outside and are no way out.
        unclear: hosts of nodes that were read, dialled at a port that is not known to be one of
            theirs; they count as no way out, for the node behind it may be one of those.
    """

    nodes: dict[str, NodeReading]
    places: Places
    links: tuple[Link, ...]
    outside: dict[str, OutsideHost]
    hosts: dict[str, tuple[str, ...]]
    owners: dict[Endpoint, tuple[str, ...]]
    strangers: int
    unclear: tuple[str, ...]

    def owner(self, end: Endpoint, other_than: str) -> str | None:
        """The one node whose address this is; None if it is nobody's, several nodes', or one's
        own."""
        names = self.owners.get(end, ())
        return names[0] if len(names) == 1 and names[0] != other_than else None

    def graph(self, joined: Placed | None = None) -> LinkGraph:
        """Nodes, hosts outside, and behind these the world, which is there if any host is.

        Args:
            joined: hosts for which it gives the same stand as one vertex.
        """
        links = list(self.links)
        for each in self.outside.values():
            vertex = each.vertex if joined is None else WORLD + (joined(each.host) or each.host)
            links.append((vertex, WORLD))
            links += [(vertex, node) for node in each.nodes]
        return LinkGraph(links, self.nodes)


def observe(nodes: Sequence[NodeReading], places: Places) -> ObservedNetwork:
    """Put together what nodes say.

    Args:
        nodes: each of another name.
        places: how addresses are read.
    """
    owners = _owners(nodes)
    matching = _Matching(nodes, owners)
    matching.run()
    outside = matching.outside
    for node in nodes:
        if not node.outbound:
            _let_in(outside, node, matching.unmatched(node))
    hosts = {
        node.name: _hosts(node, matching.hosts[node.name], places)
        or _usable(matching.sources[node.name], places)
        for node in nodes
    }
    own = dict.fromkeys(host for each in hosts.values() for host in each)
    unclear = tuple(sorted(host for host in outside if places.machine(host) in own))
    return ObservedNetwork(
        nodes={node.name: node for node in nodes},
        places=places,
        links=tuple(sorted(matching.links)),
        outside={host: outside[host] for host in sorted(outside) if host not in unclear},
        hosts=hosts,
        owners=owners,
        strangers=sum(len(list(matching.unmatched(node))) for node in nodes if node.outbound),
        unclear=unclear,
    )


def _owners(nodes: Iterable[NodeReading]) -> dict[Endpoint, tuple[str, ...]]:
    """Which nodes can be dialled at an address."""
    found: dict[Endpoint, dict[str, None]] = {}
    for node in nodes:
        accepted = [peer.local for peer in node.inbound if peer.local is not None]
        told = _believed(
            (peer.remote.host, peer.told) for peer in node.inbound if peer.told is not None
        )
        for end in (*node.own, *accepted, *told):
            if end.port:
                found.setdefault(end, {})[node.name] = None
    return {end: tuple(names) for end, names in found.items()}


def _believed(claims: Iterable[tuple[str, Endpoint]]) -> list[Endpoint]:
    """What enough hosts say: a single one could make a node pass for another."""
    witnesses: dict[Endpoint, dict[str, None]] = {}
    for host, end in claims:
        witnesses.setdefault(end, {})[host] = None
    return [end for end, hosts in witnesses.items() if len(hosts) >= WITNESSES]


class _Matching:
    """Finds the other end of each connection that was dialled."""

    def __init__(
        self, nodes: Sequence[NodeReading], owners: dict[Endpoint, tuple[str, ...]]
    ) -> None:
        self.links: dict[Link, None] = {}
        self.outside: dict[str, OutsideHost] = {}
        self.hosts: dict[str, dict[str, None]] = {node.name: {} for node in nodes}
        self.sources: dict[str, dict[str, None]] = {node.name: {} for node in nodes}
        """From where they dialled each other: a machine may have more addresses than a node."""
        self._nodes = nodes
        self._owners = owners
        self._accepted: dict[Endpoint, list[tuple[str, PeerReading]]] = {}
        self._dialled_from: dict[Endpoint, int] = {}
        self._used: dict[tuple[str, Endpoint], None] = {}
        for node in nodes:
            for peer in node.inbound:
                self._accepted.setdefault(peer.remote, []).append((node.name, peer))
            for peer in node.outbound:
                if peer.local is not None:
                    self._dialled_from[peer.local] = self._dialled_from.get(peer.local, 0) + 1

    def run(self) -> None:
        """Look at all connections."""
        for node in self._nodes:
            for peer in node.outbound:
                other = self._other_end(node.name, peer)
                if other is None:
                    self._note_outside(node.name, peer)
                elif other != node.name:
                    self.links[(min(node.name, other), max(node.name, other))] = None

    def unmatched(self, node: NodeReading) -> Iterator[PeerReading]:
        """Full nodes that have dialled it and are none of those that were read."""
        for peer in node.inbound:
            if peer.is_full_node and (node.name, peer.remote) not in self._used:
                yield peer

    def _other_end(self, name: str, peer: PeerReading) -> str | None:
        local = peer.local
        met = self._accepted.get(local, []) if local is not None else []
        met = [(other, theirs) for other, theirs in met if other != name]
        exact = [(other, theirs) for other, theirs in met if theirs.local == peer.remote]
        if local is not None and len(exact) == 1:
            other = exact[0][0]
            self._used[other, local] = None
            self.sources[name][local.host] = None
            self.hosts[other][peer.remote.host] = None
            return other
        owners = self._owners.get(peer.remote, ())
        if len(owners) == 1:
            other = owners[0]
            self.hosts[other][peer.remote.host] = None
            if local is not None and any(found == other for found, _ in met):
                self._used[other, local] = None
            return other
        if local is not None and len(met) == 1 and self._dialled_from[local] == 1:
            other = met[0][0]
            self._used[other, local] = None
            return other
        return None

    def _note_outside(self, name: str, peer: PeerReading) -> None:
        found = self.outside.setdefault(peer.remote.host, OutsideHost(peer.remote.host))
        found.nodes[name] = None
        found.dialled = True
        found.services |= peer.services
        found.relays |= peer.relays


def _let_in(
    outside: dict[str, OutsideHost], node: NodeReading, peers: Iterable[PeerReading]
) -> None:
    for peer in peers:
        found = outside.setdefault(peer.remote.host, OutsideHost(peer.remote.host))
        found.nodes[node.name] = None
        found.services |= peer.services
        found.relays |= peer.relays


def _hosts(node: NodeReading, matched: Iterable[str], places: Places) -> tuple[str, ...]:
    told = _believed(
        (peer.remote.host, Endpoint(peer.told.host, 0))
        for peer in node.peers
        if peer.told is not None
    )
    return _usable(dict.fromkeys((*(end.host for end in (*node.own, *told)), *matched)), places)


def _usable(hosts: Iterable[str], places: Places) -> tuple[str, ...]:
    """Those that mean the same to everybody, if any do."""
    addresses = [host for host in hosts if address_of(host) is not None]
    routable = [host for host in addresses if places.is_routable(host)]
    return tuple(sorted({places.machine(host) for host in routable or addresses}))
