"""A wallet that knows no links pays an invoice of Bob and asks for a payjoin: what he answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.payments.deal import DealStage, Role
from axon.payments.desk import AtDesk, FollowBlocks, OpenDesk, PayerLeft
from axon.payments.httpjoin import JoinOffer, OfferAnswered
from axon.payments.invoice import Invoice
from axon.payments.payjoin import Declined, Offer, Proposal, Trouble
from axon.payments.payjoinsender import check_answer, make_offer, sign_answer
from axon.primitives.transaction import COIN, Transaction
from axon.wallet.payment import Payee, draft
from axon.wallet.psbt import Psbt
from axon.wallet.psbtmaps import FINAL_WITNESS, PsbtMaps
from axon.wallet.signing import sign
from tests.payments.dealscene import AMOUNT_SAT, Person, Town
from tests.payments.payscene import kernel
from tests.wallet.scene import PASSPHRASE


def offered(town: Town, invoice: Invoice) -> Offer:
    """Alice signs a payment, and offers it."""
    alice = town.alice.wallet
    paid = [Payee(invoice.script_pubkey, AMOUNT_SAT)]
    signed = sign(alice, draft(alice, paid, feerate_sat_kvb=2_000).psbt, PASSPHRASE)
    assert isinstance(signed, Transaction)
    offer = make_offer(alice, signed, invoice.script_pubkey)
    assert isinstance(offer, Offer)
    return offer


def answered(bob: Person, invoice_id: bytes, offer: Offer) -> Proposal | Declined:
    """What Bob's desk says."""
    order = AtDesk(JoinOffer(invoice_id, offer), bob.chain.headers, bob.now_s)
    told = bob.desk.perform(order)
    assert isinstance(told, OfferAnswered)
    return told.said


def declined(bob: Person, invoice_id: bytes, offer: Offer) -> Trouble:
    said = answered(bob, invoice_id, offer)
    assert isinstance(said, Declined), said
    return said.trouble


def joined(town: Town, invoice: Invoice, offer: Offer, proposal: Proposal) -> Transaction:
    """What Alice signs in the end."""
    wallet = town.alice.wallet
    checked = check_answer(wallet, offer, proposal.psbt, invoice.script_pubkey)
    assert isinstance(checked, Psbt), checked
    signed = sign_answer(wallet, offer, checked, PASSPHRASE, kernel)
    assert isinstance(signed, Transaction), signed
    return signed


def test_a_payment_is_joined_and_a_block_settles_it() -> None:
    town = Town()
    invoice = town.bob.issue()
    offer = offered(town, invoice)
    said = answered(town.bob, invoice.id, offer)
    assert isinstance(said, Proposal)
    assert answered(town.bob, invoice.id, offer) == said  # The same for the same offer.
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.LINKED
    town.mine(joined(town, invoice, offer, said))
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.SETTLED
    assert town.bob.spendable_sat() == COIN // 2 + AMOUNT_SAT
    town.bob.do(PayerLeft(invoice.id))
    assert town.bob.settled == []


@pytest.mark.parametrize("restarts", [False, True])
def test_the_original_is_sent_if_the_joined_payment_is_not_seen(restarts: bool) -> None:
    town = Town()
    invoice = town.bob.issue()
    offer = offered(town, invoice)
    assert isinstance(answered(town.bob, invoice.id, offer), Proposal)
    if restarts:
        town.bob.restart()
        town.bob.do(OpenDesk(PASSPHRASE))
    else:
        town.bob.do(PayerLeft(invoice.id))
    original = offer.read().transaction
    assert town.bob.settled == [original]
    town.mine(original)
    town.bob.do(FollowBlocks())
    assert town.bob.deal(Role.PAYEE, invoice).stage is DealStage.SETTLED


def test_who_has_turned_joins_off_joins_nothing() -> None:
    town = Town()
    town.bob.do(OpenDesk(PASSPHRASE, joins=False))
    invoice = town.bob.issue()
    assert declined(town.bob, invoice.id, offered(town, invoice)) is Trouble.UNAVAILABLE
    town.alice.pay(invoice)
    town.talk(invoice)
    deal = town.bob.deal(Role.PAYEE, invoice)
    assert (deal.stage, deal.joined) == (DealStage.ACCEPTED, None)


def test_what_is_not_signed_by_its_owner_is_not_joined() -> None:
    town = Town()
    invoice = town.bob.issue()
    offer = offered(town, invoice)
    maps = PsbtMaps.decode(offer.psbt)
    (entries,) = maps.inputs
    spoilt = bytearray(entries[FINAL_WITNESS])
    spoilt[12] ^= 1  # In the signature.
    forged = replace(maps, inputs=({**entries, FINAL_WITNESS: bytes(spoilt)},))
    assert declined(town.bob, invoice.id, replace(offer, psbt=forged.encode())) is Trouble.REJECTED
    assert isinstance(answered(town.bob, invoice.id, offer), Proposal)


def test_no_other_invoice_is_joined() -> None:
    town = Town()
    invoice = town.bob.issue()
    offer = offered(town, invoice)
    assert declined(town.bob, bytes(32), offer) is Trouble.UNAVAILABLE
    other = town.bob.issue()
    assert declined(town.bob, other.id, offer) is Trouble.REJECTED
    town.bob.restart()
    assert declined(town.bob, invoice.id, offer) is Trouble.UNAVAILABLE  # The words are closed.
    town.bob.do(OpenDesk(PASSPHRASE))
    town.alice.pay(invoice, joins=False)
    town.talk(invoice)
    assert declined(town.bob, invoice.id, offered(Town(), invoice)) is Trouble.UNAVAILABLE
