"""Payments that come as a file or as codes, from wallets that never meet.

A packet does not name the invoice that it is for: that follows from whom it pays. Who checks one
changes nothing; who takes one does what is done with a payment that comes over a link.

    text, codes, BEEF -> read_payment -> CheckPacket -> looked up -> TakePacket -> receipt
"""

from __future__ import annotations

from binascii import unhexlify
from dataclasses import dataclass, field, replace
from typing import Final

from axon.errors import DecodeError, WalletError
from axon.mempool.policy import Policy
from axon.payments.beef import BEEF_VERSION, Beef, check_beef, decode_beef
from axon.payments.book import Book
from axon.payments.deal import Deal, DealStage, Role
from axon.payments.headerchain import HeaderChainView
from axon.payments.invoice import Invoice
from axon.payments.messages import PaymentMessage, ReceiptMessage
from axon.payments.ownrivals import own_rival
from axon.payments.packet import Packet
from axon.payments.packetfile import MAX_TEXT, PartCollector, from_text
from axon.payments.payee import PayeeDesk
from axon.payments.payer import PayerDesk
from axon.payments.proof import Checked, check_packet
from axon.payments.receipt import Receipt
from axon.payments.step import DealStep
from axon.payments.verdict import PaymentLevel, Verdict, Wanted
from axon.primitives.hashes import to_hex
from axon.wallet.unconfirmed import ScriptCheck
from axon.wallet.wallet import Wallet

PART: Final = "AXONPAY/"
"""With this the text of a code begins."""

UNPROVED: Final = (
    "which shows of no coin that it exists, and no node gave the blocks that do: try again when one"
    " is in reach, ask for a packet of axon, or wait until a block has the payment"
)
"""Why a payment is not taken that came as BEEF, and what can be done."""

PaymentFile = Packet | Beef


class BadPayment(WalletError):
    """A file that is no payment, or none for this wallet."""


@dataclass(frozen=True, slots=True)
class CheckPacket:
    """Look at a payment, and write nothing down. The outcome is a `FileChecked`, or the refusal."""

    payment: PaymentFile = field(repr=False)


@dataclass(frozen=True, slots=True)
class FileChecked:
    """What a payment proves by itself, for which invoice.

    Args:
        invoice: of this wallet.
        stage: how far it is.
        paid_sat: what its address gets.
        checked: how far the payment is proved; whether its coins are unspent is to be looked up.
    """

    invoice: Invoice
    stage: DealStage
    paid_sat: int
    checked: Checked


@dataclass(frozen=True, slots=True)
class TakePacket:
    """Take a payment for the invoice that it pays. The outcome is a `DealStep`, or the refusal; how
    far it is tells the deal."""

    packet: Packet = field(repr=False)


@dataclass(frozen=True, slots=True)
class TakeReceipt:
    """Keep the receipt of a payment that we made. The outcome is a `DealStep`, or the refusal."""

    text: str = field(repr=False)


def read_payment(text: str) -> PaymentFile:
    """A payment from a file: a packet as text, the texts of its codes in any order, or BEEF in hex.

    Raises:
        BadPayment: it is none of these, or not whole.
    """
    if len(text) > MAX_TEXT:
        raise BadPayment(f"a payment has at most {MAX_TEXT} characters: is it the right file?")
    words = text.split()
    try:
        if words and words[0].startswith(PART):
            return _from_parts(words)
        if is_beef(text):
            return decode_beef(unhexlify("".join(words)))
        return from_text(text)
    except (DecodeError, ValueError) as error:
        raise BadPayment(f"this is no whole payment (expected {error}): ask for it again") from None


def is_beef(text: str) -> bool:
    """Whether a file, as text, is meant as BEEF."""
    return text.lstrip().lower().startswith(BEEF_VERSION.hex())


def _from_parts(words: list[str]) -> Packet:
    collector = PartCollector()
    for word in words:
        packet = collector.take(word)
        if packet is not None:
            return packet
    missing = ", ".join(map(str, collector.missing[:20]))
    raise BadPayment(f"codes are missing, of {collector.total} these: {missing}; read them, too")


def paid_deal(book: Book, payment: PaymentFile) -> Deal:
    """The invoice of ours that a payment is for; an open one before one that is over.

    Raises:
        BadPayment: it pays none.
    """
    paid = {output.script_pubkey for output in payment.transaction.outputs}
    found = [deal for deal in book.deals(Role.PAYEE) if deal.invoice.script_pubkey in paid]
    if not found:
        raise BadPayment(
            "this payment pays no invoice of this wallet: axon wallet payments lists them"
        )
    return next((deal for deal in found if deal.is_open), found[0])


def check_payment(
    wallet: Wallet,
    book: Book,
    payment: PaymentFile,
    chain: HeaderChainView,
    check_scripts: ScriptCheck,
    now_s: int,
) -> FileChecked:
    """What a payment proves, for the invoice that it pays.

    Args:
        wallet: whose invoice it is.
        book: its deals.
        chain: our best chain; it must not move meanwhile.
        check_scripts: libbitcoinkernel.
        now_s: seconds since 1970.

    Raises:
        BadPayment: it pays no invoice of ours.
    """
    deal = paid_deal(book, payment)
    invoice, transaction = deal.invoice, payment.transaction
    wanted = Wanted(invoice.script_pubkey, invoice.amount_sat or 0)
    if isinstance(payment, Packet):
        checked = check_packet(payment, wanted, chain, check_scripts, Policy())
    else:
        checked = check_beef(payment, wanted, chain, check_scripts, Policy())
    is_known = transaction.txid in deal.txids
    if is_known and deal.verdict is not None and not deal.is_open:
        checked = replace(checked, verdict=deal.verdict, claims=())
    elif deal.packet is not None and not is_known and deal.stage is not DealStage.REFUSED:
        checked = _refused("paid-already", "this invoice has another payment", chain)
    elif not is_known and deal.stage is not DealStage.SETTLED and invoice.is_expired(now_s):
        checked = _refused("expired", "this invoice has expired", chain)
    elif not is_known and checked.verdict.level is not PaymentLevel.REFUSED:
        rival = own_rival(wallet, book, deal, (transaction, *payment.unconfirmed))
        if rival is not None:
            checked = Checked(rival.refusal(chain.tip_height))
    return FileChecked(invoice, deal.stage, invoice.paid_sat(transaction), checked)


def _refused(word: str, sentence: str, chain: HeaderChainView) -> Checked:
    return Checked(Verdict(PaymentLevel.REFUSED, word, sentence, chain.tip_height))


def refuse_unpayable(payment: PaymentFile) -> Packet:
    """The packet of a payment that is to be taken.

    Raises:
        BadPayment: it came as BEEF, which shows of no coin that it exists, and was not completed.
    """
    if isinstance(payment, Packet):
        return payment
    raise BadPayment(f"payment {to_hex(payment.transaction.txid)} came as BEEF, {UNPROVED}")


def take_packet(
    payee: PayeeDesk, book: Book, packet: Packet, chain: HeaderChainView, now_s: int
) -> DealStep:
    """Take a payment that came as a file: it goes the way of one that comes over a link.

    Args:
        payee: its desk.
        chain: our best chain; it must not move meanwhile.
        now_s: seconds since 1970.

    Raises:
        BadPayment: it pays no invoice of ours, or one that has another payment or has expired.
    """
    invoice_id = paid_deal(book, packet).invoice.id
    step = payee.hear(invoice_id, PaymentMessage(packet.encode()), chain, now_s)
    deal = book.get(Role.PAYEE, invoice_id)
    if deal is None or packet.transaction.txid not in deal.txids:
        raise BadPayment("this invoice has expired, or has another payment")
    return DealStep(wants=step.wants)  # Nobody listens to what is said.


def take_receipt(payer: PayerDesk, book: Book, text: str, now_s: int) -> DealStep:
    """Keep a receipt that came as a file.

    Args:
        payer: its desk.
        text: of the receipt.
        now_s: seconds since 1970.

    Raises:
        BadPayment: it is for no payment of ours, or not signed by its payee.
        BadReceipt: it is none.
    """
    invoice = Receipt.decode(text).invoice
    if book.get(Role.PAYER, invoice.id) is None:
        raise BadPayment("this receipt is for no payment of this wallet")
    step = payer.hear(invoice.id, ReceiptMessage(text), now_s)
    deal = book.get(Role.PAYER, invoice.id)
    if deal is None or deal.receipt is None:
        raise BadPayment(step.end or "the receipt is not one for this payment")
    return DealStep(wants=step.wants)
