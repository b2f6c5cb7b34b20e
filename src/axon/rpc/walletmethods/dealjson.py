"""Payments from wallet to wallet as programs see them."""

from __future__ import annotations

from axon.payments.deal import Deal, DealStage, Role
from axon.payments.verdict import Verdict, verdict_text
from axon.primitives.hashes import to_hex
from axon.rpc.amounts import Amount, Json
from axon.rpc.walletdaemon import WalletDaemon
from axon.rpc.walletmethods.payjoinplace import uri_of


def deal_json(daemon: WalletDaemon, deal: Deal) -> dict[str, Json]:
    """A deal as programs see it; what we ask for names where payjoins are offered just now."""
    is_asked = deal.role is Role.PAYEE and deal.is_open
    invoice, verdict, payment = deal.invoice, deal.verdict, deal.payment
    return {
        "id": invoice.id.hex(),
        "role": deal.role.name.lower(),
        "stage": deal.stage.value,
        "changed": deal.changed_s,
        "reason": deal.reason,
        "advice": deal.advice,
        "uri": uri_of(daemon, invoice) if is_asked else invoice.to_uri(),
        "address": invoice.address,
        "amount": None if invoice.amount_sat is None else Amount(invoice.amount_sat),
        "label": invoice.label,
        "message": invoice.message,
        "txid": None if payment is None else to_hex(payment.txid),
        "joined": deal.joined is not None,
        "level": None if verdict is None else int(verdict.level),
        "height": None if verdict is None else verdict.height,
        "searched": _searched(daemon, deal),
        "peers": None if verdict is None else verdict.peers,
        "shown": None if verdict is None else shown_json(verdict),
        "receipt": deal.receipt is not None,
    }


def _searched(daemon: WalletDaemon, deal: Deal) -> int | None:
    """How far the search is on which the payment waits."""
    if deal.role is Role.PAYER or deal.stage is not DealStage.CHECKED or deal.packet is None:
        return None
    family = (deal.packet.transaction, *deal.packet.unconfirmed)
    return daemon.searched_to(point for each in family for point in each.prevouts)


def shown_json(verdict: Verdict) -> dict[str, Json]:
    """A verdict in words, as programs see it."""
    shown = verdict_text(verdict)
    return {
        "headline": shown.headline,
        "proved": list(shown.proved),
        "unproved": list(shown.unproved),
    }
