"""A joined payment whose coin of the payee's was spent otherwise: the first one takes its place."""

from __future__ import annotations

import pytest

from axon.payments.deal import DealStage, Role
from axon.payments.desk import PayeeSilent, PayerLeft, PayInvoice
from axon.payments.invoice import Invoice
from axon.payments.linkevents import Side
from axon.payments.messages import PayjoinAnswer
from axon.payments.payjoinreceiver import JoinPolicy
from axon.payments.receipt import verify
from axon.primitives.transaction import COIN, OutPoint, Transaction
from axon.wallet.payment import Payee as Recipient
from axon.wallet.payment import draft
from tests.payments.dealscene import AMOUNT_SAT, Town
from tests.payments.payscene import kernel
from tests.wallet.scene import PASSPHRASE


def another_coin(town: Town) -> OutPoint:
    """Of Alice's; a block later."""
    return town.fund(town.alice, COIN, f"Alice at {town.chain.height}")


def begun(town: Town, coin: OutPoint) -> Invoice:
    """One more payment, with this coin."""
    invoice = town.bob.issue()
    recipient = Recipient(invoice.script_pubkey, AMOUNT_SAT)
    made = draft(town.alice.wallet, [recipient], feerate_sat_kvb=2_000, coins=[coin])
    town.alice.do(PayInvoice(invoice, made.psbt, PASSPHRASE, True))
    return invoice


def paid(town: Town, coin: OutPoint) -> Invoice:
    """The same, as far as it comes by itself."""
    invoice = begun(town, coin)
    town.talk(invoice)
    return invoice


def abandoned(town: Town) -> Transaction:
    """Alice signs a joined payment that Bob never gets, he accepts the first one; what she has."""
    oldest = min(town.alice.wallet.coins(), key=lambda coin: -coin.confirmations)
    invoice = begun(town, oldest.outpoint)
    town.change = lambda side, m: None if side is Side.PAYER and isinstance(m, PayjoinAnswer) else m
    town.talk(invoice)
    town.change = lambda _, m: m
    town.bob.do(PayerLeft(invoice.id))
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.ACCEPTED
    joined = town.alice.deal(Role.PAYER, invoice).joined
    assert joined is not None
    return joined


def test_a_coin_is_not_joined_again_while_the_payment_for_which_it_was_shown_may_come() -> None:
    town = Town()
    coin = another_coin(town)
    abandoned(town)
    invoice = paid(town, coin)
    for person, role in ((town.alice, Role.PAYER), (town.bob, Role.PAYEE)):
        deal = person.deal(role, invoice)
        assert (deal.stage, deal.joined) == (DealStage.ACCEPTED, None)


@pytest.mark.parametrize("restarts", [False, True])
def test_the_first_payment_takes_the_place_of_a_joined_one_that_cannot_come(
    restarts: bool,
) -> None:
    town = Town()
    before = abandoned(town)
    for _ in range(1 + JoinPolicy().hold_s // 600):
        town.mine()  # The coin is held no longer.
    invoice = paid(town, another_coin(town))
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    assert payer.joined is not None
    assert payer.joined == payee.joined
    assert set(payer.joined.prevouts) & set(before.prevouts), "no coin is in both"
    assert payer.packet is not None
    first = payer.packet.transaction
    town.alice.settled.clear()
    town.bob.settled.clear()
    town.mine(before)
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    assert payer.stage is payee.stage is DealStage.ACCEPTED
    assert payer.payment == payee.payment == first
    assert payer.receipt is None, "that for the joined payment is worth nothing"
    assert payee.receipt is not None
    assert payee.receipt.txid == first.txid
    assert town.alice.settled == town.bob.settled == [first]
    if restarts:
        town.alice.restart()
        town.bob.restart()
        assert town.bob.settled == [first]
        town.bob.issue()  # His words are open again.
        town.talk(invoice)
        assert town.alice.settled == [first]
    town.mine(first)
    town.talk(invoice)
    payer, payee = town.alice.deal(Role.PAYER, invoice), town.bob.deal(Role.PAYEE, invoice)
    assert payer.stage is payee.stage is DealStage.SETTLED
    assert payer.receipt is not None
    assert payer.receipt == payee.receipt
    assert verify(payer.receipt, kernel).is_valid
    assert town.bob.spendable_sat() == COIN // 2 + 2 * AMOUNT_SAT


def test_who_has_no_receipt_for_it_yet_falls_back_as_well() -> None:
    town = Town()
    before = abandoned(town)
    for _ in range(1 + JoinPolicy().hold_s // 600):
        town.mine()
    invoice = begun(town, another_coin(town))
    town.change = lambda side, m: None if side is Side.PAYER and isinstance(m, PayjoinAnswer) else m
    town.talk(invoice)
    town.change = lambda _, m: m
    deal = town.alice.deal(Role.PAYER, invoice)
    assert deal.stage is DealStage.JOINED
    town.mine(before)
    assert deal.packet is not None
    assert town.alice.deal(Role.PAYER, invoice).payment == deal.packet.transaction
    town.alice.do(PayeeSilent(invoice.id))
    assert town.alice.settled[-1] == deal.packet.transaction
