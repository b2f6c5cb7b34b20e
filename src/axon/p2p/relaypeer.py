"""One peer in the relay of transactions: what it knows, and what waits to be announced to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from axon.machine import Instant, PeerId
from axon.p2p.actions import Send
from axon.p2p.feefilter import NOTHING_SAT_KVB
from axon.p2p.rollingset import RollingSet
from axon.p2p.views import PoolEntryView, TxPool
from axon.primitives.hashes import Txid, Wtxid
from axon.wire.messages import Inv, InvItem, InvType

MAX_KNOWN: Final = 50_000
"""Hashes remembered that a peer knows: two hours of traffic. A forgotten one is announced again."""

MAX_QUEUE: Final = 50_000
"""Transactions queued for a peer. So many wait only in a flood; the rest reaches it by others."""

MAX_INVENTORY: Final = 50_000
"""Items of one `inv`."""

NEWCOMER_SHARE: Final = 1_000
"""Transactions of the pool that a newcomer is told of, best first: 36 kB at most for whoever dials
us, and the part that is mined soonest."""


@dataclass(frozen=True, slots=True)
class RelayStats:
    """What transactions are to a peer, as `getpeerinfo` shows it.

    Args:
        relay: it wants announcements.
        last_sequence: of the pool at its last announcement: what is older it may ask for.
        queued: transactions that wait to be announced to it.
        min_feerate_sat_kvb: announce nothing to it that pays less.
    """

    relay: bool
    last_sequence: int
    queued: int
    min_feerate_sat_kvb: int


def relay_rank(entry: PoolEntryView) -> tuple[float, int, int, Wtxid]:
    """By which transactions are sorted before they are announced.

    By the feerate at which they would be mined, parents before children. The order in which they
    arrived does not show: it would tell from whom.
    """
    chunk = entry.chunk
    return (
        -chunk.fee_sat / chunk.weight_wu,
        entry.cluster.chunks.index(chunk),
        chunk.entries.index(entry),
        entry.wtxid,
    )


@dataclass(slots=True)
class RelayPeer:
    """The state of one peer.

    Args:
        inbound: it dialled us.
        wtxid_relay: transactions are named to it by wtxid (BIP 339).
        relay: it wants announcements at all.
        noban: it is trusted.
        last_sequence: of the pool; what entered before it may ask for.
    """

    inbound: bool
    wtxid_relay: bool
    relay: bool
    noban: bool
    last_sequence: int
    known: RollingSet[bytes] = field(default_factory=lambda: RollingSet(MAX_KNOWN))
    queue: dict[Wtxid, tuple[Txid, int]] = field(default_factory=dict)  # With feerates, sat/kvB.
    announce_at: Instant | None = None
    minimum: int = 0  # Announce nothing to it that pays less, sat/kvB.
    wants_pool: bool = False
    newcomer: bool = False  # It missed what was announced before.
    times_newcomer: int = 0
    is_matching: bool = False  # Transactions for it are being matched with its bloom filter.
    pool_left: list[Wtxid] = field(
        default_factory=list
    )  # Of the pool, to be matched yet; reversed.

    @property
    def wants_nothing(self) -> bool:
        """Whether it asks for a feerate that nothing pays, as a peer in initial sync does."""
        return self.minimum >= NOTHING_SAT_KVB

    def is_paid_enough(self, entry: PoolEntryView) -> bool:
        """Whether a transaction pays what the peer asks for."""
        return entry.fee_sat * 1000 >= self.minimum * entry.vsize

    def mark_known(self, entry: PoolEntryView) -> bytes:
        """It is being told of a transaction; the hash by which."""
        name = entry.wtxid if self.wtxid_relay else entry.txid
        self.known.add(name)
        return name

    def tell(self, peer: PeerId, told: Sequence[PoolEntryView]) -> list[Send]:
        """Tell it, who is this peer, of transactions."""
        kind = InvType.WTX if self.wtxid_relay else InvType.TX
        items = tuple([InvItem(kind, self.mark_known(entry)) for entry in told])
        return [
            Send(peer, Inv(items[start : start + MAX_INVENTORY]))
            for start in range(0, len(items), MAX_INVENTORY)
        ]

    def queue_unknown(self, entries: Sequence[PoolEntryView]) -> None:
        """Queue what it does not know yet, if it wants to hear of any."""
        if not self.relay:
            return
        for entry in entries:
            name = entry.wtxid if self.wtxid_relay else entry.txid
            if name not in self.known and len(self.queue) < MAX_QUEUE:
                self.queue[entry.wtxid] = (entry.txid, entry.fee_sat * 1000 // entry.vsize)

    def queue_for_newcomer(self, pool: TxPool) -> None:
        """Queue what would be mined next."""
        left = min(NEWCOMER_SHARE, MAX_QUEUE - len(self.queue))
        for _, entries in pool.mining_chunks():
            for entry in entries:
                feerate = entry.fee_sat * 1000 // entry.vsize
                self.queue.setdefault(entry.wtxid, (entry.txid, feerate))
            left -= len(entries)
            if left <= 0:
                return

    def take_queued(self, pool: TxPool, limit: int) -> list[PoolEntryView]:
        """The best that are queued, still in the pool and unknown to it; they leave the queue."""
        queue = self.queue
        if not queue:
            return []
        eligible: list[PoolEntryView] = []
        for wtxid, (txid, feerate) in queue.items():
            if feerate >= self.minimum and (wtxid if self.wtxid_relay else txid) not in self.known:
                entry = pool.by_wtxid(wtxid)
                if entry is not None:
                    eligible.append(entry)
        eligible.sort(key=relay_rank)
        self.queue = {entry.wtxid: queue[entry.wtxid] for entry in eligible[limit:]}
        return eligible[:limit]

    def take_pool(self, pool: TxPool, limit: int) -> list[PoolEntryView]:
        """The next of the pool that it asked for; of those that it is to be told."""
        found: list[PoolEntryView] = []
        while self.pool_left and len(found) < limit:
            entry = pool.by_wtxid(self.pool_left.pop())
            if entry is not None and self.is_paid_enough(entry):
                self.queue.pop(entry.wtxid, None)
                found.append(entry)
        return found
