"""What a peer's messages cost us on the loop, roughly, in nanoseconds.

A machine has no clock to measure itself with, and must not have one: the same events give the same
effects. So the costs are figures, taken from a profile of a machine with slow cores. They need to
be right within a factor of a few: they decide who has the next turn and how long a turn is.
"""

from __future__ import annotations

from typing import Final

MESSAGE_NS: Final = 20_000
"""Of any message, in either direction: to cut, decode and route it, or to encode it."""

CUT_BYTE_NS: Final = 4
"""Of each byte of a frame, whatever is in it: put together and hashed or opened."""

KEYS_NS: Final = 300_000
"""Of each half of a key agreement (BIP 324): to make our key, and to use theirs."""

RECEIVED_BYTE_NS: Final = 200
"""Of each byte of a message, where nothing else is said: some microseconds for each item of its."""

LONG_BYTES: Final = 30_000
"""Of a longer message only a part is handled in one turn."""

SENT_BYTE_NS: Final = 8
"""Of each byte sent, where nothing else is said: hashed for its checksum, copied once or twice."""

NAMED_BLOCK_NS: Final = 100
"""Of each block that is looked up for a request which names a range of them."""

DECODED_BLOCK_NS: Final = 20_000_000
"""Of an old block taken apart for a peer: off the loop, which gets less time meanwhile."""

_FURTHER_NS: Final = {
    "tx": 150_000,
    "headers": 100_000,
    "block": 500_000,
    "cmpctblock": 500_000,
    "blocktxn": 500_000,
}
"""Of messages after which there is more to do on the loop, when slow work for them is done."""

_RECEIVED_BYTE_NS: Final = {
    "block": 1,  # Handed on; all else is done off the loop.
    "cmpctblock": 60,  # Six bytes name a transaction, which is looked up, and asked for if missing.
    "blocktxn": 1,
    "cfilter": 1,
    "filterload": 5,  # Kept as it is.
    "cfheaders": 30,
    "headers": 150,
    "addrv2": 300,
}
_SENT_BYTE_NS: Final = {"inv": 100, "notfound": 50, "headers": 30, "addr": 100, "addrv2": 200}


def expected_ns(size_bytes: int) -> int:
    """What the next frame may cost in one turn, by its size alone."""
    return size_bytes * CUT_BYTE_NS + min(size_bytes, LONG_BYTES) * RECEIVED_BYTE_NS


def received_ns(command: str, size_bytes: int) -> int:
    """What a message costs, or a piece of one.

    Args:
        command: its name.
        size_bytes: on the wire.
    """
    fixed_ns = MESSAGE_NS + _FURTHER_NS.get(command, 0)
    return fixed_ns + size_bytes * _RECEIVED_BYTE_NS.get(command, RECEIVED_BYTE_NS)


def sent_ns(command: str, size_bytes: int) -> int:
    """What a message costs that we send.

    Args:
        command: its name.
        size_bytes: on the wire.
    """
    return MESSAGE_NS + size_bytes * _SENT_BYTE_NS.get(command, SENT_BYTE_NS)
