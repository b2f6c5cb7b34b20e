"""What an address says, and what is wrong with one, in Bitcoin Core's words."""

from __future__ import annotations

from typing import Final

from axon.errors import DecodeError
from axon.primitives.address import base58check_decode, decode_address
from axon.primitives.bech32 import MAX_SIZE, VALUES, find_substitutions
from axon.primitives.network import Network
from axon.primitives.script import is_p2sh, witness_program
from axon.rpc.amounts import Json

MAX_LOCATED: Final = 1_000
"""Characters of a text of which it is told what is wrong with them."""

_NO_ENCODING: Final = "Invalid or unsupported Segwit (Bech32) or Base58 encoding."
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def address_json(text: str, network: Network) -> dict[str, Json]:
    """What `validateaddress` says of a text."""
    try:
        script = decode_address(text, network)
    except DecodeError as error:
        reason, places = _fault(text, network, error)
        return {"isvalid": False, "error_locations": places, "error": reason}
    shown: dict[str, Json] = {"isvalid": True, "address": text, "scriptPubKey": script.hex()}
    program = witness_program(script)
    if program is None:
        return {**shown, "isscript": is_p2sh(script), "iswitness": False}
    version, data = program
    if version <= 1:
        shown["isscript"] = not (version == 0 and len(data) == 20)
    return {
        **shown,
        "iswitness": True,
        "witness_version": version,
        "witness_program": data.hex(),
    }


def _fault(text: str, network: Network, error: DecodeError) -> tuple[str, list[int]]:
    """Why a text is no address, and at which signs, as far as that can be known."""
    prefix = network.bech32_hrp
    start = text[: len(prefix) + 1]
    if len(text) > MAX_SIZE and start.lower() == f"{prefix}1":
        return "Bech32 string too long", list(range(MAX_SIZE, min(len(text), MAX_LOCATED)))
    if len(text) > MAX_LOCATED:
        return _NO_ENCODING, []
    if not text.lower().startswith(f"{prefix}1"):
        return _base58_fault(text, network), []
    if text.lower() != text and text.upper() != text:
        return "Invalid character or mixed case", _mixed(text)
    data = text.lower()[len(prefix) + 1 :]
    wrong = [place for place, sign in enumerate(data, len(prefix) + 1) if sign not in VALUES]
    if wrong:
        return "Invalid Base 32 character", wrong
    if "bech32m checksum above" in error.expected:
        if data[0] == "q":
            return "Version 0 witness address must use Bech32 checksum", []
        return "Version 1+ witness address must use Bech32m checksum", []
    if "checksum" in error.expected:
        reason = "Invalid Bech32 checksum" if data[:1] == "q" else "Invalid Bech32m checksum"
        return reason, list(find_substitutions(text.lower(), prefix))
    if "version 0 program" in error.expected:
        size = (len(data) - 7) * 5 // 8
        return f"Invalid Bech32 v0 address program size ({size} bytes), per BIP141", []
    if data[:1] and VALUES[data[0]] > 16:
        return "Invalid Bech32 address witness version", []
    return "Invalid padding in Bech32 data section", []


def _mixed(text: str) -> list[int]:
    """The signs whose case differs from that of the first letter."""
    letters = [sign for sign in text if sign.isalpha()]
    lower = bool(letters) and letters[0].islower()
    return [place for place, sign in enumerate(text) if sign.isalpha() and sign.islower() != lower]


def _base58_fault(text: str, network: Network) -> str:
    if text and all(sign in _BASE58 for sign in text):
        try:
            payload = base58check_decode(text)
        except DecodeError:
            return "Invalid checksum or length of Base58 address (P2PKH or P2SH)"
        if payload[:1] in (bytes((network.p2pkh_prefix,)), bytes((network.p2sh_prefix,))):
            return "Invalid length for Base58 address (P2PKH or P2SH)"
        return "Invalid or unsupported Base58-encoded address."
    return _NO_ENCODING
