"""Which connections a node makes, keeps and lets in: the bounds hold in any order of events."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from axon.machine import DAY, HOUR, MINUTE, SECOND, Endpoint, Instant, PeerId
from axon.p2p.actions import DisconnectPeer
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList, Subnet
from axon.p2p.connections import (
    DIAL_INTERVAL,
    MAX_IDLE,
    MAX_PAUSE,
    Admitted,
    Connections,
    Refused,
)
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.eviction import InboundCandidate
from axon.p2p.faults import PeerDone
from axon.p2p.peersfile import AddressRecord
from axon.p2p.redial import Target
from axon.p2p.requests import DialRequest, NetworkRequest, ResolveRequest, address_of, endpoint_of
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.wire.messages import Services
from tests.p2p.examples import FULL, NOW, endpoint, ip, negotiated, spread, told

FULL_RELAY = ConnectionType.FULL_RELAY
BLOCK_RELAY = ConnectionType.BLOCK_RELAY
FEELER = ConnectionType.FEELER
INBOUND = ConnectionType.INBOUND
MANUAL = ConnectionType.MANUAL
ADDR_FETCH = ConnectionType.ADDR_FETCH


class World:
    """A node's connections, and a world in which every dial is answered at once."""

    def __init__(self, known: int = 0, seed: int = 1, **decided: Any) -> None:
        self.addrman = AddrMan(Random(seed))
        for number in range(known):
            self.addrman.add([told(spread(number))], spread(number), NOW)
        self.bans = BanList()
        self.config = ConnectionsConfig(port=8333, **decided)
        self.connections = Connections(self.config, self.addrman, self.bans, Random(seed), NOW)
        self.now: Instant = NOW
        self.dead: set[Endpoint] = set()
        self.requests: list[tuple[Instant, NetworkRequest]] = []
        self.peers: list[PeerId] = []
        self._next = 0

    def wait(self, time: Instant) -> list[DialRequest]:
        """Let time pass; what was dialled meanwhile."""
        until, before = self.now + time, len(self.requests)
        while (due := self.connections.deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            for request in self.connections.tick(self.now):
                self.requests.append((self.now, request))
                self.answer(request)
        self.now = until
        return [
            request for _, request in self.requests[before:] if isinstance(request, DialRequest)
        ]

    def answer(self, request: NetworkRequest) -> None:
        if isinstance(request, DialRequest):
            if request.endpoint in self.dead:
                self.connections.dial_failed(request, self.now)
            else:
                self.open(request)

    def open(self, request: DialRequest, answer: bool = True) -> PeerId:
        peer = PeerId(self._next)
        self._next += 1
        self.peers.append(peer)
        assert self.connections.opened(request, peer, None, self.now) == []
        if answer:
            for action in self.connections.handshake_complete(peer, negotiated(), self.now):
                assert isinstance(action, DisconnectPeer)
                self.close(action.peer)
        return peer

    def accept(self, address: NetAddress) -> PeerId:
        peer = PeerId(self._next)
        self._next += 1
        self.peers.append(peer)
        self.connections.opened_inbound(peer, address, self.now)
        return peer

    def close(self, peer: PeerId, downgrade: bool = False) -> None:
        self.peers.remove(peer)
        self.connections.closed(peer, self.now, downgrade)

    def count(self) -> dict[ConnectionType, int]:
        kinds = (self.connections.count(kind) for kind in ConnectionType)
        return {kind: count for kind, count in zip(ConnectionType, kinds, strict=True) if count}

    def addresses(self) -> list[NetAddress]:
        found = (self.connections.address_of(peer) for peer in self.peers)
        return [address for address in found if address is not None]

    def record(self, address: NetAddress) -> AddressRecord:
        record = self.addrman.record(address)
        assert record is not None
        return record


# Of its own accord.


def test_eight_full_relay_and_two_block_relay_peers_are_found_half_a_second_apart() -> None:
    world = World(known=100)
    dialled = world.wait(10 * SECOND)
    assert Counter(request.kind for request in dialled) == {FULL_RELAY: 8, BLOCK_RELAY: 2}
    assert world.count() == {FULL_RELAY: 8, BLOCK_RELAY: 2}
    moments = [at for at, _ in world.requests]
    assert moments == [NOW + number * DIAL_INTERVAL for number in range(10)]


def test_each_is_in_a_netgroup_of_its_own() -> None:
    world = World()
    world.addrman.add([told(ip(f"60.{n % 4}.{n}.1")) for n in range(250)], spread(1), NOW)
    world.wait(HOUR)
    assert world.count().get(FULL_RELAY) == 4
    assert len({address.group() for address in world.addresses()}) == 4


def test_whoever_is_connected_already_is_not_dialled() -> None:
    world = World(known=1)
    world.accept(NetAddress(spread(0).network, spread(0).host_bytes, 50_000))
    assert world.wait(HOUR) == []


def test_after_that_feelers_ask_the_new_addresses_and_end() -> None:
    world = World(known=200)
    world.wait(10 * SECOND)
    dialled = world.wait(2 * HOUR)
    assert {request.kind for request in dialled} == {FEELER}
    assert 30 < len(dialled) < 90
    assert world.count() == {FULL_RELAY: 8, BLOCK_RELAY: 2}
    for request in dialled:
        assert request.address is not None
        assert world.record(request.address).last_success_s


def test_a_peer_that_answers_is_tried_and_says_itself_what_it_offers() -> None:
    world = World(known=1)
    (request,) = [request for request in world.wait(0) if request.kind is FULL_RELAY]
    assert request == DialRequest(endpoint_of(spread(0)), FULL_RELAY, False, spread(0))
    record = world.record(spread(0))
    assert record.tried
    assert record.services == FULL


def test_an_unfinished_handshake_proves_nothing() -> None:
    world = World(known=1)
    (request,) = world.connections.tick(NOW)
    assert isinstance(request, DialRequest)
    world.open(request, answer=False)
    assert not world.record(spread(0)).tried


def test_the_time_of_a_peer_is_renewed_when_it_goes_unless_it_was_for_blocks_alone() -> None:
    world = World(known=100)
    world.wait(10 * SECOND)
    world.now += DAY
    kinds = {}
    for peer in list(world.peers):
        address, kind = world.connections.address_of(peer), world.connections.kind_of(peer)
        assert address is not None
        kinds[address] = kind
        world.close(peer)
    for address, kind in kinds.items():
        expected = NOW if kind is BLOCK_RELAY else world.now
        assert world.record(address).time_s == expected // SECOND


def test_a_lost_peer_is_replaced_soon() -> None:
    world = World(known=100)
    world.wait(10 * SECOND)
    world.close(world.peers[0])
    (request,) = world.wait(2 * SECOND)
    assert request.kind is FULL_RELAY


def test_with_nobody_left_to_dial_the_search_slows_down() -> None:
    world = World()
    searches, now = 0, NOW
    while now < NOW + HOUR:
        assert world.connections.tick(now) == []
        due = world.connections.deadline()
        assert due is not None
        assert due > now
        now, searches = due, searches + 1
    assert searches < 2 * HOUR / MAX_IDLE


def test_new_addresses_end_the_rest_at_once() -> None:
    world = World()
    world.wait(HOUR)
    world.addrman.add([told(spread(1))], spread(2), world.now)
    assert [request.address for request in world.wait(SECOND)] == [spread(1)]


def test_dead_addresses_are_dialled_less_often_but_not_given_up() -> None:
    world = World(known=5)
    world.dead = {endpoint_of(spread(number)) for number in range(5)}
    assert len(world.wait(10 * MINUTE)) < 5 + 1.1 * (10 * MINUTE / MAX_PAUSE)
    assert world.count() == {}
    world.dead.clear()
    world.wait(MINUTE)
    assert len(world.peers) == 5


def test_the_encrypted_transport_is_used_where_it_is_offered() -> None:
    services = FULL | Services.P2P_V2
    for v2, offered in ((True, services), (True, FULL), (False, services)):
        world = World(v2=v2)
        world.addrman.add([told(spread(1), services=offered)], spread(2), NOW)
        (request,) = world.connections.tick(NOW)
        assert isinstance(request, DialRequest)
        assert request.v2 is (v2 and offered == services)


def test_a_peer_that_does_not_understand_it_is_dialled_again_without() -> None:
    world = World()
    world.addrman.add([told(spread(1), services=FULL | Services.P2P_V2)], spread(2), NOW)
    (request,) = world.connections.tick(NOW)
    assert isinstance(request, DialRequest)
    peer = world.open(request, answer=False)
    world.close(peer, downgrade=True)
    assert world.count() == {FULL_RELAY: 1}
    (again,) = world.wait(0)
    assert again == DialRequest(request.endpoint, request.kind, False, request.address)


def test_anchors_are_the_first_block_relay_peers() -> None:
    world = World(known=50, anchors=(ip("90.1.1.1"), ip("91.1.1.1"), ip("92.1.1.1")))
    dialled = world.wait(SECOND)
    assert [request.address for request in dialled[:2]] == [ip("91.1.1.1"), ip("90.1.1.1")]
    assert {request.kind for request in dialled[:2]} == {BLOCK_RELAY}
    assert world.connections.anchors() == [ip("91.1.1.1"), ip("90.1.1.1")]


def test_a_stale_tip_is_worth_one_more_full_relay_peer() -> None:
    world = World(known=100)
    world.wait(10 * SECOND)
    world.connections.adapt(near_tip=True, stale_tip=True, synced=False)
    world.wait(10 * SECOND)
    assert world.count().get(FULL_RELAY) == 9


def test_after_the_initial_sync_more_block_relay_peers_are_tried() -> None:
    world = World(known=100)
    world.connections.adapt(near_tip=True, stale_tip=False, synced=True)
    world.wait(HOUR)
    assert world.count() == {FULL_RELAY: 8, BLOCK_RELAY: 3}


def test_few_connections_leave_no_room_for_others() -> None:
    world = World(known=100, max_connections=5)
    world.wait(MINUTE)
    assert world.count() == {FULL_RELAY: 5}
    assert world.config.max_inbound == 0


# As the operator says.


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
    assert world.connections.admit(ip("9.9.9.9"), [], world.now) == Refused(
        "network is switched off"
    )
    (late,) = world.connections.opened(pending, PeerId(99), None, world.now)
    assert isinstance(late, DisconnectPeer)
    assert isinstance(late.fault, PeerDone)
    world.connections.closed(PeerId(99), world.now)
    world.connections.set_active(True, world.now)
    assert len(world.wait(10 * SECOND)) == 10


# Seeds.


def test_a_bare_node_asks_dns_and_dials_what_it_learns() -> None:
    world = World(dns_seeds=("seed.example",))
    assert world.wait(SECOND) == []
    assert [request for _, request in world.requests] == [ResolveRequest("x9.seed.example", 8333)]
    world.connections.resolved("x9.seed.example", [spread(n) for n in range(20)], world.now)
    world.wait(10 * SECOND)
    assert world.count() == {FULL_RELAY: 8, BLOCK_RELAY: 2}


def test_seed_nodes_are_asked_for_addresses_two_at_a_time() -> None:
    nodes = tuple(endpoint(f"10.0.0.{number}") for number in range(4))
    world = World(seed_nodes=nodes)
    assert [request.kind for request in world.wait(MINUTE)] == [ADDR_FETCH] * 2
    world.close(world.peers[0])
    assert [request.endpoint for request in world.wait(MINUTE)] == [nodes[2]]


# Whom to let in.


def candidates(world: World, count: int) -> list[InboundCandidate]:
    return [
        InboundCandidate(
            world.accept(spread(number)),
            NOW + number,
            None,
            0,
            0,
            world.connections.keyed_netgroup(spread(number)),
            AddressNetwork.IPV4,
            relevant_services=False,
            relays_transactions=True,
        )
        for number in range(count)
    ]


def test_inbound_peers_are_let_in_while_there_is_room() -> None:
    world = World()
    assert world.config.max_inbound == 114
    others = candidates(world, 113)
    assert world.connections.admit(ip("9.9.9.9"), others, NOW) == Admitted()
    world.accept(ip("9.9.9.9"))
    verdict = world.connections.admit(ip("8.8.8.8"), others, NOW)
    assert isinstance(verdict, Admitted)
    assert verdict.evict is not None


def test_without_anyone_to_give_up_a_newcomer_is_refused() -> None:
    world = World(max_connections=31)
    others = candidates(world, 20)
    assert world.connections.admit(ip("9.9.9.9"), others, NOW) == Refused(
        "connection slots are full"
    )


def test_the_banned_are_refused_unless_the_operator_protects_them() -> None:
    world = World()
    world.bans.ban(Subnet.from_text("9.9.0.0/16"), NOW, NOW // SECOND + 100)
    assert world.connections.admit(ip("9.9.9.9"), [], NOW) == Refused("banned")
    assert world.connections.admit(ip("9.9.9.9"), [], NOW, noban=True) == Admitted()


def test_the_discouraged_get_no_scarce_slot() -> None:
    world = World(max_connections=21)
    world.bans.discourage(ip("9.9.9.9"))
    assert world.connections.admit(ip("9.9.9.9"), [], NOW) == Admitted()
    candidates(world, 9)
    refused = world.connections.admit(ip("9.9.9.9"), [], NOW)
    assert isinstance(refused, Refused)
    assert world.connections.admit(ip("9.9.9.8"), [], NOW) == Admitted()


def test_the_same_netgroup_has_the_same_key_and_each_node_another() -> None:
    world, other = World(seed=1), World(seed=2)
    key = world.connections.keyed_netgroup
    assert key(ip("9.9.1.1")) == key(ip("9.9.2.2"))
    assert key(ip("9.9.1.1")) != key(ip("9.8.1.1"))
    assert key(ip("9.9.1.1")) != other.connections.keyed_netgroup(ip("9.9.1.1"))


# Misbehaviour.


def test_who_misbehaves_is_discouraged_and_goes() -> None:
    world = World()
    peer = world.accept(ip("9.9.9.9"))
    assert world.connections.misbehaved(peer)
    assert world.bans.is_discouraged(ip("9.9.9.9"))
    assert world.connections.misbehaved(PeerId(77))


def test_a_protected_or_manual_peer_stays() -> None:
    world = World(connect=(Target("a", endpoint("10.0.0.1")),))
    world.wait(SECOND)
    inbound = world.accept(ip("9.9.9.9"))
    assert not world.connections.misbehaved(inbound, noban=True)
    assert not world.connections.misbehaved(world.peers[0])
    assert not world.bans.is_discouraged(ip("9.9.9.9"))
    assert not world.bans.is_discouraged(ip("10.0.0.1"))


def test_this_machine_is_not_discouraged_outside_of_a_lab() -> None:
    for lab in (False, True):
        world = World(lab=lab)
        assert world.connections.misbehaved(world.accept(ip("127.0.0.1")))
        assert world.bans.is_discouraged(ip("127.0.0.1")) is lab


def test_our_own_address_is_not_dialled_again() -> None:
    world = World(known=1)
    world.connections.found_own(spread(0))
    assert world.wait(HOUR) == []


def test_an_endpoint_is_an_address_or_a_name() -> None:
    assert address_of(endpoint("1.2.3.4", 5)) == ip("1.2.3.4", 5)
    assert address_of(Endpoint("host.example", 5)) is None
    assert endpoint_of(ip("::1", 5)) == Endpoint("::1", 5)


# Any order of events.


class AnyOrder(RuleBasedStateMachine):
    """Dials that answer late or never, peers that come and go, and an operator at the switch."""

    @initialize(seed=st.integers(0, 100), connect=st.booleans())
    def begin(self, seed: int, connect: bool) -> None:
        targets = tuple(Target(f"t{n}", endpoint(f"10.0.0.{n}")) for n in range(3))
        self.world = World(known=60, seed=seed, connect=targets if connect else None)
        self.pending: list[DialRequest] = []
        self.allowed = {FULL_RELAY: 8, BLOCK_RELAY: 3, FEELER: 1, ADDR_FETCH: 2, MANUAL: 20}

    @rule(seconds=st.integers(0, 400))
    def wait(self, seconds: int) -> None:
        world = self.world
        world.now += seconds * SECOND
        due = world.connections.deadline()
        requests = world.connections.tick(world.now)
        if requests:
            assert due is not None
            assert due <= world.now, "nothing is asked for before the deadline"
        for request in requests:
            assert isinstance(request, DialRequest)
            assert request not in self.pending, "a request is its own name"
            self.pending.append(request)

    @precondition(lambda self: bool(self.pending))
    @rule(number=st.integers(0, 50), answer=st.booleans())
    def answered(self, number: int, answer: bool) -> None:
        request = self.pending.pop(number % len(self.pending))
        if self.world.connections.is_active:
            self.world.open(request, answer)
        else:
            peer = PeerId(1_000_000 + number)
            assert self.world.connections.opened(request, peer, None, self.world.now)
            self.world.connections.closed(peer, self.world.now)

    @precondition(lambda self: bool(self.pending))
    @rule(number=st.integers(0, 50))
    def failed(self, number: int) -> None:
        request = self.pending.pop(number % len(self.pending))
        self.world.connections.dial_failed(request, self.world.now)

    @precondition(lambda self: bool(self.world.peers))
    @rule(number=st.integers(0, 50), downgrade=st.booleans())
    def gone(self, number: int, downgrade: bool) -> None:
        world = self.world
        world.close(world.peers[number % len(world.peers)], downgrade)

    @precondition(lambda self: bool(self.world.peers))
    @rule(number=st.integers(0, 50))
    def misbehaved(self, number: int) -> None:
        world = self.world
        peer = world.peers[number % len(world.peers)]
        if world.connections.misbehaved(peer):
            world.close(peer)

    @rule(number=st.integers(0, 200))
    def inbound(self, number: int) -> None:
        world = self.world
        if world.connections.admit(spread(number), [], world.now) == Admitted():
            world.accept(spread(number))

    @rule(active=st.booleans())
    def switch(self, active: bool) -> None:
        for action in self.world.connections.set_active(active, self.world.now):
            assert isinstance(action, DisconnectPeer)
            self.world.close(action.peer)

    @rule(number=st.integers(0, 10))
    def one_try(self, number: int) -> None:
        where = endpoint(f"10.0.0.{number}")
        request = self.world.connections.dial(where, MANUAL, v2=True)
        if request is not None:
            assert request not in self.pending
            self.pending.append(request)

    @rule(stale=st.booleans(), synced=st.booleans())
    def adapt(self, stale: bool, synced: bool) -> None:
        self.world.connections.adapt(near_tip=True, stale_tip=stale, synced=synced)
        self.allowed[FULL_RELAY] = 9

    @invariant()
    def bounds_hold(self) -> None:
        for kind, count in self.world.count().items():
            assert kind is INBOUND or count <= self.allowed[kind]
        groups = [
            address.group()
            for peer in self.world.peers
            if self.world.connections.kind_of(peer) in (FULL_RELAY, BLOCK_RELAY)
            if (address := self.world.connections.address_of(peer)) is not None
        ]
        assert len(set(groups)) == len(groups)
        assert self.world.count().get(INBOUND, 0) <= self.world.config.max_inbound

    @invariant()
    def a_due_tick_moves_the_deadline_on(self) -> None:
        connections, now = self.world.connections, self.world.now
        due = connections.deadline()
        if due is not None and due <= now:
            self.wait(0)
            due = connections.deadline()
            assert due is None or due > now


AnyOrder.TestCase.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase
