"""Facts of private broadcasts; a part of `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from axon.machine import PeerId
from axon.primitives.hashes import Txid, to_hex


@dataclass(frozen=True, slots=True)
class PrivatelySent:
    """A peer has confirmed that it has a transaction of our own, and does not know whose it is."""

    category: ClassVar[str | None] = "privatebroadcast"
    txid: Txid
    peer: PeerId

    def __str__(self) -> str:
        return f"Got a pong for {to_hex(self.txid)} from peer={self.peer}: it has the transaction"


@dataclass(frozen=True, slots=True)
class PrivatelyEnded:
    """A transaction is brought out privately no longer."""

    category: ClassVar[str | None] = "privatebroadcast"
    txid: Txid
    reason: str

    def __str__(self) -> str:
        return f"Private broadcast of {to_hex(self.txid)} ends: {self.reason}"
