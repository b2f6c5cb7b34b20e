"""Facts about coins and payments of others that a payee looks at; a part of `facts`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.transaction import OutPoint, Transaction, outpoint_index, outpoint_txid


@dataclass(frozen=True, slots=True)
class SpendsSearched:
    """How far a search for what spends coins has come.

    Args:
        outpoint: the first of the coins.
        height: up to which none of them is spent.
        target: height of the best header.
    """

    category: ClassVar[str | None] = "scan"
    outpoint: OutPoint
    height: int
    target: int

    def __str__(self) -> str:
        coin = f"{to_hex(outpoint_txid(self.outpoint))}:{outpoint_index(self.outpoint)}"
        return f"nothing spends {coin} up to height={self.height} of {self.target}"


@dataclass(frozen=True, slots=True)
class ConflictSeen:
    """A peer showed a transaction that spends what a watched payment, or its ancestor, spends.

    It need not be valid: whoever has the coins that it spends can tell.

    Args:
        txid: of the payment.
        rival: txid of the other.
        peers: how many hosts have announced or sent it.
        transaction: the other; None if it was seen before the payment was watched.
    """

    category: ClassVar[str | None] = None
    txid: Txid
    rival: Txid
    peers: int
    transaction: Transaction | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{to_hex(self.rival)} of {self.peers} peers goes against {to_hex(self.txid)}"


@dataclass(frozen=True, slots=True)
class Echoed:
    """Peers show a watched payment.

    Args:
        txid: of the payment.
        peers: how many hosts have announced or sent it.
    """

    category: ClassVar[str | None] = "mempool"
    txid: Txid
    peers: int

    def __str__(self) -> str:
        return f"{to_hex(self.txid)} is shown by {self.peers} peers"


@dataclass(frozen=True, slots=True)
class WatchedMined:
    """A block holds a watched payment, or what rules it out.

    Args:
        txid: of the payment.
        by: the same; or the transaction that spends a coin of it, or of an ancestor, in its place.
        height: of the block.
        block_hash: its hash.
    """

    category: ClassVar[str | None] = None
    txid: Txid
    by: Txid
    height: int
    block_hash: BlockHash

    def __str__(self) -> str:
        if self.by == self.txid:
            return f"{to_hex(self.txid)} is in the block at height={self.height}"
        ruled_out = f"{to_hex(self.txid)} is ruled out by {to_hex(self.by)}"
        return f"{ruled_out} in the block at height={self.height}"


@dataclass(frozen=True, slots=True)
class WatchedUnmined:
    """The block of a `WatchedMined` has left the best chain."""

    category: ClassVar[str | None] = None
    txid: Txid
    by: Txid

    def __str__(self) -> str:
        return f"{to_hex(self.by)}, of which {to_hex(self.txid)} depends, is in no block any more"


SpendFact = SpendsSearched | ConflictSeen | Echoed | WatchedMined | WatchedUnmined
