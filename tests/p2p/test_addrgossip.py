"""How addresses travel: to whom, how many, how fast, and what nobody may learn or spread."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.machine import DAY, HOUR, MINUTE, SECOND, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.addranswers import CACHE_SPREAD, CACHE_TIME
from axon.p2p.addrgossip import FETCH_LIMIT, AddrGossip, AddrStats
from axon.p2p.addrlimit import MAX_TOKENS
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList, Subnet
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.faults import PeerDone, PeerSilent
from axon.primitives.netaddress import AddressNetwork, NetAddress, TimedAddress
from axon.wire.messages import Addr, AddrV2, GetAddr, Services
from tests.p2p.examples import FULL, NOW, ip, negotiated, spread, told
from tests.strategies import timed_addresses

ONION = NetAddress(AddressNetwork.TORV3, bytes(range(32)), 8333)


class Scene:
    """A gossiping node and its peers, numbered from 0."""

    def __init__(self, known: int = 0, reachable: frozenset[AddressNetwork] | None = None) -> None:
        self.addrman = AddrMan(Random(1))
        self.addrman.add([told(spread(n)) for n in range(known)], ip("250.1.1.1"), NOW)
        self.bans = BanList()
        networks = frozenset(AddressNetwork) if reachable is None else reachable
        self.gossip = AddrGossip(self.addrman, self.bans, Random(2), networks)
        self.now = NOW
        self._next = 0

    def peer(
        self,
        kind: ConnectionType = ConnectionType.INBOUND,
        addrv2: bool = True,
        exempt: bool = False,
        our_address: NetAddress | None = None,
        remote: NetAddress | None = None,
    ) -> PeerId:
        peer = PeerId(self._next)
        self._next += 1
        agreed = negotiated(addrv2) if our_address is None else negotiated(our_address=our_address)
        where = ip(f"100.{peer}.1.1") if remote is None else remote
        self.said = self.gossip.opened(peer, kind, where, agreed, self.now, exempt)
        return peer

    def tell(self, peer: PeerId, *addresses: TimedAddress) -> None:
        assert self.gossip.received(peer, AddrV2(addresses), self.now) == []

    def join_gossip(self, peer: PeerId) -> None:
        """Let an inbound peer show that it takes part in gossip."""
        self.tell(peer, told(spread(16_000), self.now - HOUR))

    def wait(self, time: Instant) -> list[Action]:
        """Let time pass; what is said meanwhile, to whom."""
        said: list[Action] = []
        until = self.now + time
        while (due := self.gossip.deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            said += self.gossip.tick(self.now)
            assert (self.gossip.deadline() or until + 1) > self.now
        self.now = until
        return said


def told_to(actions: list[Action], peer: PeerId) -> list[NetAddress]:
    """The addresses that a peer was told, in order."""
    return [
        entry.address
        for action in actions
        if isinstance(action, Send) and action.peer == peer
        if isinstance(action.message, Addr | AddrV2)
        for entry in action.message.addresses
    ]


@pytest.mark.parametrize("kind", list(ConnectionType))
def test_whom_we_dial_for_addresses_is_asked_for_them(kind: ConnectionType) -> None:
    scene = Scene()
    peer = scene.peer(kind)
    asked = kind in (ConnectionType.FULL_RELAY, ConnectionType.MANUAL, ConnectionType.ADDR_FETCH)
    assert scene.said == ([Send(peer, GetAddr())] if asked else [])


def test_what_is_told_is_learnt_with_a_penalty_and_the_teller_as_source() -> None:
    scene = Scene()
    scene.tell(scene.peer(), told(spread(1)))
    record = scene.addrman.record(spread(1))
    assert record is not None
    assert record.source == ip("100.0.1.1")
    assert record.time_s == (NOW - 2 * HOUR) // SECOND


def test_block_relay_connections_take_no_part() -> None:
    scene = Scene(known=100)
    scene.gossip.advertise([ip("1.1.1.1")], FULL, 8333, NOW)
    peer = scene.peer(ConnectionType.BLOCK_RELAY)
    scene.tell(peer, told(spread(200)))
    scene.gossip.received(peer, GetAddr(), NOW)
    assert scene.wait(DAY) == []
    assert spread(200) not in scene.addrman
    assert scene.gossip.stats(peer) == AddrStats(0, 0, False)


@pytest.mark.parametrize(
    ("time", "kept"),
    [
        (NOW // SECOND - 60, NOW // SECOND - 60),
        (NOW // SECOND + 599, NOW // SECOND + 599),
        (NOW // SECOND + 601, (NOW - 5 * DAY) // SECOND),
        (100_000_000, (NOW - 5 * DAY) // SECOND),
        (0, (NOW - 5 * DAY) // SECOND),
    ],
)
def test_times_that_make_no_sense_are_put_right(time: int, kept: int) -> None:
    scene = Scene()
    scene.tell(scene.peer(), TimedAddress(time, FULL, spread(1)))
    record = scene.addrman.record(spread(1))
    assert record is not None
    assert record.time_s == kept - 7200


def test_nodes_without_blocks_are_not_kept() -> None:
    scene = Scene()
    scene.tell(scene.peer(), told(spread(1), services=int(Services.BLOOM)))
    assert len(scene.addrman) == 0


def test_the_banned_and_the_discouraged_are_neither_kept_nor_counted() -> None:
    scene = Scene()
    scene.bans.ban(Subnet.from_text("1.0.0.0/8"), NOW, NOW // SECOND + 100)
    scene.bans.discourage(ip("2.2.2.2"))
    peer = scene.peer(exempt=True)
    scene.tell(peer, told(ip("1.1.1.1")), told(ip("2.2.2.2")), told(ip("3.3.3.3")))
    assert [ip(f"{n}.{n}.{n}.{n}") in scene.addrman for n in (1, 2, 3)] == [False, False, True]
    assert scene.gossip.stats(peer).processed == 1


def test_unreachable_networks_are_passed_on_but_not_kept() -> None:
    scene = Scene(reachable=frozenset((AddressNetwork.IPV4,)))
    origin, other = scene.peer(), scene.peer()
    scene.join_gossip(other)
    scene.tell(origin, told(ONION))
    assert ONION not in scene.addrman
    assert told_to(scene.wait(10 * MINUTE), other) == [ONION]


# The rate limit.


def test_a_stranger_has_one_token_and_one_more_each_ten_seconds() -> None:
    scene = Scene()
    peer = scene.peer()
    scene.tell(peer, *(told(spread(n)) for n in range(5)))
    assert scene.gossip.stats(peer) == AddrStats(1, 4, True)
    scene.now += 25 * SECOND
    scene.tell(peer, *(told(spread(n)) for n in range(5, 10)))
    assert scene.gossip.stats(peer) == AddrStats(3, 7, True)


def test_tokens_saved_up_are_bounded() -> None:
    scene = Scene()
    peer = scene.peer()
    scene.now += 365 * DAY
    for start in (0, 1000):
        scene.tell(peer, *(told(spread(n), scene.now) for n in range(start, start + 1000)))
    assert scene.gossip.stats(peer) == AddrStats(MAX_TOKENS, 1000, True)


def test_the_answer_to_our_getaddr_is_not_limited() -> None:
    scene = Scene()
    peer = scene.peer(ConnectionType.FULL_RELAY)
    scene.tell(peer, *(told(spread(n)) for n in range(1000)))
    assert scene.gossip.stats(peer) == AddrStats(1000, 0, True)


def test_a_peer_with_the_addr_permission_is_not_limited() -> None:
    scene = Scene()
    peer = scene.peer(exempt=True)
    scene.tell(peer, *(told(spread(n)) for n in range(1000)))
    assert scene.gossip.stats(peer) == AddrStats(1000, 0, True)


# Passing on.


def relayed(scene: Scene, *addresses: TimedAddress) -> dict[PeerId, list[NetAddress]]:
    """Tell addresses from one peer; who of ten others hears which."""
    others = [scene.peer() for _ in range(10)]
    for other in others:
        scene.join_gossip(other)
    origin = scene.peer(exempt=True)
    scene.tell(origin, *addresses)
    said = scene.wait(10 * MINUTE)
    assert told_to(said, origin) == []
    return {other: heard for other in others if (heard := told_to(said, other))}


def test_a_fresh_address_goes_to_two_others() -> None:
    heard = relayed(Scene(), told(spread(1)))
    assert list(heard.values()) == [[spread(1)]] * 2


def test_repeating_an_address_spreads_it_no_further() -> None:
    scene = Scene()
    first = relayed(scene, told(spread(1)))
    again = scene.peer()
    scene.tell(again, told(spread(1), scene.now))
    assert scene.wait(10 * MINUTE) == []
    assert len(first) == 2


def test_over_the_days_it_goes_to_others() -> None:
    scene = Scene()
    origin, others = scene.peer(exempt=True), [scene.peer() for _ in range(20)]
    for other in others:
        scene.join_gossip(other)
    hearers: dict[PeerId, None] = {}
    for _ in range(8):
        scene.tell(origin, told(spread(1), scene.now))
        said = scene.wait(DAY)
        hearers.update((other, None) for other in others if told_to(said, other))
    assert len(hearers) > 4


@pytest.mark.parametrize(
    "addresses",
    [
        [told(spread(1), NOW - 11 * MINUTE)],
        [told(ip("10.0.0.1"))],
        [told(spread(n)) for n in range(11)],
    ],
    ids=["old", "unroutable", "an answer to getaddr"],
)
def test_what_is_not_news_is_not_passed_on(addresses: list[TimedAddress]) -> None:
    assert relayed(Scene(), *addresses) == {}


def test_the_answer_to_our_getaddr_is_not_passed_on() -> None:
    scene = Scene()
    other, asked = scene.peer(), scene.peer(ConnectionType.FULL_RELAY)
    scene.join_gossip(other)
    scene.tell(asked, *(told(spread(n)) for n in range(5)))
    assert scene.wait(HOUR) == []
    # It was short, so it was all there is: what comes from now on is news.
    scene.tell(asked, told(spread(9), scene.now))
    assert told_to(scene.wait(HOUR), other) == [spread(9)]


def test_an_inbound_peer_that_never_spoke_of_addresses_hears_of_none() -> None:
    scene = Scene()
    silent, origin = scene.peer(), scene.peer()
    scene.tell(origin, told(spread(1)))
    assert told_to(scene.wait(HOUR), silent) == []


def test_each_hears_in_the_form_it_asked_for() -> None:
    scene = Scene()
    old, new, origin = scene.peer(addrv2=False), scene.peer(), scene.peer(exempt=True)
    scene.join_gossip(old)
    scene.join_gossip(new)
    scene.tell(origin, told(ONION), told(spread(1)))
    said = scene.wait(HOUR)
    assert told_to(said, old) == [spread(1)]
    assert sorted(map(str, told_to(said, new))) == sorted(map(str, (ONION, spread(1))))
    kinds = {s.peer: type(s.message) for s in said if isinstance(s, Send)}
    assert kinds == {old: Addr, new: AddrV2}


def test_what_a_peer_told_us_is_not_told_back() -> None:
    scene = Scene()
    peer, origin = scene.peer(), scene.peer(exempt=True)
    scene.tell(peer, told(spread(1), NOW - HOUR))
    scene.tell(origin, told(spread(1)))
    assert told_to(scene.wait(HOUR), peer) == []


def test_what_is_sent_waits_for_a_random_moment() -> None:
    delays = []
    for seed in range(40):
        scene = Scene()
        scene.gossip._rng.seed(seed)
        other, origin = scene.peer(), scene.peer(exempt=True)
        scene.join_gossip(other)
        scene.tell(origin, told(spread(1)))
        scene.wait(HOUR)  # The first goes out at once; from then on a clock runs.
        scene.tell(origin, told(spread(2), scene.now))
        due = scene.gossip.deadline()
        assert due is not None
        delays.append((due - scene.now) / SECOND)
    assert len(set(delays)) == 40
    assert 20 < sum(delays) / 40 < 42


# getaddr.


def answer(scene: Scene, peer: PeerId) -> list[NetAddress]:
    scene.gossip.received(peer, GetAddr(), scene.now)
    return told_to(scene.wait(SECOND), peer)


def test_an_inbound_peer_gets_a_share_of_what_we_know() -> None:
    scene = Scene(known=1000)
    assert len(answer(scene, scene.peer())) == len(scene.addrman) * 23 // 100


def test_nobody_gets_more_than_a_thousand_in_one_message() -> None:
    scene = Scene()
    for source in range(10):
        addresses = [told(spread(source * 1000 + n)) for n in range(1000)]
        scene.addrman.add(addresses, ip(f"{60 + source}.1.1.1"), NOW)
    assert len(scene.addrman) > 5000
    assert len(answer(scene, scene.peer())) == 1000


def test_it_is_answered_once() -> None:
    scene = Scene(known=1000)
    peer = scene.peer()
    assert answer(scene, peer)
    assert answer(scene, peer) == []


def test_it_is_not_answered_to_whom_we_dialled() -> None:
    scene = Scene(known=1000)
    assert answer(scene, scene.peer(ConnectionType.FULL_RELAY)) == []


def test_all_get_the_same_answer_for_a_day() -> None:
    scene = Scene(known=1000)
    first = set(answer(scene, scene.peer()))
    scene.now += CACHE_TIME - MINUTE
    assert set(answer(scene, scene.peer())) == first
    scene.now += CACHE_SPREAD + HOUR
    assert set(answer(scene, scene.peer())) != first


def test_who_knew_nobody_when_first_asked_tells_those_who_come_later() -> None:
    scene = Scene()
    assert answer(scene, scene.peer()) == []
    for number in range(100):
        newcomer = scene.peer()
        scene.tell(newcomer, told(spread(number), scene.now))
    assert len(answer(scene, scene.peer())) >= 23 // 2


def test_each_network_has_its_own_answer() -> None:
    scene = Scene(known=1000)
    first = set(answer(scene, scene.peer()))
    assert set(answer(scene, scene.peer(remote=ONION))) != first


def test_a_peer_with_the_addr_permission_gets_a_fresh_one() -> None:
    scene = Scene(known=1000)
    samples = [set(answer(scene, scene.peer(exempt=True))) for _ in range(2)]
    assert samples[0] != samples[1]


def test_the_banned_are_not_passed_on() -> None:
    scene = Scene(known=100)
    scene.bans.ban(Subnet.from_text("0.0.0.0/0"), NOW, NOW // SECOND + 100)
    assert answer(scene, scene.peer()) == []


# Our own address.


def test_our_own_address_is_told_at_once_in_a_message_of_its_own_and_again_each_day() -> None:
    scene = Scene()
    scene.gossip.advertise([ip("1.1.1.1")], FULL, 8333, NOW)
    peer = scene.peer(ConnectionType.FULL_RELAY)
    own = TimedAddress(NOW // SECOND, FULL, ip("1.1.1.1"))
    assert scene.wait(0) == [Send(peer, AddrV2((own,)))]
    assert 4 < len(scene.wait(10 * DAY)) < 20


def test_nothing_is_told_of_ourselves_before_we_are_in_sync() -> None:
    scene = Scene()
    scene.gossip.advertise([ip("1.1.1.1")], FULL, None, NOW)
    peer = scene.peer(ConnectionType.FULL_RELAY)
    assert scene.wait(DAY) == []
    scene.gossip.advertise([ip("1.1.1.1")], FULL, 8333, scene.now)
    assert told_to(scene.wait(0), peer) == [ip("1.1.1.1")]


def test_a_peer_on_another_network_is_told_the_address_there() -> None:
    scene = Scene()
    scene.gossip.advertise([ip("1.1.1.1"), ip("2a00:1450::1")], FULL, 8333, NOW)
    peer = scene.peer(ConnectionType.FULL_RELAY, remote=ip("2a00:1450::2"))
    assert told_to(scene.wait(0), peer) == [ip("2a00:1450::1")]


def test_without_an_address_of_our_own_the_peers_view_is_told() -> None:
    scene = Scene()
    scene.gossip.advertise([], FULL, 8333, NOW)
    dialled = scene.peer(ConnectionType.FULL_RELAY, our_address=ip("8.8.4.4", 54321))
    inbound = scene.peer(our_address=ip("8.8.4.4", 18333))
    blind = scene.peer(ConnectionType.FULL_RELAY)
    scene.join_gossip(inbound)
    said = scene.wait(0)
    assert told_to(said, dialled) == [ip("8.8.4.4", 8333)]
    assert told_to(said, inbound) == [ip("8.8.4.4", 18333)]
    assert told_to(said, blind) == []


def test_an_unroutable_address_of_our_own_is_not_told() -> None:
    scene = Scene()
    scene.gossip.advertise([ip("127.0.0.1")], FULL, 8333, NOW)
    scene.peer(ConnectionType.FULL_RELAY)
    assert scene.wait(DAY) == []


# Connections for addresses only.


def test_an_addr_fetch_connection_ends_with_its_answer() -> None:
    scene = Scene()
    peer = scene.peer(ConnectionType.ADDR_FETCH)
    scene.tell(peer, told(ip("100.0.1.1")))
    with pytest.raises(PeerDone):
        scene.tell(peer, told(spread(1)), told(spread(2)))
    assert spread(2) in scene.addrman


def test_an_addr_fetch_connection_does_not_wait_for_ever() -> None:
    scene = Scene()
    peer = scene.peer(ConnectionType.ADDR_FETCH)
    assert scene.wait(FETCH_LIMIT - 1) == []
    (drop,) = scene.wait(1)
    assert isinstance(drop, DisconnectPeer)
    assert drop.peer == peer
    assert isinstance(drop.fault, PeerSilent)


def test_who_is_gone_hears_nothing() -> None:
    scene = Scene(known=1000)
    peer = scene.peer()
    scene.gossip.received(peer, GetAddr(), NOW)
    scene.gossip.closed(peer, NOW)
    assert scene.wait(DAY) == []
    assert scene.gossip.received(peer, GetAddr(), scene.now) == []
    assert scene.gossip.stats(peer) == AddrStats(0, 0, False)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.one_of(
                st.just(GetAddr()),
                st.lists(timed_addresses(), max_size=30).map(lambda a: AddrV2(tuple(a))),
            ),
            st.integers(0, 100),
        ),
        max_size=30,
    )
)
def test_any_gossip_keeps_the_bounds(
    steps: list[tuple[int, GetAddr | AddrV2, int]],
) -> None:
    scene = Scene(known=50)
    scene.gossip.advertise([ip("1.1.1.1")], FULL, 8333, NOW)
    kinds = [ConnectionType.INBOUND] * 3 + [
        ConnectionType.FULL_RELAY,
        ConnectionType.BLOCK_RELAY,
        ConnectionType.MANUAL,
    ]
    peers = [scene.peer(kind, addrv2=number % 2 == 0) for number, kind in enumerate(kinds)]
    for number, message, seconds in steps:
        scene.gossip.received(peers[number], message, scene.now)
        for action in scene.wait(seconds * SECOND):
            assert isinstance(action, Send)
            assert isinstance(action.message, Addr | AddrV2)
            assert 1 <= len(action.message.addresses) <= 1000
            addresses = [entry.address for entry in action.message.addresses]
            assert len(set(addresses)) == len(addresses)
            assert isinstance(action.message, AddrV2) == (action.peer % 2 == 0)
            assert kinds[action.peer] is not ConnectionType.BLOCK_RELAY
            assert action.message.decode(action.message.encode()) == action.message


def test_a_second_question_brings_nothing_even_where_answers_differ() -> None:
    scene = Scene(known=1000)
    peer = scene.peer(exempt=True)
    assert answer(scene, peer)
    assert answer(scene, peer) == []


def test_an_address_on_a_network_beyond_our_reach_goes_to_one_or_two() -> None:
    counts = set()
    for number in range(8):
        scene = Scene(reachable=frozenset((AddressNetwork.IPV4,)))
        origin, *others = (scene.peer() for _ in range(6))
        for other in others:
            scene.join_gossip(other)
        onion = NetAddress(AddressNetwork.TORV3, bytes((number,)) * 32, 8333)
        scene.tell(origin, told(onion))
        said = scene.wait(10 * MINUTE)
        counts.add(sum(onion in told_to(said, other) for other in others))
    assert counts == {1, 2}


def test_what_waits_for_a_peer_is_bounded() -> None:
    scene = Scene()
    peer, teller = scene.peer(), scene.peer(exempt=True)
    scene.join_gossip(peer)
    for number in range(1500):
        scene.tell(teller, told(spread(number), scene.now))
    assert len(scene.gossip._peers[peer].queue) == 1000
