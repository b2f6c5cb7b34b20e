"""What transactions spend and make, cut from their bytes without a value for each part.

Connecting a block needs neither signatures nor witnesses; leaving them alone makes this three times
as fast as reading the inputs and outputs of a `Transaction`. `BlockParts.read` goes over the bytes
of a whole block once, and is all that coins and filters need of it.
"""

from __future__ import annotations

from hashlib import sha256

from axon.primitives.block import Block
from axon.primitives.encoding import read_compact_size
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.transaction import Transaction

TxParts = tuple[bytes, list[bytes], list[tuple[bytes, bytes]]]
"""A txid; the outpoints that the transaction spends, 36 bytes each; for each output that it makes
its amount (8 bytes, little-endian) and its script."""


class BlockParts:
    """What the transactions of a block spend and make.

    Args:
        header: the block's.
        transactions: in the block's order.
    """

    __slots__ = ("header", "transactions")

    def __init__(self, header: Header, transactions: list[TxParts]) -> None:
        self.header = header
        self.transactions = transactions

    @classmethod
    def of(cls, block: Block) -> BlockParts:
        """Those of a block that has been decoded."""
        parts: list[TxParts] = [(item.txid, *spends_and_makes(item)) for item in block.transactions]
        return cls(block.header, parts)

    @classmethod
    def read(cls, raw: bytes) -> BlockParts:
        """Those of a block from its bytes, which have been found valid before."""
        return cls(Header(raw[:HEADER_SIZE]), _cut(raw))


def spends_and_makes(transaction: Transaction) -> tuple[list[bytes], list[tuple[bytes, bytes]]]:
    """The outpoints that a transaction spends and the outputs that it makes, in their orders.

    Returns:
        Outpoints of 36 bytes; and for each output its amount (8 bytes, little-endian) and its
        script.
    """
    raw = transaction.raw
    offset = 6 if raw[4] == 0 else 4  # Marker and flag come before the inputs (BIP 144).
    prevouts: list[bytes] = []
    count, offset = read_compact_size(raw, offset)
    for _ in range(count):
        end = offset + 36
        prevouts.append(raw[offset:end])
        size = raw[end]
        if size < 0xFD:
            offset = end + size + 5
        else:
            size, end = read_compact_size(raw, end)
            offset = end + size + 4
    return prevouts, _outputs(raw, offset)[0]


def _cut(raw: bytes) -> list[TxParts]:
    """The transactions of a valid block. Sizes of one byte, nearly all there are, are read in
    place."""
    count, start = read_compact_size(raw, HEADER_SIZE)
    found: list[TxParts] = []
    for _ in range(count):
        offset = start + 4
        witness = raw[offset] == 0  # Marker and flag come before the inputs (BIP 144).
        if witness:
            offset += 2
        body = offset
        inputs = raw[offset]
        offset += 1
        if inputs >= 0xFD:
            inputs, offset = read_compact_size(raw, offset - 1)
        prevouts: list[bytes] = []
        for _ in range(inputs):
            end = offset + 36
            prevouts.append(raw[offset:end])
            size = raw[end]
            if size < 0xFD:
                offset = end + size + 5
            else:
                size, end = read_compact_size(raw, end)
                offset = end + size + 4
        outputs, offset = _outputs(raw, offset)
        body_end = offset
        if witness:
            offset = _behind_witness(raw, offset, inputs)
        end = offset + 4
        if witness:
            stripped = raw[start : start + 4] + raw[body:body_end] + raw[offset:end]
        else:
            stripped = raw[start:end]
        found.append((sha256(sha256(stripped).digest()).digest(), prevouts, outputs))
        start = end
    return found


def _outputs(raw: bytes, offset: int) -> tuple[list[tuple[bytes, bytes]], int]:
    """The outputs whose count stands at an offset, and the offset behind them."""
    count = raw[offset]
    offset += 1
    if count >= 0xFD:
        count, offset = read_compact_size(raw, offset - 1)
    outputs: list[tuple[bytes, bytes]] = []
    for _ in range(count):
        start = offset + 8
        size = raw[start]
        if size < 0xFD:
            start += 1
        else:
            size, start = read_compact_size(raw, start)
        end = start + size
        outputs.append((raw[offset : offset + 8], raw[start:end]))
        offset = end
    return outputs, offset


def _behind_witness(raw: bytes, offset: int, inputs: int) -> int:
    """The offset behind the stacks of so many inputs."""
    for _ in range(inputs):
        items = raw[offset]
        offset += 1
        if items >= 0xFD:
            items, offset = read_compact_size(raw, offset - 1)
        for _ in range(items):
            size = raw[offset]
            if size < 0xFD:
                offset += size + 1
            else:
                size, offset = read_compact_size(raw, offset)
                offset += size
    return offset
