"""Whom a node dials of its own accord, how fast, and when it rests."""

from __future__ import annotations

from collections import Counter

from axon.machine import DAY, HOUR, MINUTE, SECOND, Endpoint, Instant, PeerId
from axon.p2p.actions import DisconnectPeer
from axon.p2p.autodial import DIAL_INTERVAL, MAX_HANGING, MAX_IDLE, MAX_PAUSE, MAX_REFUSED_PAUSE
from axon.p2p.connectionsconfig import MAX_BLOCK_RELAY, MAX_FULL_RELAY
from axon.p2p.redial import Target
from axon.p2p.requests import DialRequest, endpoint_of
from axon.primitives.netaddress import NetAddress
from axon.wire.messages import Services
from tests.p2p.connectionworld import (
    BLOCK_RELAY,
    FEELER,
    FULL_RELAY,
    World,
)
from tests.p2p.examples import FULL, NOW, ip, spread, told


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
        address, kind = world.address_of(peer), world.kind_of(peer)
        assert address is not None
        kinds[address] = kind
        world.close(peer)
    for address, kind in kinds.items():
        expected = NOW if kind is BLOCK_RELAY else world.now
        assert world.record(address).time_s == expected // SECOND


def unanswered(world: World, time: Instant) -> list[DialRequest]:
    """Whom it dials while nobody answers."""
    until, dialled = world.now + time, list[DialRequest]()
    while (due := world.connections.deadline()) is not None and due <= until:
        world.now = max(world.now, due)
        found = world.connections.tick(world.now)
        dialled += [each for each in found if isinstance(each, DialRequest)]
    world.now = until
    return dialled


def test_a_dial_that_hangs_keeps_no_other_from_its_turn() -> None:
    world = World(known=200)
    assert len(unanswered(world, 8 * SECOND)) == 17  # One each half second.
    assert len(unanswered(world, MINUTE)) == 1
    assert MAX_FULL_RELAY + MAX_BLOCK_RELAY + MAX_HANGING == 18
    proxied = World(known=200, is_proxied=True)
    assert len(unanswered(proxied, MINUTE)) == MAX_FULL_RELAY + MAX_BLOCK_RELAY


def test_who_answers_late_has_a_place_only_if_there_is_one() -> None:
    world = World(known=200)
    slow = [each for each in unanswered(world, 8 * SECOND) if each.kind is FULL_RELAY]
    for request in slow[-MAX_FULL_RELAY:]:
        world.open(request)
    late = PeerId(99)
    (action,) = world.connections.opened(slow[0], late, None, world.now)
    assert isinstance(action, DisconnectPeer)
    assert action.peer == late
    world.connections.closed(late, world.now)
    world.close(world.peers[0])
    assert world.connections.opened(slow[1], late, None, world.now) == []


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


def crowded(known: int, seed: int = 1) -> World:
    """A world in which all who are known have been full for an hour."""
    world = World(known, seed)
    world.full = {endpoint_of(spread(number)) for number in range(known)}
    world.wait(HOUR)
    return world


def test_at_those_who_are_full_it_knocks_ever_more_rarely() -> None:
    world = crowded(known=1)
    assert len(world.requests) < 10 + 1.2 * (HOUR / MAX_REFUSED_PAUSE)
    assert len(world.wait(HOUR)) > 40


def test_those_who_were_turned_away_together_do_not_return_together() -> None:
    moments = [at for seed in range(10) for at, _ in crowded(known=1, seed=seed).requests[-10:]]
    assert len(set(moments)) == len(moments)


def test_when_full_peers_have_room_again_they_are_found() -> None:
    world = crowded(known=5)
    world.full.clear()
    world.wait(2 * MAX_REFUSED_PAUSE)
    assert len(world.peers) == 5


def test_a_new_address_is_dialled_at_once_by_whom_others_turned_away() -> None:
    world = crowded(known=5)
    world.addrman.add([told(spread(100))], spread(2), world.now)
    assert spread(100) in [request.address for request in world.wait(2 * DIAL_INTERVAL)]


def test_who_lets_us_in_for_a_moment_only_is_not_dialled_again_at_once() -> None:
    world = World(known=1)
    for _ in range(100):
        world.wait(DIAL_INTERVAL)
        for peer in list(world.peers):
            world.close(peer)
    assert len(world.requests) < 5 + 1.4 * (100 * DIAL_INTERVAL / MAX_PAUSE)


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
    world.close(peer, unheard=True)
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


def test_our_own_address_is_not_dialled_again() -> None:
    world = World(known=1)
    world.connections.found_own(spread(0))
    assert world.wait(HOUR) == []


def automatic(world: World) -> list[NetAddress | None]:
    """Whom the next hour brings a lasting connection of our own choice to."""
    kinds = (FULL_RELAY, BLOCK_RELAY)
    return [request.address for request in world.wait(HOUR) if request.kind in kinds]


def test_the_netgroup_of_a_peer_that_the_operator_named_is_taken() -> None:
    world = World(added=(Target("a", Endpoint("5.6.7.8", 8333)),))
    world.addrman.add([told(ip("5.6.9.9"))], spread(2), NOW)
    assert automatic(world) == []


def test_the_netgroup_of_a_block_relay_peer_is_taken() -> None:
    world = World(anchors=(ip("5.6.7.8"),))
    world.addrman.add([told(ip("5.6.9.9"))], spread(2), NOW)
    assert automatic(world) == [ip("5.6.7.8")]


def test_a_banned_anchor_is_not_dialled() -> None:
    world = World(anchors=(ip("5.6.7.8"),))
    world.bans.discourage(ip("5.6.7.8"))
    assert automatic(world) == []


def test_one_feeler_is_out_at_a_time() -> None:
    world = World(known=200)
    world.wait(MINUTE)
    feelers = 0
    while world.now < NOW + HOUR:
        due = world.connections.deadline()
        world.now = max(world.now, due) if due is not None else NOW + HOUR
        for request in world.connections.tick(world.now):
            assert isinstance(request, DialRequest)
            feelers += request.kind is FEELER  # Nobody answers it.
    assert feelers == 1


def test_without_a_line_nothing_counts_against_those_who_are_dialled() -> None:
    world = World(known=200)
    for request in unanswered(world, MINUTE):
        assert request.address is not None
        assert world.record(request.address).attempts == 0
        world.connections.dial_failed(request, world.now)


def test_a_failure_counts_only_while_others_are_connected() -> None:
    for alive, attempts in ((0, 0), (1, 0), (2, 1)):
        world = World(added=tuple(Target(str(n), Endpoint(f"5.{n}.7.8", 1)) for n in range(alive)))
        world.wait(SECOND)
        world.addrman.add([told(spread(1))], spread(2), NOW)
        world.dead = {endpoint_of(spread(1))}
        world.wait(SECOND)
        assert world.record(spread(1)).attempts == attempts


def test_before_a_dial_it_is_decided_whose_a_contested_place_is() -> None:
    world = World(known=400)
    world.dead = {endpoint_of(spread(number)) for number in range(400)}
    table, owners = world.addrman, dict[int, NetAddress]()
    for address, entry in table._entries.items():
        old = owners.setdefault(table._placement.tried_place(entry), address)
        if old != address:
            break
    table.good(old, NOW - DAY)
    table.good(address, NOW - HOUR)
    table.attempt(old, NOW - 2 * MINUTE)  # In vain.
    assert not world.record(address).tried
    world.wait(0)
    assert world.record(address).tried


def test_a_network_without_any_peer_gets_one_more() -> None:
    world = World(known=100)
    world.wait(10 * SECOND)
    far = NetAddress.from_text("2a00:1::7", 8333)
    world.addrman.add([told(far)], far, NOW)
    world.connections.deadline()
    dialled = [each for each in world.wait(HOUR) if each.kind is FULL_RELAY]
    assert [each.address for each in dialled] == [far]
    assert world.count()[FULL_RELAY] == 9


def test_a_network_whose_first_peers_are_only_being_dialled_gets_no_more() -> None:
    connections = World(known=100).connections
    now, dialled = NOW, list[DialRequest]()
    for _ in range(3_600):
        now += SECOND
        found = [each for each in connections.tick(now) if isinstance(each, DialRequest)]
        dialled += [each for each in found if each.kind is FULL_RELAY]
    assert len(dialled) == MAX_FULL_RELAY + MAX_HANGING


def test_with_few_connections_no_network_gets_one_more() -> None:
    world = World(known=100, max_connections=7)
    world.wait(10 * SECOND)
    far = NetAddress.from_text("2a00:1::7", 8333)
    world.addrman.add([told(far)], far, NOW)
    world.wait(HOUR)
    assert world.count() == {FULL_RELAY: 7}
