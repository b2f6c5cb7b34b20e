"""Payments under Core's names: the keys are opened for a time, and one call drafts, signs, writes
down and sends.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from axon.primitives.encoding import compact_size, var_bytes
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import OutPoint, Transaction
from axon.rpc.amounts import Amount, Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon
from axon.rpc.walletmethods.drafts import usual_feerate
from axon.rpc.walletmethods.named import (
    parse_coin,
    parse_feerate,
    parse_psbt,
    parse_recipients,
)
from axon.rpc.walletmethods.payments import bring_out
from axon.wallet import signing
from axon.wallet.draft import Draft
from axon.wallet.keys import Mnemonic
from axon.wallet.labels import LabelKind
from axon.wallet.payment import Payee, draft, record_payment
from axon.wallet.psbt import Psbt
from axon.wallet.psbtmaps import (
    FINAL_SCRIPT_SIG,
    FINAL_WITNESS,
    NON_WITNESS_UTXO,
    WITNESS_UTXO,
    PsbtMaps,
)
from axon.wallet.records import Keychain
from axon.wallet.wallet import Wallet

LONGEST_S: Final = 100_000_000
"""For no longer keys stay open: three years."""


@method("wallet")
async def walletpassphrase(daemon: WalletDaemon, passphrase: str, timeout: int) -> Json:
    """Opens the wallet's keys for 'timeout' seconds, for the calls that Core has. Calls of this
    program's own take the passphrase each.

    Args:
        passphrase: The wallet passphrase
        timeout: The time to keep the decryption key in seconds; capped at 100000000

    Returns:
        null    (json null)
    """
    if timeout < 0:
        raise RpcError(Code.PARAMETER, "Timeout cannot be negative.")
    if not passphrase:
        raise RpcError(Code.PARAMETER, "passphrase cannot be empty")
    mnemonic = await daemon.ask(_Open(passphrase))
    daemon.keys.open(mnemonic, min(timeout, LONGEST_S))


@dataclass(frozen=True, slots=True)
class _Open:
    passphrase: str = field(repr=False)

    def run(self, wallet: Wallet) -> Mnemonic:
        return signing.reveal_words(wallet, self.passphrase)


@method("wallet")
def walletlock(daemon: WalletDaemon) -> Json:
    """Removes the wallet encryption key from memory, locking the wallet.

    Returns:
        null    (json null)
    """
    daemon.keys.lock()


@method("wallet")
async def sendtoaddress(
    daemon: WalletDaemon,
    address: str,
    amount: Json,
    comment: str = "",
    comment_to: str = "",
    subtractfeefromamount: bool = False,
    replaceable: bool = True,
    conf_target: int | None = None,
    estimate_mode: str = "unset",
    avoid_reuse: bool | None = None,
    fee_rate: float | None = None,
    verbose: bool = False,
) -> Json:
    """Send an amount to a given address. The keys must be open (walletpassphrase).

    Args:
        address: The bitcoin address to send to.
        amount: The amount in BTC to send. eg 0.1
        comment: What the transaction is for; becomes its label.
        comment_to: Whom it is for; stands in the label behind it.
        subtractfeefromamount: Not supported
        replaceable: It always is
        conf_target: Confirmation target in blocks
        estimate_mode: unset, economical or conservative; here they are all the same
        avoid_reuse: Not supported
        fee_rate: Specify a fee rate in sat/vB.
        verbose: If true, return extra information about the transaction.

    Returns:
        "hex"    (string) The transaction id; with verbose an object of it and fee_reason
    """
    if subtractfeefromamount or avoid_reuse:
        raise RpcError(
            Code.PARAMETER, "subtractfeefromamount and avoid_reuse are not supported here"
        )
    note = " ".join(filter(None, (comment, comment_to)))
    wish = _Wish(replaceable, conf_target, estimate_mode, fee_rate)
    return await _send(daemon, {address: amount}, note, wish, verbose)


@method("wallet")
async def sendmany(
    daemon: WalletDaemon,
    dummy: str | None = None,
    amounts: dict[str, Json] | None = None,
    minconf: int | None = None,  # noqa: ARG001
    comment: str = "",
    subtractfeefrom: list[Json] | None = None,
    replaceable: bool = True,
    conf_target: int | None = None,
    estimate_mode: str = "unset",
    fee_rate: float | None = None,
    verbose: bool = False,
) -> Json:
    """Send multiple times. The keys must be open (walletpassphrase).

    Args:
        dummy: Must be set to "" for backwards compatibility.
        amounts: The addresses and amounts
        minconf: Ignored dummy value
        comment: What the transaction is for; becomes its label.
        subtractfeefrom: Not supported
        replaceable: It always is
        conf_target: Confirmation target in blocks
        estimate_mode: unset, economical or conservative; here they are all the same
        fee_rate: Specify a fee rate in sat/vB.
        verbose: If true, return extra information about the transaction.

    Returns:
        "hex"    (string) The transaction id; with verbose an object of it and fee_reason
    """
    if dummy:
        raise RpcError(Code.PARAMETER, 'Dummy value must be set to ""')
    if subtractfeefrom:
        raise RpcError(Code.PARAMETER, "subtractfeefrom is not supported here")
    wish = _Wish(replaceable, conf_target, estimate_mode, fee_rate)
    return await _send(daemon, amounts or {}, comment, wish, verbose)


@dataclass(frozen=True, slots=True)
class _Wish:
    replaceable: bool
    conf_target: int | None
    estimate_mode: str
    fee_rate: float | None

    async def sat_kvb(self, daemon: WalletDaemon) -> int:
        """The feerate that is wished for."""
        if not self.replaceable:
            raise RpcError(Code.PARAMETER, "payments of this wallet can always be replaced")
        if self.estimate_mode.lower() not in ("unset", "economical", "conservative"):
            raise RpcError(
                Code.PARAMETER,
                "Invalid estimate_mode parameter, must be one of:"
                ' "unset", "economical", "conservative"',
            )
        if self.fee_rate is None:
            return await usual_feerate(daemon, self.conf_target)
        if self.conf_target is not None:
            raise RpcError(
                Code.PARAMETER,
                "Cannot specify both conf_target and fee_rate. Please provide either a"
                " confirmation target in blocks for automatic fee estimation, or an explicit fee"
                " rate.",
            )
        return parse_feerate(self.fee_rate)


async def _send(
    daemon: WalletDaemon, recipients: Json, note: str, wish: _Wish, verbose: bool
) -> Json:
    payees = tuple(parse_recipients(recipients, daemon.node.settings.network))
    rate = await wish.sat_kvb(daemon)
    sent = await daemon.ask(_Pay(payees, rate, note, _keys(daemon), daemon.now_s))
    txid = (await bring_out(daemon, sent, 0))["txid"]
    return {"txid": txid, "fee_reason": "Fallback fee"} if verbose else txid


def _keys(daemon: WalletDaemon) -> Mnemonic:
    mnemonic = daemon.keys.mnemonic
    if mnemonic is None:
        raise RpcError(
            Code.UNLOCK_NEEDED,
            "Error: Please enter the wallet passphrase with walletpassphrase first.",
        )
    return mnemonic


@dataclass(frozen=True, slots=True)
class _Pay:
    payees: tuple[Payee, ...]
    feerate_sat_kvb: int
    note: str
    mnemonic: Mnemonic = field(repr=False)
    now_s: int = 0

    def run(self, wallet: Wallet) -> Transaction:
        made = draft(wallet, self.payees, feerate_sat_kvb=self.feerate_sat_kvb)
        signed = signing.sign(wallet, made, self.mnemonic)
        assert isinstance(signed, Transaction), "all of its coins are ours"
        sent = record_payment(wallet, signed, self.now_s, all_to=made.psbt.pays_all_to)
        if self.note:
            wallet.set_label(LabelKind.TRANSACTION, to_hex(sent.txid), self.note)
        return sent


_FUNDING: Final = frozenset(
    {"add_inputs", "conf_target", "estimate_mode", "fee_rate", "replaceable", "includeWatching"}
)
"""Options of walletcreatefundedpsbt that are known here."""


@method("wallet")
async def walletcreatefundedpsbt(
    daemon: WalletDaemon,
    inputs: list[Json] | None = None,
    outputs: Json = None,
    locktime: int = 0,
    options: dict[str, Json] | None = None,
    bip32derivs: bool = True,  # noqa: ARG001
) -> Json:
    """Creates a transaction in the Partially Signed Transaction format, with coins of this wallet.

    Args:
        inputs: Spend all of these and no others; if left out or empty they are chosen
        outputs: The addresses and amounts
        locktime: Not supported but 0
        options: fee_rate (sat/vB), conf_target, estimate_mode, replaceable (true), add_inputs
        bip32derivs: They are always there

    Returns:
        {                     (json object)
          "psbt" : "str",     (string) The resulting raw transaction (base64-encoded string)
          "fee" : n,          (numeric) Fee in BTC the resulting transaction pays
          "changepos" : n     (numeric) The position of the added change output, or -1
        }
    """
    given = options or {}
    for name in given:
        if name not in _FUNDING:
            raise RpcError(Code.TYPE, f"Unexpected key {name}")
    if locktime:
        raise RpcError(Code.PARAMETER, "locktime is not supported here")
    points = tuple([parse_coin(each) for each in inputs or ()]) or None
    if points is not None and given.get("add_inputs"):
        raise RpcError(Code.PARAMETER, "add_inputs is not supported here beside inputs")
    payees = tuple(parse_recipients(outputs, daemon.node.settings.network))
    fee_rate, target = given.get("fee_rate"), given.get("conf_target")
    wish = _Wish(
        given.get("replaceable", True) is not False,
        target if type(target) is int else None,
        str(given.get("estimate_mode", "unset")),
        None if fee_rate is None else float(str(fee_rate)),
    )
    made, changes = await daemon.ask(_Fund(payees, await wish.sat_kvb(daemon), points))
    return {
        "psbt": made.psbt.base64,
        "fee": Amount(made.fee_sat),
        "changepos": changes[-1] if changes else -1,
    }


@dataclass(frozen=True, slots=True)
class _Fund:
    payees: tuple[Payee, ...]
    feerate_sat_kvb: int
    points: tuple[OutPoint, ...] | None

    def run(self, wallet: Wallet) -> tuple[Draft, list[int]]:
        made = draft(wallet, self.payees, feerate_sat_kvb=self.feerate_sat_kvb, coins=self.points)
        paid = {each.script for each in made.recipients}
        find = wallet.ledger.book.find
        places = [
            (number, find(output.script_pubkey))
            for number, output in enumerate(made.psbt.transaction.outputs)
            if output.script_pubkey not in paid
        ]
        one_family = Keychain.CHANGE not in wallet.ledger.book.keychains
        return made, [
            number
            for number, place in places
            if place is not None and (one_family or place.keychain is Keychain.CHANGE)
        ]


@method("wallet")
async def walletprocesspsbt(
    daemon: WalletDaemon,
    psbt: str,
    sign: bool = True,
    sighashtype: str = "DEFAULT",
    bip32derivs: bool = True,  # noqa: ARG001
    finalize: bool = True,  # noqa: ARG001
) -> Json:
    """Update a PSBT with input information from our wallet and then sign inputs that we can sign
    for. The keys must be open (walletpassphrase), if it is to sign.

    Args:
        psbt: The transaction base64 string
        sign: Also sign the transaction
        sighashtype: DEFAULT or ALL
        bip32derivs: They are always there
        finalize: What all have signed is always made final

    Returns:
        {                            (json object)
          "psbt" : "str",            (string) The base64-encoded partially signed transaction
          "complete" : true|false,   (boolean) If the transaction has a complete set of signatures
          "hex" : "hex"              (string, optional) The hex-encoded network transaction if
                                     complete
        }
    """
    if sighashtype not in ("DEFAULT", "ALL"):
        raise RpcError(Code.PARAMETER, f"'{sighashtype}' is not a sighash type that is made here.")
    read = parse_psbt(psbt)
    if not sign:
        return {"psbt": await daemon.ask(_Update(read)), "complete": False}
    signed = await daemon.ask(_Process(read, _keys(daemon)))
    if isinstance(signed, Psbt):
        return {"psbt": signed.base64, "complete": False}
    text = _final_text(read, signed)
    return {"psbt": text, "complete": True, "hex": signed.raw.hex()}


@dataclass(frozen=True, slots=True)
class _Update:
    psbt: Psbt

    def run(self, wallet: Wallet) -> str:
        raw = signing.with_own_coins(wallet.ledger, self.psbt).encode()
        return replace(self.psbt, raw=raw).base64


@dataclass(frozen=True, slots=True)
class _Process:
    psbt: Psbt
    mnemonic: Mnemonic = field(repr=False)

    def run(self, wallet: Wallet) -> Transaction | Psbt:
        return signing.sign(wallet, self.psbt, self.mnemonic)


def _final_text(psbt: Psbt, signed: Transaction) -> str:
    """The PSBT of a signed transaction, with what each input spends and its final scripts."""
    maps = PsbtMaps.decode(psbt.raw)
    inputs: list[dict[bytes, bytes]] = []
    for entries, each in zip(maps.inputs, signed.inputs, strict=True):
        kept: dict[bytes, bytes] = {
            key: entries[key] for key in (NON_WITNESS_UTXO, WITNESS_UTXO) if key in entries
        }
        if each.script_sig:
            kept[FINAL_SCRIPT_SIG] = each.script_sig
        if each.witness:
            items = b"".join(map(var_bytes, each.witness))
            kept[FINAL_WITNESS] = compact_size(len(each.witness)) + items
        inputs.append(kept)
    return replace(psbt, raw=replace(maps, inputs=tuple(inputs)).encode()).base64
