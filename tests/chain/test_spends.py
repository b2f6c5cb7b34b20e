"""Which coins a block spends."""

from __future__ import annotations

from hypothesis import given

from axon.chain.spends import spends_in
from axon.primitives.block import Block
from axon.primitives.transaction import OutPoint
from tests.strategies import blocks


@given(blocks())
def test_all_that_its_transactions_spend_is_found(block: Block) -> None:
    expected = [
        (point, transaction.txid)
        for transaction in block.transactions
        for point in transaction.prevouts
    ]
    assert spends_in(block, [point for point, _ in expected]) == tuple(expected)
    assert spends_in(block, [OutPoint(b"\x05" * 36)]) == ()
