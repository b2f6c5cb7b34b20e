"""What waits for parents, and what comes in with a child that pays for both."""

from __future__ import annotations

from axon.machine import MINUTE, SECOND, Closed, Completed, PeerId
from axon.mempool.outcome import Refused
from axon.node.commands import SendTransaction
from axon.node.facts import TransactionAccepted
from axon.node.jobs import FindCoins, VerifyScripts
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.primitives.verdict import Rejected
from axon.wire.messages import GetData, Inv, InvItem, InvType, NotFound, Ping, Pong, Tx, Verack
from tests.node.rig import BOB, CAROL, Rig, payment, their_version
from tests.signing import Spendable


def child_of(parent: Transaction, fee_sat: int = 3_000) -> Transaction:
    """Bob passes on what he was paid."""
    coin = Spendable(outpoint(parent.txid, 0), parent.outputs[0].amount_sat)
    return BOB.pay([coin], [TxOut(coin.amount_sat - fee_sat, CAROL.script)])


def pair_of(rig: Rig, child_fee_sat: int = 3_000) -> tuple[Transaction, Transaction]:
    """A parent that pays nothing, and its child."""
    parent = payment(rig, fee_sat=0)
    return parent, child_of(parent, child_fee_sat)


def pooled(rig: Rig) -> set[Txid]:
    return {entry.txid for entry in rig.node.pool.entries()}


def asked(rig: Rig, peer: PeerId) -> list[bytes]:
    """What a peer is asked for, within a few seconds."""
    rig.wait(5 * SECOND)
    return [item.hash for request in rig.told(peer, GetData) for item in request.items]


def judged(rig: Rig) -> int:
    """How many looks at coins or scripts were ordered since the last `clear`."""
    jobs = [getattr(effect, "job", None) for effect in rig.effects]
    return sum(isinstance(job, FindCoins | VerifyScripts) for job in jobs)


def test_a_child_that_pays_for_both_brings_its_parent_in() -> None:
    rig = Rig()
    peer, other = rig.connect(), rig.connect()
    parent, child = pair_of(rig)
    rig.send(peer, Tx(parent))
    rig.work()
    assert pooled(rig) == set()
    rig.send(peer, Tx(child))
    rig.work()
    assert asked(rig, peer) == [parent.txid]  # Once more, for the child's sake.
    rig.send(peer, Tx(parent), Ping(3))
    rig.work()
    assert pooled(rig) == {parent.txid, child.txid}
    assert Pong(3) in rig.sent_to(peer)
    assert [fact.peer for fact in rig.facts(TransactionAccepted)] == [peer, peer]
    assert rig.node.pool.unbroadcast == ()
    assert len(rig.node.transactions.orphans) == 0
    rig.wait(MINUTE)
    told = [item.hash for message in rig.told(other, Inv) for item in message.items]
    assert told == [parent.wtxid, child.wtxid]


def test_the_orphan_may_be_there_first_and_its_own_children_follow() -> None:
    rig = Rig()
    peer = rig.connect()
    parent, child = pair_of(rig)
    coin = Spendable(outpoint(child.txid, 0), child.outputs[0].amount_sat)
    grandchild = CAROL.pay([coin], [TxOut(coin.amount_sat - 500, BOB.script)])
    for transaction in (grandchild, child, parent):
        rig.send(peer, Tx(transaction))
        rig.work()
    assert pooled(rig) == {parent.txid, child.txid, grandchild.txid}


def test_a_pair_that_pays_too_little_is_looked_at_once() -> None:
    rig = Rig()
    peer = rig.connect()
    parent, child = pair_of(rig, child_fee_sat=1)
    for transaction in (child, parent):
        rig.send(peer, Tx(transaction))
        rig.work()
    assert pooled(rig) == set()
    rig.send(peer, Tx(child))
    rig.work()
    rig.clear()
    for transaction in (parent, child, parent):
        rig.send(peer, Tx(transaction))
        rig.work()
    assert judged(rig) == 0
    assert rig.is_alive(peer)


def test_both_have_to_come_from_one_peer() -> None:
    rig = Rig()
    first, second = rig.connect(), rig.connect()
    parent, child = pair_of(rig)
    rig.send(first, Tx(child))
    rig.work()
    rig.send(second, Tx(parent))
    rig.work()
    assert pooled(rig) == set()
    rig.send(first, Tx(parent))
    rig.work()
    assert pooled(rig) == {parent.txid, child.txid}


def test_everybody_who_announced_an_orphan_is_asked_for_its_parents() -> None:
    rig = Rig()
    first, second, late = (rig.connect() for _ in range(3))
    parent = payment(rig)
    child = child_of(parent)
    item = InvItem(InvType.WTX, child.wtxid)
    rig.send(first, Inv((item,)))
    rig.send(second, Inv((item,)))
    rig.wait(5 * SECOND)
    (giver,) = [peer for peer in (first, second) if rig.told(peer, GetData)]
    taker = second if giver == first else first
    rig.send(giver, Tx(child))
    rig.work()
    rig.send(late, Inv((item,)))
    announcers = set(rig.node.transactions.orphans.announcers(child.wtxid))
    assert announcers == {giver, taker, late}
    everybody = [giver, taker, late]
    for left in (3, 2, 1):
        rig.wait(5 * SECOND)
        (one,) = [peer for peer in everybody if rig.told(peer, GetData)]
        everybody.remove(one)
        assert len(everybody) == left - 1
        if left > 1:
            rig.send(one, NotFound((InvItem(InvType.WITNESS_TX, parent.txid),)))
    rig.send(one, Tx(parent))
    rig.work()
    assert pooled(rig) == {parent.txid, child.txid}


def test_nobody_is_asked_for_what_is_being_judged() -> None:
    rig = Rig()
    first, second = rig.connect(), rig.connect()
    paid = payment(rig)
    rig.send(first, Tx(paid))  # Its coins are looked up; that takes a while.
    rig.send(second, Inv((InvItem(InvType.WTX, paid.wtxid),)))
    rig.now += 10 * SECOND
    rig.tick()
    assert rig.told(second, GetData) == []
    rig.work()
    assert pooled(rig) == {paid.txid}


def test_who_leaves_while_the_children_of_what_he_sent_are_judged_is_let_go() -> None:
    rig = Rig()
    peer, other = rig.connect(), rig.connect()
    parent = payment(rig)
    rig.send(other, Tx(child_of(parent)))
    rig.work()
    rig.send(peer, Tx(parent))
    rig.work(2)  # The parent is in, the child's scripts are verified next.
    assert pooled(rig) == {parent.txid}
    rig.feed(Closed(peer))
    rig.work()
    assert len(pooled(rig)) == 2


def test_without_its_witness_a_transaction_says_nothing_about_the_whole_one() -> None:
    rig = Rig()
    peer = rig.connect()
    by_txid = rig.open()
    rig.send(by_txid, their_version(900), Verack())
    rig.wait(SECOND)
    whole = payment(rig)
    stripped = Transaction.build(
        whole.version,
        tuple([TxIn(item.prevout, b"", item.sequence) for item in whole.inputs]),
        whole.outputs,
        whole.locktime,
    )
    assert stripped.txid == whole.txid
    rig.send(peer, Tx(stripped))
    rig.work(1)  # Its coins are found.
    job = rig.jobs.popleft()
    assert isinstance(job.job, VerifyScripts)  # Here no scripts are run: the verdict is ours.
    rig.feed(Completed(job.task, Rejected("mempool-script-verify-flag-failed")))
    assert pooled(rig) == set()
    rig.sent_to(by_txid)
    rig.send(by_txid, Inv((InvItem(InvType.TX, whole.txid),)))
    assert asked(rig, by_txid) == [whole.txid]


def test_what_the_operator_was_refused_may_come_from_a_peer() -> None:
    rig = Rig()
    peer = rig.connect()
    parent = payment(rig, fee_sat=0)
    assert isinstance(rig.command(SendTransaction(parent)), Refused)
    rig.send(peer, Inv((InvItem(InvType.WTX, parent.wtxid),)))
    assert asked(rig, peer) == [parent.wtxid]
