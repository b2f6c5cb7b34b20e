"""What a transaction spends and makes, compared with its decoded inputs and outputs."""

from __future__ import annotations

from hypothesis import given

from axon.chain.parts import spends_and_makes
from axon.primitives.block import Block
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


def test_long_scripts_and_many_parts() -> None:
    inputs = [TxIn(_prevout(n), bytes(n * 5), n, (b"w",) * (n % 2)) for n in range(300)]
    outputs = [TxOut(n, bytes(n * 3)) for n in range(70_000 // 200)]
    _agree(Transaction.build(2, inputs, outputs))
    _agree(Transaction.build(1, [TxIn(_prevout(1), bytes(70_000))], [TxOut(1, bytes(70_000))]))


def test_agrees_on_a_real_block() -> None:
    raw = (mainnet_data() / "blocks" / "830000.bin").read_bytes()
    for transaction in Block.decode(raw).transactions:
        _agree(transaction)


def _prevout(number: int) -> OutPoint:
    return OutPoint(number.to_bytes(36, "little"))
