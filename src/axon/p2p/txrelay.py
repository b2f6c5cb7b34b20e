"""Which transactions are announced to which peer, and when; which may be asked for.

A transaction that enters the pool is queued for every peer that does not know it, and leaves at the
peer's next announcement: at random moments, so that nobody can tell from the time who heard of it
first. Outbound peers have moments of their own, all inbound ones share theirs, so that dialling us
ten times does not show ten times as much. A peer may ask for what was in the pool when it came, or
at its last announcement, and for what the newest block holds; for nothing else.

A peer that has just come, or has just ended its initial sync, missed what was announced before. It
is told once of what would be mined next (docs/decisions/0001-pool-for-late-joiners.md); Bitcoin
Core leaves that to chance.

Also here: `mempool` (BIP 35), and the repetition of our own until somebody asks for them. What we
want of others is told by p2p/feefilter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import Final

from axon.machine import SECOND, Instant, PeerId, earlier
from axon.p2p.actions import Send
from axon.p2p.faults import PeerFault
from axon.p2p.feefilter import FEEFILTER_VERSION, NOTHING_SAT_KVB, FeeFilters, exponential
from axon.p2p.rebroadcast import Rebroadcast
from axon.p2p.rollingset import RollingSet
from axon.p2p.views import PoolEntryView, TxPool
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import MAX_MONEY_SAT, Transaction
from axon.wire.messages import FeeFilter, Inv, InvItem, InvType

INBOUND_INTERVAL: Final = 5 * SECOND
"""Mean time between announcements to inbound peers."""

OUTBOUND_INTERVAL: Final = 2 * SECOND
"""The same for peers that we chose: there is less to hide from them."""

ANNOUNCED_AT_ONCE: Final = 14 * (INBOUND_INTERVAL // SECOND)
"""Transactions of one announcement: 14 a second, twice what blocks can hold."""

ANNOUNCED_AT_MOST: Final = 1000
"""The same where the queue is long, far below what a peer may remember of us."""

MAX_KNOWN: Final = 50_000
"""Hashes remembered that a peer knows: two hours of traffic. A forgotten one is announced again."""

MAX_QUEUE: Final = 50_000
"""Transactions queued for a peer. So many wait only in a flood; the rest reaches it by others."""

MAX_INVENTORY: Final = 50_000
"""Items of one `inv`."""

NEWCOMER_SHARE: Final = 1_000
"""Transactions of the pool that a newcomer is told of, best first: 36 kB at most for whoever dials
us, and the part that is mined soonest."""

NEWCOMER_TIMES: Final = 2
"""How often a peer can be a newcomer: when it comes, and when its initial sync has ended."""


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


@dataclass(slots=True)
class _RelayPeer:
    inbound: bool
    wtxid_relay: bool
    relay: bool
    noban: bool
    last_sequence: int  # What entered the pool before may be asked for.
    known: RollingSet[bytes] = field(default_factory=lambda: RollingSet(MAX_KNOWN))
    queue: dict[Wtxid, tuple[Txid, int]] = field(default_factory=dict)
    announce_at: Instant | None = None
    minimum: int = 0  # Announce nothing to it that pays less, sat/kvB.
    wants_pool: bool = False
    newcomer: bool = False  # It missed what was announced before.
    times_newcomer: int = 0


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


class TxRelay:
    """Announces the pool's transactions; node-wide.

    Peers on connections without transactions (block-relay-only, feelers) are never `opened` here.

    Args:
        rng: draws the moments.
        pool: the unconfirmed transactions.
        min_relay_sat_kvb: what `feefilter` never goes below.
        incremental_sat_kvb: for the steps of `feefilter`.
        blocks_only: we want no transactions, and say `feefilter` to nobody.
    """

    def __init__(
        self,
        rng: Random,
        pool: TxPool,
        *,
        min_relay_sat_kvb: int = 100,
        incremental_sat_kvb: int = 100,
        blocks_only: bool = False,
    ) -> None:
        self._rng = rng
        self._pool = pool
        self._feefilters = FeeFilters(rng, min_relay_sat_kvb, incremental_sat_kvb)
        self._blocks_only = blocks_only
        self._peers: dict[PeerId, _RelayPeer] = {}
        self._agenda: list[tuple[Instant, PeerId]] = []  # A heap; may hold old entries.
        self._inbound_at: Instant = 0
        self._repeat = Rebroadcast(rng)
        self._newest_block: Sequence[Transaction] = ()
        self._newest_by_hash: dict[bytes, Transaction] | None = None

    def opened(
        self,
        peer: PeerId,
        *,
        inbound: bool,
        wtxid_relay: bool,
        relay: bool,
        noban: bool = False,
        forcerelay: bool = False,
        version: int = FEEFILTER_VERSION,
        now: Instant,
    ) -> None:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            inbound: it dialled us.
            wtxid_relay: it wants announcements by wtxid (BIP 339).
            relay: the flag in its `version`: it wants announcements at all.
            noban: it is trusted and gets announcements without delay.
            forcerelay: it is to send us everything, so no `feefilter` goes to it.
            version: the newest protocol version that both speak.
            now: the present.
        """
        ours = _RelayPeer(inbound, wtxid_relay, relay, noban, last_sequence=self._pool.sequence)
        self._peers[peer] = ours
        self._welcome(peer, ours, now)
        if version >= FEEFILTER_VERSION and not (forcerelay or self._blocks_only):
            self._feefilters.opened(peer, now)
        self._repeat.start(now)

    def announce(self, txid: Txid, wtxid: Wtxid, feerate_sat_kvb: int, now: Instant) -> None:
        """A transaction entered the pool: queue it for all who do not know it."""
        entry = (txid, feerate_sat_kvb)
        for peer, ours in self._peers.items():
            if not ours.relay:
                continue
            name = wtxid if ours.wtxid_relay else txid
            if name not in ours.known and len(ours.queue) < MAX_QUEUE:
                ours.queue[wtxid] = entry
            # Also where it is known: from then on the peer may ask for it.
            self._plan_announcement(peer, ours, now)

    def known(self, peer: PeerId, tx_hash: bytes) -> None:
        """A peer announced or sent a transaction; name it as the peer did, or by both hashes."""
        ours = self._peers.get(peer)
        if ours is not None:
            ours.known.add(tx_hash)

    def received(self, peer: PeerId, message: FeeFilter, now: Instant) -> None:
        """A peer said which feerate it asks for; what is no amount of money is ignored."""
        ours = self._peers.get(peer)
        if ours is None or not 0 <= message.feerate_sat_kvb <= MAX_MONEY_SAT:
            return
        wanted_nothing = self._wants_nothing(ours)
        ours.minimum = message.feerate_sat_kvb
        if wanted_nothing and not self._wants_nothing(ours):
            self._welcome(peer, ours, now)

    def mempool(self, peer: PeerId, *, permitted: bool, now: Instant) -> None:
        """A peer asked for the whole pool (BIP 35); it gets it with its next announcement.

        Args:
            peer: who.
            permitted: bloom filters are offered, or the operator allows it.
            now: the present.

        Raises:
            PeerFault: it may not; a trusted peer is only ignored.
        """
        ours = self._peers.get(peer)
        if ours is None:
            return
        if not permitted:
            if ours.noban:
                return
            raise PeerFault("mempool request without bloom filters offered")
        if ours.relay:
            ours.wants_pool = True
            self._plan_announcement(peer, ours, now)

    def minimum_changed(self, feerate_sat_kvb: int, now: Instant) -> None:
        """The pool asks for another feerate now.

        Args:
            feerate_sat_kvb: `MAX_MONEY_SAT` during initial sync, when nothing is wanted.
            now: the present.
        """
        self._feefilters.minimum_changed(feerate_sat_kvb, now)

    def block_connected(self, transactions: Sequence[Transaction]) -> None:
        """The newest block; what it holds may be asked for until the next."""
        self._newest_block = transactions
        self._newest_by_hash = None

    def stats(self, peer: PeerId) -> RelayStats:
        """A peer's part in the relay; zeroes for one that takes none."""
        ours = self._peers.get(peer)
        if ours is None:
            return RelayStats(False, 0, 0, 0)
        return RelayStats(ours.relay, ours.last_sequence, len(ours.queue), ours.minimum)

    def bring_forward(self, by: Instant) -> None:
        """Bring the next repetition of our own transactions forward (`mockscheduler`)."""
        self._repeat.bring_forward(by)

    def find(self, peer: PeerId, item: InvItem, now: Instant) -> Transaction | None:  # noqa: ARG002
        """The transaction that a peer asks for; None if it may not have it, or there is none.

        Args:
            peer: who.
            item: TX, WITNESS_TX or WTX with the hash.
            now: the present.
        """
        ours = self._peers.get(peer)
        if ours is None or not ours.relay:
            return None
        entry: PoolEntryView | None
        if item.kind == InvType.WTX:
            entry = self._pool.by_wtxid(Wtxid(item.hash))
        else:
            entry = self._pool.get(Txid(item.hash))
        if entry is not None and entry.sequence < ours.last_sequence:
            return entry.transaction
        if self._newest_by_hash is None:
            self._newest_by_hash = {}
            for transaction in self._newest_block:
                self._newest_by_hash[transaction.txid] = transaction
                self._newest_by_hash[transaction.wtxid] = transaction
        return self._newest_by_hash.get(item.hash)

    def closed(self, peer: PeerId, now: Instant) -> None:  # noqa: ARG002
        """A peer has gone."""
        self._peers.pop(peer, None)
        self._feefilters.closed(peer)

    def tick(self, now: Instant) -> list[Send]:
        """Announcements and feefilters that are due."""
        actions: list[Send] = []
        if self._repeat.is_due(now):
            self._announce_unbroadcast(now)
        while self._agenda and self._agenda[0][0] <= now:
            item = heappop(self._agenda)
            if not self._is_current(item):
                continue
            peer = item[1]
            ours = self._peers[peer]
            ours.announce_at = None
            actions += self._announce_to(peer, ours)
            if ours.queue:
                self._plan_announcement(peer, ours, now + 1)
        return actions + self._feefilters.tick(now)

    def deadline(self) -> Instant | None:
        """When `tick` has something to do."""
        agenda = self._agenda
        while agenda and not self._is_current(agenda[0]):
            heappop(agenda)
        soonest = earlier(self._feefilters.deadline(), self._repeat.deadline())
        return earlier(agenda[0][0] if agenda else None, soonest)

    @staticmethod
    def _wants_nothing(ours: _RelayPeer) -> bool:
        """A peer in initial sync asks for a feerate that nothing pays."""
        return ours.minimum >= NOTHING_SAT_KVB

    def _welcome(self, peer: PeerId, ours: _RelayPeer, now: Instant) -> None:
        """Let a peer hear, with its next announcement, of what was announced before it came."""
        if ours.relay and ours.times_newcomer < NEWCOMER_TIMES:
            ours.newcomer = True
            ours.times_newcomer += 1
            ours.known.clear()  # What it was told before, it did not want to know.
            self._plan_announcement(peer, ours, now)

    def _queue_for_newcomer(self, ours: _RelayPeer) -> None:
        left = min(NEWCOMER_SHARE, MAX_QUEUE - len(ours.queue))
        for _, entries in self._pool.mining_chunks():
            for entry in entries:
                feerate = entry.fee_sat * 1000 // entry.vsize
                ours.queue.setdefault(entry.wtxid, (entry.txid, feerate))
            left -= len(entries)
            if left <= 0:
                return

    def _is_current(self, item: tuple[Instant, PeerId]) -> bool:
        ours = self._peers.get(item[1])
        return ours is not None and ours.announce_at == item[0]

    def _plan_announcement(self, peer: PeerId, ours: _RelayPeer, now: Instant) -> None:
        if ours.announce_at is not None:
            return
        if ours.noban:
            when = now
        elif ours.inbound:
            if self._inbound_at <= now:
                self._inbound_at = now + exponential(self._rng, INBOUND_INTERVAL)
            when = self._inbound_at
        else:
            when = now + exponential(self._rng, OUTBOUND_INTERVAL)
        ours.announce_at = when
        heappush(self._agenda, (when, peer))

    def _announce_unbroadcast(self, now: Instant) -> None:
        for txid in self._pool.unbroadcast:
            entry = self._pool.get(txid)
            if entry is not None:
                self.announce(txid, entry.wtxid, entry.fee_sat * 1000 // entry.vsize, now)

    def _announce_to(self, peer: PeerId, ours: _RelayPeer) -> list[Send]:
        kind = InvType.WTX if ours.wtxid_relay else InvType.TX
        names: list[bytes] = []
        if ours.newcomer and not self._wants_nothing(ours):
            ours.newcomer = False
            self._queue_for_newcomer(ours)
        if ours.wants_pool:
            ours.wants_pool = False
            names += self._whole_pool(ours)
        names += self._from_queue(ours)
        ours.last_sequence = self._pool.sequence
        items = tuple(InvItem(kind, name) for name in names)
        return [
            Send(peer, Inv(items[start : start + MAX_INVENTORY]))
            for start in range(0, len(items), MAX_INVENTORY)
        ]

    def _whole_pool(self, ours: _RelayPeer) -> list[bytes]:
        names: list[bytes] = []
        for entry in sorted(self._pool.entries(), key=relay_rank):
            ours.queue.pop(entry.wtxid, None)
            if entry.fee_sat * 1000 < ours.minimum * entry.vsize:
                continue
            names.append(self._mark_known(ours, entry))
        return names

    def _from_queue(self, ours: _RelayPeer) -> list[bytes]:
        queue = ours.queue
        if not queue:
            return []
        limit = min(ANNOUNCED_AT_MOST, ANNOUNCED_AT_ONCE + len(queue) // 1000 * 5)
        eligible: list[PoolEntryView] = []
        for wtxid, (txid, feerate) in queue.items():
            if feerate >= ours.minimum and (wtxid if ours.wtxid_relay else txid) not in ours.known:
                entry = self._pool.by_wtxid(wtxid)
                if entry is not None:
                    eligible.append(entry)
        eligible.sort(key=relay_rank)
        ours.queue = {entry.wtxid: queue[entry.wtxid] for entry in eligible[limit:]}
        return [self._mark_known(ours, entry) for entry in eligible[:limit]]

    @staticmethod
    def _mark_known(ours: _RelayPeer, entry: PoolEntryView) -> bytes:
        name = entry.wtxid if ours.wtxid_relay else entry.txid
        ours.known.add(name)
        return name
