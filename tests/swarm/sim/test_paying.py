"""Wallets that pay each other among liars, deaths and cuts: a few seeds, and what the judges see.

`python -m tests.swarm.sim.payingworld` runs any number of seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from axon.machine import MINUTE
from axon.node.commands import SendTransaction
from axon.payments import walletnode
from axon.payments.deal import Deal, Role
from axon.payments.payer import PayerDesk
from axon.payments.receipt import Receipt
from axon.payments.step import DealStep
from axon.payments.verdict import PaymentLevel, Verdict
from axon.payments.walletnode import WalletNode
from axon.primitives.hashes import Txid
from axon.primitives.transaction import TxOut, outpoint
from tests.swarm.sim.payingworld import Cheat, PayingWorld, Payment

CALM = 3
"""A seed in which nobody dies: one pays, and one tries to with a coin that a block has spent."""


def played(seed: int, most: int = 6) -> PayingWorld:
    """A run."""
    world = PayingWorld(seed, most)
    world.run()
    return world


def paid(world: PayingWorld) -> Payment:
    """The honest payment of a calm run."""
    (payment,) = [each for each in world.begun if each.cheat is Cheat.NOT]
    return payment


@pytest.mark.parametrize("seed", [1, 5, 6])
def test_whatever_happens_a_payment_is_made_once_or_undone(seed: int) -> None:
    world = played(seed)
    assert world.judge.wrong == [], f"seed {seed}"
    assert world.judge.levels[PaymentLevel.UNSPENT]
    assert world.judge.levels[PaymentLevel.MINED]


@pytest.mark.parametrize("seed", [4, 5])
def test_so_it_is_where_clocks_are_wrong_and_blocks_are_left_for_others(seed: int) -> None:
    world = PayingWorld(seed, 6, unsteady=True)
    world.run()
    assert world.judge.wrong == [], f"seed {seed}"
    assert world.judge.truth.former
    assert world.begun


@pytest.mark.long
@pytest.mark.parametrize("seed", [4, 8, 14, 21, 28, 30])
def test_many_wallets(seed: int) -> None:
    """Seeds that once found something."""
    assert played(seed, 20).judge.wrong == [], f"seed {seed}"


@pytest.mark.long
@pytest.mark.parametrize("seed", [166, 169, 181])
def test_many_wallets_whose_clocks_are_wrong(seed: int) -> None:
    """Seeds that once found something."""
    world = PayingWorld(seed, unsteady=True)
    world.run()
    assert world.judge.wrong == [], f"seed {seed}"


def test_the_same_seed_is_the_same_run() -> None:
    assert played(4).digest() == played(4).digest() != played(5).digest()


# Each judge says no.


def test_who_calls_a_spent_coin_unspent_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def believes(_found: object, _txid: object, height: int) -> Verdict:
        return Verdict(PaymentLevel.UNSPENT, height=height, peers=1)

    monkeypatch.setattr(walletnode, "found_verdict", believes)
    wrong = played(CALM).judge.wrong
    assert any("UNSPENT" in each and "spent a coin of it in block" in each for each in wrong)


def test_who_settles_nothing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = WalletNode._ask_spv

    def asks(self: WalletNode, command: object, purpose: object, now: int) -> None:
        if not isinstance(command, SendTransaction):
            asked(self, command, purpose, now)  # type: ignore[arg-type]

    monkeypatch.setattr(WalletNode, "_ask_spv", asks)
    wrong = played(CALM).judge.wrong
    assert any("not settled in time" in each for each in wrong)
    assert any("0 transactions pay the invoice" in each for each in wrong)


def test_who_takes_no_receipt_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PayerDesk, "_receipted", lambda *_: DealStep())
    assert any("PAYER has no receipt" in each for each in played(CALM).judge.wrong)


def test_a_machine_that_breaks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PayerDesk, "_judged", lambda *_: 1 // 0)
    assert any("ZeroDivisionError" in each for each in played(CALM).judge.wrong)


def test_a_coin_that_is_lost_is_missed() -> None:
    world = played(CALM)
    wallet = world.wallets[0]
    wallet.wallet.ledger.confirmed.clear()
    world.judge.check_end(world.wallets)
    assert any("wallet 0 holds 0 sat in blocks" in each for each in world.judge.wrong)


def test_a_payment_that_is_made_twice_is_noticed() -> None:
    world = played(CALM)
    payment = paid(world)
    assert payment.invoice is not None
    truth, once_more = world.judge.truth, outpoint(Txid(bytes(32)), 0)
    truth.outputs[once_more] = TxOut(payment.amount_sat, payment.invoice.script_pubkey)
    judge_again(world, payment)
    assert any("2 transactions pay the invoice" in each for each in world.judge.wrong)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda receipt: replace(receipt, proof=None), "receipt has no proof"),
        (lambda receipt: replace(receipt, amount_sat=receipt.amount_sat + 1), "the signature is"),
        (lambda _: None, "has no receipt"),
    ],
)
def test_a_bad_receipt_is_noticed(change: Callable[[Receipt], Receipt | None], said: str) -> None:
    world = played(CALM)
    payment = paid(world)
    assert payment.invoice is not None
    book = world.wallets[payment.payer].book
    deal: Deal | None = book.get(Role.PAYER, payment.invoice.id)
    assert deal is not None
    assert deal.receipt is not None
    book.put(replace(deal, receipt=change(deal.receipt)))
    judge_again(world, payment)
    assert any(said in each for each in world.judge.wrong)


def judge_again(world: PayingWorld, payment: Payment) -> None:
    """Have the end of a payment judged once more; before, all was well."""
    assert world.judge.wrong == []
    assert payment.invoice is not None
    payer, payee = world.wallets[payment.payer], world.wallets[payment.payee]
    world.judge.check_payment(payer, payee, payment.invoice, cheats=False)


def test_a_verdict_that_held_before_blocks_were_left_is_no_lie_and_one_that_never_did_is() -> None:
    world = played(CALM)
    payment = paid(world)
    assert payment.invoice is not None
    deal = world.wallets[payment.payee].book.get(Role.PAYEE, payment.invoice.id)
    assert deal is not None
    assert deal.verdict is not None
    judge = world.judge
    assert judge.fault_of(deal, deal.verdict) == ""
    world.faults.reorganise()
    world.network.run(MINUTE)
    judge.truth.read()
    assert len(judge.truth.former) == 1
    judge.truth.mined.clear()
    assert judge.fault_of(deal, deal.verdict) == ""
    judge.truth.former.clear()
    assert judge.fault_of(deal, deal.verdict) == "no block has it"
