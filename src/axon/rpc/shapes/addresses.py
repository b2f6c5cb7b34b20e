"""What an address says, and what is wrong with one, in Bitcoin Core's words."""

from __future__ import annotations

from typing import Final

from axon.errors import DecodeError
from axon.primitives.address import base58check_decode, decode_address, encode_address
from axon.primitives.bech32 import BECH32_CONST, checked, locate_errors
from axon.primitives.network import Network
from axon.primitives.script import is_p2sh, witness_program
from axon.primitives.solver import ANCHOR, WITNESS_UNKNOWN, kind_of
from axon.rpc.amounts import Json

MAX_LOCATED: Final = 1_000
"""Characters of a text of which it is told what is wrong with them."""

_NO_ENCODING: Final = "Invalid or unsupported Segwit (Bech32) or Base58 encoding."
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_MAX_BASE58: Final = 100
"""Bytes of a text in base 58 whose checksum is looked at."""

_MAX_PROGRAM: Final = 40


def address_json(text: str, network: Network) -> dict[str, Json]:
    """What `validateaddress` says of a text."""
    try:
        script = decode_address(text, network)
    except DecodeError:
        reason, places = _fault(text, network)
        return {"isvalid": False, "error_locations": places, "error": reason}
    address = encode_address(script, network)
    shown: dict[str, Json] = {"isvalid": True, "address": address, "scriptPubKey": script.hex()}
    program = witness_program(script)
    if program is None:
        return {**shown, "isscript": is_p2sh(script), "iswitness": False}
    version, data = program
    kind = kind_of(script)
    if kind != WITNESS_UNKNOWN:
        shown["isscript"] = not (version == 0 and len(data) == 20)
    shown["iswitness"] = True
    if kind == ANCHOR:
        return shown
    return {**shown, "witness_version": version, "witness_program": data.hex()}


def _fault(text: str, network: Network) -> tuple[str, list[int]]:
    """Why a text is no address, and at which signs, as far as that can be known."""
    prefix = network.bech32_hrp
    if text[: len(prefix)].lower() != prefix:
        return _base58_fault(text, network), []
    if len(text) > MAX_LOCATED:
        text = text[:MAX_LOCATED]
    found = checked(text)
    if found is None:
        return locate_errors(text)
    return _program_fault(*found, prefix), []


def _program_fault(found: str, data: list[int], constant: int, prefix: str) -> str:
    """What is wrong with a text whose checksum is right."""
    if not data:
        return "Empty Bech32 data section"
    if found != prefix:
        return (
            "Invalid or unsupported prefix for Segwit (Bech32) address (expected"
            f" {prefix}, got {found})."
        )
    version, bits = data[0], 5 * (len(data) - 1)
    if version == 0 and constant != BECH32_CONST:
        return "Version 0 witness address must use Bech32 checksum"
    if version and constant == BECH32_CONST:
        return "Version 1+ witness address must use Bech32m checksum"
    rest = data[-1] & ((1 << bits % 8) - 1) if bits else 0
    if bits % 8 >= 5 or rest:
        return "Invalid padding in Bech32 data section"
    size = bits // 8
    noun = "byte" if size == 1 else "bytes"
    if version == 0:
        return f"Invalid Bech32 v0 address program size ({size} {noun}), per BIP141"
    if version > 16:
        return "Invalid Bech32 address witness version"
    assert not 2 <= size <= _MAX_PROGRAM, "else it is an address"
    return f"Invalid Bech32 address program size ({size} {noun})"


def _base58_fault(text: str, network: Network) -> str:
    if any(sign not in _BASE58 for sign in text) or len(text) > MAX_LOCATED:
        return _NO_ENCODING
    number = 0
    for sign in text:
        number = number * 58 + _BASE58.index(sign)
    zeros = len(text) - len(text.lstrip("1"))
    if zeros + (number.bit_length() + 7) // 8 > _MAX_BASE58:
        return _NO_ENCODING
    wrong = "Invalid checksum or length of Base58 address (P2PKH or P2SH)"
    try:
        payload = base58check_decode(text)
    except DecodeError:
        return wrong
    if len(payload) > 21:
        return wrong
    if payload[:1] in (bytes((network.p2pkh_prefix,)), bytes((network.p2sh_prefix,))):
        return "Invalid length for Base58 address (P2PKH or P2SH)"
    return "Invalid or unsupported Base58-encoded address."
