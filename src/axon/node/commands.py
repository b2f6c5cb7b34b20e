"""What the operator can ask of a running node: the values behind RPC calls that change something.

Each is answered by one `machine.Answer`; its description says with what. Questions need no command:
callers on the node's own thread read its parts.
"""

from __future__ import annotations

from dataclasses import dataclass

from axon.chain.orders import ChainOrder
from axon.machine import Endpoint, PeerId
from axon.mempool.persist import Dump
from axon.node.partners import PartnerCommand
from axon.node.spends import FindSpends, StopFinding, StopWatching, WatchPayment
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.redial import Target
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.header import Header
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.primitives.transaction import Transaction
from axon.wire.messages import Unknown


@dataclass(frozen=True, slots=True)
class SubmitBlock:
    """Judge a block as if a peer had sent it: `Submitted`."""

    block: Block


@dataclass(frozen=True, slots=True)
class SubmitHeader:
    """Take in a header: a `Verdict`."""

    header: Header


@dataclass(frozen=True, slots=True)
class OrderBlock:
    """Change the active chain by order: a `Verdict`, once everything has followed.

    Args:
        order: what is wanted.
        block_hash: its header is known.
    """

    order: ChainOrder
    block_hash: BlockHash


@dataclass(frozen=True, slots=True)
class FetchBlock:
    """Ask one peer for a block: why that cannot be, in Bitcoin Core's words; None if it was asked.

    Args:
        block_hash: its header is known, the block is not held.
        peer: who is asked.
    """

    block_hash: BlockHash
    peer: PeerId


@dataclass(frozen=True, slots=True)
class PruneChain:
    """Take blocks up to a height off the disk: the height below which they are gone, 0 for none."""

    up_to: int


@dataclass(frozen=True, slots=True)
class SendTransaction:
    """Put a transaction into the pool and announce it: `Admitted` or `Rejected`."""

    transaction: Transaction


@dataclass(frozen=True, slots=True)
class SendPrivately:
    """Bring a transaction out by a private broadcast: whether it is new there."""

    transaction: Transaction


@dataclass(frozen=True, slots=True)
class AbortPrivately:
    """End the private broadcast of a transaction: those that were ended.

    Args:
        name: a txid or wtxid, 32 bytes, internal order.
    """

    name: bytes


@dataclass(frozen=True, slots=True)
class SubmitPackage:
    """Put transactions into the pool together: a `mempool.packageacceptance.PackageResult`.

    Args:
        transactions: parents first.
        test_only: nothing enters the pool, it is only said what would.
        max_feerate_sat_kvb: what pays more is refused; None for no such bound.
    """

    transactions: tuple[Transaction, ...]
    test_only: bool = False
    max_feerate_sat_kvb: int | None = None


@dataclass(frozen=True, slots=True)
class Prioritise:
    """Count a transaction's fee as so much more when blocks are made: None."""

    txid: Txid
    delta_sat: int


@dataclass(frozen=True, slots=True)
class AddNode:
    """Stay connected to a peer: whether it is new."""

    target: Target


@dataclass(frozen=True, slots=True)
class RemoveNode:
    """Stay connected to it no longer: whether it was known."""

    name: str


@dataclass(frozen=True, slots=True)
class DialOnce:
    """Open one connection: whether it is being dialled now."""

    endpoint: Endpoint
    kind: ConnectionType = ConnectionType.MANUAL
    v2: bool = False


@dataclass(frozen=True, slots=True)
class DisconnectNode:
    """End a connection: whether it was there."""

    peer: PeerId


@dataclass(frozen=True, slots=True)
class SetNetworkActive:
    """Switch all connections off, or allow them again: the new state."""

    active: bool


@dataclass(frozen=True, slots=True)
class ReachNetwork:
    """There is a way to one more network, which is dialled from now on: None."""

    network: AddressNetwork


@dataclass(frozen=True, slots=True)
class TellOwnAddress:
    """We have one more address, or have it no more: None.

    Args:
        address: which.
        ours: whether it is ours.
    """

    address: NetAddress
    ours: bool = True


@dataclass(frozen=True, slots=True)
class PingAll:
    """Ping every peer now: None."""


@dataclass(frozen=True, slots=True)
class SendAsItStands:
    """Send a peer a message as it stands, whatever it says: whether there is such a peer."""

    peer: PeerId
    message: Unknown


@dataclass(frozen=True, slots=True)
class RestorePool:
    """Take in the transactions of an earlier run: how many are in the pool then."""

    dump: Dump


@dataclass(frozen=True, slots=True)
class RecentFeerates:
    """Have a light client read the last blocks for what they charged.

    The answer is a `Feerates`, or None if too many ask at a time.
    """

    blocks: int


@dataclass(frozen=True, slots=True)
class Feerates:
    """What the network asks for, in sat per 1,000 vbytes.

    Args:
        blocks: the averages of the last blocks, the oldest first.
        floor_sat_kvb: what most peers ask for at least, by their `feefilter`.
    """

    blocks: tuple[int, ...]
    floor_sat_kvb: int


@dataclass(frozen=True, slots=True)
class Rescan:
    """Have a light client's wallet look at all blocks from a height on once more: None."""

    height: int


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a submitted block.

    Args:
        reason: why it is refused; None if it is not.
        known: it had been validated before; `reason` then says how.
    """

    reason: str | None
    known: bool = False


Command = (
    SubmitBlock
    | SubmitHeader
    | OrderBlock
    | FetchBlock
    | PruneChain
    | SendTransaction
    | SendPrivately
    | AbortPrivately
    | SubmitPackage
    | Prioritise
    | AddNode
    | RemoveNode
    | DialOnce
    | DisconnectNode
    | SetNetworkActive
    | ReachNetwork
    | TellOwnAddress
    | PingAll
    | SendAsItStands
    | RestorePool
    | Rescan
    | RecentFeerates
    | FindSpends
    | StopFinding
    | WatchPayment
    | StopWatching
    | PartnerCommand
)
