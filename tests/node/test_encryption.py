"""Connections of a node on the encrypted transport (BIP 324), and when it speaks the first one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.machine import MINUTE, SECOND, Closed, Dial, Disconnect, Endpoint, PeerId, Received
from axon.node.commands import SetNetworkActive
from axon.node.costs import KEYS_NS
from axon.node.encryptionfacts import DialledWithout, EncryptionFailed, KeySent, KeysMissed
from axon.node.facts import PeerMisbehaved
from axon.node.peerinfo import peer_info
from axon.node.reception import STRANGER_NS
from axon.node.session import OTHER
from axon.node.settings import NodeSettings
from axon.p2p.banlist import Subnet
from axon.p2p.redial import Target
from axon.primitives.network import MAINNET, REGTEST
from axon.swarm.sim.simulation import SimNetwork
from axon.wire.messages import Ping, Pong, SendAddrV2, Services, Verack, Version, WtxidRelay
from axon.wire.v1 import V1Transport
from axon.wire.v2 import MAX_GARBAGE_SIZE
from tests.node.rig import THEIR_END, Rig, dialling, listening, their_version
from tests.v2peer import HandMadePeer

ONION = Endpoint("10.0.0.1", REGTEST.port)
"""The rig's own end."""


def encrypting(settings: NodeSettings, **changes: object) -> NodeSettings:
    """The same with the encrypted transport."""
    connections = replace(settings.connections, v2=True, **changes)  # type: ignore[arg-type]
    if connections.connect:
        targets = tuple([Target(each.name, each.endpoint) for each in connections.connect])
        connections = replace(connections, connect=targets)
    return replace(settings, connections=connections)


def called(rig: Rig, garbage: bytes = b"") -> tuple[PeerId, HandMadePeer]:
    """A peer on the encrypted transport has dialled a node, and both have keys."""
    hand = HandMadePeer(REGTEST.magic, initiating=True, garbage=garbage)
    peer = rig.open(ear=hand)
    rig.feed(Received(peer, hand.hello))
    rig.tick()
    rig.feed(Received(peer, hand.proof()))
    return peer, hand


def sent_bytes(rig: Rig, peer: PeerId) -> int:
    """So much went to a peer."""
    return rig.node.sessions[peer].sent.bytes


def test_whoever_dials_us_may_encrypt() -> None:
    rig = Rig(settings=encrypting(listening()))
    peer, hand = called(rig, garbage=b"noise" * 100)
    session = rig.node.sessions[peer]
    info = peer_info(rig.node, session, rig.now)
    assert (info.transport, info.session_id) == ("v2", hand.session_id)
    assert rig.sent_to(peer) == []  # Who was dialled waits.
    rig.feed(Received(peer, hand.say(their_version(), WtxidRelay(), SendAddrV2(), Verack())))
    rig.wait(SECOND)
    assert rig.commands(peer)[:1] == ["version"]
    rig.feed(Received(peer, hand.say(Ping(9))))
    assert rig.told(peer, Pong) == [Pong(9)]
    assert session.received.by_command["version"] == len(their_version().encode()) + 13 + 20
    assert session.sent.by_command["pong"] == 8 + 1 + 20


def test_a_message_before_the_version_is_left_out() -> None:
    rig = Rig(settings=encrypting(listening()))
    peer, hand = called(rig)
    rig.feed(Received(peer, hand.say(Ping(3))))
    rig.feed(Received(peer, hand.say(their_version(), Ping(4), Verack(), Ping(5))))
    assert rig.told(peer, Pong) == [Pong(5)]


def test_whoever_dials_us_may_speak_the_first_transport() -> None:
    rig = Rig(settings=encrypting(listening()))
    peer = rig.open()
    session = rig.node.sessions[peer]
    assert session.transport.name == "detecting"
    hello = rig.frame("version", their_version().encode())
    for byte in hello:
        rig.feed(Received(peer, bytes((byte,))))
    assert session.transport.name == "v1"
    assert session.transport.session_id == b""
    rig.send(peer, WtxidRelay(), SendAddrV2(), Verack())
    rig.wait(SECOND)
    assert rig.is_alive(peer)


def test_our_services_say_so() -> None:
    for v2 in (False, True):
        settings = encrypting(listening()) if v2 else listening()
        rig = Rig(settings=settings)
        peer = rig.open()
        rig.send(peer, their_version())
        (version,) = rig.told(peer, Version)
        assert bool(version.services & Services.P2P_V2) is v2


def test_without_it_a_key_is_no_message() -> None:
    rig = Rig(settings=listening())
    peer = rig.open()
    rig.feed(Received(peer, HandMadePeer(REGTEST.magic, initiating=True).hello))
    assert "magic" in (rig.disconnected(peer) or "")


def test_a_stranger_of_another_network_is_told_apart() -> None:
    rig = Rig(settings=encrypting(listening()))
    peer = rig.open(ear=HandMadePeer(REGTEST.magic, initiating=True))
    hello = V1Transport(MAINNET.magic).encode("version", their_version().encode())
    rig.feed(Received(peer, hello))
    rig.tick()
    assert rig.disconnected(peer) == "expected a key, or our network's magic at byte 0"
    assert not rig.facts(PeerMisbehaved)


def test_whom_we_dial_is_met_with_a_key_and_told_of_us_when_there_are_keys() -> None:
    rig = Rig(settings=encrypting(dialling()))
    (dial,) = rig.dials()
    hand = HandMadePeer(REGTEST.magic, initiating=False, garbage=bytes(MAX_GARBAGE_SIZE))
    peer = rig.open(dial.ticket, THEIR_END, ear=hand)
    session = rig.node.sessions[peer]
    assert 64 <= sent_bytes(rig, peer) <= 64 + MAX_GARBAGE_SIZE
    assert session.sent.by_command == {}
    assert rig.sent_to(peer) == []
    rig.feed(Received(peer, hand.hello[:64]))
    assert rig.commands(peer) == ["version"]
    assert session.sent.by_command.keys() == {"version"}
    assert not session.held_back
    rig.feed(Received(peer, hand.garbage + hand.proof()))
    rig.feed(Received(peer, hand.say(their_version(), WtxidRelay(), SendAddrV2(), Verack())))
    rig.wait(SECOND)
    rig.feed(Received(peer, hand.say(Ping(9))))
    assert "pong" in rig.commands(peer)


def answered_with_nothing(rig: Rig) -> PeerId:
    """A node has dialled, and whoever is there hung up without a byte."""
    dial = rig.dials()[-1]
    rig.clear()
    peer = rig.open(dial.ticket, THEIR_END, ear=HandMadePeer(REGTEST.magic, initiating=False))
    rig.feed(Closed(peer, "the peer closed the connection"))
    return peer


def test_who_hangs_up_without_a_byte_is_dialled_again_at_once_without() -> None:
    rig = Rig(settings=encrypting(dialling()))
    answered_with_nothing(rig)
    rig.tick()
    (dial,) = rig.dials()
    assert dial.endpoint == THEIR_END
    peer = rig.open(dial.ticket, THEIR_END)
    assert rig.node.sessions[peer].transport.name == "v1"
    assert rig.commands(peer) == ["version"]
    rig.clear()
    rig.feed(Closed(peer, "the peer closed the connection"))
    rig.tick()
    assert rig.dials() == []  # Not at once; and later with a key again.
    rig.wait(2 * MINUTE)
    (dial,) = rig.dials()
    peer = rig.open(dial.ticket, THEIR_END, ear=HandMadePeer(REGTEST.magic, initiating=False))
    assert rig.node.sessions[peer].transport.name == "detecting"


def test_who_is_silent_for_too_long_is_dialled_again_without() -> None:
    rig = Rig(settings=encrypting(dialling()))
    (dial,) = rig.dials()
    rig.clear()
    rig.open(dial.ticket, THEIR_END, ear=HandMadePeer(REGTEST.magic, initiating=False))
    rig.wait(MINUTE + SECOND)
    kinds = [type(each) for each in rig.effects if isinstance(each, Disconnect | Dial)]
    assert kinds == [Disconnect, Dial]


def test_whoever_has_said_something_is_not_dialled_again_without() -> None:
    rig = Rig(settings=encrypting(dialling()))
    (dial,) = rig.dials()
    rig.clear()
    peer = rig.open(dial.ticket, THEIR_END, ear=HandMadePeer(REGTEST.magic, initiating=False))
    rig.feed(Received(peer, b"\x01"))
    rig.feed(Closed(peer, "the peer closed the connection"))
    rig.tick()
    assert rig.dials() == []


def test_nobody_is_dialled_again_while_the_network_is_off_nor_if_he_is_banned() -> None:
    rig = Rig(settings=encrypting(dialling()))
    (dial,) = rig.dials()
    rig.open(dial.ticket, THEIR_END, ear=HandMadePeer(REGTEST.magic, initiating=False))
    rig.clear()
    rig.command(SetNetworkActive(False))
    assert rig.dials() == []

    rig = Rig(settings=encrypting(dialling()))
    rig.node.links.bans.ban(Subnet.from_text("10.9.9.9"), rig.now, 2**40)
    answered_with_nothing(rig)
    rig.tick()
    assert rig.dials() == []


def test_decoys_cost_whoever_sends_them_and_nothing_else() -> None:
    rig = Rig(settings=encrypting(listening()))
    peer, hand = called(rig)
    rig.feed(Received(peer, hand.say(their_version(), Verack())))
    rig.wait(10 * SECOND)
    session = rig.node.sessions[peer]
    session.cost_ns, session.cost_at = 0, rig.now
    flood = b"".join(hand.decoy(0) for _ in range(300)) + hand.say(Ping(4))
    rig.feed(Received(peer, flood))
    rig.tick()
    assert session.cost_ns > 300 * 20_000
    assert Pong(4) in rig.told(peer, Pong)
    assert OTHER not in session.received.by_command
    assert session.waiting_bytes == 0


def test_key_agreements_cost_whoever_has_us_make_them() -> None:
    rig = Rig(settings=encrypting(listening()))
    peer, _ = called(rig)
    assert rig.node.sessions[peer].cost_ns >= STRANGER_NS + 2 * KEYS_NS


@pytest.mark.parametrize("size", [1, 4095])
def test_garbage_counts_as_waiting_until_it_is_vouched_for(size: int) -> None:
    rig = Rig(settings=encrypting(listening()))
    hand = HandMadePeer(REGTEST.magic, initiating=True, garbage=bytes(size))
    peer = rig.open(ear=hand)
    rig.feed(Received(peer, hand.hello))
    rig.tick()
    session = rig.node.sessions[peer]
    assert session.waiting_bytes == size
    rig.feed(Received(peer, hand.proof()))
    assert session.waiting_bytes == 0


def test_what_waits_of_all_peers_is_nothing_when_all_is_handled() -> None:
    rig = Rig(settings=encrypting(listening()))
    peer, hand = called(rig)
    rig.feed(Received(peer, hand.say(their_version(), Verack())))
    stream = b"".join(hand.say(Ping(each)) + hand.decoy(each) for each in range(60))
    for start in range(0, len(stream), 11):
        rig.feed(Received(peer, stream[start : start + 11]))
    rig.tick()
    assert len(rig.told(peer, Pong)) == 60
    assert rig.node._reception._waiting_bytes == 0
    rig.feed(Received(peer, hand.say(Ping(1))[:9]))
    rig.feed(Closed(peer, "gone"))
    assert rig.node._reception._waiting_bytes == 0


def test_a_changed_packet_ends_the_connection() -> None:
    rig = Rig(settings=encrypting(listening()))
    peer, hand = called(rig)
    packet = bytearray(hand.say(Ping(4)))
    packet[-1] ^= 1
    rig.feed(Received(peer, bytes(packet)))
    assert "sealed with the keys of this connection" in (rig.disconnected(peer) or "")


class TestV2OnlyClearnet:
    """With `-v2onlyclearnet`."""

    def test_nobody_is_dialled_again_without(self) -> None:
        rig = Rig(settings=encrypting(dialling(), v2_only_clearnet=True))
        answered_with_nothing(rig)
        rig.tick()
        assert rig.dials() == []
        rig.wait(2 * MINUTE)
        assert rig.dials()
        hand = HandMadePeer(REGTEST.magic, initiating=False)
        peer = rig.open(rig.dials()[-1].ticket, THEIR_END, ear=hand)
        assert rig.node.sessions[peer].transport.name == "detecting"

    def test_whoever_dials_us_must_encrypt(self) -> None:
        settings = encrypting(listening(), v2_only_clearnet=True)
        rig = Rig(settings=settings)
        hand = HandMadePeer(REGTEST.magic, initiating=True)
        peer = rig.open(ear=HandMadePeer(REGTEST.magic, initiating=True))
        rig.feed(Received(peer, rig.frame("version", their_version().encode())))
        rig.tick()
        assert rig.disconnected(peer) == "expected a key, or our network's magic at byte 0"
        peer, hand = called(rig)
        assert rig.node.sessions[peer].transport.name == "v2"
        assert hand.heard_version

    def test_tor_encrypts_already(self) -> None:
        settings = encrypting(listening(), v2_only_clearnet=True)
        rig = Rig(settings=replace(settings, onion_binds=frozenset((ONION,))))
        peer = rig.open()
        rig.send(peer, their_version())
        assert rig.commands(peer)[:1] == ["version"]


def test_nodes_that_encrypt_and_nodes_that_cannot_find_each_other() -> None:
    """In virtual time; whoever is thought to encrypt and does not is dialled once more."""

    def mixed(number: int, settings: NodeSettings) -> NodeSettings:
        return replace(settings, connections=replace(settings.connections, v2=number % 2 == 0))

    network = SimNetwork(seed=3, count=4, settings=mixed)
    network.mine(0, b"\x51")
    assert network.settle(5 * MINUTE)
    network.run(5 * MINUTE)
    spoken = set()
    for number in range(4):
        for session in network.machine(number).sessions.values():
            if session.negotiated is not None:
                both = number % 2 == 0 and bool(session.negotiated.services & Services.P2P_V2)
                assert session.transport.name == ("v2" if both else "v1")
                spoken.add(session.transport.name)
    assert spoken == {"v1", "v2"}


def said(rig: Rig) -> list[str]:
    """What the log has of encryption."""
    kinds = (KeySent, EncryptionFailed, KeysMissed, DialledWithout)
    return [str(fact) for kind in kinds for fact in rig.facts(kind)]


def test_the_log_says_it_as_bitcoin_core_does() -> None:
    rig = Rig(settings=encrypting(dialling()))
    rig.open(rig.dials()[-1].ticket, THEIR_END, ear=HandMadePeer(REGTEST.magic, initiating=False))
    rig.feed(Closed(PeerId(0), "the peer closed the connection"))
    assert said(rig) == [
        "start sending v2 handshake to peer=0",
        "retrying with v1 transport protocol for peer=0",
    ]
    rig.clear()
    peer, hand = called(rig)
    rig.feed(Received(peer, hand.packet(bytes(4_000_014))))
    peer, hand = called(rig)
    rig.feed(Received(peer, hand.decoy(9, aad=b"?")))
    hand = HandMadePeer(REGTEST.magic, initiating=True)
    peer = rig.open(ear=hand)
    rig.feed(Received(peer, hand.hello + bytes(4_111)))
    peer = rig.open(ear=HandMadePeer(REGTEST.magic, initiating=True))
    rig.feed(Received(peer, V1Transport(MAINNET.magic).encode("version", b"")))
    rig.tick()
    peer = rig.open(ear=HandMadePeer(REGTEST.magic, initiating=True))
    rig.feed(Received(peer, b"\x00"))
    rig.wait(MINUTE)
    assert said(rig)[5:] == [
        "V2 transport error: packet too large (4000014 bytes), peer=1",
        "V2 transport error: packet decryption failure (9 bytes), peer=2",
        "V2 transport error: missing garbage terminator, peer=3",
        "V2 transport error: V1 peer with wrong MessageStart f9beb4d9, peer=4",
        "V2 handshake timeout, disconnecting peer=5",
    ]
