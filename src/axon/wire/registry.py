"""Which name on the wire stands for which message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

from axon.wire.messages import Message, Unknown
from axon.wire.messages.inventory import Inventory

_MESSAGES: Final[dict[str, type[Message]]] = {kind.command: kind for kind in get_args(Message)}

COMMANDS: Final = tuple(_MESSAGES)
"""The names of all messages that we speak; whatever a peer can name is counted under these only."""


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


def decode_in_pieces(command: str, payload: bytes, size: int) -> Iterator[Message | Unknown]:
    """The message in a frame; one that is a long list as several, one after the other.

    Args:
        command: the frame's name for it.
        payload: the bytes.
        size: items of one piece of an `inv`, `getdata` or `notfound`.

    Raises:
        OverLimit: it lists more than the protocol allows.
        DecodeError: the payload is not what its name says. Both come before the first piece.
    """
    kind = _MESSAGES.get(command)
    if kind is not None and issubclass(kind, Inventory):
        yield from kind.decode_in_pieces(payload, size)
    else:
        yield decode_message(command, payload)
