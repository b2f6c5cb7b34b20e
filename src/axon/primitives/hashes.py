"""The hashes of Bitcoin and the names they give to things.

A hash is 32 bytes in internal order, as hashed and as sent. Reversed hex, as people read it, exists
only at the edges: `to_hex` and `from_hex`.
"""

from __future__ import annotations

import hashlib
from typing import Final, NewType

from siphash24 import siphash24 as _siphash24

from axon.errors import DecodeError

BlockHash = NewType("BlockHash", bytes)
"""sha256d of an 80-byte header, 32 bytes, internal order."""

Txid = NewType("Txid", bytes)
"""sha256d of a transaction without its witness, 32 bytes, internal order."""

Wtxid = NewType("Wtxid", bytes)
"""sha256d of a transaction with its witness (BIP 141), 32 bytes, internal order."""

ZERO_HASH: Final = bytes(32)


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def sha256d(data: bytes) -> bytes:
    """SHA-256 of SHA-256, 32 bytes."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def filter_header(filter_hash: bytes, prev_header: bytes) -> bytes:
    """The header by which a chain of block filters commits to one of them (BIP 157), 32 bytes.

    Args:
        filter_hash: sha256d of the filter.
        prev_header: the filter header of the block before; 32 zero bytes for the genesis block.
    """
    return sha256d(filter_hash + prev_header)


def hash160(data: bytes) -> bytes:
    """RIPEMD-160 of SHA-256, 20 bytes: what legacy and version 0 key hashes commit to."""
    return hashlib.new("ripemd160", hashlib.sha256(data).digest()).digest()


def siphash24(key: bytes, data: bytes) -> int:
    """SipHash-2-4, below 2**64.

    Args:
        key: 16 bytes, k0 then k1, each little-endian.
        data: any bytes.
    """
    digest: int = _siphash24(data, key=key).intdigest()  # Signed, for it is a C integer.
    return digest & 0xFFFF_FFFF_FFFF_FFFF


def to_hex(digest: bytes) -> str:
    """A hash as people read it: reversed, 64 hex digits."""
    return digest[::-1].hex()


def from_hex(text: str) -> bytes:
    """A hash from 64 hex digits in the order people read.

    Raises:
        DecodeError: it is not 64 hex digits.
    """
    try:
        digest = bytes.fromhex(text) if len(text) == 64 else b""
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise DecodeError(f"64 hex digits, not {text[:80]!r}")
    return digest[::-1]
