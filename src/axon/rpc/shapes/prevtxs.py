"""Outputs that a caller says a transaction spends (`prevtxs`), with the scripts behind hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from axon.primitives.hashes import Txid, hash160, sha256
from axon.primitives.script import is_p2sh
from axon.primitives.solver import WITNESS_V0_SCRIPTHASH, asm, kind_of
from axon.primitives.transaction import MAX_MONEY_SAT, OutPoint, TxOut, outpoint
from axon.psbt.keyring import Keyring
from axon.rpc.amounts import Json, amount_from
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import (
    check_fields,
    expect_text,
    parse_hash,
    parse_hex,
)

_MISMATCH = "redeemScript/witnessScript does not match scriptPubKey"


def read_prevtxs(
    given: Sequence[Json], coins: dict[OutPoint, TxOut | None], keyring: Keyring
) -> None:
    """Take in what a caller says of spent outputs.

    Args:
        coins: gets the outputs; what is there already must not be another.
        keyring: gets the scripts.

    Raises:
        RpcError: something in it is not as it should be.
    """
    for each in given:
        if not isinstance(each, dict):
            raise RpcError(
                Code.DESERIALIZATION, 'expected object with {"txid\'","vout","scriptPubKey"}'
            )
        check_fields(each, {"txid": str, "vout": int, "scriptPubKey": str})
        txid, index = Txid(parse_hash("txid", each["txid"])), each["vout"]
        if type(index) is not int or not -(1 << 31) <= index < 1 << 31:
            raise RpcError(Code.MISC, "JSON integer out of range")
        if index < 0:
            raise RpcError(Code.DESERIALIZATION, "vout cannot be negative")
        prevout = outpoint(txid, index)
        script = parse_hex(each["scriptPubKey"], "scriptPubKey")
        known = coins.get(prevout)
        if known is not None and known.script_pubkey != script:
            raise RpcError(
                Code.DESERIALIZATION,
                "Previous output scriptPubKey mismatch:\n"
                f"{asm(known.script_pubkey)}\nvs:\n{asm(script)}",
            )
        amount_sat = MAX_MONEY_SAT
        if "amount" in each:
            amount_sat = amount_from(each["amount"]).sat
        coins[prevout] = TxOut(amount_sat, script)
        if is_p2sh(script) or kind_of(script) == WITNESS_V0_SCRIPTHASH:
            _read_scripts(each, script, keyring)


def _read_scripts(given: Mapping[str, Json], script: bytes, keyring: Keyring) -> None:
    """Take in what stands behind a hash."""
    check_fields(given, {"redeemScript": str, "witnessScript": str}, may_miss=True)
    redeem, witness = given.get("redeemScript"), given.get("witnessScript")
    if redeem is None and witness is None:
        raise RpcError(Code.PARAMETER, "Missing redeemScript/witnessScript")
    if witness is not None:
        inner = parse_hex(expect_text(witness), "witnessScript")
    else:
        inner = parse_hex(expect_text(redeem), "redeemScript")
    program = b"\x00\x20" + sha256(inner)
    keyring.add_script(inner)
    keyring.add_script(program)
    if witness is not None and redeem is not None and witness != redeem:
        if parse_hex(expect_text(redeem), "redeemScript") != program:
            raise RpcError(Code.PARAMETER, "redeemScript does not correspond to witnessScript")
    if is_p2sh(script):
        fits = script[2:22] in (hash160(inner), hash160(program))
    else:
        fits = script == program
    if not fits:
        raise RpcError(Code.PARAMETER, _MISMATCH)
