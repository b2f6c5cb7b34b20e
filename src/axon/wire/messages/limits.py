"""What all messages with lists have in common: how a count from a peer is read."""

from __future__ import annotations

from axon.errors import DecodeError
from axon.primitives.encoding import Reader


class OverLimit(DecodeError):
    """A message holds more items than the protocol allows.

    Bitcoin Core drops a message that it cannot read and keeps the connection; for this one it ends
    the connection, because no honest program sends it. Both are `DecodeError`s, so whoever wants
    to treat them alike can.
    """


def read_count(reader: Reader, limit: int, item_size: int, items: str) -> int:
    """The count before a list.

    Args:
        reader: stands at the count.
        limit: how many the protocol allows.
        item_size: the least bytes that one item takes; a count that the remaining bytes cannot
            hold is refused before anything is built from it.
        items: what is counted, for the error.

    Raises:
        OverLimit: more than `limit`.
        DecodeError: it is cut short, or more than the remaining bytes can hold.
    """
    start = reader.offset
    count = reader.compact_size()
    if count > limit:
        raise OverLimit(f"at most {limit} {items}, not {count}", start)
    if count * item_size > reader.remaining:
        raise DecodeError(f"{count} {items}", reader.offset)
    return count
