"""Many full nodes that know one address at first: whether they find each other, and hold together.

Each is told of one node, and of no other; it hears of the rest from those that it meets. What they
make of it is looked at from outside: who has dialled whom, and in how many parts that leaves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from axon.drivers.sim.driver import START
from axon.node.settings import NodeSettings
from axon.p2p.connectiontype import ConnectionType
from axon.swarm.audit.linkgraph import LinkGraph
from axon.swarm.sim.simulation import SimNetwork
from axon.swarm.sim.workload import history

SEED_NODE: Final = 0
"""The node whose address all others are told."""

_LASTING: Final = frozenset((ConnectionType.FULL_RELAY, ConnectionType.BLOCK_RELAY))


def from_one_address(
    seed: int,
    count: int,
    connections: int | None = None,
    hosts: Mapping[int, str] | None = None,
) -> SimNetwork:
    """A network whose nodes know one address each, at its beginning.

    Args:
        seed: of all chance.
        count: how many nodes.
        connections: of the node that has the address, at most; the default if None.
        hosts: the addresses of nodes that are no IPv4 ones, by number.
    """

    def contacts(number: int) -> list[int]:
        return [] if number == SEED_NODE else [SEED_NODE]

    def settings(number: int, usual: NodeSettings) -> NodeSettings:
        if number != SEED_NODE or connections is None:
            return usual
        return replace(usual, connections=replace(usual.connections, max_connections=connections))

    return SimNetwork(
        seed, count, contacts=contacts, history=history(START), settings=settings, hosts=hosts
    )


def outbound(network: SimNetwork) -> dict[int, int]:
    """How many full outbound connections each running node has, by its number."""
    return {
        number: sum(
            session.kind is ConnectionType.FULL_RELAY and session.negotiated is not None
            for session in network.machine(number).sessions.values()
        )
        for number in network.running()
    }


def lacking(network: SimNetwork, enough: int) -> dict[int, int]:
    """Running nodes with fewer full outbound connections than is enough, though there are others
    whom they are not connected to; how many they have."""
    graph, running = links(network), network.running()
    return {
        number: has
        for number, has in outbound(network).items()
        if has < enough and len(graph.neighbours[str(number)]) < len(running) - 1
    }


def links(network: SimNetwork) -> LinkGraph:
    """The running nodes, by their numbers as text, and the lasting connections between them."""
    running = network.running()
    found = []
    for number in running:
        for session in network.machine(number).sessions.values():
            far = network.simulation.number_of(session.remote.host)
            if session.kind in _LASTING and session.negotiated is not None and far in running:
                found.append((str(number), str(far)))
    return LinkGraph(found, map(str, running))
