"""What all messages with lists have in common: how a count from a peer is read."""

from __future__ import annotations

from axon.errors import DecodeError
from axon.primitives.encoding import Reader


class OverLimit(DecodeError):
    """A message holds more items than is allowed.

    Bitcoin Core drops a message that it cannot read and keeps the connection; for this one it ends
    the connection, because no honest program sends it. Both are `DecodeError`s, so whoever wants
    to treat them alike can.

    Args:
        rule: the source of the limit and the limit, as in "BIP 157: at most 2000 filter hashes".
        count: what came instead.
        offset: where the count stands, in bytes from the start of the payload.
    """

    def __init__(self, rule: str, count: int, offset: int) -> None:
        super().__init__(f"{rule.partition(': ')[2]}, not {count}", offset)
        self.rule = f"{rule}, not {count}"


class Malformed(DecodeError):
    """A message that must be readable is not: the connection ends, and nobody is to blame."""


def read_count(reader: Reader, limit: int, item_size: int, items: str, *, source: str) -> int:
    """The count before a list.

    Args:
        reader: stands at the count.
        limit: how many are allowed.
        item_size: the least bytes that one item takes; a count that the remaining bytes cannot
            hold is refused before anything is built from it.
        items: what is counted, for the error.
        source: who says that there are no more: "BIP n", "Bitcoin Core", or "axon" for ourselves.

    Raises:
        OverLimit: more than `limit`.
        DecodeError: it is cut short, or more than the remaining bytes can hold.
    """
    start = reader.offset
    count = reader.compact_size()
    if count > limit:
        raise OverLimit(f"{source}: at most {limit} {items}", count, start)
    if count * item_size > reader.remaining:
        raise DecodeError(f"{count} {items}", reader.offset)
    return count
