"""Payments of URIs of others that are joined over HTTP (BIP 78), and sent as they are else."""

from __future__ import annotations

from dataclasses import dataclass, field

from axon.p2p.txbroadcast import Delivery
from axon.payments.payjoin import Declined, Offer
from axon.payments.payjoinsender import Fault, check_answer, make_offer, sign_answer
from axon.payments.payjoinurl import BadUrl, parse_payjoin_url
from axon.primitives.transaction import Transaction
from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon
from axon.rpc.walletmethods.named import parse_psbt
from axon.rpc.walletmethods.payments import bring_out
from axon.wallet.payment import address_script, record_payment
from axon.wallet.paymenturi import PaymentUri, parse_payment_uri
from axon.wallet.psbt import Psbt
from axon.wallet.signing import sign_fully
from axon.wallet.wallet import Wallet


@method("payments", waits=True, strict=True, nulls=True)
async def payjoinpayment(
    daemon: WalletDaemon,
    uri: str,
    psbt: str,
    passphrase: str,
    *,
    wait: int = 0,
    allow_high_fee: bool = False,
) -> Json:
    """Signs a payment, offers it to the payjoin endpoint of a payment URI (BIP 78), and brings the
    joined payment to the network; where none comes of it, or no node takes it, the payment as it
    is.

    Args:
        uri: With pj=URL in it: https://, or http:// of an onion service or of this machine
        psbt: A draft that pays it, in base64 or hex
        passphrase: Opens the keys, for this call only
        wait: As in sendpayment
        allow_high_fee: An absurd fee is meant

    Returns:
        {                    (json object)
          ...                  The same as in sendpayment
          "joined" : bool,     (boolean) Whether the joined payment was sent
          "why" : "str"        (string) Why it was not; else empty
        }
    """
    asked = parse_payment_uri(uri, daemon.node.settings.network)
    if not asked.payjoin:
        raise RpcError(Code.PARAMETER, "this URI names no payjoin endpoint: sendpayment pays it")
    draft, now_s = parse_psbt(psbt), daemon.now_s
    made = await daemon.ask(_SignOriginal(asked, draft, passphrase, allow_high_fee, now_s))
    joined = await _joined(daemon, asked, made, passphrase)
    if isinstance(joined, str):
        sent = await bring_out(daemon, made.original, wait)
        return {**sent, "joined": False, "why": joined}
    sent = await bring_out(daemon, joined, wait)
    if sent["delivery"] != str(Delivery.REFUSED):
        return {**sent, "joined": True, "why": ""}
    await daemon.ask(_Resume(made.original, daemon.now_s))
    sent = await bring_out(daemon, made.original, wait)
    return {**sent, "joined": False, "why": "no node takes the joined payment"}


@dataclass(frozen=True, slots=True)
class _Made:
    """A payment that is written down, and its offer or why there is none."""

    original: Transaction
    offer: Offer | Fault


@dataclass(frozen=True, slots=True)
class _SignOriginal:
    asked: PaymentUri
    draft: Psbt
    passphrase: str = field(repr=False)
    allow_high_fee: bool
    now_s: int

    def run(self, wallet: Wallet) -> _Made:
        script = address_script(self.asked.address, wallet.network)
        signed = sign_fully(wallet, self.draft, self.passphrase, allow_high_fee=self.allow_high_fee)
        record_payment(wallet, signed, self.now_s, all_to=self.draft.pays_all_to)
        fixed = self.asked.fixed_output
        return _Made(signed, make_offer(wallet, signed, script, fixed_output=fixed))


async def _joined(
    daemon: WalletDaemon, asked: PaymentUri, made: _Made, passphrase: str
) -> Transaction | str:
    """The joined payment, written down; or why there is none. What the receiver writes is not
    handed on: it could be bait (BIP 78)."""
    if isinstance(made.offer, Fault):
        return made.offer.reason
    try:
        url = parse_payjoin_url(asked.payjoin)
    except BadUrl as error:
        return f"its payjoin endpoint is not used: {error}"
    from axon.rpc.payjoinclient import request_payjoin  # Few wallets ever need HTTP and TLS.

    answer = await request_payjoin(url, made.offer, daemon.routes)
    if isinstance(answer, Declined):
        return answer.reason
    command = _SignJoined(asked, made.original, made.offer, answer, passphrase, daemon.now_s)
    signed = await daemon.ask(command)
    return signed.reason if isinstance(signed, Fault) else signed


@dataclass(frozen=True, slots=True)
class _SignJoined:
    asked: PaymentUri
    original: Transaction
    offer: Offer
    proposal: str = field(repr=False)
    passphrase: str = field(repr=False)
    now_s: int

    def run(self, wallet: Wallet) -> Transaction | Fault:
        script = address_script(self.asked.address, wallet.network)
        assert wallet.check_scripts is not None, "a wallet that runs has it"
        if self.original.txid not in wallet.counted():
            return Fault("the payment was replaced meanwhile")
        checked = check_answer(wallet, self.offer, self.proposal, script)
        if isinstance(checked, Fault):
            return checked
        signed = sign_answer(wallet, self.offer, checked, self.passphrase, wallet.check_scripts)
        if isinstance(signed, Transaction):
            wallet.record_sent(signed, self.now_s)
        return signed


@dataclass(frozen=True, slots=True)
class _Resume:
    """The original counts again: no node takes the joined payment."""

    original: Transaction
    now_s: int

    def run(self, wallet: Wallet) -> None:
        wallet.record_sent(self.original, self.now_s)
