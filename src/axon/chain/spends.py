"""What of a block spends given coins."""

from __future__ import annotations

from collections.abc import Collection

from axon.chain.parts import spends_and_makes
from axon.primitives.block import Block
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint


def spends_in(block: Block, outpoints: Collection[OutPoint]) -> tuple[tuple[OutPoint, Txid], ...]:
    """Which of these coins a block spends, and by which of its transactions, in block order.

    Args:
        block: checked against its header.
        outpoints: 36 bytes each.
    """
    wanted = frozenset[bytes](outpoints)  # Only asked, never walked.
    return tuple(
        [
            (OutPoint(prevout), transaction.txid)
            for transaction in block.transactions
            for prevout in spends_and_makes(transaction)[0]
            if prevout in wanted
        ]
    )
