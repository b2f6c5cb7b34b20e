"""A full mainnet block from bytes to values and back."""

from __future__ import annotations

from statistics import median
from typing import Final

from axon.primitives.block import Block
from axon.primitives.transaction import Transaction, TxIn, TxOut
from bench.data import mainnet_data
from bench.pace import Pace
from bench.table import Row
from bench.timing import timed

LIMIT_MS: Final = 20.0
_ROUNDS: Final = 25
_BLOCK: Final = "831332.bin"


def measure(rounds: int = _ROUNDS) -> Row:
    """The row."""
    raw = (mainnet_data() / "blocks" / _BLOCK).read_bytes()
    block = Block.decode(raw)
    inputs = sum(len(transaction.inputs) for transaction in block.transactions)
    _there_and_back(raw)
    with Pace() as pace:
        found = median([timed(lambda: _there_and_back(raw)) for _ in range(rounds)]) * 1e3
    deep = median([timed(lambda: _field_by_field(raw)) for _ in range(max(1, rounds // 3))]) * 1e3
    return Row(
        "decode and re-encode of a 2 MB mainnet block with all txids",
        f"{found:.1f} ms median",
        pace.limit(LIMIT_MS, "ms"),
        found <= LIMIT_MS * pace.slowness,
        [
            f"Block {_BLOCK.split('.')[0]}: {len(raw):,} bytes, {len(block.transactions):,} "
            f"transactions, {inputs:,} inputs; scanned and checked to its end, every txid hashed, "
            "joined again from header and transactions and compared. Inputs and outputs are read "
            "when asked for: with every field made a value and encoded anew from it "
            f"{deep:.0f} ms.",
        ],
    )


def _there_and_back(raw: bytes) -> None:
    block = Block.decode(raw)
    for transaction in block.transactions:
        assert transaction.txid
    assert Block.build(block.header, block.transactions).raw == raw


def _field_by_field(raw: bytes) -> None:
    block = Block.decode(raw)
    rebuilt = [
        Transaction.build(
            item.version,
            [TxIn(i.prevout, i.script_sig, i.sequence, i.witness) for i in item.inputs],
            [TxOut(o.amount_sat, o.script_pubkey) for o in item.outputs],
            item.locktime,
        )
        for item in block.transactions
    ]
    assert Block.build(block.header, rebuilt).raw == raw
