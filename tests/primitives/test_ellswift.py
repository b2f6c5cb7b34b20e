"""Keys that look like random bytes, against the vectors of BIP 324."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from coincurve._libsecp256k1 import ffi, lib
from coincurve.context import GLOBAL_CONTEXT

from axon.primitives.ellswift import (
    ELLSWIFT_SIZE,
    ellswift_create,
    ellswift_shared_secret,
    is_secret,
)
from axon.primitives.keys import CURVE_ORDER, public_key

VECTORS = Path(__file__).parent.parent / "vectors" / "bip324"


def rows(name: str) -> list[dict[str, str]]:
    """The lines of one file of vectors."""
    with (VECTORS / f"{name}_test_vectors.csv").open() as file:
        return list(csv.DictReader(file))


def decoded_x(key: bytes) -> bytes:
    """The x coordinate of the point that 64 bytes stand for, as the library decodes it."""
    point = ffi.new("secp256k1_pubkey *")
    assert lib.secp256k1_ellswift_decode(GLOBAL_CONTEXT.ctx, point, key)
    size, written = ffi.new("size_t *", 33), ffi.new("unsigned char[33]")
    assert lib.secp256k1_ec_pubkey_serialize(
        GLOBAL_CONTEXT.ctx, written, size, point, lib.SECP256K1_EC_COMPRESSED
    )
    return bytes(ffi.buffer(written))[1:]


def test_decoding() -> None:
    vectors = rows("ellswift_decode")
    assert len(vectors) > 70
    for row in vectors:
        assert decoded_x(bytes.fromhex(row["ellswift"])).hex() == row["x"], row["comment"]


def test_every_encoding_of_a_coordinate_decodes_to_it() -> None:
    encodings = 0
    for row in rows("xswiftec_inv"):
        for case in range(8):
            if row[f"case{case}_t"]:
                key = bytes.fromhex(row["u"] + row[f"case{case}_t"])
                assert decoded_x(key).hex() == row["x"], row["comment"]
                encodings += 1
    assert encodings > 60


def test_shared_secrets() -> None:
    for row in rows("packet_encoding"):
        ours, theirs = (
            bytes.fromhex(row["in_ellswift_ours"]),
            bytes.fromhex(row["in_ellswift_theirs"]),
        )
        assert decoded_x(ours).hex() == row["mid_x_ours"]
        assert decoded_x(theirs).hex() == row["mid_x_theirs"]
        shared = ellswift_shared_secret(
            bytes.fromhex(row["in_priv_ours"]), ours, theirs, initiating=row["in_initiating"] == "1"
        )
        assert shared.hex() == row["mid_shared_secret"]


def test_a_key_is_that_of_its_secret_and_another_for_each_entropy() -> None:
    secret = bytes(31) + b"\x07"
    keys = [ellswift_create(secret, bytes(31) + bytes((number,))) for number in range(20)]
    assert len(set(keys)) == 20
    assert {len(key) for key in keys} == {ELLSWIFT_SIZE}
    assert {decoded_x(key) for key in keys} == {public_key(secret)[1:]}


def test_two_sides_agree_and_roles_matter() -> None:
    first, second = bytes(31) + b"\x01", bytes(31) + b"\x02"
    one, two = ellswift_create(first, bytes(32)), ellswift_create(second, bytes(32))
    shared = ellswift_shared_secret(first, one, two, initiating=True)
    assert ellswift_shared_secret(second, two, one, initiating=False) == shared
    assert ellswift_shared_secret(second, two, one, initiating=True) != shared


@pytest.mark.parametrize(
    ("number", "valid"),
    [(0, False), (1, True), (CURVE_ORDER - 1, True), (CURVE_ORDER, False), (2**256 - 1, False)],
)
def test_secrets_lie_within_the_order(number: int, valid: bool) -> None:
    assert is_secret(number.to_bytes(32, "big")) is valid
