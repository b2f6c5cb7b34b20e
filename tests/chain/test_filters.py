"""Basic filters: the vectors of BIP 158, a naive coder beside ours, hostile bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from siphash24 import siphash24

from axon.chain.coins import Coin
from axon.chain.filters import (
    GENESIS_PREV_HEADER,
    basic_filter,
    decode_filter,
    filter_elements,
    filter_hash,
    match_any,
    missing_elements,
)
from axon.errors import DecodeError
from axon.primitives.block import Block
from axon.primitives.encoding import compact_size
from axon.primitives.hashes import BlockHash, filter_header, from_hex, sha256d, to_hex
from axon.primitives.merkle import merkle_root
from axon.primitives.transaction import TxOut, outpoint
from tests.chain.chains import any_coin, block_on, coinbase, made_up_txid, spending
from tests.data import mainnet_data
from tests.strategies import block_hashes

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "bip158-testnet-19.json").read_text()
)[1:]
SETS = st.lists(st.binary(min_size=1, max_size=40), unique=True, max_size=60)


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: f"{row[0]}")
def test_vectors_of_bip_158(row: list[Any]) -> None:
    _, hash_hex, block_hex, scripts, prev_header, filter_hex, header_hex, _ = row
    block = Block.decode(bytes.fromhex(block_hex))
    assert to_hex(block.hash) == hash_hex
    assert merkle_root([tx.txid for tx in block.transactions]) == block.header.merkle_root
    spent = [[Coin(0, False, 0, bytes.fromhex(script)) for script in scripts]]
    elements = filter_elements(block, spent)
    data = basic_filter(block.hash, elements)
    assert data.hex() == filter_hex
    assert filter_header(filter_hash(data), from_hex(prev_header)) == from_hex(header_hex)
    assert len(decode_filter(data)) == len(elements)
    for script in elements:
        assert match_any(data, block.hash, [script])
    assert not match_any(data, block.hash, [b"", b"\x51" * 5, b"\x00\x14" + bytes(20)])


def _naive(block_hash: BlockHash, elements: list[bytes]) -> tuple[list[int], bytes]:
    """Numbers and filter straight from the text of BIP 158."""
    bound = len(elements) * 784_931
    numbers = sorted(
        int.from_bytes(siphash24(item, key=block_hash[:16]).digest(), "little") * bound // 2**64
        for item in elements
    )
    bits, last = "", 0
    for number in numbers:
        bits += "1" * ((number - last) >> 19) + "0" + f"{(number - last) % 2**19:019b}"
        last = number
    bits += "0" * (-len(bits) % 8)
    body = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    return numbers, compact_size(len(elements)) + body


@given(block_hashes(), SETS)
def test_agrees_with_a_naive_coder(block_hash: BlockHash, elements: list[bytes]) -> None:
    numbers, data = _naive(block_hash, elements)
    assert basic_filter(block_hash, elements) == data
    assert decode_filter(data) == numbers


@given(block_hashes(), SETS, st.lists(st.binary(max_size=40), max_size=30))
def test_never_misses_and_seldom_errs(
    block_hash: BlockHash, elements: list[bytes], others: list[bytes]
) -> None:
    data = basic_filter(block_hash, elements)
    for element in elements:
        assert match_any(data, block_hash, [*others, element])
    numbers, _ = _naive(block_hash, elements)
    bound = len(elements) * 784_931
    expected = any(
        int.from_bytes(siphash24(item, key=block_hash[:16]).digest(), "little") * bound // 2**64
        in numbers
        for item in others
        if item
    )
    assert match_any(data, block_hash, others) == expected


def test_false_matches_are_as_rare_as_promised() -> None:
    block_hash = BlockHash(sha256d(b"block"))
    data = basic_filter(block_hash, [made_up_txid(number) for number in range(2_000)])
    tries = [b"other" + number.to_bytes(4, "little") for number in range(200_000)]
    assert not match_any(data, block_hash, tries[:100_000])
    hits = sum(
        match_any(data, block_hash, tries[at : at + 1_000]) for at in range(0, 200_000, 1_000)
    )
    assert hits <= 3  # 0.25 are expected.


def test_a_large_filter_of_far_apart_numbers() -> None:
    block_hash = BlockHash(sha256d(b"large"))
    elements = [made_up_txid(number) for number in range(20_000)]
    numbers = decode_filter(basic_filter(block_hash, elements))
    assert len(numbers) == 20_000
    assert numbers == sorted(numbers)
    assert numbers[-1] < 20_000 * 784_931


def test_elements_of_a_block() -> None:
    op_return, empty, script = b"\x6a\x51", b"", b"\x51"
    made = [TxOut(0, op_return), TxOut(0, empty), TxOut(0, script), TxOut(1, script)]
    pays = spending([outpoint(made_up_txid(1), 0)], [TxOut(0, b"\x52"), TxOut(0, b"\x6a")])
    block = block_on(BlockHash(bytes(32)), coinbase(1, *made), pays)
    spent = [[], [Coin(1, False, 1, b""), Coin(1, False, 1, b"\x53"), Coin(1, False, 1, b"\x51")]]
    assert sorted(filter_elements(block, spent)) == [b"\x51", b"\x52", b"\x53"]
    # An output that begins so cannot be spent; if one were, BIP 158 would tell of it.
    assert filter_elements(block, [[], [Coin(1, False, 1, op_return)]]) == [
        b"\x51",
        b"\x52",
        op_return,
    ]


def test_filter_of_nothing() -> None:
    block_hash = BlockHash(bytes(32))
    assert basic_filter(block_hash, []) == b"\x00"
    assert decode_filter(b"\x00") == []
    assert not match_any(b"\x00", block_hash, [b"\x51"])
    assert not match_any(basic_filter(block_hash, [b"\x51"]), block_hash, [])


def test_header_commits_to_hash_and_header_before() -> None:
    data = bytes.fromhex("019dfca8")
    assert filter_hash(data) == sha256d(data)
    header = filter_header(filter_hash(data), GENESIS_PREV_HEADER)
    assert header == sha256d(sha256d(data) + bytes(32))
    assert filter_header(filter_hash(data), header) == sha256d(sha256d(data) + header)


@given(st.binary(max_size=60))
def test_any_bytes_give_numbers_or_a_decode_error(data: bytes) -> None:
    try:
        numbers = decode_filter(data)
    except DecodeError:
        return
    assert numbers == sorted(numbers)


@given(block_hashes(), SETS.filter(bool), st.data())
def test_every_other_length_is_refused(
    block_hash: BlockHash, elements: list[bytes], draw: st.DataObject
) -> None:
    data = basic_filter(block_hash, elements)
    cut = draw.draw(st.integers(0, len(data) - 1))
    for wrong in (data[:cut], data + b"\x00", data + b"\xff", b"\x00" + data[1:]):
        with pytest.raises(DecodeError):
            decode_filter(wrong)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        b"\x00\x00",
        b"\x01\xff\xff\xff",
        b"\x01\x00\x00\x01",
        b"\xfd\x01\x00" + bytes(3),
        b"\xff" * 9,
        b"\x02" + bytes(4),
    ],
)
def test_broken_filters(data: bytes) -> None:
    with pytest.raises(DecodeError):
        match_any(data, BlockHash(bytes(32)), [b"\x51"])


@pytest.mark.parametrize("tail", [b"", b"\x7f", b"\x00"])
def test_a_long_run_of_ones_costs_no_more_than_its_length(tail: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_filter(b"\x05" + b"\xff" * 500_000 + tail)


def test_a_real_block_against_all_its_scripts() -> None:
    block = Block.decode((mainnet_data() / "blocks" / "830000.bin").read_bytes())
    elements = filter_elements(block, [[any_coin()]])
    data = basic_filter(block.hash, elements)
    assert data == _naive(block.hash, elements)[1]
    assert len(decode_filter(data)) == len(elements) > 1_000
    for element in elements[::100]:
        assert match_any(data, block.hash, [element])


def test_what_a_filter_does_not_tell_of_is_counted() -> None:
    block_hash = BlockHash(bytes(range(32)))
    scripts = [bytes((number,)) * 22 for number in range(1, 41)]
    data = basic_filter(block_hash, scripts[:30])
    assert missing_elements(data, block_hash, scripts[:30]) == 0
    assert missing_elements(data, block_hash, scripts) == 10
    assert missing_elements(data, block_hash, []) == 0
