"""The signature hash against the P2WPKH example of BIP 143."""

from __future__ import annotations

from axon.primitives.sighash import SignatureHashes
from axon.primitives.transaction import Transaction

UNSIGNED = (
    "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffff"
    "ef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206"
    "000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42db"
    "ee7e4dbe6a21b2d50ce2f0167faa815988ac11000000"
)


def test_the_native_key_hash_example() -> None:
    sighash = SignatureHashes(Transaction.decode(bytes.fromhex(UNSIGNED)))
    script_code = bytes.fromhex("76a9141d0f172a0ecb48aee1be1f2687d2963ae33f71a188ac")
    assert sighash.witness(1, script_code, 600_000_000).hex() == (
        "c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670"
    )
