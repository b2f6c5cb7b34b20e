"""Signers of one aggregate key, who make nonces and partial signatures (BIP 327)."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from coincurve._libsecp256k1 import ffi, lib
from coincurve.context import GLOBAL_CONTEXT

from axon.primitives.keys import public_key
from axon.primitives.musig2 import MusigTweak

Signed = tuple[dict[bytes, bytes], dict[bytes, bytes]]
"""Public nonces and partial signatures by the signer's key."""


def sign_together(
    secrets: Sequence[bytes], keys: Sequence[bytes], tweaks: Sequence[MusigTweak], digest: bytes
) -> Signed:
    """What all signers give; their nonces follow from the digest, which only a test may do."""
    context = GLOBAL_CONTEXT.ctx
    by_key = {public_key(secret): secret for secret in secrets}
    points, secret_nonces, nonces, shown = [], [], [], {}
    for key in keys:
        point = ffi.new("secp256k1_pubkey *")
        assert lib.secp256k1_ec_pubkey_parse(context, point, key, len(key))
        points.append(point)
    cache = ffi.new("secp256k1_musig_keyagg_cache *")
    assert lib.secp256k1_musig_pubkey_agg(context, ffi.NULL, cache, points, len(points))
    for each in tweaks:
        add = (
            lib.secp256k1_musig_pubkey_xonly_tweak_add
            if each.x_only
            else lib.secp256k1_musig_pubkey_ec_tweak_add
        )
        assert add(context, ffi.NULL, cache, each.tweak)
    for key, point in zip(keys, points, strict=True):
        secret_nonce = ffi.new("secp256k1_musig_secnonce *")
        nonce = ffi.new("secp256k1_musig_pubnonce *")
        session = ffi.new("unsigned char[32]", sha256(by_key[key] + digest).digest())
        assert lib.secp256k1_musig_nonce_gen(
            context, secret_nonce, nonce, session, by_key[key], point, digest, cache, ffi.NULL
        )
        out = ffi.new("unsigned char[66]")
        assert lib.secp256k1_musig_pubnonce_serialize(context, out, nonce)
        secret_nonces.append(secret_nonce)
        nonces.append(nonce)
        shown[key] = bytes(ffi.buffer(out))
    together = ffi.new("secp256k1_musig_aggnonce *")
    assert lib.secp256k1_musig_nonce_agg(context, together, nonces, len(nonces))
    session = ffi.new("secp256k1_musig_session *")
    assert lib.secp256k1_musig_nonce_process(context, session, together, digest, cache)
    partials: dict[bytes, bytes] = {}
    for key, secret_nonce in zip(keys, secret_nonces, strict=True):
        pair = ffi.new("secp256k1_keypair *")
        assert lib.secp256k1_keypair_create(context, pair, by_key[key])
        part = ffi.new("secp256k1_musig_partial_sig *")
        assert lib.secp256k1_musig_partial_sign(context, part, secret_nonce, pair, cache, session)
        out = ffi.new("unsigned char[32]")
        assert lib.secp256k1_musig_partial_sig_serialize(context, out, part)
        partials[key] = bytes(ffi.buffer(out))
    return shown, partials
