"""What transactions spend and make, compared with their decoded inputs and outputs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from axon.chain.parts import BlockParts, spends_and_makes
from axon.primitives.block import Block
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from tests.data import mainnet_data
from tests.strategies import transactions


def _agree(transaction: Transaction) -> None:
    prevouts, outputs = spends_and_makes(transaction)
    assert prevouts == [item.prevout for item in transaction.inputs]
    assert [
        TxOut(int.from_bytes(amount, "little", signed=True), script) for amount, script in outputs
    ] == list(transaction.outputs)


@given(transactions())
def test_agrees_with_the_decoded_transaction(transaction: Transaction) -> None:
    _agree(transaction)


def _agree_on_blocks(block: Block) -> None:
    read, decoded = BlockParts.read(block.raw), BlockParts.of(Block.decode(block.raw))
    assert read.header == decoded.header == block.header
    assert read.transactions == decoded.transactions


@given(st.lists(transactions(), max_size=5))
def test_a_block_read_in_one_go_has_the_parts_of_the_decoded_one(
    content: list[Transaction],
) -> None:
    _agree_on_blocks(Block.build(REGTEST.genesis.header, content))


def test_long_scripts_and_many_parts() -> None:
    inputs = [TxIn(_prevout(n), bytes(n * 5), n, (b"w",) * (n % 2)) for n in range(300)]
    outputs = [TxOut(n, bytes(n * 3)) for n in range(70_000 // 200)]
    stacks = [TxIn(_prevout(n), b"", n, (bytes(n * 5),) * n) for n in (1, 60, 300)]
    large = [
        Transaction.build(2, inputs, outputs),
        Transaction.build(1, [TxIn(_prevout(1), bytes(70_000))], [TxOut(1, bytes(70_000))]),
        Transaction.build(2, stacks, outputs[:1]),
    ]
    for each in large:
        _agree(each)
    _agree_on_blocks(Block.build(REGTEST.genesis.header, large))
    many = [Transaction.build(2, inputs[:1], outputs[:1])] * 300
    _agree_on_blocks(Block.build(REGTEST.genesis.header, many))


def test_agrees_on_a_real_block() -> None:
    raw = (mainnet_data() / "blocks" / "830000.bin").read_bytes()
    block = Block.decode(raw)
    for transaction in block.transactions:
        _agree(transaction)
    _agree_on_blocks(block)


def _prevout(number: int) -> OutPoint:
    return OutPoint(number.to_bytes(36, "little"))
