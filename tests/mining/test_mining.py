"""Templates and the nonce search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from axon.chain.deployments import BLOCK_VERSION
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.mempool.entry import PoolEntry
from axon.mining.miner import find_nonce, mine
from axon.mining.template import (
    RESERVED_SIGOPS_COST,
    RESERVED_WEIGHT,
    BlockLimits,
    next_template,
)
from axon.primitives.block import Block, witness_commitment
from axon.primitives.hashes import ZERO_HASH, sha256d
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.script import push_number
from axon.primitives.sigops import MAX_BLOCK_SIGOPS_COST
from axon.primitives.target import meets_target
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut

NOW = REGTEST.genesis.header.time + 3600
SCRIPT = b"\x51"


def entry(
    number: int, fee_sat: int = 1_000, weight_wu: int | None = None, sigops: int = 4
) -> PoolEntry:
    spends = TxIn(OutPoint(number.to_bytes(36, "little")), witness=(b"proof",))
    transaction = Transaction.build(2, [spends], [TxOut(number, SCRIPT)])
    weight = transaction.weight_wu if weight_wu is None else weight_wu
    return PoolEntry(transaction, fee_sat, weight, weight, sigops, 0, 0)


def chunks(entries: Sequence[PoolEntry]) -> list[tuple[float, tuple[PoolEntry, ...]]]:
    return [(item.fee_sat * 1000 / item.vsize, (item,)) for item in entries]


@pytest.fixture
def tip() -> HeaderEntry:
    return HeaderTree(REGTEST).best


def test_an_empty_block_is_valid_in_form(tip: HeaderEntry) -> None:
    template = next_template(REGTEST, tip, [], NOW)
    block = mine(template.build(SCRIPT), 1000)
    assert block is not None
    assert Block.decode(block.raw) == block
    assert meets_target(block.hash, block.header.bits)
    assert block.header.prev == tip.hash
    assert block.header.version == BLOCK_VERSION
    assert block.header.time == NOW
    first = block.transactions[0]
    assert first.is_coinbase
    assert first.inputs[0].script_sig.startswith(push_number(1))
    assert 2 <= len(first.inputs[0].script_sig) <= 100
    assert first.outputs[0] == TxOut(50_0000_0000, SCRIPT)
    assert first.locktime == 0
    assert added(HeaderTree(REGTEST), block)


def test_a_block_before_witnesses_hold_has_none(tip: HeaderEntry) -> None:
    template = next_template(replace(REGTEST, segwit_height=2), tip, [], NOW)
    first = template.build(SCRIPT).transactions[0]
    assert not first.has_witness
    assert first.outputs[-1].script_pubkey == template.commitment(), "as Bitcoin Core does"
    assert next_template(REGTEST, tip, [], NOW).build(SCRIPT).transactions[0].has_witness


def added(tree: HeaderTree, block: Block) -> bool:
    return isinstance(tree.add(block.header, NOW * 1_000_000), HeaderEntry)


def test_fees_and_witness_commitment(tip: HeaderEntry) -> None:
    entries = [entry(1, 700), entry(2, 500)]
    template = next_template(REGTEST, tip, chunks(entries), NOW)
    block = template.build(SCRIPT, b"extra")
    assert template.fees_sat == 1_200
    assert block.transactions[0].outputs[0].amount_sat == 50_0000_1200
    assert block.transactions[1:] == tuple(item.transaction for item in entries)
    wtxids = [ZERO_HASH, *(item.wtxid for item in block.transactions[1:])]
    reserved = block.transactions[0].inputs[0].witness[0]
    assert witness_commitment(block) == sha256d(merkle_root(wtxids) + reserved)
    assert block.header.merkle_root == merkle_root([item.txid for item in block.transactions])
    assert block.transactions[0].raw != template.build(SCRIPT, b"other").transactions[0].raw


def test_what_does_not_fit_is_passed_over(tip: HeaderEntry) -> None:
    big, small = entry(1, 9_000_000, weight_wu=3_000_000), entry(2, 2_000)
    second_big = entry(3, 6_000_000, weight_wu=3_000_000)
    template = next_template(REGTEST, tip, chunks([big, second_big, small]), NOW)
    assert template.entries == (big, small)
    assert template.weight_wu == RESERVED_WEIGHT + 3_000_000 + small.weight_wu


def test_sigops_are_limited(tip: HeaderEntry) -> None:
    heavy = [entry(number, 5_000, sigops=30_000) for number in range(1, 5)]
    assert len(next_template(REGTEST, tip, chunks(heavy), NOW).entries) == 2


def test_what_pays_too_little_stays_out(tip: HeaderEntry) -> None:
    free = entry(1, 0)
    assert next_template(REGTEST, tip, chunks([free]), NOW).entries == ()
    kept = next_template(REGTEST, tip, chunks([free]), NOW, BlockLimits(min_feerate_sat_kvb=0))
    assert kept.entries == (free,)


def test_time_is_above_the_median(tip: HeaderEntry) -> None:
    template = next_template(REGTEST, tip, [], 0)
    assert template.time == template.min_time == tip.time + 1


@pytest.mark.parametrize(
    ("ahead", "ahead_s", "earliest"),
    [
        (0, 10_000, 9_400),  # The first of 144: no more than ten minutes before its parent.
        (0, 600, 1),  # Here the median of the past asks for more.
        (0, 602, 2),
        (1, 10_000, 1),
        (-1, 10_000, 1),
    ],
)
def test_the_first_block_of_a_period_does_not_go_back_in_time(
    ahead: int, ahead_s: int, earliest: int
) -> None:
    """BIP 94; Bitcoin Core's templates keep to it on every network."""
    last_entry = HeaderTree(REGTEST).best
    usual = last_entry.time
    for height in range(1, REGTEST.difficulty_interval + ahead):
        last = height == REGTEST.difficulty_interval + ahead - 1
        time = usual + ahead_s if last else usual
        header = Header.build(4, last_entry.hash, bytes(32), time, last_entry.bits, height)
        last_entry = last_entry.table.append(header.raw, header.hash, last_entry)
    assert last_entry.median_time_past() == usual
    template = next_template(REGTEST, last_entry, [], 0)
    assert template.min_time == template.time == usual + earliest
    assert next_template(REGTEST, last_entry, [], usual + 20_000).time == usual + 20_000


def test_an_impossible_target_ends_the_search() -> None:
    header = next_template(MAINNET, HeaderTree(MAINNET).best, [], NOW).build(SCRIPT).header
    assert find_nonce(header, 100) is None


def test_a_block_may_be_filled_to_its_limits(tip: HeaderEntry) -> None:
    limits = BlockLimits(max_weight_wu=RESERVED_WEIGHT + 6_000)
    exact, more = entry(1, 9_000, weight_wu=6_000), entry(2, 9_000, weight_wu=6_001)
    assert next_template(REGTEST, tip, chunks([exact]), NOW, limits).entries == (exact,)
    assert next_template(REGTEST, tip, chunks([more]), NOW, limits).entries == ()
    room = MAX_BLOCK_SIGOPS_COST - RESERVED_SIGOPS_COST
    exact, more = entry(1, 9_000, sigops=room), entry(2, 9_000, sigops=room + 1)
    assert next_template(REGTEST, tip, chunks([exact]), NOW).entries == (exact,)
    assert next_template(REGTEST, tip, chunks([more]), NOW).entries == ()


def test_the_search_for_what_fits_ends(tip: HeaderEntry) -> None:
    limits = BlockLimits(max_weight_wu=RESERVED_WEIGHT + 10_000)
    first, last = entry(1, 900_000, weight_wu=9_000), entry(2, 100, weight_wu=400)
    for misfits, taken in ((1_000, (first, last)), (1_001, (first,))):
        between = [entry(number, 9_000, weight_wu=3_000) for number in range(10, 10 + misfits)]
        offered = chunks([first, *between, last])
        assert next_template(REGTEST, tip, offered, NOW, limits).entries == taken


def test_what_the_operator_adds_to_a_fee_is_not_paid_out(tip: HeaderEntry) -> None:
    prioritised = entry(1, 700)
    prioritised.modified_fee_sat += 5_000
    assert next_template(REGTEST, tip, chunks([prioritised]), NOW).fees_sat == 700


def test_the_lock_time_of_a_coinbase_counts(tip: HeaderEntry) -> None:
    first = next_template(REGTEST, tip, [], NOW).build(SCRIPT).transactions[0]
    assert first.inputs[0].sequence == 0xFFFF_FFFE


def test_the_search_goes_on_from_the_nonce_of_the_header(tip: HeaderEntry) -> None:
    block = next_template(REGTEST, tip, [], NOW).build(SCRIPT)
    found = find_nonce(block.header, 1_000)
    assert found is not None
    old = block.header
    beyond = Header.build(
        old.version, old.prev, old.merkle_root, old.time, old.bits, found.nonce + 1
    )
    again = find_nonce(beyond, 1_000)
    assert again is not None
    assert again.nonce > found.nonce
    last = Header.build(old.version, old.prev, old.merkle_root, old.time, 0x1D00FFFF, 2**32 - 1)
    assert find_nonce(last, 10) is None  # No nonce follows.
