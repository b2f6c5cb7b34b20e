"""Which connections a node makes and keeps: the bounds hold in any order of events."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from axon.machine import MINUTE, SECOND, Endpoint, PeerId
from axon.p2p.actions import DisconnectPeer
from axon.p2p.admission import InboundAdmitted
from axon.p2p.autodial import MAX_HANGING
from axon.p2p.redial import Target
from axon.p2p.requests import DialRequest, ResolveRequest, address_of, endpoint_of
from axon.primitives.netaddress import AddressNetwork, NetAddress
from tests.p2p.connectionworld import (
    ADDR_FETCH,
    BLOCK_RELAY,
    FEELER,
    FULL_RELAY,
    INBOUND,
    MANUAL,
    World,
)
from tests.p2p.examples import NOW, endpoint, ip, spread


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


def test_an_endpoint_is_an_address_or_a_name() -> None:
    assert address_of(endpoint("1.2.3.4", 5)) == ip("1.2.3.4", 5)
    assert address_of(Endpoint("host.example", 5)) is None
    assert endpoint_of(ip("::1", 5)) == Endpoint("::1", 5)


def test_only_who_spoke_with_us_counts_as_seen_when_it_goes() -> None:
    for answers in (False, True):
        world = World(known=1, connect=())
        request = world.connections.dial(endpoint_of(spread(0)), MANUAL, v2=False)
        assert request is not None
        before = world.record(spread(0)).time_s
        peer = world.open(request, answer=answers)
        world.now += 60 * MINUTE
        world.close(peer)
        assert (world.record(spread(0)).time_s > before) == answers


def test_who_has_a_name_only_may_come_and_go() -> None:
    world = World(connect=())
    request = world.connections.dial(Endpoint("host.example", 8333), MANUAL, v2=False)
    assert request is not None
    world.close(world.open(request))
    assert world.count() == {}


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
    @rule(number=st.integers(0, 50), unheard=st.booleans())
    def gone(self, number: int, unheard: bool) -> None:
        world = self.world
        world.close(world.peers[number % len(world.peers)], unheard=unheard)

    @precondition(lambda self: bool(self.world.peers))
    @rule(number=st.integers(0, 50))
    def misbehaved(self, number: int) -> None:
        world = self.world
        peer = world.peers[number % len(world.peers)]
        if world.connections.admission.misbehaved(peer):
            world.close(peer)

    @rule(number=st.integers(0, 200))
    def inbound(self, number: int) -> None:
        world = self.world
        if world.connections.admission.admit(spread(number), [], world.now) == InboundAdmitted():
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
        standing = Counter(map(self.world.kind_of, self.world.peers))
        for kind, count in self.world.count().items():
            hanging = MAX_HANGING if kind in (FULL_RELAY, BLOCK_RELAY) else 0
            if kind is not INBOUND:
                assert standing[kind] <= self.allowed[kind], (kind, standing)
                assert count <= self.allowed[kind] + hanging, (kind, count)
        groups = [
            address.group()
            for peer in self.world.peers
            if self.world.kind_of(peer) in (FULL_RELAY, BLOCK_RELAY)
            if (address := self.world.address_of(peer)) is not None
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


AnyOrder.TestCase.settings = settings(max_examples=25, stateful_step_count=40)
TestAnyOrder = AnyOrder.TestCase


def test_only_peers_that_answered_are_anchors() -> None:
    world = World(connect=())
    for number, answer in ((1, True), (2, False)):
        request = world.connections.dial(endpoint(f"5.{number}.7.8"), BLOCK_RELAY, v2=False)
        assert request is not None
        world.open(request, answer)
    assert world.connections.anchors() == [ip("5.1.7.8")]


def test_with_the_network_off_nobody_is_dialled_again() -> None:
    for off_first in (True, False):
        world = World(connect=())
        request = world.connections.dial(endpoint("5.6.7.8"), MANUAL, v2=True)
        assert request is not None
        peer = world.open(request, answer=False)
        if off_first:
            world.connections.set_active(False, world.now)
        world.close(peer, unheard=True)
        world.connections.set_active(False, world.now)
        world.connections.set_active(True, world.now)
        assert world.connections.tick(world.now) == []


def test_who_says_nothing_to_a_key_is_dialled_once_more_without() -> None:
    world = World(connect=())
    request = world.connections.dial(endpoint("5.6.7.8"), MANUAL, v2=True)
    assert request is not None
    world.close(world.open(request, answer=False), unheard=True)
    [again] = world.wait(0)
    assert (again.endpoint, again.kind, again.v2) == (request.endpoint, MANUAL, False)
    world.close(world.open(again, answer=False), unheard=True)
    assert world.wait(0) == []


def test_where_connections_are_to_be_encrypted_none_is_dialled_without() -> None:
    """On IPv4, IPv6 and under names; Tor encrypts by itself (`-v2onlyclearnet`)."""
    onion = endpoint_of(NetAddress(AddressNetwork.TORV3, bytes(32), 8333))
    for place in (endpoint("5.6.7.8"), endpoint("2a00::1"), Endpoint("host.example", 8333), onion):
        world = World(connect=(), v2_only_clearnet=True)
        request = world.connections.dial(place, MANUAL, v2=False)
        assert request is not None
        assert request.v2 is (place != onion)
        world.connections.dial_failed(request, world.now)
        request = world.connections.dial(place, MANUAL, v2=True)
        assert request is not None
        world.close(world.open(request, answer=False), unheard=True)
        assert [each.v2 for each in world.wait(0)] == ([False] if place == onion else [])


def test_a_peer_that_dialled_us_is_not_dialled() -> None:
    world = World(added=(Target("a", endpoint("5.6.7.8")),))
    peer = world.accept(ip("5.6.7.8"))
    assert world.wait(MINUTE) == []
    assert [node.peer for node in world.connections.added_nodes()] == [peer]
    assert world.connections.dial(endpoint("5.6.7.8"), MANUAL, v2=False) is None


def test_seeds_are_asked_unless_peers_have_answered() -> None:
    for answer in (True, False):
        world = World(known=3, dns_seeds=("seed.example",))
        asked: list[ResolveRequest] = []
        while (due := world.connections.deadline()) is not None and due <= NOW + 12 * SECOND:
            for request in world.connections.tick(due):
                if isinstance(request, DialRequest):
                    world.open(request, answer)
                else:
                    asked.append(request)
        assert len(asked) == (0 if answer else 1)


def test_fc_is_dialled_as_cjdns_where_that_is_reached_and_as_ipv6_elsewhere() -> None:
    place = Endpoint("fc00:1::1", 18444)
    for reachable in (frozenset(AddressNetwork), frozenset((AddressNetwork.IPV6,))):
        world = World(connect=(), reachable=reachable, added=(Target("it", place, v2=False),))
        [request] = world.wait(SECOND)
        assert request.address is not None
        assert (request.address.network is AddressNetwork.CJDNS) is world.config.cjdns
        asked = world.connections.dial(Endpoint("fc00:2::1", 18444), MANUAL, v2=False)
        assert asked is not None
        assert asked.address is not None
        assert asked.address.network is request.address.network
