"""Which name on the wire stands for which message."""

from __future__ import annotations

from typing import Final, get_args

from axon.wire.messages import Message, Unknown

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
