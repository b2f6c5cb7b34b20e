"""Records as they stand in files of wallets: bytes that later versions must read."""

from __future__ import annotations

import pytest

from axon.chain.store import MemoryStore
from axon.errors import DamageError
from axon.primitives.hashes import BlockHash, Txid
from axon.wallet import records
from tests.wallet.scene import new_wallet

HASH = BlockHash(bytes(range(32)))


def test_records_are_little_endian() -> None:
    mark = records.Mark(0x01020304, HASH)
    assert mark.encode() == b"\x04\x03\x02\x01" + HASH
    confirmation = records.Confirmation(1, HASH, 2, 3)
    assert confirmation.encode() == b"\1\0\0\0" + HASH + b"\2\0\0\0" + b"\3\0\0\0"
    assert records.Seen(1, 2, True).encode() == b"\1" + bytes(7) + b"\2" + bytes(7) + b"\1"
    assert records.encode_u32(1) == b"\1\0\0\0"
    assert records.encode_u64(1) == b"\1" + bytes(7)


def test_a_new_wallet_is_of_the_first_format() -> None:
    store = MemoryStore()
    new_wallet(store)
    assert store.get(b"!") == b"\1\0\0\0"


def test_a_txid_behind_a_key_has_32_bytes() -> None:
    assert records.txid_of(b"t" + HASH) == Txid(HASH)
    for key in (b"t" + HASH[1:], b"t" + HASH + b"\0", b""):
        with pytest.raises(DamageError):
            records.txid_of(key)
