"""What is agreed before `verack`, and that no peer is sent what its version does not know."""

from __future__ import annotations

import pytest

from axon.machine import HOUR, SECOND, Received
from axon.node.facts import PeerMisbehaved
from axon.wire.messages import Feature, Headers, Ping, Unknown, Verack, Version
from tests.node.rig import Rig, their_version

SINCE = {
    "pong": 60_001,
    "sendheaders": 70_012,
    "feefilter": 70_013,
    "sendcmpct": 70_014,
    "wtxidrelay": 70_016,
    "sendaddrv2": 70_016,
    "feature": 70_017,
}
"""The protocol version that brought each message: BIP 31, 130, 133, 152, 155, 339, 434."""


@pytest.mark.parametrize("version", [31_800, 60_000, *sorted(set(SINCE.values())), 70_018])
def test_each_message_goes_only_to_peers_that_know_it(version: int) -> None:
    rig = Rig()
    peer = rig.open()
    rig.send(peer, their_version(version=version), Verack())
    rig.wait(SECOND)
    rig.send(peer, Headers((rig.node.active.tip.header,)), Ping(5))
    rig.wait(HOUR)
    told = set(rig.commands(peer))
    assert "version" in told
    unknown = {command for command, since in SINCE.items() if version < since}
    assert not told & unknown
    known = {"sendheaders", "feefilter", "wtxidrelay", "sendaddrv2"} - unknown
    assert known <= told


def test_features_that_we_do_not_know_are_passed_over() -> None:
    rig = Rig()
    peer = rig.open()
    features = [Feature(f"a feature of tomorrow, number {number}") for number in range(50)]
    rig.send(peer, their_version(), *features, Verack())
    assert [item.version for item in rig.told(peer, Version)] == [70_017]
    assert rig.node.sessions[peer].negotiated is not None
    assert rig.is_alive(peer)


@pytest.mark.parametrize("payload", [b"", b"\x03abc\x00", b"\x04abcd\x00\x00"])
def test_a_malformed_one_ends_the_connection_and_is_held_against_nobody(payload: bytes) -> None:
    rig = Rig()
    peer = rig.open()
    rig.feed(Received(peer, rig.frame("feature", payload)))
    assert rig.disconnected(peer) is None  # Before the version nothing counts.
    rig.send(peer, their_version())
    rig.feed(Received(peer, rig.frame("feature", payload)))
    assert "a feature as BIP 434 has it" in (rig.disconnected(peer) or "")
    assert rig.facts(PeerMisbehaved) == []


def test_a_late_one_ends_the_connection() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.send(peer, Feature("late"))
    assert rig.disconnected(peer) == "feature received after verack"


def test_unknown_messages_before_verack_are_passed_over() -> None:
    rig = Rig()
    peer = rig.open()
    rig.send(peer, their_version())
    rig.feed(Received(peer, rig.frame("sendtomorrow", b"x")))
    rig.send(peer, Verack())
    assert not any(isinstance(item, Unknown) for item in rig.sent_to(peer))
    assert rig.is_alive(peer)
