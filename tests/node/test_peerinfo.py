"""What a node tells of its peers, in virtual time."""

from __future__ import annotations

import pytest

from axon.machine import HOUR, MINUTE, SECOND, PeerId, Received
from axon.node.commands import PingAll
from axon.node.full import FullNode
from axon.node.peerinfo import PeerInfo, peer_info
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.relaypeer import RelayStats
from axon.swarm.sim.simulation import SimNetwork
from tests.node.rig import Rig, their_version

ANYONE = b"\x51"


def info_of(machine: FullNode, now: int, peer: PeerId | None = None) -> PeerInfo:
    session = machine.sessions[peer if peer is not None else min(machine.sessions)]
    return peer_info(machine, session, now)


@pytest.fixture
def network() -> SimNetwork:
    """Node 1 knows node 0 and dials it; both have one block."""
    network = SimNetwork(seed=5, count=2, contacts=lambda number: (0,) if number else ())
    network.mine(0, ANYONE)
    assert network.settle(MINUTE)
    network.run(MINUTE)
    return network


def full_relay(network: SimNetwork) -> tuple[PeerInfo, PeerInfo]:
    """Both ends of the connection for everything: who dialled, and who was dialled."""
    near, far = network.machine(1), network.machine(0)
    [ours] = [
        info
        for peer in near.sessions
        if (info := info_of(near, network.now, peer)).kind is ConnectionType.FULL_RELAY
    ]
    [theirs] = [
        info
        for peer in far.sessions
        if (info := info_of(far, network.now, peer)).remote == ours.local
    ]
    return ours, theirs


def test_both_ends_agree(network: SimNetwork) -> None:
    near, far = full_relay(network)
    assert (near.remote, near.local) == (far.local, far.remote)
    assert (near.kind, far.kind) == (ConnectionType.FULL_RELAY, ConnectionType.INBOUND)
    assert near.user_agent == network.machine(0).settings.user_agent
    assert near.services == network.machine(0).services
    assert near.version == far.version == 70017
    assert near.sent_bytes == far.received_bytes
    assert dict(near.received_by_command) == dict(far.sent_by_command)
    assert near.sent_bytes == sum(near.sent_by_command.values())


def test_what_was_exchanged(network: SimNetwork) -> None:
    near, far = full_relay(network)
    assert (near.synced_headers, near.synced_blocks) == (1, 1)
    assert (near.presynced_headers, near.in_flight_heights) == (-1, ())
    assert 0 < near.last_block_at <= network.now
    assert far.last_block_at == 0
    assert near.last_transaction_at == 0
    assert near.opened_at <= near.last_sent_at <= network.now
    assert near.relay.relay
    assert far.relay.relay
    assert near.gossip.relay_enabled


def test_pings(network: SimNetwork) -> None:
    near, _ = full_relay(network)
    assert near.latency_us is not None
    assert near.min_latency_us is not None
    assert 0 < near.min_latency_us <= near.latency_us < SECOND
    assert near.waiting_us is None
    network.simulation.ask(1, PingAll())
    asked_at = network.now
    waiting = info_of(network.machine(1), asked_at + 7, near.peer).waiting_us
    assert waiting is not None
    assert 7 <= waiting <= 7 + SECOND


def test_pings_go_on(network: SimNetwork) -> None:
    before = full_relay(network)[0].sent_by_command["ping"]
    network.run(HOUR)
    after = full_relay(network)[0].sent_by_command["ping"]
    assert 28 <= (after - before) // 32 <= 31


def test_before_the_greeting_nothing_is_known() -> None:
    network = SimNetwork(seed=5, count=2, contacts=lambda number: (0,) if number else ())
    machine = network.machine(1)
    assert network.simulation.run_until(lambda: bool(machine.sessions), network.now + MINUTE)
    info = info_of(machine, network.now)
    assert (info.version, info.services, info.user_agent) == (0, 0, "")
    assert info.our_address is None
    assert (info.latency_us, info.waiting_us) == (None, None)
    assert (info.synced_headers, info.synced_blocks) == (-1, -1)
    assert info.relay == RelayStats(relay=False, last_sequence=0, queued=0, min_feerate_sat_kvb=0)
    assert info.sent_by_command["version"] == info.sent_bytes
    assert info.received_bytes == 0


def test_what_its_version_says_is_told_before_the_handshake_ends() -> None:
    rig = Rig()
    peer = rig.open()
    version = their_version(7)
    data = rig.frame(version.command, version.encode())
    rig.feed(Received(peer, data[:30]))
    info = info_of(rig.node, rig.now, peer)
    assert (info.received_bytes, info.last_received_at) == (30, rig.now)
    assert (info.received_by_command, info.version) == ({}, 0)
    rig.feed(Received(peer, data[30:]))
    info = info_of(rig.node, rig.now, peer)
    assert info.received_by_command == {"version": len(data)}
    assert (info.version, info.services) == (version.version, version.services)
    assert info.user_agent == version.clean_user_agent
    assert info.our_address == version.receiver
    assert info.time_offset_s == version.time - rig.now // SECOND
    assert not rig.node.sessions[peer].handshake.is_complete
