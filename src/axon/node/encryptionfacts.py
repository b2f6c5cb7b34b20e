"""Facts about the encrypted transport, worded as in Bitcoin Core's log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from axon.machine import PeerId


@dataclass(frozen=True, slots=True)
class KeySent:
    """A peer was sent our key: the agreement of the encrypted transport has begun (BIP 324)."""

    category: ClassVar[str | None] = "net"
    peer: PeerId

    def __str__(self) -> str:
        return f"start sending v2 handshake to peer={self.peer}"


@dataclass(frozen=True, slots=True)
class EncryptionFailed:
    """A peer does not speak the encrypted transport, or somebody has changed what it said.

    Args:
        said: what was wrong, as Bitcoin Core words it.
    """

    category: ClassVar[str | None] = "net"
    peer: PeerId
    said: str

    def __str__(self) -> str:
        return f"V2 transport error: {self.said}, peer={self.peer}"


@dataclass(frozen=True, slots=True)
class KeysMissed:
    """A peer has begun with something, and no keys were agreed on in time."""

    category: ClassVar[str | None] = "net"
    peer: PeerId

    def __str__(self) -> str:
        return f"V2 handshake timeout, disconnecting peer={self.peer}"


@dataclass(frozen=True, slots=True)
class DialledWithout:
    """A peer did not answer our key at all: it is dialled again without encryption."""

    category: ClassVar[str | None] = "net"
    peer: PeerId

    def __str__(self) -> str:
        return f"retrying with v1 transport protocol for peer={self.peer}"
