"""Public keys that look like random bytes, and what two of them agree on (BIP 324, ElligatorSwift).

The curve is libsecp256k1's, by `coincurve`, loaded when the first key is made.
"""

from __future__ import annotations

from typing import Final

from axon.primitives.keys import CURVE_ORDER, SECRET_SIZE

ELLSWIFT_SIZE: Final = 64
"""Bytes of an encoded public key."""

ENTROPY_SIZE: Final = 32
"""Random bytes that choose one of the many encodings of a public key."""


def is_secret(data: bytes) -> bool:
    """Whether 32 bytes, big-endian, are a secret: from 1 to the order of the curve, exclusive."""
    return len(data) == SECRET_SIZE and 0 < int.from_bytes(data, "big") < CURVE_ORDER


def ellswift_create(secret: bytes, entropy: bytes) -> bytes:
    """The public key of a secret, as 64 bytes that nobody tells from random ones.

    Args:
        secret: 32 bytes; `is_secret` says yes.
        entropy: 32 random bytes.
    """
    from coincurve._libsecp256k1 import ffi, lib
    from coincurve.context import GLOBAL_CONTEXT

    assert is_secret(secret), "a secret is within the order of the curve"
    assert len(entropy) == ENTROPY_SIZE, "the library reads 32 bytes"
    encoded = ffi.new("unsigned char[64]")
    made = lib.secp256k1_ellswift_create(GLOBAL_CONTEXT.ctx, encoded, secret, entropy)
    assert made, "every secret has a public key"
    return bytes(ffi.buffer(encoded))


def ellswift_shared_secret(
    secret: bytes, own_key: bytes, their_key: bytes, *, initiating: bool
) -> bytes:
    """What the owners of two keys have in common, hashed as BIP 324 says: 32 bytes.

    Args:
        secret: 32 bytes, ours.
        own_key: 64 bytes, made of it by `ellswift_create`.
        their_key: any 64 bytes: each is somebody's key.
        initiating: we opened the connection.
    """
    from coincurve._libsecp256k1 import ffi, lib
    from coincurve.context import GLOBAL_CONTEXT

    assert is_secret(secret), "a secret is within the order of the curve"
    assert len(own_key) == len(their_key) == ELLSWIFT_SIZE, "the library reads 64 bytes"
    first, second = (own_key, their_key) if initiating else (their_key, own_key)
    shared = ffi.new("unsigned char[32]")
    agreed = lib.secp256k1_ellswift_xdh(
        GLOBAL_CONTEXT.ctx,
        shared,
        first,
        second,
        secret,
        0 if initiating else 1,  # Whose key the secret is: the first one's, or the second's.
        lib.secp256k1_ellswift_xdh_hash_function_bip324,
        ffi.NULL,
    )
    assert agreed, "every key can be agreed with"
    return bytes(ffi.buffer(shared))
