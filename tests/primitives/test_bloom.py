"""Bloom filters (BIP 37), and the hash function that they use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.primitives.bloom import (
    MAX_ELEMENT_BYTES,
    MAX_HASH_FUNCTIONS,
    UPDATE_ALL,
    UPDATE_NONE,
    UPDATE_P2PUBKEY_ONLY,
    BloomFilter,
    murmur3,
)
from axon.primitives.hashes import Txid
from axon.primitives.script import push
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut, outpoint

KEY_HASH = bytes(range(20))
KEY = b"\x02" + bytes(range(32))
SPENT = outpoint(Txid(b"\x07" * 32), 1)
ELEMENTS = tuple(
    bytes.fromhex(text)
    for text in (
        "99108ad8ed9bb6274d3980bab5a85c048f0950c8",
        "b5a2c786d9ef4658287ced5914b37a1b4aa32eee",
        "b9300670b4c5366e95b2699e8b18bc75e5f729c5",
    )
)


def transaction(
    script: bytes = b"\x51", script_sig: bytes = b"", prevout: OutPoint = SPENT
) -> Transaction:
    """Two outputs, of which the second has the script."""
    outputs = (TxOut(1, b"\x51"), TxOut(2, script))
    return Transaction.build(2, (TxIn(prevout, script_sig),), outputs, 0)


def bloom(*elements: bytes, flags: int = UPDATE_NONE, size: int = 100) -> BloomFilter:
    made = BloomFilter(bytes(size), 10, 5, flags)
    for element in elements:
        made.insert(element)
    return made


@pytest.mark.parametrize(
    ("data", "seed", "digest"),
    [
        (b"", 0, 0),
        (b"", 1, 0x514E28B7),
        (b"", 0xFFFFFFFF, 0x81F16F39),
        (b"test", 0, 0xBA6BD213),
        (b"test", 0x9747B28C, 0x704B81DC),
        (b"Hello, world!", 0, 0xC0363E43),
        (b"Hello, world!", 0x9747B28C, 0x24884CBA),
        (b"The quick brown fox jumps over the lazy dog", 0, 0x2E4FF723),
        (b"The quick brown fox jumps over the lazy dog", 0x9747B28C, 0x2FA826CD),
    ],
)
def test_the_hash_function(data: bytes, seed: int, digest: int) -> None:
    """The values that Wikipedia gives for MurmurHash3_x86_32."""
    assert murmur3(data, seed) == digest


@pytest.mark.parametrize(("tweak", "bits"), [(0, "614e9b"), (2147483649, "ce4299")])
def test_filters_of_three_elements(tweak: int, bits: str) -> None:
    """Bitcoin Core's examples, as the tests of python-bitcoinlib have them (test_bloom.py)."""
    made = BloomFilter(bytes(3), 5, tweak, UPDATE_ALL)
    for element in ELEMENTS:
        assert element not in made or element == ELEMENTS[2]
        made.insert(element)
        assert element in made
    assert b"\x19" + ELEMENTS[0][1:] not in made
    assert made.bits.hex() == bits


def test_the_filter_of_the_developer_reference() -> None:
    """The example of Bitcoin's developer documentation: one txid, eleven functions, two bytes."""
    made = BloomFilter(bytes(2), 11, 0, UPDATE_NONE)
    made.insert(bytes.fromhex("019f5b01d4195ecbc9398fbf3c3b1fa9bb3183301d7a1fb3bd174fcfa40a2b65"))
    assert made.bits.hex() == "b50f"


@given(st.lists(st.binary(min_size=1, max_size=600), max_size=8), st.data())
def test_it_never_misses_and_unites(elements: list[bytes], data: st.DataObject) -> None:
    size, functions = data.draw(st.integers(1, 60)), data.draw(st.integers(0, MAX_HASH_FUNCTIONS))
    tweak = data.draw(st.integers(0, 2**32 - 1))
    whole, one, other = (BloomFilter(bytes(size), functions, tweak, 0) for _ in range(3))
    for place, element in enumerate(elements):
        whole.insert(element)
        (one, other)[place & 1].insert(element)
    assert all(element in whole for element in elements)
    one.unite(other)
    assert one.bits == whole.bits == whole.copy().bits


def test_without_bits_everything_matches_and_nothing_breaks() -> None:
    """A division by zero was once the end of other programs (CVE-2013-5700)."""
    empty = BloomFilter(b"", 1, 0, UPDATE_ALL)
    empty.insert(b"x")
    assert b"y" in empty
    assert empty.match(transaction())


def test_a_transaction_matches_by_each_of_its_parts() -> None:
    paid = transaction(b"\x00\x14" + KEY_HASH, push(b"signature") + push(KEY))
    assert not bloom().match(paid)
    for part in (paid.txid, KEY_HASH, SPENT, b"signature", KEY):
        assert bloom(part).match(paid)
    assert not bloom(paid.outputs[1].script_pubkey).match(paid)  # A whole script is no part.


def test_a_broken_script_matches_up_to_where_it_breaks() -> None:
    broken = transaction(push(KEY_HASH) + b"\x4c\xff\x01")
    assert bloom(KEY_HASH).match(broken)
    assert not bloom(b"\x01").match(broken)


@pytest.mark.parametrize(
    ("flags", "script", "learns"),
    [
        (UPDATE_NONE, push(KEY) + b"\xac", False),
        (UPDATE_ALL, push(KEY) + b"\xac", True),
        (UPDATE_P2PUBKEY_ONLY, push(KEY) + b"\xac", True),
        (UPDATE_P2PUBKEY_ONLY, b"\x51" + push(KEY) + b"\x51\xae", True),
        (UPDATE_P2PUBKEY_ONLY, b"\x6a" + push(KEY), False),
        (3, push(KEY) + b"\xac", False),
        (UPDATE_ALL | 0xFC, b"\x6a" + push(KEY), True),
    ],
)
def test_what_matches_is_learnt_as_the_flags_say(flags: int, script: bytes, learns: bool) -> None:
    made = bloom(KEY, flags=flags)
    paid = transaction(script)
    child = transaction(prevout=outpoint(paid.txid, 1))
    assert not made.match(child)
    assert made.match(paid)
    assert made.match(child) is learns
    assert not made.match(transaction(prevout=outpoint(paid.txid, 0)))


def test_one_that_matches_by_its_txid_is_learnt_as_well() -> None:
    paid = transaction(push(KEY))
    made = bloom(paid.txid, KEY, flags=UPDATE_ALL)
    assert made.match(paid)
    assert made.match(transaction(prevout=outpoint(paid.txid, 1)))


def test_a_long_element_is_looked_at_by_fewer_functions() -> None:
    """Or one of megabytes, in a block, would be hashed for seconds."""
    long = bytes(MAX_ELEMENT_BYTES * MAX_HASH_FUNCTIONS + 1)
    made = BloomFilter(bytes(36_000), MAX_HASH_FUNCTIONS, 0, 0)
    made.insert(long)
    assert long in made
    bits = bytearray(36_000)
    place = murmur3(long, 0) % (36_000 * 8)
    bits[place >> 3] |= 1 << (place & 7)
    assert long in BloomFilter(bytes(bits), MAX_HASH_FUNCTIONS, 0, 0)
    assert long[: MAX_ELEMENT_BYTES + 1] not in BloomFilter(bytes(bits), MAX_HASH_FUNCTIONS, 0, 0)
