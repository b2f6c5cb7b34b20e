"""Payments before they are sent: drafted, looked at, signed, put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from axon.chain.blockfees import MIN_FEERATE_SAT_KVB
from axon.errors import WalletError
from axon.payments.payjoincoins import held_coins, sparing_held
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.network import MAINNET
from axon.primitives.transaction import OutPoint, Transaction
from axon.rpc.amounts import Amount, Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon, refusal
from axon.rpc.walletmethods.direct import payable_invoice
from axon.rpc.walletmethods.fees import USUAL_TARGET, feerate_by_target
from axon.rpc.walletmethods.named import (
    parse_coin,
    parse_feerate,
    parse_payment,
    parse_psbt,
    parse_recipients,
)
from axon.rpc.walletmethods.shapes import draft_json, finished_json
from axon.wallet.draft import Draft, describe
from axon.wallet.errors import BadPsbt
from axon.wallet.feebump import bump
from axon.wallet.finished import describe_finished
from axon.wallet.payment import ALL, Payee, draft
from axon.wallet.psbt import Psbt, combine, finalize
from axon.wallet.signing import sign
from axon.wallet.wallet import Wallet


@method("wallet", strict=True, nulls=True)
async def draftpayment(
    daemon: WalletDaemon,
    recipients: Json,
    *,
    fee_rate: float | None = None,
    fee: Amount | None = None,
    conf_target: int | None = None,
    coins: list[Json] | None = None,
    allow_high_fee: bool = False,
    invoice: str | None = None,
) -> Json:
    """Drafts a payment: nothing is signed, sent or set aside.

    If no fee is named, it is what `estimatesmartfee` says of 6 blocks; where no node is there to
    give the last blocks, 1 sat/vB on test networks.

    Args:
        recipients: Whom to pay, {"address": amount, ...} with amounts in BTC, or a list of such;
            the amount "all" is all that is left; a payment URI (BIP 21) may stand for an address
        fee_rate: The fee in sat/vB
        fee: Or the whole fee in BTC
        conf_target: Or within how many blocks it is to be confirmed
        coins: Spend all of these and no others: [{"txid":"hex","vout":n}, ...] or
            ["txid:vout", ...]
        allow_high_fee: An absurd fee is meant
        invoice: The invoice that it is to pay directly (payinvoice): one that cannot be paid any
            more is refused here, before a passphrase is asked for

    Returns:
        {                             (json object)
          "psbt" : "str",             (string) What is to be signed, base64
          "recipients" : [            (json array)
            {                         (json object)
              "address" : "str",      (string) Who is paid; null where no address stands for it
              "script" : "hex",       (string) The same as a script
              "amount" : n,           (numeric) How much, in BTC
              "ours" : true|false     (boolean) Whether it is an address of this wallet
            },
            ...
          ],
          "amount" : n,               (numeric) What the recipients get together, in BTC
          "fee" : n,                  (numeric) What the miner gets, in BTC
          "feerate" : n,              (numeric) The same in sat/vB
          "vsize" : n,                (numeric) Of the signed transaction; it may vary by a byte
          "change" : n,               (numeric) What returns to this wallet, in BTC
          "inputs" : [                (json array)
            {                         (json object)
              "txid" : "hex",         (string) The transaction that made the coin
              "vout" : n,             (numeric) Which of its outputs
              "amount" : n,           (numeric) What it holds, in BTC
              "address" : "str",      (string) Where it is
              "ours" : true|false,    (boolean) Whether it is a coin of this wallet
              "named" : true|false    (boolean) Whether it is not, and a key of this wallet is named
                                      to sign it, as in multisig
            },
            ...
          ],
          "fee_question" : "str",     (string, optional) Why the fee is high: ask the payer
          "replaces" : "hex",         (string, optional) The payment whose fee it raises
          "reduced" : n,              (numeric, optional) How much less than of that one the
                                      recipients get, in BTC
          "child_of" : "hex"          (string, optional) The payment to this wallet that it spends,
                                      to pay a fee for both
        }
    """
    payees = parse_recipients(recipients, daemon.node.settings.network)
    if invoice is not None:
        await payable_invoice(daemon, invoice)
    feerate_sat_kvb = None if fee_rate is None else parse_feerate(fee_rate)
    if sum(named is not None for named in (fee_rate, fee, conf_target)) > 1:
        raise RpcError(Code.PARAMETER, "Name one of fee_rate, fee and conf_target")
    if feerate_sat_kvb is None and fee is None:
        feerate_sat_kvb = await usual_feerate(daemon, conf_target)
    points = None if coins is None else tuple([parse_coin(each) for each in coins])
    fee_sat = None if fee is None else fee.sat
    asked = _MakeDraft(
        tuple(payees), feerate_sat_kvb, fee_sat, points, allow_high_fee, daemon.now_s
    )
    return draft_json(await daemon.ask(asked))


@dataclass(frozen=True, slots=True)
class _MakeDraft:
    payees: tuple[Payee, ...]
    feerate_sat_kvb: int | None
    fee_sat: int | None
    coins: tuple[OutPoint, ...] | None
    allow_high_fee: bool
    now_s: int

    def run(self, wallet: Wallet) -> Draft:
        return sparing_held(
            partial(
                draft,
                wallet,
                self.payees,
                feerate_sat_kvb=self.feerate_sat_kvb,
                fee_sat=self.fee_sat,
                coins=self.coins,
                allow_high_fee=self.allow_high_fee,
            ),
            held_coins(wallet, self.now_s) if self._chooses else [],
        )

    @property
    def _chooses(self) -> bool:
        """Whether the wallet chooses the coins."""
        return self.coins is None and not any(each.amount_sat is ALL for each in self.payees)


async def usual_feerate(daemon: WalletDaemon, target: int | None) -> int:
    """What to pay, in sat per 1,000 vbytes, to be in one of so many blocks; None: the usual number.

    Raises:
        RpcError: nothing is known of it.
    """
    if target is not None:
        return await feerate_by_target(daemon, target)
    try:
        return await feerate_by_target(daemon, USUAL_TARGET)
    except RpcError:
        if daemon.node.settings.network is MAINNET:
            raise
        return MIN_FEERATE_SAT_KVB


@method("wallet", strict=True, nulls=True)
async def draftbump(
    daemon: WalletDaemon,
    txid: Txid,
    fee_rate: float,
    *,
    allow_high_fee: bool = False,
    reduce_payment: bool = False,
) -> Json:
    """Drafts a higher fee for a transaction that waits.

    A payment of this wallet is made anew, to replace the one that waits (BIP 125). One that comes
    to this wallet is spent to itself by a child, whose fee pays for both (CPFP).

    Args:
        txid: The transaction, which is in no block yet
        fee_rate: The new fee in sat/vB; for both together, where there is a child
        allow_high_fee: An absurd fee is meant
        reduce_payment: Where neither change nor another coin can pay more, the recipient who gets
            most gets less; a payment of all can be raised in this way only

    Returns:
        {...}    (json object) As draftpayment
    """
    rate = parse_feerate(fee_rate)
    return draft_json(await daemon.ask(_MakeBump(txid, rate, allow_high_fee, reduce_payment)))


@dataclass(frozen=True, slots=True)
class _MakeBump:
    txid: Txid
    feerate_sat_kvb: int
    allow_high_fee: bool
    reduce_payment: bool

    def run(self, wallet: Wallet) -> Draft:
        return bump(
            wallet,
            self.txid,
            self.feerate_sat_kvb,
            allow_high_fee=self.allow_high_fee,
            reduce_payment=self.reduce_payment,
        )


@method("wallet")
async def importpsbt(daemon: WalletDaemon, psbt: str) -> Json:
    """Says what a PSBT from anywhere would do, by what this wallet knows of its inputs; or what a
    finished transaction does.

    Args:
        psbt: A PSBT in base64 or hex, of version 0 or 2; or the hex string of a transaction

    Returns:
        {                            (json object) As draftpayment. Of a transaction without psbt,
                                     and where it is not known what an input holds without fee and
                                     feerate, with null for the input's amount and address. Beside:
          "complete" : true|false,   (boolean) Whether all signatures are there; of a transaction
                                     whether they hold, and without fee whether they are there
          "txid" : "hex"             (string, optional) The transaction id, when it is complete
        }
    """
    return await daemon.ask(_Describe(parse_payment(psbt)))


@dataclass(frozen=True, slots=True)
class _Describe:
    read: Psbt | Transaction

    def run(self, wallet: Wallet) -> dict[str, Json]:
        if isinstance(self.read, Transaction):
            return finished_json(wallet, describe_finished(wallet.ledger, self.read))
        shown = draft_json(describe(wallet.ledger, self.read))
        try:
            signed = finalize(self.read)
        except BadPsbt:
            return {**shown, "complete": False}
        return {**shown, "complete": True, "txid": to_hex(signed.txid)}


@method("wallet", strict=True, nulls=True)
async def signpsbt(
    daemon: WalletDaemon, psbt: str, passphrase: str, *, allow_high_fee: bool = False
) -> Json:
    """Signs what is this wallet's to sign. Nothing is sent.

    Args:
        psbt: A PSBT in base64 or hex, of version 0 or 2
        passphrase: Opens the keys, for this call only
        allow_high_fee: An absurd fee is meant

    Returns:
        {                            (json object)
          "complete" : true|false,   (boolean) Whether all signatures are there
          "psbt" : "str",            (string, optional) With our signatures, while others miss
          "txid" : "hex",            (string, optional) The transaction id, when it is complete
          "hex" : "hex"              (string, optional) The transaction, ready to be sent
        }
    """
    signed = await daemon.ask(_SignPsbt(parse_psbt(psbt), passphrase, allow_high_fee))
    if isinstance(signed, Transaction):
        return {"complete": True, "txid": to_hex(signed.txid), "hex": signed.raw.hex()}
    return {"complete": False, "psbt": signed.base64}


@dataclass(frozen=True, slots=True)
class _SignPsbt:
    psbt: Psbt
    passphrase: str = field(repr=False)
    allow_high_fee: bool

    def run(self, wallet: Wallet) -> Psbt | Transaction:
        return sign(wallet, self.psbt, self.passphrase, allow_high_fee=self.allow_high_fee)


@method("wallet")
def combinepsbt(_: WalletDaemon, txs: list[str]) -> Json:
    """Combines the signatures of several copies of one PSBT.

    Args:
        txs: The base64 strings of the PSBTs

    Returns:
        "str"    (string) The base64-encoded combined PSBT
    """
    if not txs or not all(isinstance(text, str) for text in txs):
        raise RpcError(Code.PARAMETER, "Parameter 'txs' cannot be empty, and holds strings")
    try:
        return combine([parse_psbt(text) for text in txs]).base64
    except WalletError as error:
        raise refusal(error) from None


@method("wallet")
def finalizepsbt(_: WalletDaemon, psbt: str) -> Json:
    """Makes the transaction of a PSBT that all have signed.

    Args:
        psbt: A PSBT in base64 or hex, of version 0 or 2

    Returns:
        {                         (json object)
          "complete" : true,      (boolean) All signatures are there; else the call is refused
          "txid" : "hex",         (string) The transaction id
          "hex" : "hex"           (string) The transaction, ready to be sent
        }
    """
    try:
        transaction = finalize(parse_psbt(psbt))
    except WalletError as error:
        raise refusal(error) from None
    return {"complete": True, "txid": to_hex(transaction.txid), "hex": transaction.raw.hex()}
