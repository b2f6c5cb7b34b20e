"""Connections between two nodes, in virtual time."""

from __future__ import annotations

from axon.machine import HOUR, MINUTE, Instant
from axon.node.facts import Fact, PeerDisconnected
from axon.swarm.sim.simulation import SimNetwork

ANYONE = b"\x51"


def test_idle_peers_stay_connected_for_hours() -> None:
    network = SimNetwork(seed=1, count=2)
    network.mine(0, ANYONE)
    assert network.settle(MINUTE)
    network.run(MINUTE)
    first = [list(network.machine(number).sessions) for number in (0, 1)]
    assert all(first)
    network.run(3 * HOUR)
    assert [list(network.machine(number).sessions) for number in (0, 1)] == first


def test_nobody_dials_the_address_that_he_says_is_his_own() -> None:
    reasons: list[str] = []

    def note(_number: int, fact: Fact, _now: Instant) -> None:
        if isinstance(fact, PeerDisconnected):
            reasons.append(fact.reason)

    network = SimNetwork(seed=1, count=3, on_fact=note)
    network.run(5 * MINUTE)
    own = [settings.own_addresses[0] for settings in map(network.settings, range(3))]
    tables = [network.machine(number).links.addrman for number in range(3)]
    assert any(address in table for address, table in zip(own, tables, strict=True)), "was told it"
    assert "connected to self" not in reasons


def test_a_peer_without_any_block_is_given_up_once() -> None:
    reasons: list[str] = []

    def note(_number: int, fact: Fact, _now: Instant) -> None:
        if isinstance(fact, PeerDisconnected) and fact.by_us:
            reasons.append(fact.reason)

    network = SimNetwork(seed=1, count=2, on_fact=note)
    network.run(23 * MINUTE)
    assert reasons == ["its chain has been behind ours for too long"] * 2
