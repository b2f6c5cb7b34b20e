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
from axon.rpc.amounts import Json, Number, amount_from
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import expect_text, parse_hash, parse_hex, type_name
from axon.rpc.repeatedkeys import pairs_of

DRAFT_USAGE: Final = {
    "inputs": '[{"txid":"hex","vout":n,"sequence":n},...]',
    "outputs": '[{"address":amount,...},{"data":"hex"},...]',
}
"""How the parameters of a draft stand in the line of usage."""

MAX_REPLACEABLE_SEQUENCE = SEQUENCE_FINAL - 2
"""An input with this sequence or less signals that it may be replaced (BIP 125)."""


def _fault(text: str) -> RpcError:
    return RpcError(Code.PARAMETER, f"Invalid parameter, {text}")


def draft(
    inputs: Sequence[Json],
    outputs: Json,
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
    made = _outputs(_pairs(outputs), network)
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
    point = parse_hash("txid", expect_text(given.get("txid")))
    index, own = given.get("vout"), given.get("sequence")
    if type_name(index) != "number":
        raise _fault("missing vout key")
    if type(index) is not int or not -(1 << 31) <= index < 1 << 31:
        raise RpcError(Code.MISC, "JSON integer out of range")
    if index < 0:
        raise _fault("vout cannot be negative")
    if type_name(own) == "number":
        if type(own) is not int or not -(1 << 63) <= own < 1 << 63:
            raise RpcError(Code.MISC, "JSON integer out of range")
        if not 0 <= own <= SEQUENCE_FINAL:
            raise _fault("sequence number is out of range")
        sequence = own
    return TxIn(outpoint(Txid(point), index), sequence=sequence)


def _pairs(outputs: Json) -> list[tuple[str, Json]]:
    """Keys and values in order."""
    if outputs is None:
        raise _fault("output argument must be non-null")
    if isinstance(outputs, Mapping):
        return list(pairs_of(outputs))
    if not isinstance(outputs, list):
        raise RpcError(
            Code.TYPE, f"JSON value of type {type_name(outputs)} is not of expected type array"
        )
    pairs: list[tuple[str, Json]] = []
    for each in outputs:
        if not isinstance(each, dict):
            raise _fault("key-value pair not an object as expected")
        if len(pairs_of(each)) != 1:
            raise _fault("key-value pair must contain exactly one key")
        pairs += each.items()
    return pairs


def _outputs(pairs: Sequence[tuple[str, Json]], network: Network) -> list[TxOut]:
    """The outputs of keys and values; each address once, and data once."""
    first = dict(reversed(pairs))  # Of two of one name the first value counts, as in Core.
    made: list[TxOut] = []
    seen: set[bytes] = set()
    has_data = False
    for key, _ in pairs:
        if key == "data":
            if has_data:
                raise _fault("duplicate key: data")
            has_data = True
            data = parse_hex(_text_of(first[key]), "Data")
            made.append(TxOut(0, bytes((OP_RETURN,)) + push(data)))
            continue
        try:
            script: bytes | None = decode_address(key, network)
        except DecodeError:
            script = None
        amount_sat = amount_from(first[key]).sat
        if script is None:
            raise RpcError(Code.NOT_FOUND, f"Invalid Bitcoin address: {key}")
        if script in seen:
            raise _fault(f"duplicated address: {key}")
        seen.add(script)
        made.append(TxOut(amount_sat, script))
    return made


def _text_of(value: Json) -> str:
    """A value as its text stood in the JSON; nothing for what has none."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else ""


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
