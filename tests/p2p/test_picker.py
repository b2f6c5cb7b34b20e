"""Which known address is dialled next, and which ones are not."""

from __future__ import annotations

from random import Random

import pytest

from axon.machine import HOUR, MINUTE
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList, Subnet
from axon.p2p.picker import BAD_PORTS, Picker
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.wire.messages import Services
from tests.p2p.examples import NOW, ip, spread, told

ALL = frozenset(AddressNetwork)
NO_GROUPS: frozenset[bytes] = frozenset()


class Scene:
    """A picker and what it picks from."""

    def __init__(self, *addresses: NetAddress, services: int = 1033) -> None:
        self.addrman = AddrMan(Random(1))
        self.bans = BanList()
        self.picker = Picker(self.addrman, self.bans, ALL)
        for address in addresses:
            self.addrman.add([told(address, services=services)], spread(1), NOW)

    def pick(
        self, taken: tuple[NetAddress, ...] = (), groups: frozenset[bytes] = NO_GROUPS
    ) -> NetAddress | None:
        record = self.picker.pick(taken, groups, NOW)
        return None if record is None else record.address

    def feeler(self, *taken: NetAddress) -> NetAddress | None:
        record = self.picker.pick_for_feeler(taken, NOW)
        return None if record is None else record.address


def test_what_is_known_is_picked() -> None:
    assert Scene().pick() is None
    assert Scene(ip("1.2.3.4")).pick() == ip("1.2.3.4")
    assert Scene().feeler() is None
    assert Scene(ip("1.2.3.4")).feeler() == ip("1.2.3.4")


def test_a_host_that_is_connected_is_passed_over_at_any_port() -> None:
    assert Scene(ip("1.2.3.4")).pick(taken=(ip("1.2.3.4", 999),)) is None
    assert Scene(ip("1.2.3.4")).feeler(ip("1.2.3.4", 999)) is None


def test_a_netgroup_that_has_its_peer_is_passed_over_but_not_by_feelers() -> None:
    scene = Scene(ip("1.2.3.4"))
    groups = scene.picker.groups([ip("1.2.9.9")])
    assert scene.pick(groups=groups) is None
    assert scene.feeler(ip("1.2.9.9")) == ip("1.2.3.4")


def test_groups_of_hidden_networks_say_nothing() -> None:
    onion = NetAddress(AddressNetwork.TORV3, bytes(32), 8333)
    assert Scene().picker.groups([onion]) == frozenset()


def test_we_do_not_dial_ourselves() -> None:
    scene = Scene(ip("1.2.3.4"))
    scene.picker.found_own(ip("1.2.3.4"))
    assert scene.pick() is None
    assert scene.feeler() is None


def test_the_banned_and_the_discouraged_are_not_dialled() -> None:
    scene = Scene(ip("1.2.3.4"), ip("5.6.7.8"))
    scene.bans.ban(Subnet.from_text("1.2.3.4"), NOW, NOW)
    scene.bans.discourage(ip("5.6.7.8"))
    assert scene.pick() is None


@pytest.mark.parametrize(
    ("services", "near_tip", "picked", "felt"),
    [
        (Services.NETWORK | Services.WITNESS, False, True, True),
        (Services.NETWORK_LIMITED | Services.WITNESS, False, False, True),
        (Services.NETWORK_LIMITED | Services.WITNESS, True, True, True),
        (Services.WITNESS, True, False, False),
    ],
)
def test_services_decide(services: int, near_tip: bool, picked: bool, felt: bool) -> None:
    scene = Scene(ip("1.2.3.4"), services=services)
    scene.picker.near_tip = near_tip
    assert (scene.pick() is not None) is picked
    assert (scene.feeler() is not None) is felt


def test_who_was_dialled_lately_comes_last() -> None:
    scene = Scene(*(spread(number) for number in range(20)))
    for number in range(19):
        scene.addrman.attempt(spread(number), NOW - 5 * MINUTE)
    assert scene.pick() == spread(19)
    assert scene.pick(taken=(spread(19),)) is not None, "better than nobody"


def test_ports_of_other_services_come_last() -> None:
    scene = Scene(*(spread(number, port=25) for number in range(5)), spread(9))
    assert scene.pick() == spread(9)
    assert Scene(spread(1, port=25)).pick() == spread(1, port=25)


def test_only_reachable_networks_are_dialled() -> None:
    scene = Scene(ip("1.2.3.4"))
    picker = Picker(scene.addrman, scene.bans, frozenset((AddressNetwork.TORV3,)))
    assert picker.pick((), NO_GROUPS, NOW) is None
    assert not picker.is_dialable(ip("1.2.3.4"), (), NO_GROUPS, NOW)


def test_where_connections_are_to_be_encrypted_who_cannot_is_passed_over() -> None:
    """On IPv4 and IPv6; Tor encrypts by itself (`-v2onlyclearnet`)."""
    onion = NetAddress(AddressNetwork.TORV3, bytes(32), 8333)
    for services in (1033, 1033 | Services.P2P_V2):
        scene = Scene(spread(1), services=services)
        picker = Picker(scene.addrman, scene.bans, ALL, v2_only=True)
        record, asked = picker.pick((), NO_GROUPS, NOW), picker.pick_for_feeler((), NOW)
        assert (record is not None) is (asked is not None) is bool(services & Services.P2P_V2)
    scene = Scene(*(spread(number) for number in range(200)), onion)
    picker = Picker(scene.addrman, scene.bans, ALL, v2_only=True)
    found = {picker.pick((), NO_GROUPS, NOW) for _ in range(20)} - {None}
    assert {record.address for record in found if record is not None} <= {onion}


def test_a_feeler_asks_who_stands_in_the_way_of_another() -> None:
    scene = Scene()
    for number in range(14_000):
        address = spread(number)
        scene.addrman.add([told(address)], spread(number // 7), NOW)
        scene.addrman.good(address, NOW - HOUR)
        if scene.addrman.collision_to_test() is not None:
            break
    contested = scene.feeler()
    assert contested is not None
    record = scene.addrman.record(contested)
    assert record is not None
    assert record.tried
    other = scene.feeler(contested)
    assert other == address, "the only new one"


def test_no_bad_port_is_lost_or_mistyped() -> None:
    assert (len(BAD_PORTS), sum(BAD_PORTS)) == (82, 111_421)
