"""What is remembered of transactions that peers have, and what is not wanted again."""

from __future__ import annotations

from random import Random

from axon.machine import SECOND, PeerId
from axon.mempool.outcome import Refusal, Refused
from axon.mempool.policy import Policy
from axon.mempool.pool import Mempool
from axon.node.txdownload import TxDownload
from axon.p2p.txrequest import MAX_ANNOUNCEMENTS
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.wire.messages import GetData, InvItem, InvType

NOW = 1_700_000_000 * SECOND
ALICE, BOB, FRIEND = PeerId(0), PeerId(1), PeerId(2)
POOR = Refused("min relay fee not met", kind=Refusal.RECONSIDERABLE)
BAD = Refused("version", kind=Refusal.NONSTANDARD)


def spends(*parents: bytes) -> Transaction:
    """A transaction without witnesses: its txid is its wtxid."""
    inputs = tuple([TxIn(outpoint(Txid(parent), 0)) for parent in parents])
    return Transaction.build(2, inputs, (TxOut(1_000, b"\x51"),), 0)


def download() -> TxDownload:
    """Two strangers that we dialled, and a friend."""
    made = TxDownload(Mempool(Policy()), Random(1))
    for peer in (ALICE, BOB, FRIEND):
        made.opened(peer, wtxid_relay=True, preferred=True, trusted=peer == FRIEND)
    return made


def asked(it: TxDownload) -> set[bytes]:
    """What is asked for within a minute."""
    found: set[bytes] = set()
    for action in it.txrequest.requests(NOW + 5 * SECOND):
        assert isinstance(action.message, GetData)
        found |= {item.hash for item in action.message.items}
    return found


def test_an_orphan_of_one_poor_parent_waits_with_two_it_is_hopeless() -> None:
    it = download()
    parents = [spends(bytes([number]) * 32) for number in (1, 2)]
    for parent in parents:
        it.refused(parent, POOR)
    one, both = spends(parents[0].txid), spends(parents[0].txid, parents[1].txid)
    assert it.orphaned(one, (parents[0].txid,), (ALICE,), NOW)
    assert asked(it) == {parents[0].txid}
    assert not it.orphaned(both, tuple([each.txid for each in parents]), (ALICE,), NOW)
    assert it.is_known(both.wtxid)
    it.tip_changed()
    assert it.orphaned(both, tuple([each.txid for each in parents]), (ALICE,), NOW)


def test_what_a_bad_parent_has_is_bad() -> None:
    it = download()
    parent = spends(bytes(32))
    it.refused(parent, BAD)
    child = spends(parent.txid)
    assert not it.orphaned(child, (parent.txid,), (ALICE,), NOW)
    grandchild = spends(child.txid)
    assert not it.orphaned(grandchild, (child.txid,), (ALICE,), NOW)
    it.announced(BOB, InvItem(InvType.WTX, grandchild.wtxid), NOW)
    assert asked(it) == set()


def test_a_pair_is_tried_once_the_newest_child_first() -> None:
    it = download()
    parent = spends(bytes(32))
    children = [spends(parent.txid, bytes([number]) * 32) for number in (1, 2)]
    for child in children:
        it.orphaned(child, (parent.txid,), (ALICE,), NOW)
    it.refused(parent, POOR)
    assert it.pays_too_little(parent.wtxid)
    assert it.find_pair(parent, (BOB,)) is None
    for child in reversed(children):
        pair = it.find_pair(parent, (BOB, ALICE))
        assert pair is not None
        assert (pair.child, pair.sender) == (child, ALICE)
        it.pair_refused(pair)
    assert it.find_pair(parent, (BOB, ALICE)) is None


def test_a_stranger_may_announce_so_many_a_friend_any_number() -> None:
    it = download()
    for peer in (ALICE, FRIEND):
        for number in range(MAX_ANNOUNCEMENTS + 5):
            name = bytes([peer]) + number.to_bytes(31, "big")
            it.announced(peer, InvItem(InvType.WTX, Wtxid(name)), NOW)
    assert len(it.txrequest) == 2 * MAX_ANNOUNCEMENTS + 5
    orphan = spends(bytes(32))
    assert it.orphaned(orphan, (Txid(bytes(32)),), (ALICE,), NOW)
    assert orphan.wtxid not in it.orphans  # Nobody could be asked for its parent.
    assert it.orphaned(orphan, (Txid(bytes(32)),), (ALICE, FRIEND), NOW)
    assert it.orphans.announcers(orphan.wtxid) == (FRIEND,)
