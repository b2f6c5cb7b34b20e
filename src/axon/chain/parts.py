"""What a transaction spends and makes, cut from its bytes without a value for each part.

Connecting a block needs neither signatures nor witnesses; leaving them alone makes this three times
as fast as reading the inputs and outputs of a `Transaction`.
"""

from __future__ import annotations

from axon.primitives.encoding import read_compact_size
from axon.primitives.transaction import Transaction


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
    outputs: list[tuple[bytes, bytes]] = []
    count, offset = read_compact_size(raw, offset)
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
    return prevouts, outputs
