"""Several keys as one (BIP 327): the aggregate of public keys, its children (BIP 328), and the one
signature that the partial ones of all signers are together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from axon.errors import DecodeError
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.keys import tagged_hash

CHAIN_CODE: Final = bytes.fromhex(
    "868087ca02a6f974c4598924c36b57762d32cb45717167e300622c7167e38965"
)
"""Of an aggregate key from which children are derived: the hash of "MuSig2MuSig2MuSig2"."""

NONCE_SIZE: Final = 66
PARTIAL_SIZE: Final = 32
"""Bytes of a signer's public nonce and partial signature."""


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


@dataclass(frozen=True, slots=True)
class MusigTweak:
    """What is added to an aggregate key.

    Args:
        tweak: 32 bytes, big-endian.
        x_only: whether it is added to the point with this x and an even y, as taproot does
            (BIP 341), and not to the key as it is, as derivation does (BIP 32).
    """

    tweak: bytes
    x_only: bool


def aggregate_signature(
    keys: Sequence[bytes],
    tweaks: Sequence[MusigTweak],
    digest: bytes,
    nonces: Mapping[bytes, bytes],
    partials: Mapping[bytes, bytes],
) -> bytes | None:
    """The signature (BIP 340) that the partial ones of all signers make; None if one is not good.

    Args:
        keys: of the signers, in the order in which they are aggregated, 33 bytes each.
        tweaks: in the order in which they are added to the aggregate.
        digest: the 32 bytes that were signed.
        nonces: the public nonce of each signer by its key, 66 bytes each.
        partials: the partial signature of each signer by its key, 32 bytes each.
    """
    from coincurve._libsecp256k1 import ffi, lib

    context: Any = lib.secp256k1_context_static
    if not keys or set(keys) != set(nonces) or set(keys) != set(partials):
        return None
    if any(len(nonces[key]) != NONCE_SIZE or len(partials[key]) != PARTIAL_SIZE for key in keys):
        return None
    points = [ffi.new("secp256k1_pubkey *") for _ in keys]
    shown = [ffi.new("secp256k1_musig_pubnonce *") for _ in keys]
    parts = [ffi.new("secp256k1_musig_partial_sig *") for _ in keys]
    for key, point, nonce, part in zip(keys, points, shown, parts, strict=True):
        if not (
            lib.secp256k1_ec_pubkey_parse(context, point, key, len(key))
            and lib.secp256k1_musig_pubnonce_parse(context, nonce, nonces[key])
            and lib.secp256k1_musig_partial_sig_parse(context, part, partials[key])
        ):
            return None
    together = ffi.new("secp256k1_musig_keyagg_cache *")
    nonce = ffi.new("secp256k1_musig_aggnonce *")
    session = ffi.new("secp256k1_musig_session *")
    signature = ffi.new("unsigned char[64]")
    add_x_only = lib.secp256k1_musig_pubkey_xonly_tweak_add
    add_plain = lib.secp256k1_musig_pubkey_ec_tweak_add
    is_good = (
        lib.secp256k1_musig_pubkey_agg(context, ffi.NULL, together, points, len(points))
        and lib.secp256k1_musig_nonce_agg(context, nonce, shown, len(shown))
        and all(
            (add_x_only if each.x_only else add_plain)(context, ffi.NULL, together, each.tweak)
            for each in tweaks
        )
        and lib.secp256k1_musig_nonce_process(context, session, nonce, digest, together)
        and all(
            lib.secp256k1_musig_partial_sig_verify(context, part, its, point, together, session)
            for part, its, point in zip(parts, shown, points, strict=True)
        )
        and lib.secp256k1_musig_partial_sig_agg(context, signature, session, parts, len(parts))
    )
    return bytes(ffi.buffer(signature)) if is_good else None
