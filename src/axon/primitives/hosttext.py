"""Hosts in writing: IPv4, IPv6 (RFC 5952), version 3 onion names and I2P names.

Names that need DNS are not among them. What is read is written back the same, but for capitals and
other forms of the same IPv6 host.
"""

from __future__ import annotations

from base64 import b32decode, b32encode
from binascii import Error as Base32Error
from hashlib import sha3_256
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from axon.errors import DecodeError

ONION_SUFFIX: Final = ".onion"
I2P_SUFFIX: Final = ".b32.i2p"

_ONION_VERSION: Final = b"\x03"


def ipv4_bytes(text: str) -> bytes:
    """The 4 bytes of dotted IPv4.

    Raises:
        DecodeError: the text is nothing else than that.
    """
    try:
        return IPv4Address(text).packed
    except AddressValueError:
        raise DecodeError(f"a netaddress, not {text[:80]!r}") from None


def ipv4_text(host: bytes) -> str:
    """Dotted IPv4 from 4 bytes."""
    return str(IPv4Address(host))


def ipv6_bytes(text: str) -> bytes:
    """The 16 bytes of IPv6 without brackets.

    Raises:
        DecodeError: the text is nothing else than that, or names a zone.
    """
    try:
        parsed = IPv6Address(text)
    except AddressValueError:
        raise DecodeError(f"a netaddress, not {text[:80]!r}") from None
    if parsed.scope_id is not None:
        raise DecodeError(f"IPv6 without a zone, not {text[:80]!r}")
    return parsed.packed


def ipv6_text(host: bytes) -> str:
    """IPv6 in writing (RFC 5952), always in plain hex groups.

    Some versions of `ipaddress` write a dotted tail for some hosts.
    """
    groups = [f"{host[i] << 8 | host[i + 1]:x}" for i in range(0, 16, 2)]
    start, length = _longest_zeros(groups)
    if length < 2:
        return ":".join(groups)
    return ":".join(groups[:start]) + "::" + ":".join(groups[start + length :])


def _longest_zeros(groups: list[str]) -> tuple[int, int]:
    """Where the longest run of zero groups starts, the first of equals, and how long it is."""
    best = (0, 0)
    run = 0
    for i, group in enumerate(groups):
        run = run + 1 if group == "0" else 0
        if run > best[1]:
            best = (i - run + 1, run)
    return best


def onion_name(key: bytes) -> str:
    """The version 3 onion name of a public key of 32 bytes."""
    whole = key + _onion_checksum(key) + _ONION_VERSION
    return b32encode(whole).decode().lower() + ONION_SUFFIX


def i2p_name(digest: bytes) -> str:
    """The I2P name of a hash of 32 bytes."""
    return b32encode(digest).decode().lower().rstrip("=") + I2P_SUFFIX


def _onion_checksum(key: bytes) -> bytes:
    return sha3_256(b".onion checksum" + key + _ONION_VERSION).digest()[:2]


def onion_key(text: str) -> bytes:
    """The public key in a version 3 onion name: base32 of 32 bytes of key, checksum, version.

    Args:
        text: small letters, with `ONION_SUFFIX`.

    Raises:
        DecodeError: it is no such name, or its checksum is wrong.
    """
    whole = _base32(text.removesuffix(ONION_SUFFIX))
    key, rest = whole[:32], whole[32:]
    if rest != _onion_checksum(key) + _ONION_VERSION:
        raise DecodeError(f"a version 3 onion name, not {text[:80]!r}")
    return key


def i2p_hash(text: str) -> bytes:
    """The 32 bytes of hash in an I2P name.

    Args:
        text: small letters, with `I2P_SUFFIX`.

    Raises:
        DecodeError: it is no such name.
    """
    digest = _base32(text.removesuffix(I2P_SUFFIX))
    if len(digest) != 32:
        raise DecodeError(f"an I2P name of 52 characters, not {text[:80]!r}")
    return digest


def _base32(text: str) -> bytes:
    """Unpadded base32 in small letters; bits left over must be zero."""
    try:
        data = b32decode(text.upper() + "=" * (-len(text) % 8))
    except (Base32Error, ValueError):
        data = b""
    if b32encode(data).decode().rstrip("=").lower() != text:
        raise DecodeError(f"base32, not {text[:80]!r}")
    return data
