"""What a node reports: one stream of facts for the log, RPC, metrics, screens and the lab.

Each is a value that says what happened, never what to do about it. Its `category` is the word by
which bitcoind's `-debug=` and the `logging` call name the matter; None is always logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from axon.machine import PeerId
from axon.node.blocktraced import BlockStory
from axon.node.encryptionfacts import DialledWithout, EncryptionFailed, KeySent, KeysMissed
from axon.node.indexfacts import IndexFact
from axon.node.privatefacts import PrivateFact
from axon.node.prunefacts import BlocksPruned
from axon.node.spendfacts import SpendFact
from axon.primitives.hashes import BlockHash, Txid, Wtxid, to_hex


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """The handshake with a peer is complete."""

    category: ClassVar[str | None] = "net"
    peer: PeerId
    address: str
    connection_type: str
    user_agent: str
    version: int
    start_height: int
    transport: str = "v1"

    def __str__(self) -> str:
        return (
            f"New {self.connection_type} peer connected: transport: {self.transport}, "
            f"version: {self.version}, "
            f"blocks={self.start_height}, peer={self.peer}, peeraddr={self.address}, "
            f"agent={self.user_agent!r}"
        )


@dataclass(frozen=True, slots=True)
class PeerDisconnected:
    """A connection ended.

    Args:
        by_us: whether this node disconnected it.
    """

    category: ClassVar[str | None] = "net"
    peer: PeerId
    address: str
    reason: str
    by_us: bool

    def __str__(self) -> str:
        who = "disconnecting" if self.by_us else "lost"
        return f"{who} peer={self.peer}, peeraddr={self.address}: {self.reason or 'closed'}"


@dataclass(frozen=True, slots=True)
class PeerMisbehaved:
    """A peer broke a rule; its address is discouraged."""

    category: ClassVar[str | None] = "net"
    peer: PeerId
    address: str
    rule: str

    def __str__(self) -> str:
        return f"Misbehaving: peer={self.peer}, peeraddr={self.address}: {self.rule}"


@dataclass(frozen=True, slots=True)
class MessageIgnored:
    """A message had no effect: unknown, damaged on the way, or out of place."""

    category: ClassVar[str | None] = "net"
    peer: PeerId
    command: str
    why: str

    def __str__(self) -> str:
        return f"ignored {self.command!r} from peer={self.peer}: {self.why}"


@dataclass(frozen=True, slots=True)
class DialMissed:
    """Nobody answered at an address."""

    category: ClassVar[str | None] = "net"
    address: str
    reason: str

    def __str__(self) -> str:
        return f"connect to {self.address} failed: {self.reason}"


@dataclass(frozen=True, slots=True)
class LookupMissed:
    """Nothing was found under a name."""

    category: ClassVar[str | None] = "net"
    name: str

    def __str__(self) -> str:
        return f"no address was found under the name {self.name}"


@dataclass(frozen=True, slots=True)
class HeadersAdvanced:
    """The best known header moved on."""

    category: ClassVar[str | None] = "validation"
    hash: BlockHash
    height: int

    def __str__(self) -> str:
        return f"New best header: hash={to_hex(self.hash)} height={self.height}"


@dataclass(frozen=True, slots=True)
class BlockConnected:
    """A block joined the active chain."""

    category: ClassVar[str | None] = "validation"
    hash: BlockHash
    height: int
    transactions: int

    def __str__(self) -> str:
        return f"block connected: {to_hex(self.hash)} height={self.height}"


@dataclass(frozen=True, slots=True)
class BlockDisconnected:
    """A block left the active chain."""

    category: ClassVar[str | None] = "validation"
    hash: BlockHash
    height: int
    transactions: int

    def __str__(self) -> str:
        return f"block disconnected: {to_hex(self.hash)} height={self.height}"


@dataclass(frozen=True, slots=True)
class TipChanged:
    """The active chain ends in another block.

    Args:
        progress: which part of the known headers has its block connected, from 0 to 1.
    """

    category: ClassVar[str | None] = None
    hash: BlockHash
    height: int
    time: int
    chainwork: int
    transactions: int
    progress: float
    initial_sync: bool

    def __str__(self) -> str:
        return (
            f"UpdateTip: new best={to_hex(self.hash)} height={self.height} "
            f"log2_work={self.chainwork.bit_length() - 1} tx={self.transactions} "
            f"progress={self.progress:.6f}"
        )


@dataclass(frozen=True, slots=True)
class BlockRejected:
    """A block or header was refused.

    Args:
        peer: who sent it; None if it was submitted here.
    """

    category: ClassVar[str | None] = None
    hash: BlockHash
    reason: str
    peer: PeerId | None

    def __str__(self) -> str:
        source = "submitted here" if self.peer is None else f"from peer={self.peer}"
        return f"ERROR: block {to_hex(self.hash)} {source} refused: {self.reason}"


@dataclass(frozen=True, slots=True)
class InitialSyncEnded:
    """The tip is recent: from now on the node relays transactions and announces blocks."""

    category: ClassVar[str | None] = None
    height: int

    def __str__(self) -> str:
        return f"Leaving InitialBlockDownload (latching to false) at height={self.height}"


@dataclass(frozen=True, slots=True)
class TransactionAccepted:
    """A transaction entered the pool."""

    category: ClassVar[str | None] = "mempool"
    txid: Txid
    wtxid: Wtxid
    fee_sat: int
    vsize: int
    peer: PeerId | None

    def __str__(self) -> str:
        source = "" if self.peer is None else f" from peer={self.peer}"
        return f"accepted {to_hex(self.txid)} (wtxid={to_hex(self.wtxid)}){source}"


@dataclass(frozen=True, slots=True)
class TransactionRejected:
    """A transaction was refused."""

    category: ClassVar[str | None] = "mempoolrej"
    txid: Txid
    wtxid: Wtxid
    reason: str
    peer: PeerId | None

    def __str__(self) -> str:
        source = "submitted here" if self.peer is None else f"from peer={self.peer}"
        return f"{to_hex(self.txid)} (wtxid={to_hex(self.wtxid)}) {source} refused: {self.reason}"


@dataclass(frozen=True, slots=True)
class TransactionRemoved:
    """A transaction left the pool for another reason than a block that holds it.

    Args:
        reason: `expiry`, `sizelimit`, `reorg`, `conflict` or `replaced`.
    """

    category: ClassVar[str | None] = "mempool"
    txid: Txid
    reason: str

    def __str__(self) -> str:
        return f"removed {to_hex(self.txid)}: {self.reason}"


@dataclass(frozen=True, slots=True)
class HeadersComplete:
    """All nodes that a light client has reached have told what headers they have."""

    category: ClassVar[str | None] = "scan"
    height: int

    def __str__(self) -> str:
        return f"all headers of the nodes reached are known, height={self.height}"


@dataclass(frozen=True, slots=True)
class InSync:
    """A light client's wallet has seen all that the nodes it reached have."""

    category: ClassVar[str | None] = "scan"
    height: int
    asked: int
    agree: int

    def __str__(self) -> str:
        return f"in sync, height={self.height}, {self.agree} of {self.asked} nodes agree"


@dataclass(frozen=True, slots=True)
class ScanAdvanced:
    """A light client's wallet has seen all blocks up to a height.

    Args:
        target: the height of the best header.
    """

    category: ClassVar[str | None] = "scan"
    height: int
    target: int

    def __str__(self) -> str:
        return f"scanned up to height={self.height} of {self.target}"


@dataclass(frozen=True, slots=True)
class PaymentFound:
    """A transaction of the wallet is in a block."""

    category: ClassVar[str | None] = "scan"
    txid: Txid
    height: int

    def __str__(self) -> str:
        return f"found {to_hex(self.txid)} at height={self.height}"


@dataclass(frozen=True, slots=True)
class UnconfirmedPaymentFound:
    """An unconfirmed transaction of the wallet came from a peer."""

    category: ClassVar[str | None] = "scan"
    txid: Txid
    peer: PeerId

    def __str__(self) -> str:
        return f"found unconfirmed {to_hex(self.txid)} from peer={self.peer}"


@dataclass(frozen=True, slots=True)
class FilterRefuted:
    """A peer had claimed a filter that is not its block's, and what followed from it is undone."""

    category: ClassVar[str | None] = None
    height: int
    peer: PeerId

    def __str__(self) -> str:
        return f"peer={self.peer} lied about the filter at height={self.height}"


@dataclass(frozen=True, slots=True)
class TransactionSpread:
    """How far a transaction of our own has come.

    Args:
        given: peers that have fetched it from us.
        echoed: peers that announced it to us although we had not offered it to them.
        held: peers that gave it back when they were asked for it.
        refused: peers that have fetched it and do not keep it.
    """

    category: ClassVar[str | None] = "mempool"
    txid: Txid
    given: int
    echoed: int
    held: int = 0
    refused: int = 0

    def __str__(self) -> str:
        return (
            f"{to_hex(self.txid)} was fetched by {self.given}, is kept by {self.held}, not kept by"
            f" {self.refused}, came back from {self.echoed}"
        )


Fact = (
    PeerConnected
    | PeerDisconnected
    | KeySent
    | EncryptionFailed
    | KeysMissed
    | DialledWithout
    | PeerMisbehaved
    | MessageIgnored
    | DialMissed
    | LookupMissed
    | HeadersAdvanced
    | BlockConnected
    | BlockDisconnected
    | TipChanged
    | BlockRejected
    | BlockStory
    | BlocksPruned
    | InitialSyncEnded
    | IndexFact
    | TransactionAccepted
    | TransactionRejected
    | TransactionRemoved
    | HeadersComplete
    | InSync
    | ScanAdvanced
    | PaymentFound
    | UnconfirmedPaymentFound
    | FilterRefuted
    | TransactionSpread
    | PrivateFact
    | SpendFact
)
