"""Addresses: how people write a script (base58check, BIP 173, BIP 350)."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from axon.errors import DecodeError
from axon.primitives.bech32 import (
    BECH32_CONST,
    BECH32M_CONST,
    MAX_SIZE,
    SIGNS,
    VALUES,
    expand,
    polymod,
)
from axon.primitives.hashes import sha256d
from axon.primitives.network import NETWORKS, Network
from axon.primitives.script import OP_1, is_p2sh, witness_program

MAX_ADDRESS_SIZE: Final = 120
"""Characters; a longer text is no address of any kind, and nobody looks for what is wrong in it."""

_BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_FROM_BASE32 = bytes.maketrans(_BASE32, bytes(range(32)))
_TO_SIGNS = bytes.maketrans(bytes(range(32)), SIGNS.encode())
_SIGN_PAIRS = tuple([first + second for first in SIGNS for second in SIGNS])
_CHECKSUM_SIZE: Final = 6
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_VALUE = {sign: value for value, sign in enumerate(_BASE58)}


def base58check_encode(payload: bytes) -> str:
    """Bytes and their 4-byte checksum in base 58, one `1` for each leading zero byte."""
    data = payload + sha256d(payload)[:4]
    number = int.from_bytes(data, "big")
    signs: list[str] = []
    while number:
        number, rest = divmod(number, 58)
        signs.append(_BASE58[rest])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(signs))


def base58check_decode(text: str, limit: int = MAX_ADDRESS_SIZE) -> bytes:
    """The payload of a base58check text of at most `limit` characters.

    Raises:
        DecodeError: too long, a sign that base 58 does not have, or a wrong checksum.
    """
    if len(text) > limit:
        raise DecodeError(f"at most {limit} characters of base58")
    number = 0
    for position, sign in enumerate(text):
        value = _BASE58_VALUE.get(sign)
        if value is None:
            raise DecodeError("a base58 character", position)
        number = number * 58 + value
    zeros = len(text) - len(text.lstrip("1"))
    data = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    if len(data) < 4 or sha256d(data[:-4])[:4] != data[-4:]:
        raise DecodeError("a valid base58 checksum")
    return data[:-4]


def _regroup(values: Iterable[int], width: int, to: int, *, pad: bool) -> list[int] | None:
    """Groups of `width` bits as groups of `to` bits; None where the rest is no valid padding."""
    held = bits = 0
    groups: list[int] = []
    for value in values:
        held = held << width | value
        bits += width
        while bits >= to:
            bits -= to
            groups.append(held >> bits & (1 << to) - 1)
        held &= (1 << bits) - 1
    if pad:
        if bits:
            groups.append(held << to - bits & (1 << to) - 1)
    elif bits >= width or held:
        return None
    return groups


def witness_address(version: int, program: bytes, prefix: str) -> str:
    """The address of a witness program: bech32 for version 0, bech32m above (BIP 350)."""
    # A full block has thousands of outputs, each shown with its address: groups of five bits are
    # those of base 32, with other signs.
    groups = b32encode(program).rstrip(b"=").translate(_FROM_BASE32)
    checksum, rows = _effects(prefix, version, len(groups))
    for row, value in zip(rows, groups, strict=True):
        checksum ^= row[value]
    pairs = _SIGN_PAIRS
    return (
        f"{prefix}1{SIGNS[version]}{groups.translate(_TO_SIGNS).decode()}"
        f"{pairs[checksum >> 20]}{pairs[checksum >> 10 & 1023]}{pairs[checksum & 1023]}"
    )


@lru_cache(maxsize=64)
def _effects(prefix: str, version: int, size: int) -> tuple[int, tuple[tuple[int, ...], ...]]:
    """How the checksum of a witness address comes of its program, in groups of five bits.

    Each step of the code is linear, so it is the sum of what each group alone comes to.

    Args:
        size: of the program, in groups.

    Returns:
        The checksum where all are 0, and for each place what each value changes about it.
    """
    constant = BECH32_CONST if version == 0 else BECH32M_CONST
    start = polymod([*expand(prefix), version, *bytes(size + _CHECKSUM_SIZE)]) ^ constant
    rows = [
        tuple([polymod([value, *bytes(behind)], 0) for value in range(32)])
        for behind in range(size + _CHECKSUM_SIZE - 1, _CHECKSUM_SIZE - 1, -1)
    ]
    return start, tuple(rows)


def _decode_witness(text: str, prefix: str) -> tuple[int, bytes]:
    if text.lower() != text and text.upper() != text:
        raise DecodeError("an address in one case, not mixed")
    text = text.lower()
    if len(text) > MAX_SIZE or len(text) < len(prefix) + 8:
        raise DecodeError(f"{len(prefix) + 8} to {MAX_SIZE} characters")
    data: list[int] = []
    for position, sign in enumerate(text[len(prefix) + 1 :], len(prefix) + 1):
        value = VALUES.get(sign)
        if value is None:
            raise DecodeError("a bech32 character", position)
        data.append(value)
    constant = polymod([*expand(prefix), *data])
    version = data[0]
    if constant != (BECH32_CONST if version == 0 else BECH32M_CONST):
        if constant in (BECH32_CONST, BECH32M_CONST):
            raise DecodeError("a bech32 checksum for version 0 and a bech32m checksum above")
        raise DecodeError("a valid bech32 checksum")
    groups = _regroup(data[1:-6], 5, 8, pad=False)
    if groups is None or not 2 <= len(groups) <= 40 or version > 16:
        raise DecodeError("a witness version up to 16 and a program of 2 to 40 bytes")
    if version == 0 and len(groups) not in (20, 32):
        raise DecodeError("a version 0 program of 20 or 32 bytes")
    return version, bytes(groups)


def encode_address(script: bytes, network: Network) -> str | None:
    """The address that stands for a script on this network; None if none does."""
    witness = witness_program(script)
    if witness is not None:
        version, program = witness
        if version == 0 and len(program) not in (20, 32):
            return None
        return witness_address(version, program, network.bech32_hrp)
    if len(script) == 25 and script[:3] == b"\x76\xa9\x14" and script[23:] == b"\x88\xac":
        return base58check_encode(bytes((network.p2pkh_prefix,)) + script[3:23])
    if is_p2sh(script):
        return base58check_encode(bytes((network.p2sh_prefix,)) + script[2:22])
    return None


def decode_address(text: str, network: Network) -> bytes:
    """The script that an address stands for.

    Raises:
        DecodeError: no address, or one of another network, which is then named if it can be known;
            the text says how an address of this network begins.
    """
    if len(text) > MAX_ADDRESS_SIZE:
        raise DecodeError(f"{address_forms(network)}: at most {MAX_ADDRESS_SIZE} characters")
    prefix = text.lower().rpartition("1")[0]
    if prefix == network.bech32_hrp:
        version, program = _decode_witness(text, prefix)
        return bytes((OP_1 + version - 1 if version else 0, len(program))) + program
    for other in NETWORKS.values():
        if prefix == other.bech32_hrp:
            raise DecodeError(f"an address of {network.name}, not of {other.name}")
    try:
        payload = base58check_decode(text)
    except DecodeError as fault:
        where = "" if fault.offset is None else f" at character {fault.offset}"
        raise DecodeError(f"{address_forms(network)} with {fault.expected}{where}") from None
    if len(payload) == 21 and payload[0] == network.p2pkh_prefix:
        return b"\x76\xa9\x14" + payload[1:] + b"\x88\xac"
    if len(payload) == 21 and payload[0] == network.p2sh_prefix:
        return b"\xa9\x14" + payload[1:] + b"\x87"
    raise DecodeError(address_forms(network))


def address_forms(network: Network) -> str:
    """The addresses of a network as a noun phrase, with the signs that they begin with."""
    shown = [f"{network.bech32_hrp}1..."]
    for prefix in (network.p2pkh_prefix, network.p2sh_prefix):
        hashes = bytes(20), b"\xff" * 20  # The smallest and the largest; all lie between.
        first = sorted({base58check_encode(bytes((prefix,)) + each)[0] for each in hashes})
        shown.append("/".join(f"{sign}..." for sign in first))
    return f"an address of {network.name} ({', '.join(shown)})"
