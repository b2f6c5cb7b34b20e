"""A light client whose payments go out privately: its own nodes hear of them from others."""

from __future__ import annotations

from axon.machine import MINUTE, SECOND, PeerId
from axon.node.commands import SendTransaction
from axon.node.facts import TransactionSpread
from axon.p2p.handshake import ANONYMOUS_AGENT
from axon.primitives.hashes import Txid
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.primitives.transaction import TxOut, outpoint
from axon.wire.messages import GetData, Inv, InvItem, InvType, Ping, Pong, Tx, Version
from tests.node.lightrig import LightRig
from tests.node.rig import BOB
from tests.signing import Spendable

FRIENDS = (PeerId(0), PeerId(1))
ONIONS = [NetAddress(AddressNetwork.TORV3, bytes([n, *range(31)]), 8333) for n in range(9)]
PAID = BOB.pay([Spendable(outpoint(Txid(bytes(32)), 0), 9_000)], [TxOut(8_000, BOB.script)])


def paying() -> LightRig:
    """Its two nodes are there, and it pays."""
    rig = LightRig(onions=ONIONS)
    for number in range(2):
        rig.told(rig.connect(number))
    rig.ask(SendTransaction(PAID))
    rig.wait(SECOND)
    return rig


def test_a_stranger_is_given_it_and_its_own_nodes_are_not() -> None:
    rig = paying()
    private = [place for place, dial in enumerate(rig.dials) if dial.private]
    assert len(private) == 3
    stranger = rig.connect(private[0])
    version, _, offered = rig.told(stranger)
    assert isinstance(version, Version)
    assert version.user_agent == ANONYMOUS_AGENT
    assert offered == Inv((InvItem(InvType.TX, PAID.txid),))
    rig.send(stranger, GetData((InvItem(InvType.WITNESS_TX, PAID.txid),)))
    handed, ping = rig.told(stranger)
    assert handed == Tx(PAID)
    assert isinstance(ping, Ping)
    rig.send(stranger, Pong(ping.nonce))
    assert [fact.given for fact in rig.facts if isinstance(fact, TransactionSpread)] == [1]
    rig.wait(10 * MINUTE)
    for friend in FRIENDS:
        assert not [each for each in rig.told(friend) if isinstance(each, Inv | GetData | Tx)]


def test_it_is_asked_for_like_any_other_when_it_comes_back() -> None:
    rig = paying()
    friend = FRIENDS[0]
    item = InvItem(InvType.WTX, PAID.wtxid)
    rig.send(friend, Inv((item,)))
    rig.wait(5 * SECOND)
    assert GetData((item,)) in rig.told(friend)
    assert rig.node.private.book
    rig.send(friend, Tx(PAID))
    assert not rig.node.private.book
    spread = [fact for fact in rig.facts if isinstance(fact, TransactionSpread)]
    assert spread[-1].echoed == 1


def test_one_that_is_settled_is_brought_out_no_more() -> None:
    rig = paying()
    rig.node.transactions.settled(PAID.txid)
    rig.wait(10 * MINUTE)
    assert not rig.node.private.book
