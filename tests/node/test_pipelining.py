"""Transactions of one peer on their way into the pool together, and what keeps them in order."""

from __future__ import annotations

from axon.machine import Closed, Delegate, PeerId
from axon.node.admission import MAX_IN_FLIGHT
from axon.node.facts import TransactionAccepted, TransactionRejected
from axon.node.jobs import FindCoins, VerifyScripts
from axon.node.reception import LONG_TX_BYTES
from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.wire.messages import Ping, Pong, Tx
from tests.node.rig import ALICE, BOB, CAROL, Rig, payment
from tests.signing import Spendable

MANY = MAX_IN_FLIGHT + 4


def coin(parent: Transaction, index: int = 0) -> Spendable:
    """An output of a payment to Bob."""
    return Spendable(outpoint(parent.txid, index), parent.outputs[index].amount_sat)


def pass_on(spent: Spendable, *, padding: int = 0) -> Transaction:
    """Bob pays Carol with it."""
    data = [TxOut(0, b"\x6a" + b"\x00" * padding)] if padding else []
    outputs = [TxOut(spent.amount_sat - 50_000, CAROL.script), *data]
    return BOB.pay([spent], outputs)


def payments(rig: Rig, count: int = MANY) -> list[Transaction]:
    """So many that have nothing to do with each other, of coins in the pool."""
    whole = payment(rig)
    each = whole.outputs[0].amount_sat // (count + 1)
    fan = BOB.pay([coin(whole)], [TxOut(each, BOB.script)] * count)
    rig.send(rig.connect(), Tx(whole), Tx(fan))
    rig.work()
    return [pass_on(coin(fan, index)) for index in range(count)]


def accepted(rig: Rig) -> list[bytes]:
    """What came into the pool, in order."""
    return [fact.txid for fact in rig.facts(TransactionAccepted)]


def judged(rig: Rig) -> list[Delegate]:
    """What is on its way: for each transaction there is one job at a time."""
    return [job for job in rig.jobs if isinstance(job.job, FindCoins | VerifyScripts)]


def pongs(rig: Rig, peer: PeerId) -> int:
    """Pings answered since the last call."""
    return len(rig.told(peer, Pong))


def test_transactions_in_a_row_are_judged_together_and_what_follows_waits_for_them_all() -> None:
    rig = Rig()
    sent = payments(rig, 5)
    peer = rig.connect()
    rig.clear()
    rig.send(peer, *[Tx(each) for each in sent], Ping(1), Tx(payment(rig, CAROL)), Ping(2))
    rig.tick()
    assert len(judged(rig)) == 5
    while len(accepted(rig)) < 5:
        assert pongs(rig, peer) == 0
        rig.work(1)
    assert accepted(rig) == [each.txid for each in sent]
    assert pongs(rig, peer) == 1
    rig.work()
    assert len(accepted(rig)) == 6
    assert pongs(rig, peer) == 1


def test_what_spends_a_transaction_on_its_way_waits_for_it() -> None:
    rig = Rig()
    one, other = rig.connect(), rig.connect()
    parent = payment(rig)
    child = pass_on(coin(parent))
    spent = Spendable(outpoint(child.txid, 0), child.outputs[0].amount_sat)
    grandchild = CAROL.pay([spent], [TxOut(spent.amount_sat - 50_000, ALICE.script)])
    rig.send(one, Tx(parent), Tx(child), Ping(1))
    rig.send(other, Tx(grandchild), Ping(2))
    rig.tick()
    assert len(judged(rig)) == 1
    rig.work()
    assert accepted(rig) == [parent.txid, child.txid, grandchild.txid]
    assert rig.facts(TransactionRejected) == []
    assert (pongs(rig, one), pongs(rig, other)) == (1, 1)


def test_what_spends_a_refused_transaction_is_looked_at_all_the_same() -> None:
    rig = Rig()
    peer = rig.connect()
    parent = payment(rig, fee_sat=0)
    rig.send(peer, Tx(parent), Tx(pass_on(coin(parent))), Ping(1))
    rig.work()
    assert pongs(rig, peer) == 1
    assert [fact.reason for fact in rig.facts(TransactionRejected)][:2] == [
        "min relay fee not met",
        "bad-txns-inputs-missingorspent",
    ]


def test_a_peer_takes_no_more_room_than_nobody_else_wants() -> None:
    rig = Rig()
    sent = payments(rig)
    flooder, others = rig.connect(), [rig.connect() for _ in range(3)]
    rig.clear()
    rig.send(flooder, *[Tx(each) for each in sent[3:]])
    rig.tick()
    assert len(judged(rig)) == MAX_IN_FLIGHT
    for peer, each in zip(others, sent, strict=False):
        rig.send(peer, Tx(each))
    rig.work()
    assert len(accepted(rig)) == MANY
    places = [accepted(rig).index(each.txid) for each in sent[:3]]
    assert max(places) < MAX_IN_FLIGHT + len(others)


def test_what_waits_of_a_peer_that_leaves_is_not_begun() -> None:
    rig = Rig()
    sent = payments(rig)
    one, other, third = rig.connect(), rig.connect(), rig.connect()
    rig.clear()
    rig.send(one, *[Tx(each) for each in sent])
    rig.tick()
    late = pass_on(Spendable(outpoint(sent[0].txid, 1), 1))
    rig.send(other, Tx(late), Ping(1))
    rig.send(third, Tx(sent[-1]), Ping(2))
    rig.tick()
    rig.feed(Closed(other))
    rig.feed(Closed(third))
    rig.feed(Closed(one))
    rig.work()
    assert len(accepted(rig)) == MAX_IN_FLIGHT
    assert rig.facts(TransactionRejected) == []
    again = rig.connect()
    rig.send(again, *[Tx(each) for each in sent[MAX_IN_FLIGHT:]], Ping(3))
    rig.work()
    assert len(accepted(rig)) == MANY
    assert pongs(rig, again) == 1


def test_the_same_transaction_twice_is_one() -> None:
    rig = Rig()
    peer, other = rig.connect(), rig.connect()
    paid = payment(rig)
    rig.send(peer, *[Tx(paid)] * (2 * MAX_IN_FLIGHT), Ping(1))
    rig.send(other, Tx(paid), Tx(paid), Ping(2))
    rig.tick()
    assert len(judged(rig)) == 1
    rig.work()
    assert accepted(rig) == [paid.txid]
    assert (pongs(rig, peer), pongs(rig, other)) == (1, 1)


def test_a_long_transaction_waits_for_those_before_it() -> None:
    rig = Rig()
    sent = payments(rig, 2)
    long = payment(rig, CAROL)
    coins = Spendable(outpoint(long.txid, 0), long.outputs[0].amount_sat)
    heavy = pass_on(coins, padding=LONG_TX_BYTES)
    peer = rig.connect()
    rig.clear()
    rig.send(peer, Tx(long), Tx(sent[0]), Tx(heavy), Tx(sent[1]), Ping(1))
    rig.tick()
    assert [type(job.job) for job in rig.jobs] == [FindCoins, VerifyScripts]
    rig.work()
    assert set(accepted(rig)[:2]) == {sent[0].txid, long.txid}
    assert accepted(rig)[2:] == [heavy.txid, sent[1].txid]
    assert pongs(rig, peer) == 1
