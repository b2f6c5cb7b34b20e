"""Payjoins that others ask for over HTTP (BIP 78), for an invoice of ours.

There is no packet: that the sender's coins exist, and are unspent, nobody shows a light client. So
an offer is looked at as far as that goes (scripts, form, fee), an invoice is joined once, and the
payment is accepted by a block alone. The original is kept, and sent if the joined payment is not
seen in time: it is as good as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from axon.chain.coins import Coin
from axon.errors import WalletError
from axon.machine import MINUTE
from axon.mempool.outcome import Refused
from axon.mempool.policy import Policy
from axon.mempool.pool import Mempool
from axon.payments import payjoinreceiver
from axon.payments.deal import Deal, DealStage
from axon.payments.headerchain import HeaderChainView, tip_context
from axon.payments.payjoin import Declined, Offer, Proposal, Trouble, read_bounded
from axon.payments.refusals import in_words
from axon.primitives.transaction import Transaction, TxOut
from axon.primitives.verdict import Rejected
from axon.wallet.keys import Mnemonic
from axon.wallet.unconfirmed import ScriptCheck
from axon.wallet.wallet import Wallet

SENDER_PATIENCE: Final = 2 * MINUTE
"""For so long the joined payment is waited for; then the original is sent."""

_WAITING: Final = (DealStage.ISSUED, DealStage.LINKED)


@dataclass(frozen=True, slots=True)
class JoinOffer:
    """Somebody offers to join a payment. The outcome is an `OfferAnswered`.

    Args:
        invoice_id: of the invoice that he pays, as he says.
        offer: what he would send, and what may be changed.
    """

    invoice_id: bytes
    offer: Offer = field(repr=False)


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """What a sender is told.

    Args:
        invoice_id: as in the offer.
        said: the proposal, after which the joined payment is waited for; or why there is none.
    """

    invoice_id: bytes
    said: Proposal | Declined


def join_over_http(
    wallet: Wallet,
    deal: Deal,
    offer: Offer,
    words: Mnemonic,
    check_scripts: ScriptCheck,
    chain: HeaderChainView,
    rng: Random,
    now_s: int,
) -> Proposal | Declined:
    """Answer an offer; what is answered is in the wallet's store, the deal is the caller's.

    Args:
        deal: of the invoice.
        words: the open mnemonic.
        chain: for lock times.
        rng: draws the coin and its place.
        now_s: seconds since 1970.

    Raises:
        StorageError: the disk refused; nothing was told.
    """
    if deal.packet is not None or deal.stage not in _WAITING or deal.invoice.is_expired(now_s):
        return Declined(Trouble.UNAVAILABLE, "this invoice is paid, or has expired")

    def fault(original: Transaction, spent: Sequence[TxOut]) -> str:
        return _fault(original, spent, chain, check_scripts)

    try:
        return payjoinreceiver.answer(
            wallet,
            offer,
            deal.invoice.script_pubkey,
            deal.invoice.amount_sat,
            payjoinreceiver.JoinPolicy(),
            check_original=fault,
            choose=rng,
            passphrase=words,
            now_s=now_s,
        )
    except WalletError as error:
        return Declined(Trouble.REJECTED, str(error))


def _fault(
    original: Transaction,
    spent: Sequence[TxOut],
    chain: HeaderChainView,
    check_scripts: ScriptCheck,
) -> str:
    """Why nodes would not take an original if its coins are what it says; empty if they would."""
    coins = {
        point: Coin(0, False, output.amount_sat, output.script_pubkey)
        for point, output in zip(original.prevouts, spent, strict=True)
    }
    prepared = Mempool(Policy()).prepare(original, coins, tip_context(chain), 0)
    if isinstance(prepared, Refused):
        return in_words("the payment", prepared)
    judged = check_scripts(original, spent)
    if isinstance(judged, Rejected):
        return f"the payment is not signed by its coins' owners as nodes want it: {judged.reason}"
    return ""


def offered_original(deal: Deal) -> Transaction | None:
    """What was offered to be joined, where nothing else came: it is to be sent in the end."""
    if deal.packet is not None or not deal.offer or not deal.is_open:
        return None
    return read_bounded(deal.offer).transaction
