"""Payjoins that a payer asks for over a link, for a payment that came there and was checked."""

from __future__ import annotations

from random import Random

from axon.errors import DecodeError, WalletError
from axon.payments import payjoinreceiver
from axon.payments.deal import Deal
from axon.payments.joinedpsbt import read_joined
from axon.payments.messages import PayjoinOffer
from axon.payments.payeewords import payment_of, refusal
from axon.payments.payjoin import Declined, Offer, Proposal, Trouble
from axon.payments.payjoinparameters import parse_parameters
from axon.payments.step import DealStep
from axon.primitives.transaction import Transaction
from axon.primitives.verdict import Rejected
from axon.wallet.errors import BadPsbt
from axon.wallet.keys import Mnemonic
from axon.wallet.unconfirmed import ScriptCheck
from axon.wallet.wallet import Wallet


def join_over_link(
    wallet: Wallet, deal: Deal, message: PayjoinOffer, words: Mnemonic, rng: Random, now_s: int
) -> Proposal | Declined:
    """Answer an offer; what is answered is in the wallet's store, the deal is the caller's.

    Args:
        deal: with the payment, which was checked and whose coins were looked up.
        words: the open mnemonic.
        rng: draws the coin and its place.
        now_s: seconds since 1970.

    Raises:
        StorageError: the disk refused; nothing was told.
    """
    assert deal.packet is not None, "a payment was offered before"
    try:
        offer = Offer(message.psbt, parse_parameters(message.parameters))
        if offer.read().transaction.txid != deal.packet.transaction.txid:
            return Declined(Trouble.REJECTED, "the offer is not the payment that was checked")
        return payjoinreceiver.answer(
            wallet,
            offer,
            deal.invoice.script_pubkey,
            deal.invoice.amount_sat,
            payjoinreceiver.JoinPolicy(),
            check_original=lambda *_: "",  # It was checked as a packet.
            choose=rng,
            passphrase=words,
            now_s=now_s,
        )
    except (DecodeError, WalletError) as error:
        return Declined(Trouble.REJECTED, str(error))


def judge_joined(
    wallet: Wallet, deal: Deal, returned: bytes, check_scripts: ScriptCheck
) -> Transaction | DealStep:
    """The joined payment as the payer has signed it; or what he is told, and nothing is changed.

    Args:
        deal: that waits for it.
        returned: the PSBT that came back.
        check_scripts: libbitcoinkernel.
    """
    ledger = wallet.ledger
    try:
        joined, spent = read_joined(returned, deal.offer, deal.answer, ledger.owned)
    except BadPsbt as error:
        return refusal(payment_of(deal).txid, "bad-join", str(error))
    if not set(ledger.conflicts(joined)) <= set(deal.txids):
        return refusal(payment_of(deal).txid, "bad-join", "a coin of it was spent meanwhile")
    judged = check_scripts(joined, spent)
    if isinstance(judged, Rejected):
        why = f"the joined payment is not signed as nodes want it: {judged.reason}"
        return refusal(joined.txid, "bad-signature", why)
    return joined
