"""The peers that the operator named, and what else the operator says."""

from __future__ import annotations

import pytest

from axon.machine import DAY, HOUR, MINUTE, SECOND, Endpoint, PeerId
from axon.p2p.actions import DisconnectPeer
from axon.p2p.admission import InboundRefused
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.faults import PeerDone
from axon.p2p.redial import Target
from axon.p2p.requests import DialRequest
from tests.p2p.connectionworld import (
    ADDR_FETCH,
    BLOCK_RELAY,
    FEELER,
    FULL_RELAY,
    MANUAL,
    World,
)
from tests.p2p.examples import NOW, endpoint, ip


def test_connect_dials_these_and_nobody_else() -> None:
    targets = (Target("a", endpoint("10.0.0.1")), Target("b", endpoint("host.example")))
    world = World(
        known=50,
        connect=targets,
        dns_seeds=("seed.example",),
        fixed_seeds=(ip("1.1.1.1"),),
        seed_nodes=(endpoint("10.0.0.7"),),
    )
    dialled = world.wait(DAY)
    assert [request.endpoint for request in dialled] == [target.endpoint for target in targets]
    assert {request.kind for request in dialled} == {MANUAL}
    assert dialled[1].address is None


def test_connect_0_dials_nobody() -> None:
    world = World(known=50, connect=())
    assert world.connections.deadline() is None
    assert world.wait(DAY) == []


def test_a_named_peer_is_dialled_until_it_answers_and_again_when_it_goes() -> None:
    where = endpoint("10.0.0.1")
    world = World(connect=(Target("a", where),))
    world.dead = {where}
    tries = len(world.wait(10 * MINUTE))
    assert 12 < tries < 22
    world.dead.clear()
    (request,) = world.wait(75 * SECOND)
    assert request.endpoint == where
    world.wait(HOUR)
    world.close(world.peers[0])
    (request,) = world.wait(2 * SECOND)
    assert request.endpoint == where


def test_a_peer_that_hangs_up_at_once_is_not_pestered() -> None:
    where = endpoint("10.0.0.1")
    world = World(connect=(Target("a", where),))
    dials = 0
    while world.now < NOW + HOUR:
        dials += len(world.wait(SECOND))
        for peer in list(world.peers):
            world.close(peer)
    assert dials < 80


def test_who_loses_the_last_peer_dials_the_others_at_once() -> None:
    one, other = endpoint("10.0.0.1"), endpoint("10.0.0.2")
    world = World(connect=(Target("a", one), Target("b", other)))
    world.dead = {other}
    world.wait(10 * MINUTE)
    world.dead.clear()
    (peer,) = world.peers
    world.close(peer)
    assert [request.endpoint for request in world.wait(1)] == [other]


def test_addnode_keeps_a_peer_besides_the_automatic_ones() -> None:
    world = World(known=50)
    alice = Target("alice", endpoint("10.0.0.1"))
    assert world.connections.add_node(alice, NOW)
    assert not world.connections.add_node(alice, NOW)
    assert [(node.target, node.peer) for node in world.connections.added_nodes()] == [(alice, None)]
    world.wait(10 * SECOND)
    assert world.count() == {FULL_RELAY: 8, BLOCK_RELAY: 2, MANUAL: 1}
    assert world.connections.added_nodes()[0].peer is not None
    assert world.connections.remove_node("alice")
    assert not world.connections.remove_node("alice")
    assert world.count().get(MANUAL) == 1


def test_no_more_than_eight_added_peers_are_connected_at_a_time() -> None:
    world = World(
        connect=(), added=tuple(Target(f"n{n}", endpoint(f"10.0.0.{n}")) for n in range(12))
    )
    world.wait(MINUTE)
    assert world.count() == {MANUAL: 8}
    world.close(world.peers[0])
    world.wait(MINUTE)
    assert world.count() == {MANUAL: 8}


def test_one_try_works_whatever_else_is_configured() -> None:
    world = World(connect=())
    request = world.connections.dial(endpoint("10.0.0.1"), MANUAL, v2=True)
    assert request == DialRequest(endpoint("10.0.0.1"), MANUAL, True, ip("10.0.0.1"))
    assert world.connections.dial(endpoint("10.0.0.1"), MANUAL, v2=True) is None
    world.connections.dial_failed(request, NOW)
    assert world.connections.deadline() is None, "it is not tried again"
    assert world.connections.dial(endpoint("10.0.0.1"), MANUAL, v2=True) == request


@pytest.mark.parametrize("kind", [FULL_RELAY, BLOCK_RELAY, ADDR_FETCH, FEELER])
def test_connections_of_each_kind_can_be_ordered(kind: ConnectionType) -> None:
    world = World(connect=())
    limits = {FULL_RELAY: 8, BLOCK_RELAY: 2}
    for number in range(12):
        if not world.connections.has_room(kind):
            break
        request = world.connections.dial(endpoint(f"10.0.0.{number}"), kind, v2=False)
        assert request is not None
        world.open(request, answer=False)
    assert world.count() == {kind: limits.get(kind, 12)}


def test_switching_the_network_off_ends_everything() -> None:
    world = World(known=50)
    world.wait(10 * SECOND)
    (pending,) = [world.connections.dial(endpoint("10.0.0.1"), MANUAL, v2=False)]
    assert pending is not None
    inbound = world.accept(ip("9.9.9.9"))
    drops = world.connections.set_active(False, world.now)
    assert [drop.peer for drop in drops] == [*world.peers[:-1], inbound]
    assert not world.connections.is_active
    for peer in list(world.peers):
        world.close(peer)
    assert world.connections.deadline() is None
    assert world.connections.dial(endpoint("10.0.0.2"), MANUAL, v2=False) is None
    assert world.connections.admission.admit(ip("9.9.9.9"), [], world.now) == InboundRefused(
        "network is switched off"
    )
    (late,) = world.connections.opened(pending, PeerId(99), None, world.now)
    assert isinstance(late, DisconnectPeer)
    assert isinstance(late.fault, PeerDone)
    world.connections.closed(PeerId(99), world.now)
    world.connections.set_active(True, world.now)
    assert len(world.wait(10 * SECOND)) == 10


def test_a_peer_that_is_named_twice_is_dialled_once() -> None:
    target = Target("a", endpoint("10.0.0.1"))
    world = World(connect=(target,), added=(target,))
    requests = world.connections.tick(NOW)
    assert [r.endpoint for r in requests if isinstance(r, DialRequest)] == [target.endpoint]


def dialled_at_once(world: World, other: Endpoint) -> bool:
    return [request.endpoint for request in world.wait(1)] == [other]


def with_a_dead_one() -> tuple[World, Endpoint]:
    """A node with one named peer that answers, and one that has not for ten minutes."""
    one, other = endpoint("10.0.0.1"), endpoint("10.0.0.2")
    world = World(connect=(Target("a", one), Target("b", other)))
    world.dead = {other}
    world.wait(10 * MINUTE)
    world.dead.clear()
    return world, other


def test_who_has_another_peer_left_does_not_hurry() -> None:
    world, other = with_a_dead_one()
    request = world.connections.dial(endpoint("10.0.0.3"), MANUAL, v2=False)
    assert request is not None
    world.open(request)
    world.close(world.peers[0])
    assert not dialled_at_once(world, other)


def test_a_peer_whose_handshake_is_not_complete_is_no_peer() -> None:
    world, other = with_a_dead_one()
    request = world.connections.dial(endpoint("10.0.0.3"), MANUAL, v2=False)
    assert request is not None
    world.open(request, answer=False)
    world.close(world.peers[0])
    assert dialled_at_once(world, other)


def test_a_peer_that_dialled_us_is_nobody_to_rely_on() -> None:
    world, other = with_a_dead_one()
    dialled_us = world.accept(ip("9.9.9.9"))
    world.connections.handshake_complete(dialled_us, world.now)
    world.close(world.peers[0])
    assert dialled_at_once(world, other)


def test_a_connection_that_lasted_less_than_a_second_hurries_nobody() -> None:
    for lasted, hurries in ((SECOND - 1, False), (SECOND, True)):
        one, other = endpoint("10.0.0.1"), endpoint("10.0.0.2")
        world = World(connect=(Target("a", one), Target("b", other)))
        world.dead = {one, other}
        world.wait(10 * MINUTE)
        request = world.connections.dial(endpoint("10.0.0.3"), MANUAL, v2=False)
        assert request is not None
        peer = world.open(request)
        world.now += lasted
        world.close(peer)
        due = world.connections.deadline()
        assert due is not None
        assert (due <= world.now) is hurries


def test_a_connection_without_a_handshake_hurries_nobody() -> None:
    one = endpoint("10.0.0.1")
    world = World(connect=(Target("a", one),))
    world.dead = {one}
    world.wait(10 * MINUTE)
    request = world.connections.dial(endpoint("10.0.0.3"), MANUAL, v2=False)
    assert request is not None
    peer = world.open(request, answer=False)
    world.now += SECOND
    world.close(peer)
    due = world.connections.deadline()
    assert due is not None
    assert due > world.now
