"""Facts of private broadcasts; a part of `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from axon.machine import PeerId
from axon.primitives.hashes import Txid, Wtxid, to_hex


@dataclass(frozen=True, slots=True)
class PrivatelySent:
    """A peer has confirmed that it has a transaction of our own, and does not know whose it is."""

    category: ClassVar[str | None] = "privatebroadcast"
    txid: Txid
    peer: PeerId

    def __str__(self) -> str:
        return (
            f"Got a PONG, the peer has the transaction: txid={to_hex(self.txid)}, peer={self.peer}"
        )


@dataclass(frozen=True, slots=True)
class PrivatelyReturned:
    """A transaction that was brought out privately came to us from the network."""

    category: ClassVar[str | None] = "privatebroadcast"
    txid: Txid
    peer: PeerId

    def __str__(self) -> str:
        return (
            f"Received our privately broadcast transaction (txid={to_hex(self.txid)}) from the "
            f"network from peer={self.peer}"
        )


@dataclass(frozen=True, slots=True)
class PrivatelyRepeated:
    """A transaction did not come back, and goes to one peer more."""

    category: ClassVar[str | None] = "privatebroadcast"
    txid: Txid
    wtxid: Wtxid

    def __str__(self) -> str:
        names = f"txid={to_hex(self.txid)} wtxid={to_hex(self.wtxid)}"
        return f"Reattempting broadcast of stale {names}"


@dataclass(frozen=True, slots=True)
class PrivatelyEnded:
    """A transaction is brought out privately no longer, though it did not come back."""

    category: ClassVar[str | None] = "privatebroadcast"
    txid: Txid
    wtxid: Wtxid
    reason: str

    def __str__(self) -> str:
        names = f"txid={to_hex(self.txid)} wtxid={to_hex(self.wtxid)}"
        return f"Giving up broadcast attempts for {names}: {self.reason}"


PrivateFact = PrivatelySent | PrivatelyReturned | PrivatelyRepeated | PrivatelyEnded
