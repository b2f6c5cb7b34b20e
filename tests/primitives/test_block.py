"""Blocks, Merkle trees, targets and networks: genesis blocks, real blocks, hostile proofs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.block import Block, witness_commitment
from axon.primitives.encoding import Reader
from axon.primitives.hashes import ZERO_HASH, Txid, from_hex, sha256d, siphash24, to_hex
from axon.primitives.header import Header
from axon.primitives.merkle import (
    PartialMerkleTree,
    fold_branch,
    merkle_branch,
    merkle_root,
    merkle_root_mutated,
)
from axon.primitives.network import MAINNET, NETWORKS, REGTEST
from axon.primitives.target import (
    bits_to_target,
    difficulty,
    meets_target,
    target_to_bits,
    work,
)
from tests.data import mainnet_data

GENESIS = {
    "main": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "test": "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
    "testnet4": "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
    "signet": "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
    "regtest": "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
}

txids = st.lists(
    st.binary(min_size=32, max_size=32).map(Txid), min_size=1, max_size=40, unique=True
)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_genesis_blocks(name: str) -> None:
    block = NETWORKS[name].genesis
    assert to_hex(block.hash) == GENESIS[name]
    assert merkle_root([item.txid for item in block.transactions]) == block.header.merkle_root
    assert meets_target(block.hash, block.header.bits)
    assert Block.decode(block.raw) == block
    assert block.weight_wu == 4 * len(block.raw)
    assert block.header.prev == ZERO_HASH


def test_subsidies() -> None:
    assert MAINNET.subsidy_sat(0) == 50_0000_0000
    assert MAINNET.subsidy_sat(209_999) == 50_0000_0000
    assert MAINNET.subsidy_sat(210_000) == 25_0000_0000
    assert MAINNET.subsidy_sat(210_000 * 64) == 0
    assert REGTEST.subsidy_sat(150) == 25_0000_0000
    total = sum(MAINNET.subsidy_sat(210_000 * era) * 210_000 for era in range(64))
    assert total == 20_999_999_9769_0000


@pytest.mark.parametrize("name", ["830000", "831328", "831331"])
def test_real_blocks(name: str) -> None:
    raw = (mainnet_data() / "blocks" / f"{name}.bin").read_bytes()
    block = Block.decode(raw)
    assert Block.build(block.header, block.transactions).raw == raw
    ids = [item.txid for item in block.transactions]
    assert merkle_root(ids) == block.header.merkle_root
    assert block.weight_wu <= 4_000_000
    assert len(block.stripped()) == block.stripped_size_bytes
    wtxids = [ZERO_HASH, *(item.wtxid for item in block.transactions[1:])]
    reserved = block.transactions[0].inputs[0].witness[0]
    assert sha256d(merkle_root(wtxids) + reserved) == witness_commitment(block)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_block_or_a_decode_error(data: bytes) -> None:
    try:
        block = Block.decode(data)
    except DecodeError:
        return
    assert block.raw == data


def test_headers() -> None:
    header = MAINNET.genesis.header
    again = Header.build(
        header.version, header.prev, header.merkle_root, header.time, header.bits, header.nonce
    )
    assert again == header
    assert hash(again) == hash(header)
    assert (again.time, again.bits, again.nonce) == (1231006505, 0x1D00FFFF, 2083236893)
    with pytest.raises(DecodeError, match="80 bytes, not 79"):
        Header(header.raw[:-1])


@pytest.mark.parametrize(
    ("bits", "target"),
    [
        (0, 0),
        (0x00123456, 0),
        (0x01003456, 0),
        (0x01123456, 0x12),
        (0x02123456, 0x1234),
        (0x03123456, 0x123456),
        (0x04123456, 0x12345600),
        (0x05009234, 0x92340000),
        (0x04923456, 0),
        (0x20123456, 0x123456 << 8 * 29),
        (0xFF123456, 0),
        (0x1D00FFFF, 0xFFFF << 208),
    ],
)
def test_compact_targets(bits: int, target: int) -> None:
    assert bits_to_target(bits) == target


@given(st.integers(1, 2**256 - 1))
def test_a_target_loses_only_its_low_bits(target: int) -> None:
    kept = bits_to_target(target_to_bits(target))
    assert kept <= target
    assert target - kept < max(1, target >> 15)
    assert target_to_bits(kept) == target_to_bits(target)


def test_work_and_difficulty() -> None:
    assert work(0x1D00FFFF) == 0x100010001
    assert work(0x207FFFFF) == 2
    assert work(0) == 0
    assert difficulty(0x1D00FFFF) == 1.0
    assert difficulty(0x1B0404CB) == pytest.approx(16307.420938523983)


def test_hashes_as_people_read_them() -> None:
    assert to_hex(from_hex(GENESIS["main"])) == GENESIS["main"]
    for text in ("", "00", GENESIS["main"][:-1], GENESIS["main"][:-1] + "x", " " * 64):
        with pytest.raises(DecodeError, match="64 hex digits"):
            from_hex(text)


@given(txids, st.data())
def test_branches_fold_to_the_root(ids: list[Txid], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(ids) - 1))
    assert fold_branch(ids[index], merkle_branch(ids, index), index) == merkle_root(ids)


@given(txids)
def test_a_repeated_tail_is_noticed(ids: list[Txid]) -> None:
    root, mutated = merkle_root_mutated(ids)
    assert (root, mutated) == (merkle_root(ids), False)
    if len(ids) % 2 and len(ids) > 1:
        assert merkle_root_mutated([*ids, ids[-1]]) == (root, True)


@given(txids, st.data())
def test_partial_trees_prove_what_was_matched(ids: list[Txid], data: st.DataObject) -> None:
    matches = data.draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids)))
    tree = PartialMerkleTree.build(ids, matches)
    read = PartialMerkleTree.decode(Reader(tree.encode()))
    root, found = read.extract()
    assert root == merkle_root(ids)
    assert found == [(i, txid) for i, txid in enumerate(ids) if matches[i]]
    assert read.encode() == tree.encode()


@given(txids, st.data())
def test_a_partial_tree_has_the_branches_of_its_matches(
    ids: list[Txid], data: st.DataObject
) -> None:
    matches = data.draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids)))
    found = PartialMerkleTree.build(ids, matches).branches()
    assert found == {
        txid: (index, merkle_branch(ids, index)) for index, txid in enumerate(ids) if matches[index]
    }


@given(txids, st.data())
def test_a_partial_tree_is_made_of_branches_without_the_block(
    ids: list[Txid], data: st.DataObject
) -> None:
    places = {0, data.draw(st.integers(0, len(ids) - 1))}
    branches = {place: merkle_branch(ids, place) for place in places}
    tree = PartialMerkleTree.from_branches({place: ids[place] for place in places}, branches)
    root, found = PartialMerkleTree.decode(Reader(tree.encode())).extract()
    assert root == merkle_root(ids)
    assert found == [(place, ids[place]) for place in sorted(places)]
    assert tree.total <= len(ids)


@given(txids, st.data())
def test_a_damaged_partial_tree_proves_nothing(ids: list[Txid], data: st.DataObject) -> None:
    tree = PartialMerkleTree.build(ids, [index % 3 == 0 for index in range(len(ids))])
    raw = bytearray(tree.encode())
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= 1 << data.draw(st.integers(0, 7))
    try:
        root, found = PartialMerkleTree.decode(Reader(bytes(raw))).extract()
    except DecodeError:
        return
    honest = {(i, txid) for i, txid in enumerate(ids)}
    assert (
        root != merkle_root(ids)
        or set(found) <= honest
        or tree.total != int.from_bytes(raw[:4], "little")
    )


def test_an_empty_or_huge_tree_is_refused() -> None:
    with pytest.raises(DecodeError):
        PartialMerkleTree(0, (), ()).extract()
    with pytest.raises(DecodeError):
        PartialMerkleTree(10**6, (True,), (ZERO_HASH,)).extract()


def test_siphash_is_unsigned() -> None:
    key = bytes(range(16))
    assert siphash24(key, bytes(range(15))) == 0xA129CA6149BE45E5
    assert all(0 <= siphash24(key, bytes((byte,))) < 1 << 64 for byte in range(64))
