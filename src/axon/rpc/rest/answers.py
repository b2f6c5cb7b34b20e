"""What goes back to who asks over REST: bytes, their hex, or JSON; or why there is nothing."""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from axon.errors import AxonError
from axon.rpc.amounts import Json

BAD_REQUEST: Final = 400
NOT_FOUND: Final = 404

CHUNK_BYTES: Final = 256 * 1024
"""Long bytes go out in chunks of this size."""


class RestRefusal(AxonError):
    """A question has no answer.

    Args:
        status: of HTTP.
        text: what is wrong, in Bitcoin Core's words.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def refuse_format(available: str = ".bin, .hex, .json") -> RestRefusal:
    """The path ends in no format that this question can be answered in."""
    return RestRefusal(NOT_FOUND, f"output format not found (available: {available})")


@dataclass(frozen=True, slots=True)
class Octets:
    """An answer as bytes.

    Args:
        data: which, or what puts them together, off the event loop.
        in_hex: whether their hex is wanted, with a line break behind it.
    """

    data: bytes | Callable[[], bytes]
    in_hex: bool

    def chunks(self) -> list[bytes]:
        """The body; slow if it is long."""
        data = self.data if isinstance(self.data, bytes) else self.data()
        pieces = (data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES))
        if not self.in_hex:
            return list(pieces)
        return [*map(hexlify, pieces), b"\n"]


@dataclass(frozen=True, slots=True)
class TextLine:
    """An answer as a line of text."""

    text: str


@dataclass(frozen=True, slots=True)
class Value:
    """An answer in JSON, in which long lists may be lazy."""

    value: Json


RestAnswer = Octets | TextLine | Value


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer as HTTP has it.

    Args:
        status: of HTTP.
        content_type: of the body.
        chunks: the body.
    """

    status: int
    content_type: str
    chunks: tuple[bytes, ...]

    @property
    def size_bytes(self) -> int:
        """Of the body."""
        return sum(map(len, self.chunks))
