"""Messages that show a peer is alive and how far away: ping and pong (BIP 31)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Final, Self

from axon.primitives.encoding import Reader

_U64: Final = Struct("<Q")


@dataclass(frozen=True, slots=True)
class Ping:
    """`ping`: asks for a pong with the same nonce.

    Args:
        nonce: 64 bits; None in the form older than BIP 31, which has no payload and asks for
            no answer.
    """

    command: ClassVar[str] = "ping"

    nonce: int | None

    def encode(self) -> bytes:
        """The payload: 8 bytes, or none."""
        return b"" if self.nonce is None else _U64.pack(self.nonce)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A ping from a payload.

        Raises:
            DecodeError: it has from 1 to 7 bytes.
        """
        return cls(Reader(payload).u64() if payload else None)


@dataclass(frozen=True, slots=True)
class Pong:
    """`pong`: answers a ping.

    Args:
        nonce: the ping's; None if the payload was too short for one, a fault of some programs that
            is told apart from a wrong nonce.
    """

    command: ClassVar[str] = "pong"

    nonce: int | None

    def encode(self) -> bytes:
        """The payload: 8 bytes, or none."""
        return b"" if self.nonce is None else _U64.pack(self.nonce)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A pong from a payload; never fails."""
        return cls(Reader(payload).u64() if len(payload) >= _U64.size else None)
