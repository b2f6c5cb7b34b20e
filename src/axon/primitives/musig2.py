"""Several keys as one: the aggregate of public keys (BIP 327), and its children (BIP 328)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.errors import DecodeError
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.keys import tagged_hash

CHAIN_CODE: Final = bytes.fromhex(
    "868087ca02a6f974c4598924c36b57762d32cb45717167e300622c7167e38965"
)
"""Of an aggregate key from which children are derived: the hash of "MuSig2MuSig2MuSig2"."""


def aggregate(keys: Sequence[bytes]) -> bytes:
    """The key that several signers have together (BIP 327, KeyAgg).

    Args:
        keys: 33 bytes each; their order matters.

    Returns:
        33 bytes.

    Raises:
        DecodeError: one is no point of the curve, or they cancel each other out.
    """
    from coincurve import PublicKey

    everyone = tagged_hash("KeyAgg list", b"".join(keys))
    second = next((key for key in keys if key != keys[0]), None)
    try:
        weighted = [
            PublicKey(key)
            if key == second
            else PublicKey(key).multiply(tagged_hash("KeyAgg coefficient", everyone + key))
            for key in keys
        ]
        return bytes(PublicKey.combine_keys(weighted).format())
    except ValueError:
        raise DecodeError("keys that have an aggregate") from None


def synthetic_key(key: bytes) -> ExtendedKey:
    """The extended key of an aggregate, from which its children follow (BIP 328)."""
    return ExtendedKey(0, bytes(4), 0, CHAIN_CODE, key)
