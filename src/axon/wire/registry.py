"""Which name on the wire stands for which message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

from axon.wire.messages import GetData, Inv, Message, NotFound, Unknown

_MESSAGES: Final[dict[str, type[Message]]] = {kind.command: kind for kind in get_args(Message)}

COMMANDS: Final = tuple(_MESSAGES)
"""The names of all messages that we speak; whatever a peer can name is counted under these only."""

LongList = Inv | GetData | NotFound
"""Messages that may be so long that they are better handled piece by piece."""

_LISTS: Final[dict[str, type[LongList]]] = {kind.command: kind for kind in get_args(LongList)}

PIECEMEAL: Final = frozenset(_LISTS)
"""Their names."""


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
