"""Unsigned transactions from what callers write (`createrawtransaction`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from axon.errors import DecodeError
from axon.primitives.address import decode_address
from axon.primitives.hashes import Txid
from axon.primitives.network import Network
from axon.primitives.script import OP_RETURN, push
from axon.primitives.sighash import (
    SIGHASH_ALL,
    SIGHASH_ANYONECANPAY,
    SIGHASH_DEFAULT,
    SIGHASH_NONE,
    SIGHASH_SINGLE,
)
from axon.primitives.transaction import SEQUENCE_FINAL, Transaction, TxIn, TxOut, outpoint
from axon.rpc.amounts import Json, amount_from
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import parse_hash, parse_hex, type_name

MAX_REPLACEABLE_SEQUENCE = SEQUENCE_FINAL - 2
"""An input with this sequence or less signals that it may be replaced (BIP 125)."""


def _fault(text: str) -> RpcError:
    return RpcError(Code.PARAMETER, f"Invalid parameter, {text}")


def draft(
    inputs: Sequence[Json],
    outputs: Sequence[Json] | Mapping[str, Json],
    locktime: int,
    replaceable: bool | None,
    version: int,
    network: Network,
) -> Transaction:
    """The transaction; slow for one with many inputs or outputs.

    Raises:
        RpcError: something in it is not as it should be.
    """
    if not 0 <= locktime <= 0xFFFF_FFFF:
        raise _fault("locktime out of range")
    if not 1 <= version <= 3:
        raise _fault("version out of range(1~3)")
    if replaceable is None or replaceable:
        sequence = MAX_REPLACEABLE_SEQUENCE
    else:
        sequence = SEQUENCE_FINAL - 1 if locktime else SEQUENCE_FINAL
    spent = [_input(each, sequence) for each in inputs]
    made = [_output(key, value, network) for key, value in _pairs(outputs)]
    signals = any(item.sequence <= MAX_REPLACEABLE_SEQUENCE for item in spent)
    if replaceable and spent and not signals:
        raise RpcError(
            Code.PARAMETER,
            "Invalid parameter combination: Sequence number(s) contradict replaceable option",
        )
    return Transaction.build(version, spent, made, locktime)


def _input(given: Json, sequence: int) -> TxIn:
    if not isinstance(given, dict):
        raise RpcError(
            Code.TYPE, f"JSON value of type {type_name(given)} is not of expected type object"
        )
    txid = given.get("txid")
    if not isinstance(txid, str):
        raise _fault("missing txid key")
    point, index, own = parse_hash("txid", txid), given.get("vout"), given.get("sequence")
    if type(index) is not int:
        raise _fault("missing vout key")
    if index < 0:
        raise _fault("vout cannot be negative")
    if index > 0xFFFF_FFFF:
        raise _fault("vout out of range")
    if type(own) is int:
        if not 0 <= own <= SEQUENCE_FINAL:
            raise _fault("sequence number is out of range")
        sequence = own
    return TxIn(outpoint(Txid(point), index), sequence=sequence)


def _pairs(outputs: Sequence[Json] | Mapping[str, Json]) -> list[tuple[str, Json]]:
    """Keys and values in order, each address once."""
    if isinstance(outputs, Mapping):
        return list(outputs.items())
    pairs: dict[str, Json] = {}
    for each in outputs:
        if not isinstance(each, dict):
            raise _fault("key-value pair not an object as expected")
        if len(each) != 1:
            raise _fault("key-value pair must contain exactly one key")
        ((key, value),) = each.items()
        if key in pairs:
            if key == "data":
                raise _fault("duplicate key: data")
            raise _fault(f"duplicated address: {key}")
        pairs[key] = value
    return list(pairs.items())


def _output(key: str, value: Json, network: Network) -> TxOut:
    if key == "data":
        return TxOut(0, bytes((OP_RETURN,)) + push(parse_hex(str(value), "Data")))
    try:
        script = decode_address(key, network)
    except DecodeError as error:
        raise RpcError(Code.NOT_FOUND, f"Invalid Bitcoin address: {key}") from error
    return TxOut(amount_from(value).sat, script)


_SIGHASHES: Final = {
    "DEFAULT": SIGHASH_DEFAULT,
    "ALL": SIGHASH_ALL,
    "NONE": SIGHASH_NONE,
    "SINGLE": SIGHASH_SINGLE,
    "ALL|ANYONECANPAY": SIGHASH_ALL | SIGHASH_ANYONECANPAY,
    "NONE|ANYONECANPAY": SIGHASH_NONE | SIGHASH_ANYONECANPAY,
    "SINGLE|ANYONECANPAY": SIGHASH_SINGLE | SIGHASH_ANYONECANPAY,
}


def parse_sighash(text: str | None) -> int | None:
    """A hash type from its name; None for none.

    Raises:
        RpcError: -8, there is none of this name.
    """
    if text is None:
        return None
    found = _SIGHASHES.get(text)
    if found is None:
        raise RpcError(Code.PARAMETER, f"'{text}' is not a valid sighash parameter.")
    return found
