"""Whether bytes are the block that a header names."""

from __future__ import annotations

from axon.chain.blockbody import read_body
from axon.primitives.block import Block, witness_commitment
from axon.primitives.hashes import BlockHash
from axon.primitives.transaction import Transaction, TxOut
from axon.primitives.verdict import Rejected
from tests.chain.chains import PLAIN, block_on, coinbase, paying_block

BLOCK_HASH = BlockHash(bytes(32))


def reason(block: Block, raw: bytes, *, segwit: bool = True) -> str:
    found = read_body(block.hash, raw, segwit=segwit)
    assert isinstance(found, Rejected)
    return found.reason


def test_a_block_is_itself() -> None:
    for raw in (PLAIN.raw, paying_block().raw):
        block = Block.decode(raw)
        assert read_body(block.hash, raw, segwit=True) == block


def test_other_bytes_are_not_the_block() -> None:
    block, other = paying_block(), PLAIN
    assert reason(block, other.raw) == "bad-block-hash"
    assert reason(block, block.raw[:-1]) == "bad-block-encoding"
    assert reason(block, b"") == "bad-block-encoding"


def test_every_transaction_counts() -> None:
    block = paying_block()
    first_one, first, second = block.transactions
    fewer = Block.build(block.header, [first_one, first])
    swapped = Block.build(block.header, [first_one, second, first])
    doubled = Block.build(block.header, [first_one, first, second, second])
    assert reason(block, fewer.raw) == "bad-txnmrklroot"
    assert reason(block, swapped.raw) == "bad-txnmrklroot"
    assert reason(block, doubled.raw) == "bad-txns-duplicate"
    assert reason(block, Block.build(block.header, []).raw) == "bad-txnmrklroot"


def test_witnesses_count_too() -> None:
    block = paying_block()
    first_one, first, second = block.transactions
    bare = Transaction.decode(first.stripped)
    assert bare.txid == first.txid
    changed = Block.build(block.header, [first_one, bare, second])
    assert reason(block, changed.raw) == "bad-witness-merkle-match"
    naked = Block.build(block.header, [Transaction.decode(first_one.stripped), first, second])
    assert reason(block, naked.raw) == "bad-witness-nonce-size"


def test_a_block_begins_with_its_coinbase() -> None:
    _, first, second = paying_block().transactions
    headless = block_on(BLOCK_HASH, first, second)
    assert reason(headless, headless.raw) == "bad-cb-missing"


def test_witnesses_need_a_commitment() -> None:
    _, first, _ = paying_block().transactions
    plain = coinbase(1, TxOut(1, b""))
    uncommitted = block_on(BLOCK_HASH, plain, first)
    assert reason(uncommitted, uncommitted.raw) == "unexpected-witness"
    bare = block_on(BLOCK_HASH, plain, Transaction.decode(first.stripped))
    assert read_body(bare.hash, bare.raw, segwit=True) == bare


def test_before_witnesses_hold_a_commitment_commits_to_nothing() -> None:
    first, *payments = [Transaction.decode(item.stripped) for item in paying_block().transactions]
    assert witness_commitment(paying_block()) is not None
    early = block_on(BLOCK_HASH, first, *payments)
    assert read_body(early.hash, early.raw, segwit=False) == early
    assert reason(early, early.raw) == "bad-witness-nonce-size"
    whole = paying_block()
    assert reason(whole, whole.raw, segwit=False) == "unexpected-witness"


def test_a_block_begins_with_a_coinbase() -> None:
    empty = block_on(PLAIN.hash)
    assert empty.header.merkle_root == bytes(32)
    assert reason(empty, empty.raw) == "bad-cb-missing"
    payments = paying_block().transactions[1:]
    headless = block_on(PLAIN.hash, *payments)
    assert reason(headless, headless.raw) == "bad-cb-missing"
