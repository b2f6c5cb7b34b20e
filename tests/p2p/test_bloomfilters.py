"""Bloom filters that peers set (BIP 37): what is allowed, what is given by them."""

from __future__ import annotations

import pytest

from axon.machine import PeerId
from axon.p2p.bloomfilters import BloomFilters, filter_block
from axon.p2p.faults import PeerFault, PeerViolation
from axon.primitives.block import Block
from axon.primitives.bloom import BloomFilter
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.script import push
from axon.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut
from axon.wire.messages import FilterAdd, FilterClear, FilterLoad

PEER, SILENT = PeerId(1), PeerId(2)
LOAD = FilterLoad(bytes(100), 10, 5, 1)


def table() -> BloomFilters:
    filters = BloomFilters()
    filters.opened(PEER)
    return filters


def test_set_added_to_replaced_and_taken_back() -> None:
    filters = table()
    assert filters.get(PEER) is None
    assert filters.received(PEER, LOAD, offered=True)
    assert not filters.received(PEER, FilterAdd(b"x"), offered=True)
    first = filters.get(PEER)
    assert first is not None
    assert b"x" in first
    assert filters.received(PEER, LOAD, offered=True)
    second = filters.get(PEER)
    assert second is not None
    assert b"x" not in second
    assert filters.received(PEER, FilterClear(), offered=True)
    assert filters.get(PEER) is None


def test_what_a_copy_learnt_is_kept_unless_the_filter_is_another() -> None:
    filters = table()
    filters.received(PEER, LOAD, offered=True)
    bloom = filters.get(PEER)
    assert bloom is not None
    copy = bloom.copy()
    copy.insert(b"learnt")
    filters.received(PEER, FilterAdd(b"added meanwhile"), offered=True)
    filters.learnt(PEER, bloom, copy)
    assert b"learnt" in bloom
    assert b"added meanwhile" in bloom
    filters.received(PEER, LOAD, offered=True)
    filters.learnt(PEER, bloom, copy)
    now = filters.get(PEER)
    assert now is not None
    assert b"learnt" not in now
    filters.closed(PEER)
    filters.learnt(PEER, bloom, copy)
    assert filters.get(PEER) is None


@pytest.mark.parametrize("message", [LOAD, FilterAdd(bytes(521)), FilterClear()])
def test_where_none_is_offered_each_is_a_fault(
    message: FilterLoad | FilterAdd | FilterClear,
) -> None:
    with pytest.raises(PeerFault, match="despite not offering bloom services") as raised:
        table().received(PEER, message, offered=False)
    assert not isinstance(raised.value, PeerViolation)


@pytest.mark.parametrize(
    "message",
    [
        FilterLoad(bytes(36_001), 1, 0, 0),
        FilterLoad(b"", 51, 0, 0),
        FilterAdd(bytes(521)),
        FilterAdd(b"x"),  # To no filter.
    ],
)
def test_what_is_too_large_or_has_no_filter_is_a_violation(
    message: FilterLoad | FilterAdd,
) -> None:
    filters = table()
    with pytest.raises(PeerViolation):
        filters.received(PEER, message, offered=True)
    assert filters.received(PEER, FilterLoad(bytes(36_000), 50, 2**32 - 1, 255), offered=True)
    filters.received(PEER, FilterAdd(bytes(520)), offered=True)


def test_a_peer_without_transactions_has_no_filter() -> None:
    filters = table()
    for message in (LOAD, FilterAdd(b"x"), FilterClear()):
        assert not filters.received(SILENT, message, offered=True)
    assert filters.get(SILENT) is None


def block_of(count: int) -> Block:
    transactions = [
        Transaction.build(2, (TxIn(NULL_OUTPOINT),), (TxOut(number, push(bytes((number, 1)))),), 0)
        for number in range(count)
    ]
    root = merkle_root([item.txid for item in transactions])
    return Block.build(Header.build(4, BlockHash(bytes(32)), root, 0, 0, 0), transactions)


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_a_block_comes_as_a_proof_and_what_matches(count: int) -> None:
    block = block_of(count)
    root = block.header.merkle_root
    nothing = filter_block(block.raw, BloomFilter(bytes(36_000), 50, 0, 0))
    assert nothing is not None
    assert (nothing.transactions, nothing.merkleblock.tree.extract()) == ((), (root, []))
    wanted = [item for number, item in enumerate(block.transactions) if number % 3 == 0]
    bloom = BloomFilter(bytes(5000), 10, 0, 1)
    for item in wanted:
        bloom.insert(item.txid)
    found = filter_block(block.raw, bloom)
    assert found is not None
    assert found.merkleblock.header == block.header
    assert list(found.transactions) == wanted
    matches = [(number, item.txid) for number, item in enumerate(block.transactions)][::3]
    assert found.merkleblock.tree.extract() == (root, matches)


def test_bytes_that_are_no_block_give_nothing() -> None:
    assert filter_block(block_of(2).raw[:-1], BloomFilter(b"", 0, 0, 0)) is None
