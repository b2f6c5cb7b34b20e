"""Branches that lost, from one node to its peers (BIP 332)."""

from __future__ import annotations

from dataclasses import replace

from axon.machine import MINUTE, PeerId, Received
from axon.node.commands import SubmitBlock, SubmitHeader
from axon.node.facts import MessageIgnored
from axon.primitives.block import Block
from axon.wire.messages import (
    Feature,
    GetData,
    Headers,
    Inv,
    SendAddrV2,
    StaleTip,
    Verack,
    WtxidRelay,
)
from tests.node.rig import Rig, chain_on, listening, next_block, their_version


def telling() -> Rig:
    return Rig(settings=replace(listening(), stale_tips=True))


def listener(rig: Rig, data: bytes = b"\x00") -> PeerId:
    """A peer that has said that it listens, and has shown that its tip is ours."""
    peer = rig.open()
    feature = Feature("BIP332", data)
    rig.send(peer, their_version(100 + peer), WtxidRelay(), SendAddrV2(), feature, Verack())
    rig.work()
    rig.send(peer, Headers((rig.node.active.tip.header,)))
    return peer


def rival_of_the_tip(rig: Rig, salt: bytes = b"rival") -> Block:
    parent = rig.node.active.tip.parent
    assert parent is not None
    return chain_on(parent, 1, salt=salt)[0]


def test_both_sides_say_so_before_verack() -> None:
    rig = telling()
    peer = rig.open()
    rig.send(peer, their_version())
    names = rig.commands(peer)
    assert names.index("version") < names.index("feature") < names.index("verack")
    quiet = Rig()
    peer = quiet.open()
    quiet.send(peer, their_version())
    assert "feature" not in quiet.commands(peer)


def test_a_rival_of_the_tip_is_told_and_shown_by_getchaintips() -> None:
    rig = telling()
    hears, deaf = listener(rig), rig.connect()
    rival = rival_of_the_tip(rig)
    rig.sent_to(hears), rig.sent_to(deaf)
    rig.command(SubmitHeader(rival.header))
    expected = StaleTip(rival.header.prev, (rival.header,), have_block=False)
    assert rig.told(hears, StaleTip) == [expected]
    assert rig.told(deaf, StaleTip) == []
    late = listener(rig)
    rig.command(SubmitBlock(rival))
    assert rig.told(late, StaleTip) == [expected]
    assert rig.told(listener(rig), StaleTip) == [replace(expected, have_block=True)]


def test_what_a_peer_tells_is_known_told_on_and_not_downloaded() -> None:
    rig = telling()
    teller, other, deaf = listener(rig), listener(rig), rig.connect()
    rival = rival_of_the_tip(rig)
    message = StaleTip(rival.header.prev, (rival.header,), have_block=True)
    for peer in (teller, other, deaf):
        rig.sent_to(peer)
    rig.send(deaf, message)
    rig.work()
    assert rig.node.headers.get(rival.hash) is None, "who does not listen tells nothing"
    rig.send(teller, message)
    rig.wait(MINUTE)
    entry = rig.node.headers.get(rival.hash)
    assert entry is not None
    assert entry in rig.node.headers.tips()
    assert rig.node.chain.status(entry) == "headers-only"
    assert rig.told(other, StaleTip) == [replace(message, have_block=False)]
    assert not any(isinstance(item, StaleTip | GetData) for item in rig.sent_to(teller))
    assert rig.is_alive(teller)


def test_the_block_that_a_longer_branch_has_taken_back_is_told() -> None:
    rig = telling()
    hears, giver = listener(rig), rig.connect()
    lost = rig.node.active.tip
    assert lost.parent is not None
    longer = chain_on(lost.parent, 2, salt=b"longer")
    rig.sent_to(hears)
    for block in longer:
        rig.command(SubmitBlock(block))
    assert rig.node.active.tip.hash == longer[-1].hash
    told = rig.sent_to(hears)
    messages = [item for item in told if isinstance(item, StaleTip)]
    assert StaleTip(lost.parent.hash, (lost.header,), have_block=True) not in messages, "it has it"
    rig.send(giver, Headers(tuple(block.header for block in longer)))
    newcomer = rig.open()
    feature = Feature("BIP332", b"\x01")
    rig.send(newcomer, their_version(999), WtxidRelay(), SendAddrV2(), feature, Verack())
    rig.work()
    rig.send(newcomer, Headers(tuple(block.header for block in longer)))
    [message] = rig.told(newcomer, StaleTip)
    assert message == StaleTip(lost.parent.hash, (lost.header,), have_block=True)


def test_a_listener_is_told_of_a_tip_that_it_brought() -> None:
    rig = telling()
    hears = listener(rig)
    block = next_block(rig)
    rig.send(hears, Headers((block.header,)))
    rig.command(SubmitBlock(block))
    assert [item.items[0].hash for item in rig.told(hears, Inv)] == [block.hash]


def test_a_damaged_one_has_no_effect() -> None:
    rig = telling()
    peer = listener(rig)
    rig.feed(Received(peer, rig.frame("staletip", bytes(40))))
    assert rig.facts(MessageIgnored)
    assert rig.is_alive(peer)
