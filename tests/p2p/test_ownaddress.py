"""Which address of our own a peer is told."""

from __future__ import annotations

from random import Random

from axon.machine import SECOND, Instant
from axon.p2p.ownaddress import OwnAddress
from axon.primitives.netaddress import UNSPECIFIED, AddressNetwork, NetAddress
from tests.p2p.examples import FULL, ip

NOW: Instant = 1_700_000_000 * SECOND
ONION = NetAddress(AddressNetwork.TORV3, bytes(range(32)), 8333)
REMOTE = ip("9.9.9.9")
SEEN = ip("5.6.7.8", 40_000)
IPV4 = frozenset((AddressNetwork.IPV4,))


def told(
    *own: NetAddress,
    remote: NetAddress = REMOTE,
    seen: NetAddress = UNSPECIFIED,
    dialled: bool = True,
    reachable: frozenset[AddressNetwork] = frozenset(AddressNetwork),
    discover: bool = True,
) -> set[NetAddress | None]:
    """All that a peer may be told, over many seeds."""
    found: set[NetAddress | None] = set()
    for seed in range(20):
        made = OwnAddress(Random(seed), reachable, lab=False, discover=discover)
        made.set(own, FULL, 8333)
        entry = made.entry_for(remote.network, seen, dialled, NOW)
        assert entry is None or (entry.time, entry.services) == (NOW // SECOND, FULL)
        found.add(None if entry is None else entry.address)
    return found


def test_the_one_on_the_peers_network_is_told_else_the_best() -> None:
    assert told(ONION, ip("1.2.3.4")) == {ip("1.2.3.4")}
    assert told(ONION, ip("1.2.3.4"), remote=ONION) == {ONION}
    assert told(ip("2a00::1"), ip("1.2.3.4"), remote=ip("8.8.8.8")) == {ip("1.2.3.4")}
    assert told(ip("2a00::1")) == {ip("2a00::1")}


def test_names_on_hidden_networks_stay_there() -> None:
    assert told(ONION) == {None}
    assert told(ip("1.2.3.4"), remote=ONION, seen=SEEN, dialled=False) == {None}


def test_without_discovery_no_peer_says_who_we_are() -> None:
    assert told(seen=SEEN, dialled=False, discover=False) == {None}
    assert told(ip("1.2.3.4"), seen=SEEN, discover=False) == {ip("1.2.3.4")}


def test_what_the_peer_sees_is_told_now_and_then_or_where_we_know_none() -> None:
    assert told(ip("1.2.3.4"), seen=SEEN, dialled=False) == {ip("1.2.3.4"), SEEN}
    assert told(seen=SEEN, dialled=False) == {SEEN}


def test_the_port_of_a_connection_that_we_dialled_is_not_where_we_listen() -> None:
    assert told(seen=SEEN) == {ip("5.6.7.8", 8333)}


def test_what_nobody_can_dial_is_not_told() -> None:
    assert told() == {None}
    assert told(ip("10.0.0.1")) == {None}
    assert told(seen=ip("10.0.0.1")) == {None}
    assert told(seen=ip("2a00::1"), reachable=IPV4) == {None}


def test_without_a_port_nothing_is_told() -> None:
    made = OwnAddress(Random(1), IPV4, lab=False)
    assert not made.is_advertised
    made.set((ip("1.2.3.4"),), FULL, None)
    assert made.entry_for(REMOTE.network, SEEN, True, NOW) is None
