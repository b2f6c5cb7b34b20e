"""A light client and links as one machine: what a payment wants, and what the network says."""

from __future__ import annotations

from random import Random

from axon.machine import (
    MINUTE,
    Commanded,
    Completed,
    Delegate,
    Effect,
    Instant,
)
from axon.node.spends import SpendsUnknown, Spent, Unspent
from axon.node.spendwatch import MAX_QUESTIONS
from axon.payments.coinsfound import found_verdict
from axon.payments.desk import AtDesk, CoinsLookedUp, FollowBlocks, ResumeDeals
from axon.payments.invoice import proves_link
from axon.payments.link import LinkNode
from axon.payments.step import DealStep, KeepWatching, LookUp, WatchFor
from axon.payments.verdict import CoinClaim, PaymentLevel
from axon.payments.walletnode import WalletNode
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxOut, outpoint
from tests.node.lightrig import LightRig
from tests.payments.payscene import ALICE, made_up_coin

HASH = BlockHash(bytes(32))


class Bench:
    """A wallet node that reaches nobody, and what it has its wallet do."""

    def __init__(self) -> None:
        rig = LightRig(nodes=0)
        self.now: Instant = rig.now
        self.node = WalletNode(rig.node, LinkNode(REGTEST, proves_link, Random(1)))
        self.ordered: list[tuple[int, AtDesk]] = []

    def note(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Delegate) and isinstance(effect.job, AtDesk):
                self.ordered.append((effect.task, effect.job))

    def step(self, step: DealStep) -> None:
        """The wallet looked at blocks, and this is what follows."""
        self.note(self.node.handle(Commanded(1, FollowBlocks()), self.now))
        task, ordered = self.ordered.pop()
        assert ordered.job == FollowBlocks()
        self.note(self.node.handle(Completed(task, step), self.now))

    def wait(self, time: Instant) -> None:
        end = self.now + time
        while (due := self.node.deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.note(self.node.tick(self.now))
        self.now = end

    def looked_up(self) -> list[CoinsLookedUp]:
        """What the wallet was told of coins."""
        return [order.job for _, order in self.ordered if isinstance(order.job, CoinsLookedUp)]


def invoice_id(number: int) -> bytes:
    return number.to_bytes(32, "big")


def payment(number: int) -> Transaction:
    return ALICE.pay([made_up_coin(number)], [TxOut(1_000, ALICE.script)])


def claim(number: int) -> CoinClaim:
    return CoinClaim(outpoint(Txid(invoice_id(number)), 0), ALICE.script, 1_000, 0)


def test_a_start_has_the_wallet_go_on_with_what_was_begun() -> None:
    bench = Bench()
    bench.note(bench.node.tick(bench.now))
    assert [order.job for _, order in bench.ordered] == [ResumeDeals()]
    bench.note(bench.node.tick(bench.now))
    assert len(bench.ordered) == 1


def test_every_question_is_asked_however_many_there_are() -> None:
    bench = Bench()
    wants = [LookUp(invoice_id(n), payment(n).txid, (claim(n),)) for n in range(3 * MAX_QUESTIONS)]
    bench.step(DealStep(wants=tuple(wants)))
    assert bench.looked_up() == [], "nobody is here who could tell"
    bench.wait(MINUTE)
    told = bench.looked_up()
    assert [(each.invoice_id, each.txid) for each in told] == [
        (want.invoice_id, want.txid) for want in wants
    ]
    assert {each.verdict.level for each in told} == {PaymentLevel.FUNDED}


def test_what_is_over_is_watched_no_more_and_makes_room() -> None:
    bench = Bench()
    many = 40
    wants = [WatchFor(invoice_id(number), payment(number)) for number in range(many)]
    bench.step(DealStep(wants=tuple(wants)))
    watched = dict(bench.node.watched)
    assert 0 < len(watched) < many, "a light client watches so many at a time"
    last = wants[-1]
    assert last.transaction.txid not in watched
    bench.step(DealStep(wants=(KeepWatching(frozenset({invoice_id(0)})), last)))
    assert bench.node.watched == {
        wants[0].transaction.txid: invoice_id(0),
        last.transaction.txid: last.invoice_id,
    }


def test_what_is_found_of_coins_is_said_as_far_as_it_is_known() -> None:
    point = made_up_coin(1).outpoint
    txid, payment = Txid(b"\1" * 32), Txid(b"\2" * 32)
    unspent = found_verdict(Unspent(7, HASH, 3), payment, 9)
    assert (unspent.level, unspent.height, unspent.peers) == (PaymentLevel.UNSPENT, 7, 3)
    spent = found_verdict(Spent(point, txid, 8, HASH), payment, 9)
    assert (spent.level, spent.reason) == (PaymentLevel.REFUSED, "coin-spent")
    assert to_hex(txid) in spent.detail
    assert "block 8" in spent.detail
    mined = found_verdict(Spent(point, payment, 8, HASH), payment, 9)
    assert (mined.level, mined.height) == (PaymentLevel.MINED, 9)
    for_now = found_verdict(SpendsUnknown("no node gives filters"), payment, 9)
    assert (for_now.level, for_now.height) == (PaymentLevel.FUNDED, 9)
    never = found_verdict(
        SpendsUnknown("a coin is older than 50 blocks", for_good=True), payment, 9
    )
    assert (never.level, never.reason) == (PaymentLevel.REFUSED, "coin-unknown")
    assert "older than 50 blocks" in never.detail
