"""Transactions in the form of before BIP 144, without witnesses; they may have no inputs.

Elsewhere a transaction without inputs does not exist: its bytes begin as those of one with
witnesses do. Those who draft transactions hand them around all the same.
"""

from __future__ import annotations

from axon.errors import DecodeError
from axon.primitives.encoding import Reader
from axon.primitives.transaction import Transaction, TxOut


def decode_plain(raw: bytes) -> Transaction:
    """A transaction from exactly these bytes, read without witnesses.

    Raises:
        DecodeError: they are none.
    """
    transaction, end = scan_plain(raw, 0)
    if end != len(raw):
        raise DecodeError("the end of the transaction", end)
    return transaction


def scan_plain(data: bytes, offset: int) -> tuple[Transaction, int]:
    """The transaction that begins at `offset`, read without witnesses, and the offset behind it.

    Raises:
        DecodeError: it is cut short, or a compact size is not the shortest.
    """
    reader = Reader(data, offset)
    version = reader.u32()
    inputs = reader.compact_size()
    for _ in range(inputs):
        reader.take(36)
        reader.var_bytes()
        reader.take(4)
    outputs = [TxOut(reader.i64(), reader.var_bytes()) for _ in range(reader.compact_size())]
    locktime = reader.u32()
    if inputs:
        return Transaction(data[offset : reader.offset], 0), reader.offset
    return Transaction.build(version, (), outputs, locktime), reader.offset
