"""A private broadcast of one full node: the conversation, and all that is not said."""

from __future__ import annotations

from dataclasses import replace

from axon.machine import MINUTE, SECOND, Closed, Dial, Disconnect, PeerId, Transmit
from axon.node.commands import AbortPrivately, SendPrivately, SubmitBlock
from axon.node.privatefacts import (
    PrivatelyEnded,
    PrivatelyRepeated,
    PrivatelyReturned,
    PrivatelySent,
)
from axon.p2p.handshake import ANONYMOUS_AGENT
from axon.p2p.requests import endpoint_of
from axon.primitives.netaddress import UNSPECIFIED, AddressNetwork, NetAddress, TimedAddress
from axon.primitives.transaction import Transaction
from axon.wire.messages import (
    GetAddr,
    GetData,
    Inv,
    InvItem,
    InvType,
    Ping,
    Pong,
    Tx,
    Verack,
    Version,
    WtxidRelay,
)
from tests.node.rig import FULL, NOW, Rig, listening, next_block, payment, their_version

ONIONS = [NetAddress(AddressNetwork.TORV3, bytes([n, *range(31)]), 8333) for n in range(40)]


def node() -> Rig:
    """A node that dials nobody by itself, and knows some onion services."""
    settings = listening()
    config = replace(settings.connections, reachable=frozenset((AddressNetwork.TORV3,)))
    rig = Rig(settings=replace(settings, connections=config, private_broadcast=True))
    for address in ONIONS:
        rig.node.links.addrman.add([TimedAddress(NOW // SECOND, FULL, address)], address, NOW)
    return rig


def begun() -> tuple[Rig, Transaction, PeerId]:
    """The same, with a payment on its way, and the first stranger reached."""
    rig = node()
    paid = payment(rig)
    assert rig.command(SendPrivately(paid)) is True
    rig.wait(SECOND)
    return rig, paid, reached(rig)


def reached(rig: Rig, place: int = 0) -> PeerId:
    """Somebody who was dialled privately is there."""
    dial = private_dials(rig)[place]
    assert dial.endpoint in map(endpoint_of, ONIONS)
    return rig.open(dial.ticket, dial.endpoint)


def private_dials(rig: Rig) -> list[Dial]:
    return [dial for dial in rig.dials() if dial.private]


def shaken(rig: Rig, peer: PeerId) -> None:
    rig.send(peer, their_version(100 + peer), WtxidRelay(), Verack())


def taken(rig: Rig, peer: PeerId, paid: Transaction) -> None:
    """A peer fetches what it was offered, and confirms it."""
    rig.send(peer, GetData((InvItem(InvType.WITNESS_TX, paid.txid),)))
    (ping,) = rig.told(peer, Ping)
    rig.send(peer, Pong(ping.nonce))


def test_a_payment_is_handed_to_a_stranger_who_learns_nothing_else() -> None:
    rig, paid, peer = begun()
    (version,) = rig.sent_to(peer)
    assert isinstance(version, Version)
    assert (version.user_agent, version.services, version.time) == (ANONYMOUS_AGENT, 0, 0)
    assert (version.receiver, version.start_height, version.relay) == (UNSPECIFIED, 0, False)
    shaken(rig, peer)
    offered = [Verack(), Inv((InvItem(InvType.TX, paid.txid),))]
    assert rig.sent_to(peer)[-2:] == offered
    rig.send(peer, GetData((InvItem(InvType.TX, paid.txid),)))
    transaction, ping = rig.sent_to(peer)[-2:]
    assert transaction == Tx(paid)
    assert isinstance(ping, Ping)
    assert rig.disconnected(peer) is None
    rig.send(peer, Pong(ping.nonce))
    assert rig.disconnected(peer) == "it has the transaction"
    assert rig.facts(PrivatelySent) == [PrivatelySent(paid.txid, peer)]


def test_three_are_dialled_and_nobody_else_hears_of_it() -> None:
    rig, paid, peer = begun()
    friend = rig.connect()
    assert len(private_dials(rig)) == 3
    assert len({dial.endpoint for dial in private_dials(rig)}) == 3
    shaken(rig, peer)
    taken(rig, peer, paid)
    rig.send(friend, GetData((InvItem(InvType.WTX, paid.wtxid),)))
    rig.wait(10 * MINUTE)
    assert not rig.told(friend, Inv) + rig.told(friend, Tx)
    assert paid.txid not in rig.node.pool


def test_whatever_a_stranger_asks_nobody_is_here() -> None:
    rig, _, peer = begun()
    shaken(rig, peer)
    rig.sent_to(peer)
    rig.send(peer, Ping(7), GetAddr(), WtxidRelay())
    rig.wait(MINUTE)
    assert rig.sent_to(peer) == []
    assert rig.disconnected(peer) is None


def test_what_comes_back_is_done_with() -> None:
    rig, paid, peer = begun()
    friend = rig.connect()
    assert rig.node.links.connections.private.to_open == 2
    rig.send(friend, Tx(paid))
    rig.work()
    assert paid.txid in rig.node.pool
    assert not rig.node.private.book
    assert rig.node.links.connections.private.to_open == 0
    assert rig.facts(PrivatelyReturned) == [PrivatelyReturned(paid.txid, friend)]
    shaken(rig, peer)
    assert rig.disconnected(peer) == "no transaction is to be brought out any more"


def test_who_breaks_off_is_replaced() -> None:
    rig, _, peer = begun()
    assert rig.node.links.connections.private.to_open == 2
    rig.feed(Closed(peer, "gone"))
    assert rig.node.links.connections.private.to_open == 3
    rig.wait(SECOND)
    assert len(private_dials(rig)) == 4


def test_who_asks_for_something_else_is_left() -> None:
    rig, paid, peer = begun()
    rig.send(peer, their_version(9), Verack())
    rig.send(peer, GetData((InvItem(InvType.TX, paid.txid), InvItem(InvType.TX, paid.wtxid))))
    assert "something else" in str(rig.disconnected(peer))
    other = reached(rig, 1)
    shaken(rig, other)
    rig.send(other, GetData((InvItem(InvType.WTX, paid.wtxid),)))
    assert "something else" in str(rig.disconnected(other))
    assert rig.told(other, Tx) == rig.told(peer, Tx) == []


def test_who_takes_too_long_is_left() -> None:
    rig, _, peer = begun()
    shaken(rig, peer)
    rig.wait(3 * MINUTE - 2 * SECOND)
    assert rig.disconnected(peer) is None
    rig.wait(3 * SECOND)
    assert "too long" in str(rig.disconnected(peer))


def test_what_does_not_come_back_goes_to_one_more() -> None:
    rig, paid, peer = begun()
    shaken(rig, peer)
    taken(rig, peer, paid)
    asked = len(private_dials(rig))
    rig.wait(5 * MINUTE)
    assert len(private_dials(rig)) > asked  # The others never answered, and it did not come back.
    assert PrivatelyRepeated(paid.txid, paid.wtxid) in rig.facts(PrivatelyRepeated)


def test_what_is_of_no_use_any_more_is_given_up() -> None:
    rig, paid, peer = begun()
    shaken(rig, peer)
    taken(rig, peer, paid)
    assert rig.command(SubmitBlock(next_block(rig, [payment(rig, fee_sat=9_000)])))
    rig.wait(5 * MINUTE)
    assert not rig.node.private.book
    assert "missing" in rig.facts(PrivatelyEnded)[0].reason


def test_the_operator_ends_it() -> None:
    rig, paid, _ = begun()
    assert rig.command(SendPrivately(paid)) is False
    assert rig.command(AbortPrivately(paid.txid)) == [paid]
    assert rig.command(AbortPrivately(paid.wtxid)) == []
    assert rig.node.links.connections.private.to_open == 0


def test_nothing_is_sent_to_who_does_not_relay() -> None:
    rig, _, peer = begun()
    rig.send(peer, their_version(9, relay=False))
    assert any(isinstance(effect, Disconnect) for effect in rig.effects)
    sent = [effect for effect in rig.effects if isinstance(effect, Transmit)]
    assert len(sent) == 1  # The version.
