"""All there is to tell of one peer, gathered from the parts that know it (`getpeerinfo`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axon.machine import Endpoint, Instant, PeerId
from axon.node.session import Session
from axon.p2p.addrgossip import AddrStats
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.relaypeer import RelayStats
from axon.primitives.netaddress import NetAddress

if TYPE_CHECKING:  # A wallet shows its peers, too, and needs no full node for it.
    from axon.node.full import FullNode


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """One peer at one moment; what its `version` says is 0, empty or None before it has come.

    Args:
        remote: the other end.
        local: our end.
        address: the other end as a netaddress; None where it has none.
        from_onion: it came through Tor, whatever its address says.
        our_address: our end as the peer says it sees it.
        kind: why the connection exists.
        transport: "v1", "v2", or "detecting" while that is open.
        session_id: 32 bytes of an encrypted connection, by which its two ends know it; else empty.
        permissions: what the operator allows it, by Core's names.
        services: what it offers, 64 bits.
        version: its protocol version.
        user_agent: its name, without characters that could hurt a log.
        time_offset_s: its clock minus ours.
        wants_high_bandwidth: it asked for compact blocks unasked.
        gives_high_bandwidth: we asked it for them.
        opened_at: when the connection was opened; moments are 0 for never.
        last_sent_at: when something was last sent to it; likewise received from it.
        last_block_at: when it last brought a block that was new.
        last_transaction_at: when it last brought a transaction that entered the pool.
        sent_bytes: in all, and in `sent_by_command` by kind of message; likewise received.
        latency_us: of the last ping that was answered; None before the first.
        min_latency_us: the shortest so far.
        waiting_us: how long an awaited pong has been on its way; None while none is.
        presynced_headers: height up to which its chain was read for the first time; -1 for none.
        synced_headers: height of the last header that we share with it; -1 for none.
        synced_blocks: the same for blocks.
        in_flight_heights: of the blocks that were asked of it.
        relay: its part in the relay of transactions.
        gossip: its part in the gossip of addresses.
    """

    peer: PeerId
    remote: Endpoint
    local: Endpoint
    address: NetAddress | None
    from_onion: bool
    our_address: NetAddress | None
    mapped_as: int
    kind: ConnectionType
    transport: str
    session_id: bytes
    permissions: frozenset[str]
    services: int
    version: int
    user_agent: str
    time_offset_s: int
    wants_high_bandwidth: bool
    gives_high_bandwidth: bool
    opened_at: Instant
    last_sent_at: Instant
    last_received_at: Instant
    last_block_at: Instant
    last_transaction_at: Instant
    sent_bytes: int
    received_bytes: int
    sent_by_command: Mapping[str, int]
    received_by_command: Mapping[str, int]
    latency_us: int | None
    min_latency_us: int | None
    waiting_us: int | None
    presynced_headers: int
    synced_headers: int
    synced_blocks: int
    in_flight_heights: tuple[int, ...]
    relay: RelayStats
    gossip: AddrStats


def peer_info(node: FullNode, session: Session, now: Instant) -> PeerInfo:
    """What the parts of a node know of a peer now.

    Args:
        node: the node.
        session: whose.
        now: the present.
    """
    headersync, download = node.headersync, node.blocks.download
    peer, theirs, keepalive = session.peer, session.handshake.theirs, session.keepalive
    address = session.address
    sent, received = session.sent, session.received
    return PeerInfo(
        peer=peer,
        remote=session.remote,
        local=session.local,
        address=address,
        from_onion=session.from_onion,
        our_address=None if theirs is None else theirs.receiver,
        mapped_as=0 if address is None else node.links.addrman.groups.mapped_as(address),
        kind=session.kind,
        transport=session.transport.name,
        session_id=session.transport.session_id,
        permissions=session.permissions,
        services=0 if theirs is None else theirs.services,
        version=0 if theirs is None else theirs.version,
        user_agent="" if theirs is None else theirs.clean_user_agent,
        time_offset_s=session.handshake.time_offset_s,
        wants_high_bandwidth=session.handshake.wants_high_bandwidth,
        gives_high_bandwidth=node.compact.bandwidth.is_chosen(peer),
        opened_at=session.opened_at,
        last_sent_at=sent.last_at,
        last_received_at=received.last_at,
        last_block_at=session.last_block_at,
        last_transaction_at=session.last_transaction_at,
        sent_bytes=sent.bytes,
        received_bytes=received.bytes,
        sent_by_command=dict(sent.by_command),
        received_by_command=dict(received.by_command),
        latency_us=None if keepalive is None else keepalive.latency_us,
        min_latency_us=None if keepalive is None else keepalive.min_latency_us,
        waiting_us=None if keepalive is None else keepalive.waiting_us(now),
        presynced_headers=headersync.presynced_headers(peer),
        synced_headers=node.peer_chains.height(peer),
        synced_blocks=download.synced_blocks(peer),
        in_flight_heights=tuple(download.inflight(peer)),
        relay=node.transactions.txrelay.stats(peer),
        gossip=node.links.gossip.stats(peer),
    )
