"""What callers of a wallet name: coins, recipients, feerates, PSBTs, transactions."""

from __future__ import annotations

import math
from typing import Final

from axon.errors import DecodeError, WalletError
from axon.primitives.network import Network
from axon.primitives.transaction import OutPoint, Transaction
from axon.rpc.amounts import Json, amount_from
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import unhex
from axon.rpc.repeatedkeys import RepeatedKeys
from axon.rpc.walletdaemon import refusal
from axon.wallet.labels import parse_outpoint
from axon.wallet.payment import ALL, Payee, address_script
from axon.wallet.paymenturi import check_amount, parse_payment_uri
from axon.wallet.psbt import Psbt, is_psbt_text, read_psbt

MAX_RECIPIENTS: Final = 2_000
"""More outputs do not fit into what nodes relay."""

_VB_PER_KVB: Final = 1_000


def parse_coin(value: Json) -> OutPoint:
    """A coin as `{"txid": ..., "vout": ...}` or `txid:vout`.

    Raises:
        RpcError: it is neither.
    """
    if isinstance(value, dict):
        value = f"{value.get('txid')}:{value.get('vout')}"
    try:
        return parse_outpoint(str(value))
    except WalletError as error:
        raise RpcError(Code.PARAMETER, str(error)) from None


def parse_recipients(value: Json, network: Network) -> list[Payee]:
    """Whom to pay: `{address: amount, ...}`, or a list of such objects.

    A payment URI (BIP 21) may stand for an address.

    Raises:
        RpcError: it is neither, an address is none of this network, an amount is none, or a URI
            asks for another one; or an object names an address twice.
    """
    parts = [value] if isinstance(value, dict) else value
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise RpcError(
            Code.PARAMETER, 'Invalid parameter, expected recipients as {"address": amount}'
        )
    repeated = next((part for part in parts if isinstance(part, RepeatedKeys)), None)
    if repeated is not None:
        message = f"Invalid parameter, duplicated address: {repeated.repeated}"
        raise RpcError(Code.PARAMETER, message)
    pairs = [pair for part in parts for pair in part.items()]
    if len(pairs) > MAX_RECIPIENTS:
        raise RpcError(Code.PARAMETER, f"Invalid parameter, at most {MAX_RECIPIENTS} recipients")
    return [_payee(address, amount, network) for address, amount in pairs]


def _payee(address: str, amount: Json, network: Network) -> Payee:
    amount_sat = ALL if amount == ALL.value else amount_from(amount).sat
    try:
        uri = parse_payment_uri(address)
        check_amount(uri, None if amount_sat is ALL else amount_sat)
        script = address_script(uri.address, network)
    except WalletError as error:
        raise refusal(error) from None
    return Payee(script, amount_sat)


def parse_feerate(sat_vb: float) -> int:
    """A feerate in satoshi for a thousand virtual bytes, from one in sat/vB.

    Raises:
        RpcError: -8, it is no positive number.
    """
    if not (math.isfinite(sat_vb) and 0 < sat_vb < 1e9):
        raise RpcError(Code.PARAMETER, "Invalid fee_rate, expected a positive number of sat/vB")
    return round(sat_vb * _VB_PER_KVB)


def parse_psbt(text: str) -> Psbt:
    """A PSBT in base64.

    Raises:
        RpcError: -22, it is none.
    """
    try:
        return read_psbt(text)
    except WalletError as error:
        raise refusal(error) from None


def parse_payment(text: str) -> Psbt | Transaction:
    """A PSBT in base64 or hex, or a transaction in hex.

    Raises:
        RpcError: -22, it is neither.
    """
    is_finished = bool(text) and unhex(text) is not None and not is_psbt_text(text)
    return parse_transaction(text) if is_finished else parse_psbt(text)


def parse_transaction(text: str) -> Transaction:
    """A transaction in hex.

    Raises:
        RpcError: -22, it is none.
    """
    try:
        return Transaction.decode(unhex(text) or b"")
    except DecodeError:
        message = "TX decode failed. Make sure the tx has at least one input."
        raise RpcError(Code.DESERIALIZATION, message) from None
