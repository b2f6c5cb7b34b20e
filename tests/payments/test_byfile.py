"""Alice and Bob never meet: her payment comes as a file, and his receipt goes back as one."""

from __future__ import annotations

from random import Random

import pytest

from axon.errors import WalletError
from axon.payments.beef import encode_beef
from axon.payments.byfile import (
    BadPayment,
    CheckPacket,
    FileChecked,
    TakePacket,
    TakeReceipt,
    read_payment,
    refuse_unpayable,
)
from axon.payments.deal import Deal, DealStage, Role
from axon.payments.desk import AtDesk, DeskJob, PayInvoice
from axon.payments.invoice import Invoice
from axon.payments.packet import Packet
from axon.payments.packetbuilder import build_packet
from axon.payments.packetfile import to_parts, to_text
from axon.payments.receipt import verify
from axon.payments.verdict import PaymentLevel, Verdict
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import COIN, Transaction
from axon.wallet.payment import Payee, draft
from axon.wallet.signing import sign
from tests.payments.dealscene import AMOUNT_SAT, Person, Town
from tests.payments.payscene import kernel
from tests.wallet.scene import PASSPHRASE


def handed_over(town: Town, invoice: Invoice) -> Packet:
    """Alice pays without dialling anybody; what goes into the file."""
    paid = [Payee(invoice.script_pubkey, AMOUNT_SAT)]
    made = draft(town.alice.wallet, paid, feerate_sat_kvb=2_000)
    town.alice.do(PayInvoice(invoice, made.psbt, PASSPHRASE, joins=True, dials=False))
    packet = deal_of(town.alice, Role.PAYER, invoice).packet
    assert packet is not None
    return packet


def deal_of(person: Person, role: Role, invoice: Invoice) -> Deal:
    return person.deal(role, invoice)


def asked(person: Person, job: DeskJob) -> object:
    return person.desk.perform(AtDesk(job, person.chain.headers, person.now_s))


def checked(person: Person, text: str) -> FileChecked:
    found = asked(person, CheckPacket(read_payment(text)))
    assert isinstance(found, FileChecked), found
    return found


def test_a_payment_by_file_is_checked_taken_settled_and_receipted() -> None:
    town = Town()
    invoice = town.bob.issue()
    packet = handed_over(town, invoice)
    assert town.alice.settled == [packet.transaction]  # Alice hands it to nodes as well.
    found = checked(town.bob, to_text(packet))
    assert found.invoice == invoice
    assert (found.checked.verdict.level, found.paid_sat) == (PaymentLevel.FUNDED, AMOUNT_SAT)
    assert [claim.amount_sat for claim in found.checked.claims] == [COIN]
    assert deal_of(town.bob, Role.PAYEE, invoice).stage is DealStage.ISSUED  # Nothing is written.
    town.bob.do(TakePacket(packet))
    deal = deal_of(town.bob, Role.PAYEE, invoice)
    assert deal.stage is DealStage.ACCEPTED
    assert town.bob.settled == [packet.transaction]
    assert deal.receipt is not None
    assert verify(deal.receipt, kernel).is_valid
    assert checked(town.bob, to_text(packet)).checked.verdict.level is PaymentLevel.FUNDED
    town.alice.do(TakeReceipt(deal.receipt.encode()))
    assert deal_of(town.alice, Role.PAYER, invoice).receipt == deal.receipt
    assert deal_of(town.alice, Role.PAYER, invoice).stage is DealStage.ACCEPTED
    town.mine(packet.transaction)
    for person, role in ((town.alice, Role.PAYER), (town.bob, Role.PAYEE)):
        assert deal_of(person, role, invoice).stage is DealStage.SETTLED
    assert checked(town.bob, to_text(packet)).checked.verdict.level is PaymentLevel.MINED


def test_codes_come_in_any_order_and_what_is_missing_is_named() -> None:
    town = Town()
    packet = handed_over(town, town.bob.issue())
    codes = to_parts(packet, 100)
    Random(1).shuffle(codes)
    assert read_payment("\n".join([*codes[:2], *codes])) == packet
    with pytest.raises(BadPayment, match=r"codes are missing, of \d+ these: 1"):
        read_payment("\n".join(code for code in codes if not code.startswith("AXONPAY/1-")))


def test_what_is_no_payment_is_refused_with_a_sentence() -> None:
    town = Town()
    text = to_text(handed_over(town, town.bob.issue()))
    for wrong in ("", "AXONPAY/1-2/0", "0100beef", "0100beefzz", text[:-60], "x" * 800_001):
        with pytest.raises(BadPayment):
            read_payment(wrong)


def test_as_beef_it_is_signed_at_most_and_not_taken() -> None:
    town = Town()
    invoice = town.bob.issue()
    beef = encode_beef(handed_over(town, invoice)).hex()
    verdict = checked(town.bob, beef).checked.verdict
    assert verdict.level is PaymentLevel.SIGNED
    with pytest.raises(BadPayment, match="shows of no coin that it exists"):
        refuse_unpayable(read_payment(beef))


def test_a_payment_of_something_else_is_refused() -> None:
    town = Town()
    packet = handed_over(town, town.bob.issue())
    stranger = Town().bob
    refused = asked(stranger, CheckPacket(packet))
    assert isinstance(refused, WalletError)
    assert "pays no invoice of this wallet" in str(refused)
    assert isinstance(asked(town.bob, TakeReceipt("no receipt")), WalletError)


def test_an_invoice_is_paid_once_by_file_too() -> None:
    town = Town()
    invoice = town.bob.issue()
    paid = [Payee(invoice.script_pubkey, AMOUNT_SAT)]
    again = sign(
        town.alice.wallet,
        draft(town.alice.wallet, paid, feerate_sat_kvb=5_000).psbt,
        PASSPHRASE,
    )
    assert isinstance(again, Transaction)
    second = build_packet(town.alice.wallet.ledger, again)
    town.bob.do(TakePacket(handed_over(town, invoice)))
    verdict = checked(town.bob, to_text(second)).checked.verdict
    assert (verdict.level, verdict.reason) == (PaymentLevel.REFUSED, "paid-already")
    assert "another payment" in str(asked(town.bob, TakePacket(second)))
    assert deal_of(town.bob, Role.PAYEE, invoice).stage is DealStage.ACCEPTED


def test_a_spent_coin_is_refused_and_the_block_is_named() -> None:
    town = Town()
    invoice = town.bob.issue()
    packet = handed_over(town, invoice)
    reason = "a coin of it was spent by transaction ab in block 12"
    town.bob.looked_up = Verdict(PaymentLevel.REFUSED, "coin-spent", reason, 12)
    town.bob.do(TakePacket(packet))
    deal = deal_of(town.bob, Role.PAYEE, invoice)
    assert (deal.stage, deal.reason) == (DealStage.REFUSED, reason)
    assert deal.receipt is None
    assert town.bob.settled == []


def test_a_receipt_counts_for_the_payment_that_it_names() -> None:
    town = Town()
    invoice = town.bob.issue()
    packet = handed_over(town, invoice)
    town.bob.do(TakePacket(packet))
    receipt = deal_of(town.bob, Role.PAYEE, invoice).receipt
    assert receipt is not None
    forged = receipt.encode().replace(to_hex(packet.transaction.txid), "ab" * 32)
    assert isinstance(asked(town.alice, TakeReceipt(forged)), WalletError)
    refused = asked(Town().alice, TakeReceipt(receipt.encode()))
    assert "no payment of this wallet" in str(refused)
