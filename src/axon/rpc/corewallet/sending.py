"""Payments that go out at once: sendtoaddress, sendmany."""

from __future__ import annotations

from axon.primitives.hashes import to_hex
from axon.rpc.amounts import Json
from axon.rpc.corewallet.access import LoadedWallet
from axon.rpc.corewallet.balance import refuse_avoid_reuse
from axon.rpc.corewallet.paying import (
    WantedOutput,
    fee_payers,
    fee_wish,
    feerate,
    outputs_from,
    payment,
    send_out,
    shuffled,
    usual_terms,
)
from axon.rpc.corewallet.poolplaces import one_at_a_time, placed
from axon.rpc.corewallet.reach import seen_by, wallets_of
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import Int32


@method("wallet")
async def sendtoaddress(
    daemon: Daemon,
    call: Call,
    address: str,
    amount: Json,
    comment: str = "",
    comment_to: str = "",
    subtractfeefromamount: bool = False,
    replaceable: bool | None = None,
    conf_target: Int32 | None = None,
    estimate_mode: str = "unset",
    avoid_reuse: bool | None = None,
    fee_rate: Json = None,
    verbose: bool = False,
) -> Json:
    """Send an amount to a given address. Requires wallet passphrase to be set with walletpassphrase
    call if wallet is encrypted.

    Args:
        address: The bitcoin address to send to.
        amount: The amount in BTC to send. eg 0.1
        comment: What the transaction is for; kept in the wallet only.
        comment_to: Whom it is for; kept in the wallet only.
        subtractfeefromamount: The fee will be deducted from the amount being sent.
        replaceable: Signal that this transaction can be replaced by a transaction (BIP 125)
        conf_target: Confirmation target in blocks
        estimate_mode: The fee estimate mode: unset, economical or conservative
        avoid_reuse: Not supported
        fee_rate: Specify a fee rate in sat/vB.
        verbose: If true, return extra information about the transaction.

    Returns:
        "hex"    (string) The transaction id; with verbose an object of it and fee_reason
    """
    wallet = await seen_by(daemon, call)
    refuse_avoid_reuse(avoid_reuse)
    outputs = outputs_from({address: amount}, daemon.node.network)
    payers = frozenset({0}) if subtractfeefromamount else frozenset[int]()
    noted = {"comment": comment, "to": comment_to}
    wish = (conf_target, estimate_mode, fee_rate)
    return await _send(daemon, wallet, outputs, payers, noted, replaceable, wish, verbose)


async def _send(
    daemon: Daemon,
    wallet: LoadedWallet,
    outputs: list[WantedOutput],
    payers: frozenset[int],
    noted: dict[str, str],
    replaceable: bool | None,
    wished: tuple[Json, Json, Json],
    verbose: bool,
) -> Json:
    replaces = wallets_of(daemon).settings.replaceable if replaceable is None else replaceable
    wish = fee_wish(*wished)
    if wish.sat_kvb is not None and replaceable is None:
        replaces = True
    fee = feerate(daemon, wish, replaceable=replaces)
    terms = usual_terms(daemon, fee, replaceable=replaces)
    wanted = shuffled(payment(daemon, outputs, payers, terms, noted))
    async with one_at_a_time(wallet):
        signed = await wallet.ask(await placed(daemon, wallet, wanted))
        await send_out(daemon, signed)
    if verbose:
        return {"txid": to_hex(signed.txid), "fee_reason": fee.reason}
    return to_hex(signed.txid)


@method(
    "wallet",
    shown={
        "dummy": '( "" )',
        "amounts": '{"address":amount,...}',
        "subtractfeefrom": '["address",...]',
    },
)
async def sendmany(
    daemon: Daemon,
    call: Call,
    dummy: str | None,
    amounts: dict[str, Json],
    minconf: float | None = None,
    comment: str = "",
    subtractfeefrom: list[Json] | None = None,
    replaceable: bool | None = None,
    conf_target: Int32 | None = None,
    estimate_mode: str = "unset",
    fee_rate: Json = None,
    verbose: bool = False,
) -> Json:
    """Send multiple times. Amounts are double-precision floating point numbers. Requires wallet
    passphrase to be set with walletpassphrase call if wallet is encrypted.

    Args:
        dummy: Must be set to "" for backwards compatibility.
        amounts: The addresses and amounts
        minconf: Ignored dummy value
        comment: What the transaction is for; kept in the wallet only.
        subtractfeefrom: The addresses whose amounts the fee is deducted from, in equal parts
        replaceable: Signal that this transaction can be replaced by a transaction (BIP 125)
        conf_target: Confirmation target in blocks
        estimate_mode: The fee estimate mode: unset, economical or conservative
        fee_rate: Specify a fee rate in sat/vB.
        verbose: If true, return extra information about the transaction.

    Returns:
        "hex"    (string) The transaction id; with verbose an object of it and fee_reason
    """
    del minconf
    wallet = await seen_by(daemon, call)
    if dummy:
        raise RpcError(Code.PARAMETER, 'Dummy value must be set to ""')
    outputs = outputs_from(amounts, daemon.node.network)
    payers = fee_payers(subtractfeefrom, [output.name for output in outputs])
    wish = (conf_target, estimate_mode, fee_rate)
    return await _send(
        daemon, wallet, outputs, payers, {"comment": comment}, replaceable, wish, verbose
    )
