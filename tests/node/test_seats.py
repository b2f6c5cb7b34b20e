"""Who may sit among the inbound peers, and what is done as soon as a peer has said who it is."""

from __future__ import annotations

from dataclasses import replace

from axon.machine import HOUR, MINUTE, SECOND, Endpoint, PeerId
from axon.node.commands import DialOnce
from axon.node.maintenance import TRIM_INTERVAL
from axon.node.settings import NodeSettings
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.requests import address_of
from axon.primitives.netaddress import NetAddress
from axon.primitives.network import REGTEST
from axon.wire.messages import (
    FilterClear,
    SendAddrV2,
    Services,
    Verack,
    WtxidRelay,
)
from tests.node.rig import NOW, Rig, listening, their_version
from tests.p2p.examples import told

THERE = Endpoint("9.8.7.6", REGTEST.port)


def seats(count: int, percent: int = 50, bloom: bool = False) -> NodeSettings:
    """A node with so many places for those who dial it."""
    usual = listening()
    connections = replace(usual.connections, max_connections=count + 11, relay_percent=percent)
    return replace(usual, connections=connections, serve_bloom=bloom)


def greet(rig: Rig, *, relay: bool = True) -> PeerId:
    """A peer dials us and shakes hands; it may be sent away for that."""
    peer = rig.open()
    rig.send(peer, their_version(1000 + peer, relay=relay), WtxidRelay(), SendAddrV2(), Verack())
    rig.tick()
    return peer


def test_half_of_those_who_dial_us_may_have_transactions() -> None:
    rig = Rig(settings=seats(2))
    first, second = greet(rig), greet(rig)
    assert rig.disconnected(first) is None
    assert rig.disconnected(second) == "all places of peers with transactions are taken"
    third = greet(rig, relay=False)
    assert rig.is_alive(first)
    assert rig.is_alive(third)


def test_where_they_are_many_one_gives_way_to_another() -> None:
    rig = Rig(settings=seats(100))
    for number in range(70):
        rig.now += SECOND
        greet(rig, relay=number % 7 > 0)
    sessions = list(rig.node.sessions.values())
    assert sum(session.relays for session in sessions) == 50
    assert sum(not session.relays for session in sessions) == 10


def test_the_operator_says_how_many() -> None:
    nobody, everybody = Rig(settings=seats(2, 0)), Rig(settings=seats(2, 100))
    assert nobody.disconnected(greet(nobody)) is not None
    assert [everybody.disconnected(greet(everybody)) for _ in range(2)] == [None, None]


def test_who_asks_for_transactions_later_is_counted_then() -> None:
    rig = Rig(settings=seats(2, bloom=True))
    late = greet(rig, relay=False)
    first = greet(rig)
    rig.send(late, FilterClear())
    assert rig.disconnected(late) == "all places of peers with transactions are taken"
    assert rig.is_alive(first)


def dial(rig: Rig, kind: ConnectionType, remote: Endpoint = THERE) -> PeerId:
    """We dial somebody."""
    assert rig.command(DialOnce(remote, kind))
    ticket = rig.dials()[-1].ticket
    return rig.open(ticket, remote)


def known(rig: Rig) -> NetAddress:
    """The address that we dial is in the table."""
    address = address_of(THERE)
    assert address is not None
    rig.node.links.addrman.add([told(address, NOW)], address, NOW)
    return address


def test_a_feeler_is_done_when_the_peer_has_said_who_it_is() -> None:
    rig = Rig()
    address = known(rig)
    peer = dial(rig, ConnectionType.FEELER)
    rig.send(peer, their_version())
    assert rig.disconnected(peer) == "feeler complete"
    record = rig.node.links.addrman.record(address)
    assert record is not None
    assert record.tried


def test_what_a_peer_offers_is_noted_even_if_it_is_of_no_use() -> None:
    rig = Rig()
    address = known(rig)
    peer = dial(rig, ConnectionType.FULL_RELAY)
    rig.send(peer, their_version(services=int(Services.WITNESS)))
    assert rig.disconnected(peer) is not None
    record = rig.node.links.addrman.record(address)
    assert record is not None
    assert (record.services, record.tried) == (int(Services.WITNESS), False)


def test_permissions_are_for_peers_that_the_operator_named() -> None:
    allowed = frozenset(("noban",))
    rig = Rig(settings=replace(listening(), permissions=lambda _remote, _local, _inbound: allowed))
    manual = dial(rig, ConnectionType.MANUAL)
    chosen = dial(rig, ConnectionType.FULL_RELAY, Endpoint("9.8.7.5", REGTEST.port))
    assert rig.node.sessions[manual].permissions == allowed
    assert rig.node.sessions[chosen].permissions == frozenset()
    assert rig.node.sessions[rig.open()].permissions == allowed


def full_relay_peers(rig: Rig, hosts: list[str]) -> list[PeerId]:
    """We dial so many, and shake hands."""
    peers = []
    for host in hosts:
        peer = dial(rig, ConnectionType.FULL_RELAY, Endpoint(host, REGTEST.port))
        rig.send(peer, their_version(1000 + peer), WtxidRelay(), SendAddrV2(), Verack())
        peers.append(peer)
    return peers


def test_the_only_peer_of_a_network_is_not_the_one_too_many() -> None:
    rig = Rig()
    hosts = [f"9.{number}.7.6" for number in range(8)]
    peers = full_relay_peers(rig, [*hosts, "2a00:1::7"])  # The last one came last: it would go.
    rig.node.links.set_stale(True)
    rig.now += MINUTE
    rig.node.maintenance.bring_forward(TRIM_INTERVAL)
    rig.tick()
    assert [peer for peer in peers if rig.disconnected(peer)] == [peers[7]]
    assert not rig.node.links._stale_tip  # One more was heard; that is enough.


def test_a_second_peer_of_that_network_may_be() -> None:
    rig = Rig()
    hosts = [f"9.{number}.7.6" for number in range(7)]
    peers = full_relay_peers(rig, [*hosts, "2a00:1::7", "2a00:1::8"])
    rig.now += HOUR // 60
    rig.node.maintenance.bring_forward(TRIM_INTERVAL)
    rig.tick()
    assert [peer for peer in peers if rig.disconnected(peer)] == [peers[8]]
