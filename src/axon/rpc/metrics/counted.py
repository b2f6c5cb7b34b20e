"""What has happened since the start, counted from the node's facts."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from axon.machine import SECOND
from axon.node.blocktraced import BlockTraced
from axon.node.facts import (
    BlockConnected,
    BlockDisconnected,
    BlockRejected,
    DialMissed,
    Fact,
    MessageIgnored,
    PeerConnected,
    PeerDisconnected,
    PeerMisbehaved,
    TipChanged,
    TransactionAccepted,
    TransactionRejected,
    TransactionRemoved,
)
from axon.p2p.blocktimelines import BlockTimeline
from axon.p2p.connectiontype import ConnectionType

VALIDATION_BUCKETS_S: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""From an empty block to a full one on a slow disk."""

ARRIVAL_BUCKETS_S: Final = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0)

REMOVED_FOR: Final = ("expiry", "sizelimit", "reorg", "conflict", "replaced")


class FactCounters:
    """Counters and histograms that facts move on. Labels are our own words, never a peer's.

    Args:
        registry: where they are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"axon_{name}", about, labels, registry=registry)

        def histogram(name: str, about: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"axon_{name}", about, registry=registry, buckets=buckets)

        self._connected = counter(
            "peers_connected", "Peers whose handshake was completed.", "connection_type"
        )
        self._disconnected = counter("peers_disconnected", "Connections that have ended.", "by")
        self._dials_missed = counter("dials_missed", "Addresses at which nobody answered.")
        self._misbehaved = counter("misbehaviours", "Rules that peers broke.")
        self._ignored = counter("messages_ignored", "Messages that had no effect.")
        self._blocks_connected = counter("blocks_connected", "Blocks that joined the chain.")
        self._blocks_disconnected = counter("blocks_disconnected", "Blocks that left the chain.")
        self._blocks_refused = counter("blocks_refused", "Blocks and headers that are not valid.")
        self._reorgs = counter("reorgs", "Times that blocks left the chain for others.")
        self._stalls = counter("block_stalls", "Blocks that a peer was asked for and did not give.")
        self._accepted = counter("transactions_accepted", "Transactions taken into the pool.")
        self._rejected = counter("transactions_rejected", "Transactions that were refused.")
        self._removed = counter(
            "transactions_removed", "Transactions that left the pool unconfirmed.", "reason"
        )
        self._validation = histogram(
            "block_validation_seconds",
            "From when a block was whole until its verdict.",
            VALIDATION_BUCKETS_S,
        )
        self._arrival = histogram(
            "block_arrival_seconds",
            "From the first word of a block until it was whole, after the first sync.",
            ARRIVAL_BUCKETS_S,
        )
        self._is_reorganised = False
        for kind in ConnectionType:  # A counter that is not there yet cannot be seen to move.
            self._connected.labels(kind.value)
        for who in ("us", "them"):
            self._disconnected.labels(who)
        for reason in (*REMOVED_FOR, "other"):
            self._removed.labels(reason)

    def saw(self, fact: Fact) -> None:
        """Take in a fact."""
        match fact:
            case TransactionAccepted():
                self._accepted.inc()
            case TransactionRejected():
                self._rejected.inc()
            case TransactionRemoved(reason=reason):
                self._removed.labels(reason if reason in REMOVED_FOR else "other").inc()
            case MessageIgnored():
                self._ignored.inc()
            case PeerConnected(connection_type=kind):
                self._connected.labels(kind).inc()
            case PeerDisconnected(by_us=by_us):
                self._disconnected.labels("us" if by_us else "them").inc()
            case PeerMisbehaved():
                self._misbehaved.inc()
            case DialMissed():
                self._dials_missed.inc()
            case BlockConnected():
                self._blocks_connected.inc()
            case BlockDisconnected():
                self._blocks_disconnected.inc()
                self._reorgs.inc(not self._is_reorganised)
                self._is_reorganised = True
            case TipChanged():
                self._is_reorganised = False
            case BlockRejected():
                self._blocks_refused.inc()
            case BlockTraced(timeline, initial_sync):
                self._trace(timeline, initial_sync)

    def _trace(self, timeline: BlockTimeline, initial_sync: bool) -> None:
        if timeline.validation_us is not None:
            self._validation.observe(timeline.validation_us / SECOND)
        if timeline.received_at is not None and not initial_sync:
            self._arrival.observe((timeline.received_at - timeline.began_at) / SECOND)
        self._stalls.inc(len(timeline.stalled))
