"""Whom a private broadcast is sent to: nobody who could see where it comes from."""

from __future__ import annotations

from random import Random

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList, Subnet
from axon.p2p.connections import Connections
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.privatedials import IDLE, MAX_PRIVATE
from axon.p2p.requests import DialRequest, endpoint_of
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.wire.messages import Services
from tests.p2p.examples import NOW, spread, told

PRIVATE = ConnectionType.PRIVATE_BROADCAST


def onion(number: int) -> NetAddress:
    return NetAddress(AddressNetwork.TORV3, bytes([number % 256, number // 256, *range(30)]), 8333)


def world(
    *networks: AddressNetwork, trusted: bool = False, known: int = 30, v2_only: bool = False
) -> tuple[Connections, AddrMan, BanList]:
    """A node that dials nobody by itself, and knows peers on IPv4 and on Tor."""
    addrman, bans = AddrMan(Random(1)), BanList()
    for number in range(known):
        addrman.add([told(spread(number))], spread(number), NOW)
        addrman.add([told(onion(number))], onion(number), NOW)
    config = ConnectionsConfig(
        port=8333,
        connect=(),
        reachable=frozenset(networks),
        tor_is_trusted=trusted,
        v2_only_clearnet=v2_only,
    )
    return Connections(config, addrman, bans, Random(3), NOW), addrman, bans


def dialled(connections: Connections, count: int) -> list[DialRequest]:
    """What is dialled until so many are wanted no more, or nobody is there."""
    connections.want_private(count)
    found: list[DialRequest] = []
    now: Instant = NOW
    while (due := connections.deadline()) is not None and due < NOW + 60 * SECOND:
        now = max(now, due)
        found += [r for r in connections.tick(now) if isinstance(r, DialRequest)]
    assert all(request.kind is PRIVATE for request in found)
    return found


def networks_of(requests: list[DialRequest]) -> set[AddressNetwork]:
    return {request.address.network for request in requests if request.address is not None}


BOTH = (AddressNetwork.IPV4, AddressNetwork.TORV3)


def test_only_hidden_networks_at_first() -> None:
    connections, _, _ = world(*BOTH)
    assert networks_of(dialled(connections, 20)) == {AddressNetwork.TORV3}


def test_the_rest_through_tor_once_it_has_proved_to_be_tor() -> None:
    connections, _, _ = world(*BOTH)
    request = DialRequest(endpoint_of(onion(1)), ConnectionType.MANUAL, False, onion(1))
    connections.opened(request, PeerId(1), None, NOW)
    connections.handshake_complete(PeerId(1), NOW)
    assert networks_of(dialled(connections, 20)) == set(BOTH)


def test_a_proxy_for_everything_needs_no_proof() -> None:
    connections, _, _ = world(*BOTH, trusted=True)
    assert networks_of(dialled(connections, 20)) == set(BOTH)


def test_nobody_is_dialled_in_the_clear() -> None:
    connections, _, _ = world(AddressNetwork.IPV4, trusted=True)
    assert dialled(connections, 3) == []
    assert not connections.private.is_possible
    connections.reach(AddressNetwork.TORV3)
    assert connections.private.is_possible
    assert len(dialled(connections, 0)) == 3


def test_so_many_at_a_time_and_no_more() -> None:
    connections, _, _ = world(AddressNetwork.TORV3, known=200)
    assert len(dialled(connections, 3)) == 3
    assert len(dialled(connections, 1_000)) == MAX_PRIVATE - 3


def test_one_that_stands_is_wanted_no_more_and_one_that_failed_still_is() -> None:
    connections, addrman, _ = world(AddressNetwork.TORV3)
    first, second = dialled(connections, 2)
    connections.opened(first, PeerId(1), None, NOW)
    assert connections.private.to_open == 1
    connections.dial_failed(second, NOW)
    assert len(dialled(connections, 0)) == 1
    assert first.address is not None
    before = addrman.record(first.address)
    connections.handshake_complete(PeerId(1), NOW)
    connections.closed(PeerId(1), NOW)
    assert addrman.record(first.address) == before  # Nothing shows that they met.


def test_the_banned_the_connected_and_ourselves_are_passed_over() -> None:
    connections, _, bans = world(AddressNetwork.TORV3, known=3)
    bans.ban(Subnet.of(onion(0)), NOW, 2_000_000_000)
    connections.found_own(onion(1))
    assert [request.address for request in dialled(connections, 3)] == [onion(2)]


def test_without_anybody_the_table_is_looked_at_now_and_then() -> None:
    connections, _, _ = world(AddressNetwork.TORV3, known=0)
    connections.want_private(1)
    assert connections.tick(NOW) == []
    assert connections.deadline() == NOW + IDLE


def test_nobody_is_dialled_while_the_network_is_off() -> None:
    connections, _, _ = world(AddressNetwork.TORV3)
    connections.set_active(False, NOW)
    assert dialled(connections, 3) == []


def test_exits_that_could_read_along_are_dialled_only_if_told_nothing_else() -> None:
    """The addresses that are known offer no encryption (`-v2onlyclearnet`)."""
    for v2_only in (False, True):
        connections, _, _ = world(*BOTH, trusted=True, v2_only=v2_only)
        found = networks_of(dialled(connections, 20))
        assert (AddressNetwork.IPV4 in found) is not v2_only
        assert AddressNetwork.TORV3 in found


def test_a_stranger_that_says_nothing_to_a_key_is_not_dialled_in_the_clear() -> None:
    connections, addrman, _ = world(*BOTH, known=0)
    services = int(Services.NETWORK | Services.WITNESS | Services.P2P_V2)
    addrman.add([told(onion(1), services=services)], onion(1), NOW)
    [request] = dialled(connections, 1)
    assert request.v2
    connections.opened(request, PeerId(0), request.address, NOW)
    connections.closed(PeerId(0), NOW, unheard=True)
    assert dialled(connections, 0) == []
