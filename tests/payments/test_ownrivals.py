"""A coin in two payments at once: a payee who has the first one takes no second."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from axon.payments.byfile import CheckPacket, FileChecked
from axon.payments.deal import DealStage, Role
from axon.payments.desk import AtDesk, PayInvoice
from axon.payments.invoice import Invoice
from axon.payments.linkevents import Side
from axon.payments.messages import LinkMessage, PaymentMessage, VerdictMessage
from axon.payments.packet import Packet
from axon.payments.packetbuilder import build_packet
from axon.payments.refusals import what_next
from axon.payments.step import DealStep, Tell
from axon.payments.verdict import PaymentLevel
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import COIN, OutPoint, Transaction
from axon.wallet.payment import Payee as Recipient
from axon.wallet.payment import draft
from axon.wallet.signing import sign
from tests.payments.dealscene import AMOUNT_SAT, Person, Town
from tests.wallet.scene import PASSPHRASE


def coins_of(person: Person) -> list[OutPoint]:
    """Those of blocks, before anything is paid."""
    return [coin.outpoint for coin in person.wallet.coins() if coin.confirmations]


def paying(person: Person, invoice: Invoice, coins: Sequence[OutPoint]) -> Packet:
    """A payment that is signed, and not told to anybody."""
    recipient = Recipient(invoice.script_pubkey, AMOUNT_SAT)
    made = draft(person.wallet, [recipient], feerate_sat_kvb=2_000, coins=list(coins))
    signed = sign(person.wallet, made, PASSPHRASE)
    assert isinstance(signed, Transaction)
    return build_packet(person.wallet.ledger, signed)


def handed(person: Person, invoice: Invoice, packet: Packet) -> DealStep:
    """What a payee says to a payment."""
    return person.hear(Side.PAYEE, invoice, PaymentMessage(packet.encode()))


def refused(messages: Sequence[LinkMessage]) -> VerdictMessage:
    """The refusal, and no receipt."""
    (said,) = messages
    assert isinstance(said, VerdictMessage)
    assert (said.level, said.reason) == (PaymentLevel.REFUSED, "txn-mempool-conflict")
    return said


@pytest.mark.parametrize("joins", [True, False])
def test_a_coin_that_pays_two_invoices_pays_the_first(joins: bool) -> None:
    """Also where the first was joined, so that the payee's own payment spends it."""
    town = Town()
    first, second = town.bob.issue(), town.bob.issue()
    cheat = paying(town.alice, second, coins_of(town.alice))
    town.alice.pay(first, joins=joins)
    town.talk(first)
    taken = town.bob.deal(Role.PAYEE, first)
    assert (taken.stage, taken.joined is not None) == (DealStage.ACCEPTED, joins)
    step = handed(town.bob, second, cheat)
    said = refused(step.messages)
    assert taken.payment is not None
    assert to_hex(taken.payment.txid) in said.detail
    assert "--coin" in what_next(said.reason)
    deal = town.bob.deal(Role.PAYEE, second)
    assert (deal.stage, deal.receipt) == (DealStage.REFUSED, None)
    assert cheat.transaction.txid not in town.bob.wallet.ledger.transactions
    # The first one is in doubt from now on: its payer has signed another.
    (tell,) = [want for want in step.wants if isinstance(want, Tell)]
    assert tell.invoice_id == first.id
    taken = town.bob.deal(Role.PAYEE, first)
    assert taken.verdict is not None
    assert taken.verdict.level == PaymentLevel.UNSPENT
    against = f"a payer shows transaction {to_hex(cheat.transaction.txid)}"
    assert taken.verdict.detail.startswith(against)


def test_a_payment_that_builds_on_such_a_coin_is_refused_as_well() -> None:
    town = Town()
    first, second = town.bob.issue(), town.bob.issue()
    coins = coins_of(town.alice)
    parent = paying(town.alice, town.alice.issue(), coins)  # To herself.
    town.alice.pay(first, joins=False)
    town.talk(first)
    town.alice.wallet.record_sent(parent.transaction, town.alice.now_s + 1)
    change = max(town.alice.wallet.coins(), key=lambda coin: coin.amount_sat)
    cheat = paying(town.alice, second, [change.outpoint])
    assert cheat.unconfirmed == (parent.transaction,)
    refused(handed(town.bob, second, cheat).messages)


def test_a_coin_that_was_joined_to_a_payment_of_ours_pays_us_nothing() -> None:
    """Bob's partner added it to Bob's own payment; now it is to pay Bob."""
    town = Town()
    theirs, ours = town.alice.issue(), town.bob.issue()
    cheat = paying(town.alice, ours, coins_of(town.alice))
    (coin,) = coins_of(town.bob)
    recipient = Recipient(theirs.script_pubkey, AMOUNT_SAT)
    made = draft(town.bob.wallet, [recipient], feerate_sat_kvb=2_000, coins=[coin])
    town.bob.do(PayInvoice(theirs, made.psbt, PASSPHRASE, True))
    swapped = Town.__new__(Town)
    swapped.alice, swapped.bob, swapped.change = town.bob, town.alice, lambda _, message: message
    swapped.talk(theirs)
    joined = town.bob.deal(Role.PAYER, theirs).joined
    assert joined is not None
    assert set(cheat.transaction.prevouts) < set(joined.prevouts)
    said = refused(handed(town.bob, ours, cheat).messages)
    assert to_hex(joined.txid) in said.detail
    assert town.bob.deal(Role.PAYEE, ours).receipt is None


def test_what_is_refused_for_it_is_good_once_the_first_one_is_out_of_the_way() -> None:
    town = Town(alices_sat=(COIN, COIN // 2))
    first, second = town.bob.issue(), town.bob.issue()
    both = coins_of(town.alice)
    rival = paying(town.alice, town.alice.issue(), both[:1]).transaction
    later = paying(town.alice, second, both[1:])
    made = paying(town.alice, first, both)
    assert handed(town.bob, first, made).messages
    refused(handed(town.bob, second, later).messages)
    town.mine(rival)
    assert town.bob.deal(Role.PAYEE, first).stage is DealStage.REFUSED
    handed(town.bob, second, later)
    assert town.bob.deal(Role.PAYEE, second).stage is DealStage.ACCEPTED


def test_a_file_is_looked_at_in_the_same_way() -> None:
    town = Town()
    first, second = town.bob.issue(), town.bob.issue()
    cheat = paying(town.alice, second, coins_of(town.alice))
    town.alice.pay(first)
    town.talk(first)
    seen = town.bob.desk.perform(AtDesk(CheckPacket(cheat), town.chain.headers, town.bob.now_s))
    assert isinstance(seen, FileChecked)
    assert seen.checked.verdict.reason == "txn-mempool-conflict"
    assert town.bob.deal(Role.PAYEE, second).stage is DealStage.ISSUED


def test_two_payments_of_the_same_change_do_not_exclude_each_other() -> None:
    """They share what they build on, and nothing else."""
    town = Town()
    first, second = town.bob.issue(), town.bob.issue()
    town.alice.pay(first, joins=False)
    town.talk(first)
    town.alice.pay(second, joins=False)
    town.talk(second)
    for invoice in (first, second):
        deal = town.bob.deal(Role.PAYEE, invoice)
        assert deal.stage is DealStage.ACCEPTED
        assert deal.verdict is not None
        assert deal.verdict.detail == ""
