"""Nodes that know one address find each other, and do not need the one that it belongs to."""

from __future__ import annotations

from axon.machine import MINUTE
from axon.p2p.connectionsconfig import MAX_FULL_RELAY
from axon.swarm.audit.linkgraph import components, cut_vertices
from axon.swarm.sim.meshing import SEED_NODE, from_one_address, lacking, links, outbound


def test_from_one_address_all_mesh_and_none_needs_its_node() -> None:
    network = from_one_address(seed=3, count=12)
    network.run(10 * MINUTE)
    assert not lacking(network, MAX_FULL_RELAY), "outbound connections of those that want more"
    assert len(components(links(network))) == 1
    assert not cut_vertices(links(network))
    network.crash(SEED_NODE)
    assert len(components(links(network))) == 1
    network.run(MINUTE)
    assert len(components(links(network))) == 1


def test_all_mesh_though_the_node_with_the_address_has_no_seats_for_all() -> None:
    # Of 44 inbound ones 22 are for peers with transactions, as all are.
    network = from_one_address(seed=3, count=30, connections=55)
    network.run(2 * MINUTE)
    assert not lacking(network, MAX_FULL_RELAY)
    assert len(components(links(network))) == 1


def test_who_has_met_nobody_is_a_part_of_its_own() -> None:
    network = from_one_address(seed=3, count=3)
    assert outbound(network) == lacking(network, MAX_FULL_RELAY) == {0: 0, 1: 0, 2: 0}
    assert len(components(links(network))) == 3
