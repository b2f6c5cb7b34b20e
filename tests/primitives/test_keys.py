"""Signatures of secp256k1: the vectors of BIP 340, and messages signed in the old format."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.primitives.hashes import sha256
from axon.primitives.keys import (
    public_key,
    recover_public_key,
    sign_schnorr,
    verify_schnorr,
    x_only_key,
)

# From bip-0340/test-vectors.csv of the BIPs.
VECTORS = list(
    csv.DictReader((Path(__file__).parents[1] / "vectors" / "bip340.csv").read_text().splitlines())
)


@pytest.mark.parametrize("row", VECTORS, ids=[row["index"] for row in VECTORS])
def test_the_vectors_of_bip_340(row: dict[str, str]) -> None:
    key, message, signature = (
        bytes.fromhex(row[name]) for name in ("public key", "message", "signature")
    )
    assert verify_schnorr(key, message, signature) is (row["verification result"] == "TRUE")
    secret = bytes.fromhex(row["secret key"])
    if secret:
        assert x_only_key(secret) == key
    if secret and len(message) == 32:
        assert sign_schnorr(secret, message, bytes.fromhex(row["aux_rand"])) == signature


@given(st.binary(max_size=70), st.binary(max_size=40))
def test_what_is_no_signature_or_no_key(signature: bytes, key: bytes) -> None:
    secret, digest = sha256(b"secret"), sha256(b"digest")
    assert not verify_schnorr(x_only_key(secret), digest, signature)
    assert not verify_schnorr(key, digest, sign_schnorr(secret, digest))


def test_a_key_is_recovered_from_what_it_signed() -> None:
    from coincurve import PrivateKey

    secret, digest = sha256(b"secret"), sha256(b"digest")
    made = PrivateKey(secret).sign_recoverable(digest, hasher=None)
    for compressed in (True, False):
        header = bytes((27 + 4 * compressed + made[64],))
        found = recover_public_key(digest, header + made[:64])
        assert found == public_key(secret, compressed=compressed)


@pytest.mark.parametrize("header", [0, 26, 35, 255])
def test_no_key_has_another_header(header: int) -> None:
    assert recover_public_key(sha256(b"digest"), bytes((header,)) + bytes(64)) is None


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\x1f" + bytes(64), b"\x1f" + b"\xff" * 64])
def test_no_key_has_signed_so(signature: bytes) -> None:
    assert recover_public_key(sha256(b"digest"), signature) is None
