"""A node and its peers: handshake, order, hostile bytes, silence, back-pressure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.machine import (
    HOUR,
    MINUTE,
    SECOND,
    Clogged,
    Closed,
    Drained,
    Endpoint,
    Opened,
    PeerId,
    Received,
)
from axon.node.facts import (
    BlockRejected,
    MessageIgnored,
    PeerConnected,
    PeerDisconnected,
    PeerMisbehaved,
)
from axon.node.reception import INBOX_LIMIT_BYTES
from axon.p2p.handshake import HANDSHAKE_TIMEOUT
from axon.p2p.keepalive import SILENCE_LIMIT
from axon.p2p.requests import address_of
from axon.primitives.header import Header
from axon.primitives.netaddress import AddressNetwork
from axon.primitives.network import REGTEST
from axon.wire.messages import (
    BlockMessage,
    GetData,
    GetHeaders,
    Headers,
    InvItem,
    InvType,
    Message,
    Ping,
    Pong,
    SendAddrV2,
    Tx,
    Verack,
    Version,
    WtxidRelay,
)
from tests.node.rig import Rig, dialling, listening, next_block, payment, their_version
from tests.strategies import messages

# Handshake.


def test_who_dials_us_gets_our_version_and_a_ping_at_once() -> None:
    rig = Rig()
    peer = rig.open()
    assert rig.sent_to(peer) == []  # Who dials speaks first.
    rig.send(peer, their_version())
    assert rig.commands(peer) == ["version", "wtxidrelay", "sendaddrv2", "verack"]
    rig.send(peer, WtxidRelay(), SendAddrV2(), Verack())
    rig.tick()
    commands = rig.commands(peer)
    assert commands[0] == "ping"
    assert set(commands) <= {"ping", "getheaders", "feefilter", "sendheaders", "sendcmpct"}
    assert [fact.user_agent for fact in rig.facts(PeerConnected)] == ["/peer/"]


def test_whom_we_dial_gets_our_version_first() -> None:
    rig = Rig(settings=dialling())
    (dial,) = rig.dials()
    peer = rig.open(dial.ticket)
    (version,) = rig.sent_to(peer)
    assert isinstance(version, Version)
    assert version.start_height == 112
    rig.send(peer, their_version(), WtxidRelay(), SendAddrV2(), Verack())
    rig.tick()
    assert [c for c in rig.commands(peer) if c not in ("getheaders", "feefilter", "getaddr")] == [
        "wtxidrelay",
        "sendaddrv2",
        "verack",
        "ping",
        "sendcmpct",
    ]


def test_a_connection_to_ourselves_ends() -> None:
    rig = Rig(settings=dialling())
    near = rig.open(rig.dials()[0].ticket)
    (version,) = rig.told(near, Version)
    far = rig.open()
    rig.send(far, version)
    assert rig.disconnected(far) == "connected to self"
    assert not rig.facts(PeerMisbehaved)


def test_an_outdated_peer_and_one_of_no_use_go() -> None:
    rig = Rig()
    old = rig.open()
    rig.send(old, their_version(version=31_799))
    assert "obsolete" in (rig.disconnected(old) or "")
    rig = Rig(settings=dialling())
    useless = rig.open(rig.dials()[0].ticket)
    rig.send(useless, their_version(services=0))
    assert rig.disconnected(useless) is None  # Whom the operator names may be of any kind.


def test_nothing_counts_before_the_greeting() -> None:
    rig = Rig()
    peer = rig.open()
    block = next_block(rig)
    rig.send(
        peer, Ping(1), BlockMessage(block.raw), Tx(payment(rig)), GetHeaders((block.header.prev,))
    )
    rig.work()
    assert rig.sent_to(peer) == []
    assert rig.node.active.height == 112
    assert [fact.command for fact in rig.facts(MessageIgnored)] == [
        "ping",
        "block",
        "tx",
        "getheaders",
    ]
    rig.send(peer, their_version(), Verack())
    assert rig.is_alive(peer)


def test_what_is_negotiated_too_late_costs_the_connection() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.send(peer, WtxidRelay())
    assert rig.disconnected(peer) == "wtxidrelay received after verack"


def test_a_version_said_twice_counts_once() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.send(peer, their_version(version=60_002))
    assert rig.sent_to(peer) == []
    assert rig.is_alive(peer)


# Order.


def test_the_pong_comes_when_the_block_before_it_has_taken_effect() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.send(peer, BlockMessage(next_block(rig).raw), Ping(5))
    assert Pong(5) not in rig.sent_to(peer)
    while rig.node.active.height == 112:
        assert Pong(5) not in rig.sent_to(peer)
        rig.work(1)
    assert Pong(5) in rig.sent_to(peer)


def test_the_pong_comes_when_the_transaction_before_it_is_in_the_pool() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.send(peer, Tx(payment(rig)), Ping(5))
    assert rig.sent_to(peer) == []
    assert len(rig.node.pool) == 0
    rig.work()
    assert len(rig.node.pool) == 1
    assert Pong(5) in rig.sent_to(peer)


def test_a_peer_that_waits_does_not_keep_others_waiting() -> None:
    rig = Rig()
    busy, other = rig.connect(), rig.connect()
    rig.send(busy, BlockMessage(next_block(rig).raw), Ping(5))
    rig.send(other, Ping(6))
    assert rig.sent_to(other) == [Pong(6)]
    assert Pong(5) not in rig.sent_to(busy)


def test_a_getdata_is_answered_in_its_order() -> None:
    rig = Rig()
    peer = rig.connect()
    hashes = [rig.node.active.at(height).hash for height in (5, 3, 4)]  # type: ignore[union-attr]
    items = [InvItem(InvType.WITNESS_BLOCK, item) for item in hashes]
    rig.send(peer, GetData(tuple(items)), Ping(9))
    assert rig.sent_to(peer) == []
    rig.work()
    sent = rig.sent_to(peer)
    assert [item.hash for item in sent if isinstance(item, BlockMessage)] == hashes
    assert sent[-1] == Pong(9)


@pytest.mark.parametrize(("version", "told"), [(70_012, False), (70_013, True)])
def test_the_minimum_is_told_to_whom_knows_the_message(version: int, told: bool) -> None:
    rig = Rig()
    peer = rig.open()
    rig.send(peer, their_version(version=version), Verack())
    rig.wait(HOUR)
    assert ("feefilter" in rig.commands(peer)) is told


# Seats.


def test_silence_does_not_hold_a_seat() -> None:
    settings = listening()
    few = replace(settings, connections=replace(settings.connections, max_connections=60))
    rig = Rig(settings=few)
    honest = [rig.connect() for _ in range(6)]
    silent = [rig.open() for _ in range(100)]
    half = [rig.open() for _ in range(100)]
    for peer in half:
        rig.send(peer, their_version(1000 + peer))
    seats = len(rig.node.sessions)
    assert seats < 60
    for _ in range(30):
        late = rig.connect()
        assert rig.is_alive(late)
        assert len(rig.node.sessions) == seats
    assert sum(rig.is_alive(peer) for peer in honest if not rig.disconnected(peer)) >= 4
    assert any(rig.disconnected(peer) for peer in silent)


# Hostile bytes.


def test_another_networks_magic_ends_the_connection() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.feed(Received(peer, b"\xf9\xbe\xb4\xd9" + Rig.frame("ping", bytes(8))[4:]))
    assert "magic" in (rig.disconnected(peer) or "")
    assert [fact.by_us for fact in rig.facts(PeerDisconnected)] == [True]


def test_a_message_that_announces_too_much_ends_the_connection() -> None:
    rig = Rig()
    peer = rig.connect()
    frame = bytearray(Rig.frame("block", b""))
    frame[16:20] = (4_000_001).to_bytes(4, "little")
    rig.feed(Received(peer, bytes(frame)))
    assert "4,000,000" in (rig.disconnected(peer) or "") or "payload" in (
        rig.disconnected(peer) or ""
    )


def test_a_wrong_checksum_costs_only_the_message() -> None:
    rig = Rig()
    peer = rig.connect()
    frame = bytearray(Rig.frame("ping", (4).to_bytes(8, "little")))
    frame[20] ^= 1
    rig.feed(Received(peer, bytes(frame)))
    assert rig.sent_to(peer) == []
    assert [fact.why for fact in rig.facts(MessageIgnored)] == ["wrong checksum"]
    assert rig.is_alive(peer)


def test_unknown_and_truncated_messages_cost_only_themselves() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.feed(Received(peer, Rig.frame("alert", b"?")))
    rig.feed(Received(peer, Rig.frame("inv", b"\x05\x01")))
    ignored = rig.facts(MessageIgnored)
    assert [fact.command for fact in ignored] == ["alert", "inv"]
    assert rig.is_alive(peer)


def test_a_list_beyond_its_limit_is_a_violation() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.feed(Received(peer, Rig.frame("inv", b"\xfd\x51\xc3" + bytes(36 * 50_001))))
    assert rig.disconnected(peer) is not None
    assert rig.facts(PeerMisbehaved)


@pytest.mark.parametrize("permissions", [frozenset(), frozenset({"noban"})])
def test_a_violation_discourages_no_peer_that_the_operator_protects(
    permissions: frozenset[str],
) -> None:
    rig = Rig(settings=replace(listening(), permissions=lambda _remote, _local, _in: permissions))
    peer = rig.connect()
    remote = rig.node.sessions[peer].remote
    address = address_of(remote)
    assert address is not None
    rig.feed(Received(peer, Rig.frame("inv", b"\xfd\x51\xc3" + bytes(36 * 50_001))))
    (fact,) = rig.facts(PeerMisbehaved)
    assert fact.rule.startswith("Bitcoin Core: at most 50000 inventory items")
    assert rig.is_alive(peer) is bool(permissions)
    assert rig.node.links.bans.is_discouraged(address) is not bool(permissions)


def test_headers_without_work_are_a_violation() -> None:
    rig = Rig()
    peer, tip = rig.connect(), rig.node.active.tip
    nonce = 0
    while True:
        header = Header.build(4, tip.hash, bytes(32), tip.time + 600, tip.header.bits, nonce)
        if int.from_bytes(header.hash, "little") >> 255:
            break
        nonce += 1
    rig.send(peer, Headers((header,)))
    assert rig.disconnected(peer) is not None
    assert rig.facts(PeerMisbehaved)
    assert rig.node.headers.best is tip


def test_headers_that_do_not_follow_each_other_are_a_violation() -> None:
    rig = Rig()
    peer = rig.connect()
    first = next_block(rig)
    rig.send(peer, Headers((first.header, first.header)))
    assert rig.facts(PeerMisbehaved)


def test_an_invalid_block_costs_its_sender_the_connection_and_nothing_else() -> None:
    rig = Rig()
    sender, other = rig.connect(), rig.connect()
    bad = next_block(rig, reward_sat=REGTEST.subsidy_sat(113) + 1)
    rig.send(sender, BlockMessage(bad.raw))
    rig.work()
    assert rig.disconnected(sender) is not None
    assert [fact.reason for fact in rig.facts(BlockRejected)] == ["bad-cb-amount"]
    assert rig.node.active.height == 112
    assert rig.is_alive(other)
    rig.send(other, Headers((bad.header,)))  # It may not know better.
    good = next_block(rig, extra_nonce=b"good")
    rig.send(rig.connect(), BlockMessage(good.raw))
    rig.work()
    assert rig.node.active.tip.hash == good.hash


def test_a_mutated_block_is_not_held_against_its_header() -> None:
    rig = Rig()
    block = next_block(rig, [payment(rig)])
    forged = block.raw[:-10] + bytes([block.raw[-10] ^ 1]) + block.raw[-9:]
    forger, honest = rig.connect(), rig.connect()
    rig.send(forger, BlockMessage(forged))
    rig.work()
    assert rig.disconnected(forger) is not None
    rig.send(honest, BlockMessage(block.raw))
    rig.work()
    assert rig.node.active.tip.hash == block.hash
    assert rig.disconnected(honest) is None


def test_an_invalid_transaction_costs_nothing() -> None:
    rig = Rig()
    peer = rig.connect()
    good = payment(rig)
    bad = payment(rig, fee_sat=-1_000)  # It pays out more than it spends.
    rig.send(peer, Tx(bad), Tx(good))
    rig.work()
    assert rig.disconnected(peer) is None
    assert good.txid in rig.node.pool
    assert len(rig.node.pool) == 1


@settings(max_examples=60)
@given(data=st.binary(max_size=300), connected=st.booleans(), cut=st.integers(1, 300))
def test_any_bytes_give_effects_and_no_exception(data: bytes, connected: bool, cut: int) -> None:
    rig = _shared()
    peer = rig.connect() if connected else rig.open()
    prefix = REGTEST.magic if data[:1] > b"\x80" else b""
    whole = prefix + data
    for start in range(0, len(whole), cut):
        rig.feed(Received(peer, whole[start : start + cut]))
    rig.work()
    rig.feed(Closed(peer))
    assert rig.node.active.height == 112


@settings(max_examples=150)
@given(said=st.lists(messages(), max_size=6), connected=st.booleans())
def test_any_messages_give_effects_and_no_exception(said: list[Message], connected: bool) -> None:
    rig = _shared()
    peer, other = (rig.connect() if connected else rig.open()), rig.connect()
    rig.send(peer, *said)
    rig.work()
    assert rig.is_alive(other)
    rig.feed(Closed(peer))
    rig.feed(Closed(other))


@settings(max_examples=60)
@given(
    command=st.sampled_from(("version", "headers", "inv", "getdata", "block", "tx", "addrv2")),
    payload=st.binary(max_size=200),
    connected=st.booleans(),
)
def test_any_payload_gives_effects_and_no_exception(
    command: str, payload: bytes, connected: bool
) -> None:
    rig = _shared()
    peer = rig.connect() if connected else rig.open()
    rig.feed(Received(peer, Rig.frame(command, payload)))
    rig.work()
    rig.feed(Closed(peer))


# Silence.


def test_who_sends_no_version_goes_after_a_minute() -> None:
    rig = Rig()
    peer = rig.open()
    rig.wait(HANDSHAKE_TIMEOUT - SECOND)
    assert rig.disconnected(peer) is None
    rig.wait(SECOND)
    assert rig.disconnected(peer) == "version handshake timeout"


def test_who_does_not_answer_pings_goes_after_twenty_minutes() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.wait(SILENCE_LIMIT - 10 * SECOND)
    assert rig.disconnected(peer) is None
    rig.wait(20 * SECOND)
    assert "20 minutes" in (rig.disconnected(peer) or "")
    assert not rig.facts(PeerMisbehaved)


def test_who_promises_a_block_and_keeps_it_goes_and_another_is_asked() -> None:
    rig = Rig()
    staller, other = rig.connect(), rig.connect()
    block = next_block(rig)
    for peer in (staller, other):
        rig.send(peer, Headers((block.header,)))
        rig.tick()
    asked = rig.told(staller, GetData)
    assert [item.hash for item in asked[0].items] == [block.hash]
    assert rig.told(other, GetData) == []
    for _ in range(30):
        rig.wait(MINUTE)
        if rig.disconnected(staller):
            break
        for peer in (staller, other):
            for ping in rig.told(peer, Ping):
                rig.send(peer, Pong(ping.nonce))
    assert "block" in (rig.disconnected(staller) or "")
    assert [item.hash for asked in rig.told(other, GetData) for item in asked.items] == [block.hash]


def test_what_was_asked_of_a_peer_that_left_is_asked_of_another() -> None:
    rig = Rig()
    first, second = rig.connect(), rig.connect()
    block = next_block(rig)
    for peer in (first, second):
        rig.send(peer, Headers((block.header,)))
    rig.sent_to(second)
    rig.feed(Closed(first))
    rig.tick()
    assert rig.told(second, GetData)


# Back-pressure.


def test_too_many_bytes_waiting_pause_a_peer_until_they_are_handled() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.send(peer, BlockMessage(next_block(rig).raw))
    junk = Rig.frame("alert", bytes(1_000_000))
    for _ in range(INBOX_LIMIT_BYTES // len(junk) + 1):
        rig.feed(Received(peer, junk))
    assert rig.pauses(peer) == ["Pause"]
    rig.work()
    assert rig.pauses(peer) == ["Pause", "Resume"]
    assert rig.is_alive(peer)


def test_a_peer_that_does_not_read_is_not_answered_until_it_does() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.feed(Clogged(peer))
    rig.send(peer, Ping(1), Ping(2))
    assert rig.sent_to(peer) == []
    rig.feed(Drained(peer))
    assert rig.sent_to(peer) == [Pong(1), Pong(2)]


# Helpers.

_rigs: list[Rig] = []


def _shared() -> Rig:
    """One node for many examples: to make a new one takes longer than most examples."""
    if not _rigs or _rigs[0].node.active.height != 112:
        _rigs[:] = [Rig()]
    _rigs[0].clear()
    return _rigs[0]


def test_who_comes_from_cjdns_is_of_that_network_where_it_is_reached() -> None:
    usual = listening()
    for reachable in (frozenset(AddressNetwork), frozenset((AddressNetwork.IPV6,))):
        rig = Rig(
            settings=replace(usual, connections=replace(usual.connections, reachable=reachable))
        )
        peer = PeerId(0)
        here, there = Endpoint("fc10::1", 18444), Endpoint("fc00::1", 40_000)
        rig.feed(Opened(peer, there, here, None))
        address = rig.node.sessions[peer].address
        assert address is not None
        assert (address.network is AddressNetwork.CJDNS) is (len(reachable) > 1)
