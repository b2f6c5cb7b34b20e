"""What a payee tells a payer of a deal, as messages; they hold plain ASCII alone."""

from __future__ import annotations

from axon.payments.deal import Deal
from axon.payments.messages import MAX_DETAIL_SIZE, ReceiptMessage, VerdictMessage
from axon.payments.step import DealStep
from axon.payments.verdict import PaymentLevel
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction


def told(deal: Deal) -> VerdictMessage:
    """How far a payment that was checked is."""
    verdict = deal.verdict
    assert verdict is not None, "it was checked"
    return VerdictMessage(
        payment_of(deal).txid,
        verdict.level,
        verdict.height,
        verdict.peers,
        plain(verdict.reason),
        plain(verdict.detail)[:MAX_DETAIL_SIZE],
    )


def plain(text: str) -> str:
    """As a message may hold it."""
    return text.encode("ascii", "replace").decode()


def payment_of(deal: Deal) -> Transaction:
    """What pays, of a deal for which it came."""
    transaction = deal.payment
    assert transaction is not None, "it came before"
    return transaction


def receipt_of(deal: Deal) -> tuple[ReceiptMessage, ...]:
    """The receipt, if there is one."""
    return () if deal.receipt is None else (ReceiptMessage(deal.receipt.encode()),)


def refusal(txid: Txid, word: str, sentence: str) -> DealStep:
    """A payment is refused that is not the one of the deal, which stays as it is."""
    detail = plain(sentence)[:MAX_DETAIL_SIZE]
    return DealStep((VerdictMessage(txid, PaymentLevel.REFUSED, -1, 0, word, detail),))
