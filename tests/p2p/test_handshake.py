"""The handshake: what is said in which order, and whom we do not want to talk to."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.machine import SECOND
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.faults import PeerFault, PeerSilent, PeerViolation
from axon.p2p.handshake import (
    ANONYMOUS_AGENT,
    HANDSHAKE_TIMEOUT,
    Handshake,
    OwnVersion,
    anonymous,
    has_desirable_services,
)
from axon.primitives.netaddress import UNSPECIFIED
from axon.wire.messages import (
    Feature,
    Inv,
    Malformed,
    Message,
    Ping,
    SendAddrV2,
    SendCmpct,
    SendHeaders,
    Services,
    Unknown,
    Verack,
    Version,
    WtxidRelay,
)
from axon.wire.registry import decode_message
from tests.p2p.examples import FULL, NOW, OWN, ip, their_version
from tests.strategies import messages

OUTBOUND = [kind for kind in ConnectionType if kind.is_outbound and not kind.is_private]
PRIVATE = ConnectionType.PRIVATE_BROADCAST


def handshake(
    kind: ConnectionType = ConnectionType.INBOUND,
    nonces: set[int] | None = None,
    own: OwnVersion = OWN,
    remote: str = "8.8.8.8",
) -> Handshake:
    return Handshake(kind, own, ip(remote), set() if nonces is None else nonces, Random(1), NOW)


def only_version(sent: list[Message]) -> Version:
    (version,) = sent
    assert isinstance(version, Version)
    return version


def test_who_is_dialled_waits_and_then_says_everything_in_order() -> None:
    ours = handshake()
    assert ours.start(NOW) == []
    sent = ours.received(their_version(), NOW)
    assert [type(message) for message in sent] == [Version, WtxidRelay, SendAddrV2, Verack]
    assert not ours.is_complete
    assert ours.received(Verack(), NOW) == []
    assert ours.is_complete
    assert ours.deadline() is None


@pytest.mark.parametrize("kind", OUTBOUND)
def test_who_dials_speaks_first(kind: ConnectionType) -> None:
    ours = handshake(kind)
    version = only_version(ours.start(NOW))
    assert version.version == 70017
    assert version.nonce == ours.nonce
    assert version.start_height == 100
    assert version.receiver == ip("8.8.8.8")
    assert version.time == NOW // SECOND
    sent = ours.received(their_version(), NOW)
    assert sent == [WtxidRelay(), SendAddrV2(), Verack()]


def test_two_of_us_agree_byte_for_byte() -> None:
    nonces: set[int] = set()
    dialling = handshake(ConnectionType.FULL_RELAY, nonces)
    dialled = Handshake(ConnectionType.INBOUND, OWN, None, set(), Random(2), NOW)
    to_dialled, to_dialling = dialling.start(NOW), dialled.start(NOW)
    while to_dialled or to_dialling:
        for side, inbox, outbox in (
            (dialled, to_dialled, to_dialling),
            (dialling, to_dialling, to_dialled),
        ):
            waiting = list(inbox)
            inbox.clear()
            for message in waiting:
                said = decode_message(message.command, message.encode())
                outbox.extend(side.received(said, NOW))
    for side in (dialling, dialled):
        agreed = side.negotiated
        assert agreed is not None
        assert agreed.wtxid_relay
        assert agreed.addrv2
        assert agreed.user_agent == "/axon:0.1.0/"
    assert not nonces


@pytest.mark.parametrize(
    ("kind", "relay"),
    [
        (ConnectionType.FULL_RELAY, True),
        (ConnectionType.MANUAL, True),
        (ConnectionType.ADDR_FETCH, True),
        (ConnectionType.BLOCK_RELAY, False),
        (ConnectionType.FEELER, False),
    ],
)
def test_transactions_are_asked_for_where_they_belong(kind: ConnectionType, relay: bool) -> None:
    assert only_version(handshake(kind).start(NOW)).relay is relay
    blocks_only = OwnVersion(FULL, "/axon:0.1.0/", 0, relay=False)
    assert only_version(handshake(kind, own=blocks_only).start(NOW)).relay is False


@pytest.mark.parametrize("remote", ["127.0.0.1", "10.0.0.1", "::1"])
def test_an_unroutable_address_is_not_told(remote: str) -> None:
    version = only_version(handshake(ConnectionType.MANUAL, remote=remote).start(NOW))
    assert version.receiver == UNSPECIFIED


@pytest.mark.parametrize("kind", [ConnectionType.FEELER, ConnectionType.ADDR_FETCH])
def test_short_connections_do_not_speak_of_headers(kind: ConnectionType) -> None:
    ours = handshake(kind)
    ours.start(NOW)
    ours.received(their_version(), NOW)
    assert ours.received(Verack(), NOW) == []
    assert ours.is_complete


def test_what_was_agreed_is_remembered() -> None:
    ours = handshake()
    their = their_version(user_agent="/Sat<b>oshi\x1b[0m:1/", time=NOW // SECOND + 90, relay=False)
    for message in (their, WtxidRelay(), SendAddrV2(), Verack()):
        ours.received(message, NOW)
    agreed = ours.negotiated
    assert agreed is not None
    assert agreed.user_agent == "/Satboshi0m:1/"
    assert agreed.time_offset_s == 90
    assert agreed.our_address == ip("8.8.4.4")
    assert agreed.common_version == 70017
    assert (agreed.relay, agreed.wtxid_relay, agreed.addrv2) == (False, True, True)


def test_an_old_peer_is_not_told_of_features_it_does_not_know() -> None:
    ours = handshake()
    sent = ours.received(their_version(version=70015), NOW)
    assert [type(message) for message in sent] == [Version, Verack]
    ours.received(WtxidRelay(), NOW)
    assert ours.received(Verack(), NOW) == []
    assert ours.negotiated is not None
    assert not ours.negotiated.wtxid_relay


def test_an_obsolete_peer_is_refused_but_not_held_guilty() -> None:
    with pytest.raises(PeerFault, match="obsolete version 31799") as caught:
        handshake().received(their_version(version=31799), NOW)
    assert not isinstance(caught.value, PeerViolation)


def test_a_connection_to_ourselves_is_recognized() -> None:
    nonces: set[int] = set()
    dialling = handshake(ConnectionType.FULL_RELAY, nonces)
    hello = only_version(dialling.start(NOW))
    with pytest.raises(PeerFault, match="connected to self"):
        handshake(nonces=nonces).received(hello, NOW)
    dialling.closed()
    assert not nonces


def test_a_nonce_is_ours_only_while_the_handshake_lasts() -> None:
    nonces: set[int] = set()
    dialling = handshake(ConnectionType.FULL_RELAY, nonces)
    hello = only_version(dialling.start(NOW))
    dialling.received(their_version(), NOW)
    dialling.received(Verack(), NOW)
    assert not nonces
    assert handshake(nonces=nonces).received(hello, NOW)


@pytest.mark.parametrize("kind", list(ConnectionType))
def test_services_are_needed_where_we_chose_the_peer(kind: ConnectionType) -> None:
    ours = handshake(kind)
    ours.start(NOW)
    bare = their_version(services=int(Services.NETWORK))
    chosen = (ConnectionType.FULL_RELAY, ConnectionType.BLOCK_RELAY, ConnectionType.ADDR_FETCH)
    if kind in (*chosen, PRIVATE):
        with pytest.raises(PeerFault, match="services"):
            ours.received(bare, NOW)
    else:
        assert ours.received(bare, NOW)


@pytest.mark.parametrize(
    ("services", "far", "near"),
    [
        (Services.NETWORK | Services.WITNESS, True, True),
        (Services.NETWORK_LIMITED | Services.WITNESS, False, True),
        (Services.NETWORK | Services.NETWORK_LIMITED, False, False),
        (Services.WITNESS, False, False),
    ],
)
def test_a_pruned_peer_will_do_near_the_tip(services: int, far: bool, near: bool) -> None:
    assert has_desirable_services(services, near_tip=False) is far
    assert has_desirable_services(services, near_tip=True) is near


def test_nothing_counts_before_the_version() -> None:
    ours = handshake()
    for message in (Verack(), WtxidRelay(), SendAddrV2(), Ping(1), Unknown("x", b"")):
        assert ours.received(message, NOW) == []
    ours.received(their_version(), NOW)
    ours.received(Verack(), NOW)
    assert ours.negotiated is not None
    assert not ours.negotiated.wtxid_relay
    assert not ours.negotiated.addrv2


def test_what_comes_between_version_and_verack_is_passed_over() -> None:
    ours = handshake()
    ours.received(their_version(), NOW)
    for message in (Ping(1), Inv(()), Unknown("sendtxrcncl", b"")):
        assert ours.received(message, NOW) == []
    assert not ours.is_complete


def test_a_second_version_or_verack_changes_nothing() -> None:
    ours = handshake()
    ours.received(their_version(), NOW)
    assert ours.received(their_version(user_agent="/other/"), NOW) == []
    ours.received(Verack(), NOW)
    agreed = ours.negotiated
    assert ours.received(Verack(), NOW) == []
    assert ours.received(their_version(), NOW) == []
    assert ours.negotiated is agreed


@pytest.mark.parametrize("late", [WtxidRelay(), SendAddrV2(), Feature("BIP434")])
def test_features_cannot_be_negotiated_late(late: Message) -> None:
    ours = handshake()
    ours.received(their_version(), NOW)
    ours.received(Verack(), NOW)
    with pytest.raises(PeerFault, match="received after verack"):
        ours.received(late, NOW)


FEATURES = (Feature("BIP434v2", b"new"), Feature("BIP434v1"))


@pytest.mark.parametrize("version", [70016, 70017, 70018])
def test_features_are_told_to_who_knows_them_and_those_of_both_count(version: int) -> None:
    """BIP 434; what we do not know is passed over, however much of it there is."""
    ours = handshake(own=replace(OWN, features=FEATURES))
    sent = ours.received(their_version(version=version), NOW)
    features = [item for item in sent if isinstance(item, Feature)]
    assert features == (list(FEATURES) if version >= 70017 else [])
    assert sent[-1] == Verack()
    for number in range(10):
        ours.received(Feature(f"unknown {number}", bytes(512)), NOW)
    ours.received(Feature("BIP434v1", b"first"), NOW)
    ours.received(Feature("BIP434v1", b"last"), NOW)
    ours.received(Verack(), NOW)
    assert ours.negotiated is not None
    assert ours.negotiated.features == {"BIP434v1": b"last"}


def test_a_feature_before_the_version_does_not_count_whatever_it_is() -> None:
    ours = handshake(own=replace(OWN, features=FEATURES))
    ours.received(FEATURES[0], NOW)
    ours.unreadable(Malformed("a feature"))
    ours.received(their_version(), NOW)
    with pytest.raises(PeerFault, match="expected a feature") as raised:
        ours.unreadable(Malformed("a feature"))
    assert not isinstance(raised.value, PeerViolation)
    ours.received(Verack(), NOW)
    assert ours.negotiated is not None
    assert ours.negotiated.features == {}


def test_headers_and_compact_blocks_may_be_asked_for_later() -> None:
    ours = handshake()
    ours.received(their_version(), NOW)
    ours.received(Verack(), NOW)
    ours.received(SendHeaders(), NOW)
    ours.received(SendCmpct(announce=1, version=1), NOW)
    assert ours.prefers_headers
    assert not ours.provides_compact_blocks
    ours.received(SendCmpct(announce=1, version=2), NOW)
    assert ours.provides_compact_blocks
    assert ours.wants_high_bandwidth
    ours.received(SendCmpct(announce=0, version=2), NOW)
    assert not ours.wants_high_bandwidth


@pytest.mark.parametrize("announce", [2, 255])
def test_compact_blocks_are_announced_or_not_and_nothing_else(announce: int) -> None:
    ours = handshake()
    ours.received(their_version(), NOW)
    ours.received(SendCmpct(announce, version=1), NOW)  # A version that nobody speaks.
    assert not ours.provides_compact_blocks
    with pytest.raises(PeerViolation, match="BIP 152"):
        ours.received(SendCmpct(announce, version=2), NOW)


def test_silence_before_the_verack_is_a_fault() -> None:
    ours = handshake()
    assert ours.deadline() == NOW + HANDSHAKE_TIMEOUT
    ours.received(their_version(), NOW)
    assert ours.tick(NOW + HANDSHAKE_TIMEOUT - 1) == []
    with pytest.raises(PeerSilent):
        ours.tick(NOW + HANDSHAKE_TIMEOUT)


@given(st.lists(st.one_of(messages(), st.builds(their_version)), max_size=20))
def test_any_messages_in_any_order_end_in_a_fault_or_in_peace(said: list[Message]) -> None:
    ours, veracked, sent = handshake(), False, []
    for message in said:
        try:
            sent += ours.received(message, NOW)
        except (PeerFault, DecodeError):
            return
        veracked |= isinstance(message, Verack)
    assert sum(isinstance(message, Version) for message in sent) <= 1
    assert ours.is_complete <= veracked


def test_who_brings_out_a_transaction_privately_says_nothing_of_himself() -> None:
    nonces: set[int] = set()
    ours = handshake(PRIVATE, nonces, own=anonymous(near_tip=True))
    version = only_version(ours.start(NOW))
    assert version == Version(
        70017, 0, 0, UNSPECIFIED, ours.nonce, ANONYMOUS_AGENT, 0, relay=False, sender_services=0
    )
    assert nonces == set()  # Whoever dials us with it is not told that it is ours.
    assert ours.received(their_version(), NOW) == [Verack()]
    assert ours.received(WtxidRelay(), NOW) == ours.received(Verack(), NOW) == []
    assert ours.is_complete


def test_a_private_transaction_needs_a_peer_that_relays() -> None:
    with pytest.raises(PeerFault, match="does not relay"):
        handshake(PRIVATE).received(their_version(relay=False), NOW)
