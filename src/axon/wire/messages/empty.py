"""What all messages without a payload have in common."""

from __future__ import annotations

from typing import Self


class EmptyMessage:
    """A message whose name says everything. Payload bytes are ignored, as Bitcoin Core does."""

    __slots__ = ()

    def encode(self) -> bytes:
        """The payload: no bytes."""
        return b""

    @classmethod
    def decode(cls, _payload: bytes) -> Self:
        """Always succeeds."""
        return cls()
