"""Short ids (BIP 152), against SipHash-2-4 as its paper writes it down."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given

from axon.primitives.hashes import Wtxid
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.primitives.shortid import short_id_key, short_ids
from tests.strategies import hashes, headers, u64

_MASK = 2**64 - 1


def _rotated(number: int, bits: int) -> int:
    return (number << bits | number >> (64 - bits)) & _MASK


def _round(v: list[int]) -> None:
    v[0] = (v[0] + v[1]) & _MASK
    v[2] = (v[2] + v[3]) & _MASK
    v[1] = _rotated(v[1], 13) ^ v[0]
    v[3] = _rotated(v[3], 16) ^ v[2]
    v[0] = _rotated(v[0], 32)
    v[2] = (v[2] + v[1]) & _MASK
    v[0] = (v[0] + v[3]) & _MASK
    v[1] = _rotated(v[1], 17) ^ v[2]
    v[3] = _rotated(v[3], 21) ^ v[0]
    v[2] = _rotated(v[2], 32)


def naive_siphash(key: bytes, data: bytes) -> int:
    """SipHash-2-4 of whole 8-byte words."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D]
    v += [k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    words = [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]
    for word in (*words, (len(data) & 0xFF) << 56):
        v[3] ^= word
        _round(v)
        _round(v)
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(4):
        _round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


@given(headers(), u64(), hashes())
def test_a_short_id_is_siphash_without_its_two_highest_bytes(
    header: Header, nonce: int, wtxid: bytes
) -> None:
    key = sha256(header.raw + nonce.to_bytes(8, "little")).digest()[:16]
    assert short_id_key(header, nonce) == key
    number = naive_siphash(key, wtxid) & 0xFFFF_FFFF_FFFF
    assert short_ids(key, [Wtxid(wtxid)]) == [number.to_bytes(6, "little")]


def test_the_names_change_with_the_nonce() -> None:
    header, wtxid = REGTEST.genesis.header, Wtxid(bytes(32))
    names = [short_ids(short_id_key(header, nonce), [wtxid])[0] for nonce in range(20)]
    assert len(set(names)) == 20
