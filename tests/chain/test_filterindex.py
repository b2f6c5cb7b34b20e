"""The filter index: the chain of filter headers, branches, and what a crash leaves."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.chain.coins import Coin
from axon.chain.filterindex import FilterIndex
from axon.chain.filters import (
    GENESIS_PREV_HEADER,
    basic_filter,
    filter_elements,
    filter_hash,
)
from axon.chain.headertree import HeaderTree
from axon.chain.store import MemoryStore
from axon.errors import StorageError
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, filter_header, from_hex
from axon.primitives.network import REGTEST, TESTNET3
from axon.primitives.transaction import TxOut
from tests.chain.chains import block_on, coinbase, grow, made_up_txid


class RecordingStore(MemoryStore):
    """Remembers each batch, to play back what a crash leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[dict[bytes, bytes | None]] = []

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        self.batches.append(dict(changes))
        super().write(changes)


def _block(prev: BlockHash, height: int, salt: int = 0) -> Block:
    return block_on(prev, coinbase(height, TxOut(1, made_up_txid(height)), tag=bytes([salt])))


def _spent(height: int) -> list[list[Coin]]:
    return [[Coin(0, False, 1, b"\x51" + height.to_bytes(4, "little"))]]


def test_the_genesis_block_has_the_header_of_bip_158() -> None:
    index = FilterIndex(MemoryStore())
    assert (index.best, index.height) == (None, -1)
    genesis = TESTNET3.genesis
    assert index.connect(genesis, genesis.hash, 0, [[]]).hex() == "019dfca8"
    assert (index.best, index.height) == (genesis.hash, 0)
    expected = from_hex("21584579b7eb08997773e5aeff3a7f932700042d0ed2a6129012b7d7ae81b750")
    assert index.headers([genesis.hash]) == [expected]


def test_unknown_blocks_have_no_filter() -> None:
    index = FilterIndex(MemoryStore())
    index.connect(REGTEST.genesis, REGTEST.genesis.hash, 0, [[]])
    stranger = BlockHash(made_up_txid(1))
    assert index.filters([stranger, REGTEST.genesis.hash])[0] is None
    assert index.filter_hashes([stranger]) == [None]
    assert index.headers([stranger]) == [None]
    assert index.headers([]) == []


@settings(max_examples=60)
@given(st.lists(st.sampled_from("ccccdhrfo"), max_size=30))
def test_headers_form_a_chain_through_every_move(moves: list[str]) -> None:
    store = RecordingStore()
    index = FilterIndex(store)
    genesis = REGTEST.genesis
    data = index.connect(genesis, genesis.hash, 0, [[]])
    line = [(genesis, filter_header(filter_hash(data), GENESIS_PREV_HEADER))]
    known: dict[BlockHash, bytes] = {genesis.hash: data}
    headers: dict[BlockHash, bytes] = {genesis.hash: line[0][1]}
    for salt, move in enumerate(moves):
        tip = line[-1][0]
        if move == "c":
            block = _block(tip.hash, len(line), salt)
            data = index.connect(block, block.hash, len(line), _spent(salt))
            elements = filter_elements(block, _spent(salt))
            assert data == basic_filter(block.hash, elements)
            line.append((block, filter_header(filter_hash(data), line[-1][1])))
            known[block.hash], headers[block.hash] = data, line[-1][1]
        elif move == "d" and len(line) > 1:
            line.pop()
            index.disconnect(tip.hash, tip.header.prev)
        elif move == "h":
            index.hold([30, 1_000][salt % 2])
        elif move == "r":
            index.release()
        elif move == "f":
            index.flush()
        elif move == "o":
            index.flush()
            index = FilterIndex(store)
        assert (index.best, index.height) == (line[-1][0].hash, len(line) - 1)
        # Filters of blocks that left the chain are still served.
        assert index.filters(list(known)) == list(known.values())
        assert index.headers(list(headers)) == list(headers.values())
        assert index.filter_hashes(list(known)) == [filter_hash(item) for item in known.values()]
    survivor = MemoryStore()
    for batch in store.batches:
        survivor.write(batch)
        found = FilterIndex(survivor)  # Raises if the newest header is missing.
        assert found.best is not None
        assert found.headers([found.best]) == [headers[found.best]]


def test_checkpoints_are_every_thousandth_header() -> None:
    index, tree = FilterIndex(MemoryStore()), HeaderTree(REGTEST)
    tip = grow(tree, tree.genesis, 2_001)
    index.hold()
    expected = []
    for height in range(2_002):
        entry = tip.ancestor(height)
        assert entry is not None
        block = Block.build(entry.header, [coinbase(height, TxOut(1, b"\x51"))])
        index.connect(block, entry.hash, height, [])
        if height in (1_000, 2_000):
            expected += index.headers([entry.hash])
    assert index.checkpoints(tip) == expected
    below = tip.ancestor(1_999)
    assert below is not None
    assert index.checkpoints(below) == expected[:1]
    assert index.checkpoints(tree.genesis) == []
    stranger = grow(tree, below, 1, salt=1)
    assert index.checkpoints(stranger) == [expected[0], None]


def test_what_is_held_is_written_in_one_batch() -> None:
    store = RecordingStore()
    index = FilterIndex(store)
    index.hold(10_000)
    prev = REGTEST.genesis
    index.connect(prev, prev.hash, 0, [[]])
    for height in range(1, 100):
        block = _block(prev.hash, height)
        index.connect(block, block.hash, height, [])
        prev = block
    assert store.batches == []
    index.release()
    assert len(store.batches) == 1
    assert FilterIndex(store).height == 99
    index.flush()
    assert len(store.batches) == 1
    block = _block(prev.hash, 100)
    index.connect(block, block.hash, 100, [])
    assert len(store.batches) == 2, "after the release each is written at once"


def test_hash_and_header_of_a_filter_are_read_together() -> None:
    index = FilterIndex(MemoryStore())
    genesis = REGTEST.genesis
    index.connect(genesis, genesis.hash, 0, [[]])
    asked = [genesis.hash, BlockHash(bytes(32))]
    (filter_bytes, _), (header, _) = index.filters(asked), index.headers(asked)
    assert filter_bytes is not None
    assert index.entries(asked) == [(filter_hash(filter_bytes), header), None]


def test_blocks_out_of_order_are_a_bug() -> None:
    index = FilterIndex(MemoryStore())
    genesis = REGTEST.genesis
    index.connect(genesis, genesis.hash, 0, [[]])
    block = _block(genesis.hash, 1)
    with pytest.raises(AssertionError):
        index.connect(block, block.hash, 2, [])
    with pytest.raises(AssertionError):
        index.connect(_block(block.hash, 2), block.hash, 1, [])
    with pytest.raises(AssertionError):
        index.disconnect(block.hash, genesis.hash)
    with pytest.raises(AssertionError):
        index.disconnect(genesis.hash, block.hash)


def test_a_missing_filter_means_damage() -> None:
    store = RecordingStore()
    index = FilterIndex(store)
    genesis = REGTEST.genesis
    index.connect(genesis, genesis.hash, 0, [[]])
    block = _block(genesis.hash, 1)
    index.connect(block, block.hash, 1, [])
    (key,) = [key for key in store.batches[-1] if key.startswith(b"h")]
    store.write({key: None})
    with pytest.raises(StorageError, match=r"the filter of block [0-9a-f]{64} is missing"):
        FilterIndex(store)


def test_held_filters_are_written_once_they_are_large_enough() -> None:
    store = RecordingStore()
    index = FilterIndex(store)
    index.hold(200)
    prev, held_bytes, written = REGTEST.genesis, 0, 0
    held_bytes += len(index.connect(prev, prev.hash, 0, [[]]))
    for height in range(1, 100):
        block = _block(prev.hash, height)
        held_bytes += len(index.connect(block, block.hash, height, []))
        if held_bytes >= 200:
            written, held_bytes = written + 1, 0
        assert len(store.batches) == written
        prev = block
    assert written > 1
