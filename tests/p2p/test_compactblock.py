"""Compact blocks: made, and made whole, by chance and by malice."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.p2p.compactblock import (
    CompactFault,
    PartialBlock,
    Rebuilt,
    Sources,
    compact_block,
    fill,
    match,
    pick,
)
from axon.p2p.faults import PeerViolation
from axon.primitives.block import Block
from axon.primitives.hashes import Wtxid
from axon.primitives.shortid import short_id_key, short_ids
from axon.wire.messages import BlockTxn, CmpctBlock, GetBlockTxn
from axon.wire.messages.compactblocks import Prefilled
from tests.p2p.compactworld import NONCE, block_of, pool_of, spend

SPENDS = [spend(number, witness=number % 2 == 0) for number in range(6)]
BLOCK = block_of(SPENDS)


def named(block: Block, prefilled: list[int]) -> CmpctBlock:
    """A compact block in which some chosen transactions are prefilled."""
    key = short_id_key(block.header, NONCE)
    items = list(enumerate(block.transactions))
    names = short_ids(key, [item.wtxid for place, item in items if place not in prefilled])
    given_ = [Prefilled(place, item) for place, item in items if place in prefilled]
    return CmpctBlock.build(block.header, NONCE, names, given_)


def test_the_coinbase_comes_with_a_compact_block_and_nothing_else_does() -> None:
    short = compact_block(BLOCK, NONCE).short_block()
    assert short.nonce == NONCE
    assert short.prefilled == (Prefilled(0, BLOCK.transactions[0]),)
    key = short_id_key(BLOCK.header, NONCE)
    assert list(short.short_ids) == short_ids(key, [item.wtxid for item in SPENDS])


@given(st.sets(st.integers(0, 6)), st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)))
def test_a_block_is_made_whole_of_what_is_here(
    prefilled: set[int], pooled: set[int], kept: set[int]
) -> None:
    message = named(BLOCK, sorted(prefilled))
    pool = pool_of([spend(99), *[SPENDS[place] for place in sorted(pooled)]])
    extra = [spend(98), *[SPENDS[place] for place in sorted(kept)]]
    found = match(message, pool, extra)
    here = [place + 1 for place in range(6) if place in pooled | kept] + sorted(prefilled)
    missing = tuple(place for place in range(7) if place not in here)
    if missing:
        assert isinstance(found, PartialBlock)
        assert found.request() == GetBlockTxn(BLOCK.hash, missing)
        answer = pick(BLOCK, found.request())
        assert isinstance(answer, BlockTxn)
        found = fill(found, BlockTxn.decode(answer.encode()))
    assert isinstance(found, Rebuilt)
    assert found.block == BLOCK
    from_pool = len([place for place in pooled if place + 1 not in prefilled])
    from_extra = len([place for place in kept - pooled if place + 1 not in prefilled])
    assert found.sources == Sources(len(prefilled), from_pool, from_extra, len(missing))


def test_the_witness_is_part_of_the_name() -> None:
    bare = [spend(number, witness=False) for number in range(6)]
    found = match(compact_block(BLOCK, NONCE), pool_of(bare), ())
    assert isinstance(found, PartialBlock)
    assert found.request().indexes == (1, 3, 5)


# What chance or malice makes of it.


def _one_byte_names(_key: bytes, wtxids: Iterable[Wtxid]) -> list[bytes]:
    """Short ids of which only 256 are different."""
    return [wtxid[:1] + bytes(5) for wtxid in wtxids]


def test_two_of_the_pool_with_one_short_id_are_both_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("axon.p2p.compactblock.short_ids", _one_byte_names)
    ours = spend(1)
    others = [spend(number) for number in range(2, 3_000)]
    alike = next(item for item in others if item.wtxid[0] == ours.wtxid[0])
    message = compact_block(block_of([ours]), NONCE)
    found = match(message, pool_of([ours, alike]), ())
    assert isinstance(found, PartialBlock)
    assert found.request().indexes == (1,)
    found = match(message, pool_of([ours]), [alike])
    assert isinstance(found, PartialBlock), "one in the pool and another beside it"
    found = match(message, pool_of([ours]), [ours])
    assert isinstance(found, Rebuilt), "twice the same is no collision"
    found = match(message, pool_of([alike]), ())
    assert found is CompactFault.FAILED, "the wrong one alone: the block is not what it should be"


def test_a_name_that_stands_twice_in_a_block_fails() -> None:
    message = CmpctBlock.build(BLOCK.header, 0, [b"abcdef", b"abcdef"], ())
    assert match(message, {}, ()) is CompactFault.FAILED


def test_a_block_of_nothing_is_invalid() -> None:
    assert match(CmpctBlock.build(BLOCK.header, 0, (), ()), {}, ()) is CompactFault.INVALID


@pytest.mark.parametrize(("names", "index"), [(0, 1), (3, 4), (3, 60_000), (60_000, 65_536)])
def test_a_prefilled_transaction_beyond_the_block_is_invalid(names: int, index: int) -> None:
    short = [number.to_bytes(6, "big") for number in range(names)]
    message = CmpctBlock.build(BLOCK.header, 0, short, [Prefilled(index, SPENDS[0])])
    expected = CompactFault.UNREADABLE if index > 0xFFFF else CompactFault.INVALID
    assert match(message, {}, ()) is expected


def test_places_that_add_up_to_more_than_16_bits_are_invalid() -> None:
    prefilled = [Prefilled(0xFFFF, SPENDS[0]), Prefilled(0x1_FFFF, SPENDS[1])]
    message = CmpctBlock.build(BLOCK.header, 0, [b"abcdef"], prefilled)
    assert match(message, {}, ()) is CompactFault.INVALID


def test_what_cannot_be_read_is_left_out() -> None:
    message = compact_block(BLOCK, NONCE)
    assert match(CmpctBlock(message.raw[:-1]), {}, ()) is CompactFault.UNREADABLE
    partial = match(message, {}, ())
    assert isinstance(partial, PartialBlock)
    answer = pick(BLOCK, partial.request())
    assert isinstance(answer, BlockTxn)
    assert fill(partial, BlockTxn(answer.raw[:-1])) is CompactFault.UNREADABLE


def test_too_few_or_too_many_transactions_are_invalid() -> None:
    partial = match(compact_block(BLOCK, NONCE), pool_of(SPENDS[:4]), ())
    assert isinstance(partial, PartialBlock)
    for found in ([], SPENDS[4:5], [*SPENDS[4:], spend(77)]):
        assert partial.fill(found) is CompactFault.INVALID
    assert isinstance(partial.fill(SPENDS[4:]), Rebuilt)


def test_other_transactions_than_those_of_the_block_fail() -> None:
    partial = match(compact_block(BLOCK, NONCE), pool_of(SPENDS[:4]), ())
    assert isinstance(partial, PartialBlock)
    assert partial.fill(SPENDS[:3:-1]) is CompactFault.FAILED
    bare = [SPENDS[4].stripped, SPENDS[5].stripped]
    stripped = [type(SPENDS[0])(raw, 0) for raw in bare]
    assert partial.fill(stripped) is CompactFault.FAILED, "the witnesses are committed to"


def test_a_prefilled_transaction_in_the_wrong_form_fails() -> None:
    coinbase = BLOCK.transactions[0]
    bare = type(coinbase)(coinbase.stripped, 0)
    names = compact_block(BLOCK, NONCE).short_block().short_ids
    message = CmpctBlock.build(BLOCK.header, NONCE, names, [Prefilled(0, bare)])
    assert match(message, pool_of(SPENDS), ()) is CompactFault.FAILED


def test_what_is_asked_for_must_be_in_the_block() -> None:
    assert isinstance(pick(BLOCK, GetBlockTxn(BLOCK.hash, (0, 7))), PeerViolation)
    answer = pick(BLOCK, GetBlockTxn(BLOCK.hash, (0, 6)))
    assert isinstance(answer, BlockTxn)
    assert answer.transactions() == (BLOCK.transactions[0], SPENDS[5])
