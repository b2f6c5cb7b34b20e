"""What a transport does: it cuts a connection's bytes into frames, and makes bytes of messages.

A transport knows one connection and nothing of what the messages mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from axon.errors import DecodeError

MAX_PAYLOAD_SIZE: Final = 4_000_000
"""Longest payload in bytes, Core's MAX_PROTOCOL_MESSAGE_LENGTH: the heaviest block fits.

With it one connection holds at most one payload and its header before anybody has judged a byte.
"""

MAX_COMMAND_SIZE: Final = 12
"""Longest name of a message, in bytes."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it came: its name and its bytes.

    Args:
        command: up to 12 printable ASCII characters; may be one that nobody knows.
        payload: the message's bytes.
        size_bytes: what it took on the wire, all overhead included.
    """

    command: str
    payload: bytes = field(repr=False)
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A message that was damaged, and is to be ignored; the connection goes on.

    Args:
        reason: what was wrong, for the log.
        size_bytes: what it took on the wire, all overhead included.
    """

    reason: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class NoMessage:
    """A packet that means nothing to anybody: a decoy, or what only the transport reads.

    Args:
        size_bytes: what it took on the wire, all overhead included.
    """

    size_bytes: int


class EncryptionError(DecodeError):
    """The peer does not speak the encrypted transport; the connection is of no more use.

    Args:
        said: what Bitcoin Core says of it in its log.
        expected, offset: as in `DecodeError`.
    """

    def __init__(self, said: str, expected: str, offset: int | None = None) -> None:
        super().__init__(expected, offset)
        self.said = said


class Transport(Protocol):
    """One side of one connection's framing."""

    @property
    def name(self) -> str:
        """As `getpeerinfo` tells it: "v1", "v2", or "detecting" while that is open."""
        ...

    @property
    def session_id(self) -> bytes:
        """By what two people can tell that nobody sits between them (BIP 324); empty if none."""
        ...

    @property
    def settled(self) -> Transport:
        """What to use from now on: itself, unless it has found out that the peer speaks another.

        Asked after each `next_frame` that gave nothing.
        """
        ...

    @property
    def held_bytes(self) -> int:
        """How many bytes wait to be cut."""
        ...

    @property
    def has_next(self) -> bool:
        """Whether `next_frame` has something to do: it gives a frame, goes on with one, or raises.

        False while too few bytes are there.
        """
        ...

    @property
    def next_bytes(self) -> int:
        """How much the next frame takes on the wire, roughly and as it says itself; 0 if it does
        not say so yet."""
        ...

    def put(self, data: bytes) -> None:
        """Take in bytes, cut anywhere; `held_bytes` grows by so many."""
        ...

    def next_frame(self) -> Frame | Corrupt | NoMessage | None:
        """The next frame, in order; None if its end has not come yet.

        Where None comes of bytes that there were, `take_output` may have something.

        Raises:
            DecodeError: the peer does not speak this transport; the connection is of no more use.
        """
        ...

    def received(self, data: bytes) -> Sequence[Frame | Corrupt | NoMessage]:
        """Take in bytes, cut anywhere; what they completed, in order.

        Raises:
            DecodeError: as `next_frame`.
        """
        ...

    @property
    def can_send(self) -> bool:
        """Whether messages can be encoded; if not, they wait."""
        ...

    def take_output(self) -> bytes:
        """What the transport itself has to say, to be sent before any message; usually nothing."""
        ...

    def encode(self, command: str, payload: bytes) -> bytes:
        """The bytes that carry a message to the other side; sent in the order of the calls."""
        ...
