"""A payment that one wallet hands another itself: asked for, paid, followed until it is settled.

The payee makes an invoice, the payer drafts what it asks for and hands it over. No node is needed
for that; one is until a block has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from axon.rpc.amounts import Amount
from axon.rpc.errors import RpcError
from axon.swarm.lab.checkedrun import RpcTarget
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.members import wallet_of
from axon.swarm.lab.transfer import NotPaid, SentPayment
from axon.swarm.story.participants import amount_sat

HAND_OVER_S: Final = 65.0
"""For so long a payer is watched: after a minute without the payee's word it settles alone."""

TAKEN: Final = frozenset({"accepted", "settled"})
"""Stages of a payment that its payee has taken."""

LOST: Final = frozenset({"refused", "expired"})

_CALL_LIMIT_S: Final = 2 * HAND_OVER_S


@dataclass(frozen=True, slots=True)
class DirectPayment(SentPayment):
    """One that was handed over.

    Args:
        deal: what its payer says of it (`listdeals`).
    """

    deal: Mapping[str, Any]

    @property
    def stage(self) -> str:
        """How far it is, as its payer knows."""
        return str(self.deal["stage"])

    @property
    def said(self) -> str:
        """What the payee found of it, in a sentence; empty before he has said anything."""
        shown = self.deal["shown"]
        return "" if shown is None else str(shown["headline"])

    def way_json(self) -> dict[str, object]:
        """As `listdeals` says it."""
        names = ("stage", "reason", "level", "joined", "receipt")
        return {
            "invoice": self.deal["id"],
            **{name: self.deal[name] for name in names},
            "said": self.said,
        }


def pay_directly(
    payer: RpcTarget, payee: RpcTarget, sent_sat: int, secret: str, wait_s: float = HAND_OVER_S
) -> DirectPayment:
    """Have a wallet ask another one for a payment, and that one pay it.

    Args:
        payer, payee: wallets; the payee listens.
        sent_sat: how much.
        secret: the passphrase of the payer.
        wait_s: for so long it is waited until the payee has taken or refused it.

    Raises:
        RpcError: one of them refuses; nothing was handed over.
        Unreachable, Unauthorized: one does not answer.
    """
    invoice = payee.rpc("createinvoice", Amount(sent_sat))
    address = str(invoice["address"])
    draft = payer.rpc("draftpayment", {address: Amount(sent_sat)})
    chosen = {"wait": round(wait_s * 1_000)}
    deal = payer.rpc("payinvoice", invoice["uri"], draft["psbt"], secret, True, chosen)
    txid, fee_sat = str(deal["txid"]), amount_sat(draft["fee"])
    return DirectPayment(payer.name, payee.name, txid, address, sent_sat, fee_sat, deal)


def deal_of(wallet: RpcTarget, payment: DirectPayment) -> Mapping[str, Any]:
    """What a wallet, of both, says of a payment now.

    Raises:
        RpcError, Unreachable, Unauthorized: it does not.
    """
    (deal,) = wallet.rpc("listdeals", payment.deal["id"])
    return dict(deal)


def hand_over(
    manifest: Manifest, payer: str, payee: str, sent_sat: int, secret: str
) -> DirectPayment:
    """The same between two wallets of a run.

    Raises:
        NotPaid: one of them refuses; nothing was handed over.
        Unreachable, Unauthorized: one does not answer.
    """
    source = wallet_of(manifest, payer, _CALL_LIMIT_S)
    try:
        return pay_directly(source, wallet_of(manifest, payee), sent_sat, secret)
    except RpcError as error:
        raise NotPaid(f"{payer} does not pay {payee}: {error.message}") from error
