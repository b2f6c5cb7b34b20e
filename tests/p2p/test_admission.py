"""Who is let in, who goes for it, and what becomes of those that misbehave."""

from __future__ import annotations

from dataclasses import replace

from axon.machine import SECOND, PeerId
from axon.p2p.admission import InboundAdmitted, InboundRefused
from axon.p2p.banlist import Subnet
from axon.p2p.eviction import InboundCandidate
from axon.p2p.redial import Target
from axon.primitives.netaddress import AddressNetwork
from tests.p2p.connectionworld import (
    World,
)
from tests.p2p.examples import NOW, endpoint, ip, spread


def candidates(world: World, count: int) -> list[InboundCandidate]:
    return [
        InboundCandidate(
            world.accept(spread(number)),
            NOW + number,
            None,
            0,
            0,
            world.connections.admission.keyed_netgroup(spread(number)),
            AddressNetwork.IPV4,
            relevant_services=False,
            relays_transactions=True,
        )
        for number in range(count)
    ]


def test_inbound_peers_are_let_in_while_there_is_room() -> None:
    world = World()
    assert world.config.max_inbound == 189
    assert world.config.max_inbound_relay == 94
    assert replace(world.config, max_connections=12).max_inbound_relay == 1
    assert replace(world.config, relay_percent=0).max_inbound_relay == 0
    others = candidates(world, 188)
    assert world.connections.admission.admit(ip("9.9.9.9"), others, NOW) == InboundAdmitted()
    world.accept(ip("9.9.9.9"))
    verdict = world.connections.admission.admit(ip("8.8.8.8"), others, NOW)
    assert isinstance(verdict, InboundAdmitted)
    assert verdict.evict is not None


def test_without_anyone_to_give_up_a_newcomer_is_refused() -> None:
    world = World(max_connections=31)
    others = candidates(world, 20)
    assert world.connections.admission.admit(ip("9.9.9.9"), others, NOW) == InboundRefused(
        "connection slots are full"
    )


def test_the_banned_are_refused_unless_the_operator_protects_them() -> None:
    world = World()
    world.bans.ban(Subnet.from_text("9.9.0.0/16"), NOW, NOW // SECOND + 100)
    assert world.connections.admission.admit(ip("9.9.9.9"), [], NOW) == InboundRefused("banned")
    assert (
        world.connections.admission.admit(ip("9.9.9.9"), [], NOW, noban=True) == InboundAdmitted()
    )


def test_the_discouraged_get_no_scarce_slot() -> None:
    world = World(max_connections=21)
    world.bans.discourage(ip("9.9.9.9"))
    assert world.connections.admission.admit(ip("9.9.9.9"), [], NOW) == InboundAdmitted()
    candidates(world, 9)
    refused = world.connections.admission.admit(ip("9.9.9.9"), [], NOW)
    assert isinstance(refused, InboundRefused)
    assert world.connections.admission.admit(ip("9.9.9.8"), [], NOW) == InboundAdmitted()


def test_the_same_netgroup_has_the_same_key_and_each_node_another() -> None:
    world, other = World(seed=1), World(seed=2)
    key = world.connections.admission.keyed_netgroup
    assert key(ip("9.9.1.1")) == key(ip("9.9.2.2"))
    assert key(ip("9.9.1.1")) != key(ip("9.8.1.1"))
    assert key(ip("9.9.1.1")) != other.connections.admission.keyed_netgroup(ip("9.9.1.1"))


def test_who_misbehaves_is_discouraged_and_goes() -> None:
    world = World()
    peer = world.accept(ip("9.9.9.9"))
    assert world.connections.admission.misbehaved(peer)
    assert world.bans.is_discouraged(ip("9.9.9.9"))
    assert world.connections.admission.misbehaved(PeerId(77))


def test_a_manual_peer_stays() -> None:
    world = World(connect=(Target("a", endpoint("10.0.0.1")),))
    world.wait(SECOND)
    assert not world.connections.admission.misbehaved(world.peers[0])
    assert not world.bans.is_discouraged(ip("10.0.0.1"))


def test_this_machine_is_not_discouraged_outside_of_a_lab() -> None:
    for lab in (False, True):
        world = World(lab=lab)
        assert world.connections.admission.misbehaved(world.accept(ip("127.0.0.1")))
        assert world.bans.is_discouraged(ip("127.0.0.1")) is lab
