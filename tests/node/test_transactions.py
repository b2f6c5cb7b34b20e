"""Transactions through a node: announced, asked for, judged, kept as orphans, served."""

from __future__ import annotations

from dataclasses import replace

from axon.machine import MINUTE, SECOND, Closed, Commanded, Completed, PeerId
from axon.mempool.outcome import Admitted, Refused
from axon.mempool.packageacceptance import PackageResult
from axon.mempool.policy import Policy
from axon.node.commands import SendTransaction, SubmitBlock, SubmitPackage
from axon.node.facts import TransactionAccepted, TransactionRejected
from axon.node.jobs import ValidateBlock
from axon.node.work import perform
from axon.primitives.block import Block
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut, outpoint
from axon.wire.messages import (
    BlockMessage,
    FeeFilter,
    GetData,
    Headers,
    Inv,
    InvItem,
    InvType,
    NotFound,
    Ping,
    Pong,
    Tx,
    Verack,
    WtxidRelay,
)
from tests.node.rig import (
    ALICE,
    BOB,
    CAROL,
    NOW,
    Rig,
    chain_on,
    coins_of,
    listening,
    next_block,
    payment,
    their_version,
)
from tests.signing import Spendable


def child_of(parent: Transaction, fee_sat: int = 3_000) -> Transaction:
    """Bob passes on what he was paid."""
    coin = Spendable(outpoint(parent.txid, 0), parent.outputs[0].amount_sat)
    return BOB.pay([coin], [TxOut(coin.amount_sat - fee_sat, CAROL.script)])


def wtx(transaction: Transaction) -> InvItem:
    """How peers with BIP 339 name it."""
    return InvItem(InvType.WTX, transaction.wtxid)


def test_an_announced_transaction_is_asked_for_judged_and_announced_on() -> None:
    rig = Rig()
    giver, taker = rig.connect(), rig.connect()
    paid = payment(rig)
    rig.send(giver, Inv((wtx(paid),)))
    rig.wait(5 * SECOND)
    assert [request.items for request in rig.told(giver, GetData)] == [(wtx(paid),)]
    rig.send(giver, Tx(paid))
    rig.work()
    assert [fact.peer for fact in rig.facts(TransactionAccepted)] == [giver]
    rig.wait(MINUTE)
    assert rig.told(taker, Inv) == [Inv((wtx(paid),))]
    assert rig.told(giver, Inv) == []
    rig.send(taker, GetData((wtx(paid),)))
    assert rig.told(taker, Tx) == [Tx(paid)]


def test_who_does_not_deliver_is_not_waited_for_forever() -> None:
    rig = Rig()
    first, second = rig.connect(), rig.connect()
    paid = payment(rig)
    for peer in (first, second):
        rig.send(peer, Inv((wtx(paid),)))
    rig.wait(5 * SECOND)
    asked = [peer for peer in (first, second) if rig.told(peer, GetData)]
    assert len(asked) == 1
    other = second if asked == [first] else first
    rig.wait(MINUTE)
    assert [request.items for request in rig.told(other, GetData)] == [(wtx(paid),)]


def test_a_notfound_or_a_farewell_lets_the_next_be_asked_at_once() -> None:
    rig = Rig()
    peers = [rig.connect() for _ in range(3)]
    paid = payment(rig)
    for peer in peers:
        rig.send(peer, Inv((wtx(paid),)))
    rig.wait(5 * SECOND)
    (first,) = [peer for peer in peers if rig.told(peer, GetData)]
    rig.send(first, NotFound((wtx(paid),)))
    rig.tick()
    (second,) = [peer for peer in peers if peer != first and rig.told(peer, GetData)]
    rig.feed(Closed(second))
    rig.tick()
    (third,) = [peer for peer in peers if peer not in (first, second)]
    assert rig.told(third, GetData)


def test_an_orphan_waits_for_its_parent() -> None:
    rig = Rig()
    peer = rig.connect()
    parent = payment(rig)
    child = child_of(parent)
    rig.send(peer, Tx(child))
    rig.work()
    assert len(rig.node.pool) == 0
    (fact,) = rig.facts(TransactionRejected)
    assert fact.reason == "bad-txns-inputs-missingorspent"
    rig.wait(5 * SECOND)
    asked = [item.hash for request in rig.told(peer, GetData) for item in request.items]
    assert asked == [parent.txid]
    rig.send(peer, Tx(parent), Ping(3))
    rig.work()
    assert {entry.txid for entry in rig.node.pool.entries()} == {parent.txid, child.txid}
    assert Pong(3) in rig.sent_to(peer)


def test_of_an_orphan_no_more_parents_are_asked_for_than_could_help_it() -> None:
    rig = Rig()
    peer = rig.connect()
    spent = [TxIn(OutPoint(number.to_bytes(32, "big") + bytes(4))) for number in range(1_000)]
    rig.send(peer, Tx(Transaction.build(2, spent, [TxOut(1_000, CAROL.script)])))
    rig.work()
    rig.wait(5 * SECOND)
    asked = [item.hash for request in rig.told(peer, GetData) for item in request.items]
    assert len(asked) == rig.node.pool.policy.cluster_count
    assert len(rig.node.transactions.orphans) == 1


def test_an_orphan_whose_parent_is_refused_never_comes_in() -> None:
    rig = Rig()
    peer = rig.connect()
    bad = payment(rig, fee_sat=-1)
    rig.send(peer, Tx(bad), Tx(child_of(bad)))
    rig.work()
    rig.wait(5 * SECOND)
    assert len(rig.node.pool) == 0
    assert rig.disconnected(peer) is None


def test_a_block_settles_what_waited() -> None:
    rig = Rig()
    peer = rig.connect()
    parent = payment(rig)
    child = child_of(parent)
    rig.send(peer, Tx(parent), Tx(child))
    rig.work()
    rig.command(SubmitBlock(next_block(rig, [parent])))
    assert [entry.txid for entry in rig.node.pool.entries()] == [child.txid]
    rig.send(peer, Inv((wtx(parent),)))
    rig.wait(5 * SECOND)
    assert rig.told(peer, GetData) == []  # Confirmed lately, so nobody has to send it.


def test_what_was_refused_is_not_asked_for_again_until_the_tip_moves() -> None:
    rig = Rig()
    peer = rig.connect()
    bad = payment(rig, fee_sat=-1)
    rig.send(peer, Tx(bad))
    rig.work()
    rig.send(peer, Inv((wtx(bad),)))
    rig.wait(5 * SECOND)
    assert rig.told(peer, GetData) == []
    rig.command(SubmitBlock(next_block(rig)))
    rig.send(peer, Inv((wtx(bad),)))
    rig.wait(5 * SECOND)
    assert rig.told(peer, GetData)


def test_nothing_is_asked_for_in_initial_sync() -> None:
    rig = Rig(now=NOW + 5 * 24 * 60 * MINUTE)
    assert rig.node.initial_sync
    peer = rig.open()
    rig.send(peer, their_version())
    rig.wait(SECOND)
    rig.sent_to(peer)
    peer = rig.connect()
    paid = payment(rig)
    rig.send(peer, Inv((wtx(paid),)), Tx(paid))
    rig.wait(5 * SECOND)
    assert rig.told(peer, GetData) == []
    assert len(rig.node.pool) == 0


def test_an_empty_pool_asks_peers_for_no_more_than_the_least_feerate() -> None:
    rig = Rig()
    peers = [rig.connect() for _ in range(12)]  # Each was told the least feerate.
    rig.wait(15 * MINUTE)
    assert [rig.told(peer, FeeFilter) for peer in peers] == [[]] * len(peers)


def test_who_comes_when_the_pool_was_full_is_told_its_minimum() -> None:
    rig = Rig(policy=Policy(max_mempool_bytes=40_000, cluster_vsize=1_000))
    fees = range(30_000, 33_000, 100)
    coins = coins_of(rig, ALICE)
    spread = ALICE.pay(coins[:1], [TxOut(1_000_000, BOB.script)] * len(fees))
    block = next_block(rig, [spread])
    rig.command(SubmitBlock(block))
    rig.wait(2 * MINUTE)
    for index, fee_sat in enumerate(fees):
        coin = Spendable(outpoint(spread.txid, index), 1_000_000)
        rig.command(SendTransaction(BOB.pay([coin], [TxOut(1_000_000 - fee_sat, BOB.script)])))
    least = rig.node.pool.min_feerate(rig.now)
    assert least > 250_000, "the worst had to go"
    peer = rig.open()
    rig.send(peer, their_version(), WtxidRelay(), Verack())
    rig.wait(SECOND)
    (told,) = rig.told(peer, FeeFilter)
    assert least / 1.1 - 1 <= told.feerate_sat_kvb <= least * 1.1


def test_a_peer_in_initial_sync_is_told_nothing_until_it_has_ended() -> None:
    rig = Rig(settings=replace(listening(), announce_pool=True))
    peer = rig.connect()
    rig.send(peer, FeeFilter(9_170_997))
    paid = payment(rig)
    assert isinstance(rig.command(SendTransaction(paid)), Admitted)
    rig.wait(5 * MINUTE)
    assert rig.told(peer, Inv) == []
    rig.send(peer, FeeFilter(100))
    rig.wait(MINUTE)
    assert rig.told(peer, Inv) == [Inv((wtx(paid),))]


def test_our_own_transaction_counts_as_sent_when_somebody_asks() -> None:
    rig = Rig()
    peer = rig.connect()
    paid = payment(rig)
    rig.command(SendTransaction(paid))
    assert rig.node.pool.is_unbroadcast(paid.txid)
    rig.wait(MINUTE)
    assert rig.told(peer, Inv) == [Inv((wtx(paid),))]
    rig.send(peer, GetData((wtx(paid),)))
    assert not rig.node.pool.is_unbroadcast(paid.txid)


def test_a_refused_command_says_why() -> None:
    rig = Rig()
    refused = rig.command(SendTransaction(payment(rig, fee_sat=-5)))
    assert isinstance(refused, Refused)
    assert refused.reason == "bad-txns-in-belowout"


def test_a_package_comes_in_together_or_is_only_tested() -> None:
    rig = Rig()
    parent = payment(rig)
    child = child_of(parent)
    rig.command(SubmitPackage((parent, child), test_only=True))
    assert len(rig.node.pool) == 0
    rig.command(SubmitPackage((parent, child)))
    assert {entry.txid for entry in rig.node.pool.entries()} == {parent.txid, child.txid}


def far_ahead(rig: Rig, peer: PeerId) -> list[Block]:
    """Six blocks of which a peer has sent the first: coins lag until the others are here."""
    blocks = chain_on(rig.node.active.tip, 6)
    rig.send(peer, Headers(tuple([block.header for block in blocks])))
    rig.send(peer, BlockMessage(blocks[0].raw))
    return blocks


def catch_up(rig: Rig, peer: PeerId, blocks: list[Block]) -> None:
    for block in blocks[1:]:
        rig.send(peer, BlockMessage(block.raw))
        rig.work()
    assert rig.node.follows


def test_what_the_operator_sends_waits_for_coins_that_lag() -> None:
    rig = Rig()
    peer = rig.connect()
    paid, other = payment(rig), payment(rig, which=1)
    blocks = far_ahead(rig, peer)
    rig.work()
    assert not rig.node.follows
    rig.feed(Commanded(901, SendTransaction(paid)))
    rig.feed(Commanded(902, SubmitPackage((other,))))
    rig.work()
    assert not rig.answers
    catch_up(rig, peer, blocks)
    assert isinstance(rig.answers[901], Admitted)
    assert isinstance(rig.answers[902], PackageResult)
    assert {entry.txid for entry in rig.node.pool.entries()} == {paid.txid, other.txid}


def test_what_a_peer_sends_does_not_keep_it_waiting_for_coins_that_lag() -> None:
    rig = Rig()
    giver, peer = rig.connect(), rig.connect()
    paid = payment(rig)
    rig.send(giver, Tx(paid), Ping(5))
    (verification,) = rig.jobs
    rig.jobs.clear()
    blocks = far_ahead(rig, peer)
    rig.work()
    assert not rig.node.follows
    rig.jobs.append(verification)
    rig.work()
    assert [fact.reason for fact in rig.facts(TransactionRejected)] == ["coins-behind-tip"]
    assert Pong(5) in rig.sent_to(giver)
    catch_up(rig, peer, blocks)
    rig.send(giver, Tx(paid))
    rig.work()
    assert paid.txid in rig.node.pool


def test_a_transaction_waits_while_a_block_moves_the_coins() -> None:
    rig = Rig()
    peer = rig.connect()
    parent = payment(rig)
    block = next_block(rig, [parent])
    rig.feed(Commanded(901, SubmitBlock(block)))
    judging = next(job for job in rig.jobs if isinstance(job.job, ValidateBlock))
    rig.jobs.remove(judging)
    outcome = perform(rig.ledger, judging.job)  # The coins have moved, the node does not know yet.
    rig.send(peer, Tx(child_of(parent)), Ping(6))
    rig.work()
    assert len(rig.node.pool) == 0
    assert Pong(6) not in rig.sent_to(peer)
    rig.feed(Completed(judging.task, outcome))
    rig.work()
    assert rig.node.active.tip.hash == block.hash
    assert child_of(parent).txid in rig.node.pool
    assert Pong(6) in rig.sent_to(peer)
    assert rig.facts(TransactionRejected) == []
