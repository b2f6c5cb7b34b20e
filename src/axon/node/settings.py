"""What the operator decided about a node, beyond its connections and its pool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from axon.machine import SECOND, Endpoint, Instant
from axon.mining.template import DEFAULT_LIMITS, BlockLimits
from axon.p2p.banlist import DEFAULT_BAN_S
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.extratransactions import DEFAULT_EXTRA_TRANSACTIONS
from axon.p2p.handshake import HANDSHAKE_TIMEOUT
from axon.p2p.staletips import FEATURE
from axon.p2p.txbacklog import SEND_RATE
from axon.primitives.netaddress import NetAddress
from axon.primitives.network import Network
from axon.wire.messages import Feature, Services

MAX_TIP_AGE_S: Final = 24 * 3600
"""A tip older than a day means initial sync (`-maxtipage`)."""

NO_PERMISSIONS: Final[frozenset[str]] = frozenset()


def _nobody(_remote: Endpoint, _local: Endpoint, _inbound: bool) -> frozenset[str]:
    return NO_PERMISSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """What every node has to know about its connections.

    Args:
        network: whose chain.
        connections: whom to dial and how many to let in.
        user_agent: `/Name:version(comment)/` (BIP 14).
        listen_port: told to peers; None if we do not listen.
        own_addresses: ours, as the operator names them, told to peers.
        interface_addresses: this machine's own, told to peers as well.
        discover: peers are believed who say how they see us.
        onion_binds: who arrives there came through Tor.
        private_broadcast: own transactions are brought out by private broadcasts alone.
        blocks_only: peers are to send no transactions (`-blocksonly`).
        minimum_chainwork: of the network's chain at least (`-minimumchainwork`).
        peer_timeout: for the handshake (`-peertimeout`).
        permissions: what the operator allows a connection (`-whitelist`, `-whitebind`), by Core's
            names, from the two ends and whether it is inbound.
    """

    network: Network
    connections: ConnectionsConfig
    user_agent: str = "/axon/"
    listen_port: int | None = None
    own_addresses: tuple[NetAddress, ...] = ()
    interface_addresses: tuple[NetAddress, ...] = ()
    discover: bool = True
    onion_binds: frozenset[Endpoint] = frozenset()
    private_broadcast: bool = False
    blocks_only: bool = False
    minimum_chainwork: int = 0
    peer_timeout: Instant = HANDSHAKE_TIMEOUT
    permissions: Callable[[Endpoint, Endpoint, bool], frozenset[str]] = field(
        default=_nobody, repr=False
    )

    @property
    def services(self) -> int:
        """What we offer, told in the version message: no ledger, perhaps encryption."""
        return int(Services.P2P_V2) if self.connections.v2 else 0

    @property
    def features(self) -> tuple[Feature, ...]:
        """Additions to the protocol that we know (BIP 434)."""
        return ()

    def services_for(self, permissions: frozenset[str]) -> int:  # noqa: ARG002
        """What we offer to a peer with these permissions: to everyone the same."""
        return self.services


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings(LinkSettings):
    """The settings of one full node.

    Args:
        serve_filters: answer requests for filters (`-peerblockfilters`).
        serve_bloom: let peers set bloom filters (`-peerbloomfilters`, BIP 37).
        announce_pool: tell peers who come of what waits in the pool (`-announcepool`).
        tx_send_rate: transactions a second announced to inbound peers (`-txsendrate`).
        prune_target_bytes: old blocks are taken off the disk to stay below it, 0 for: when the
            operator asks (`-prune`); None for never.
        stale_tips: hear of branches that lost, and tell of them (BIP 332).
        max_upload_bytes: a day, 0 for no limit (`-maxuploadtarget`).
        ban_time_s: how long a ban lasts if nothing else is said (`-bantime`).
        max_tip_age_s: of a tip that is recent (`-maxtipage`).
        limits: of blocks made here.
        extra_transactions: kept beside the pool to make compact blocks whole
            (`-blockreconstructionextratxn`).
        notifies: blocks and transactions are reported whole, for subscribers (`-zmqpub...`).
    """

    serve_filters: bool = True
    serve_bloom: bool = False
    announce_pool: bool = False
    tx_send_rate: int = SEND_RATE
    prune_target_bytes: int | None = None
    stale_tips: bool = False
    max_upload_bytes: int = 0
    ban_time_s: int = DEFAULT_BAN_S
    max_tip_age_s: int = MAX_TIP_AGE_S
    limits: BlockLimits = DEFAULT_LIMITS
    extra_transactions: int = DEFAULT_EXTRA_TRANSACTIONS
    notifies: bool = False

    @property
    def is_pruned(self) -> bool:
        """Whether old blocks may be gone: only the last 288 are promised then (BIP 159)."""
        return self.prune_target_bytes is not None

    @property
    def services(self) -> int:
        """What we offer, told in the version message."""
        offered = int(Services.WITNESS | Services.NETWORK_LIMITED)
        if not self.is_pruned:
            offered |= int(Services.NETWORK)
        if self.serve_filters:
            offered |= int(Services.COMPACT_FILTERS)
        if self.serve_bloom:
            offered |= int(Services.BLOOM)
        if self.connections.v2:
            offered |= int(Services.P2P_V2)
        return offered

    @property
    def features(self) -> tuple[Feature, ...]:
        """Additions to the protocol that we know (BIP 434)."""
        return (FEATURE,) if self.stale_tips else ()

    def services_for(self, permissions: frozenset[str]) -> int:
        """What we offer to a peer with these permissions: bloom filters perhaps to it alone."""
        may_filter = "bloomfilter" in permissions
        return self.services | (int(Services.BLOOM) if may_filter else 0)

    @property
    def peer_timeout_s(self) -> int:
        """The same in seconds."""
        return self.peer_timeout // SECOND
