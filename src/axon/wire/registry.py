"""Which name on the wire stands for which message."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, get_args

from axon.wire.messages import GetData, Headers, Inv, Message, NotFound, Tx, Unknown

_MESSAGES: Final[dict[str, type[Message]]] = {kind.command: kind for kind in get_args(Message)}

COMMANDS: Final = tuple(_MESSAGES)
"""The names of all messages that we speak; whatever a peer can name is counted under these only."""

LongList = Inv | GetData | NotFound
"""Messages that may be so long that they are better handled piece by piece."""

_LISTS: Final[dict[str, type[LongList]]] = {kind.command: kind for kind in get_args(LongList)}

PIECEMEAL: Final = frozenset(_LISTS)
"""Their names."""


_SAID_BY_MANY: Final = frozenset((Inv.command, GetData.command, Headers.command, Tx.command))

SHARED_BYTES: Final = 512
"""A longer message is seldom said twice alike."""

SHARED_MESSAGES: Final = 256
"""The latest that are kept to be used again: 300 kB at most. Each peer announces the same block,
and so many transactions are on their way through a network at a time."""


def decode_message(command: str, payload: bytes) -> Message | Unknown:
    """The message in a frame.

    Args:
        command: the frame's name for it.
        payload: the bytes; some messages keep them.

    Returns:
        `Unknown` for a name that we do not know.

    Raises:
        OverLimit: it lists more than the protocol allows.
        DecodeError: the payload is not what its name says.
    """
    if len(payload) <= SHARED_BYTES and command in _SAID_BY_MANY:
        return _decode_shared(command, payload)
    return _decode(command, payload)


@lru_cache(SHARED_MESSAGES)
def _decode_shared(command: str, payload: bytes) -> Message | Unknown:
    """The message, made once for all peers that say the same."""
    return _decode(command, payload)


def _decode(command: str, payload: bytes) -> Message | Unknown:
    kind = _MESSAGES.get(command)
    return Unknown(command, payload) if kind is None else kind.decode(payload)


def decode_in_pieces(command: str, payload: bytes, size: int) -> Iterator[LongList]:
    """The message in a frame, one of `PIECEMEAL`, as several that mean the same.

    Args:
        command: the frame's name for it.
        payload: the bytes.
        size: items of one of them.

    Raises:
        OverLimit: it lists more than the protocol allows.
        DecodeError: the payload is not what its name says. Both come before the first piece.
    """
    return _LISTS[command].decode_in_pieces(payload, size)
