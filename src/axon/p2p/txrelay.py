"""Which transactions are announced to which peer, and when; which may be asked for.

A transaction that enters the pool is queued for every peer that does not know it, when its turn has
come (p2p/txbacklog), and leaves at the peer's next announcement: at random moments, so that nobody
can tell from the time who heard of it first. Outbound peers have moments of their own, all inbound
ones share theirs, so that dialling us ten times does not show ten times as much. A peer may ask for
what was in the pool when it came, or at its last announcement, and for what the newest block holds.

A peer that has just come, or has just ended its initial sync, missed what was announced before. As
in Bitcoin Core it stays without, unless the operator has it told once of what would be mined next
(`-announcepool`, docs/decisions/0001-pool-for-late-joiners.md).

What a peer with a bloom filter hears of is matched with it first, off the loop (BIP 37).

Also here: `mempool` (BIP 35), and the repetition of our own until somebody asks for them. What we
want of others is told by p2p/feefilter.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import compress
from random import Random
from typing import Final

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.actions import Send
from axon.p2p.bloomfilters import BloomFilters, FilterMessage, PoolMatch
from axon.p2p.faults import PeerFault
from axon.p2p.feefilter import FEEFILTER_VERSION, FeeFilters, exponential
from axon.p2p.rebroadcast import Rebroadcast
from axon.p2p.relaypeer import RelayPeer, RelayStats, relay_rank
from axon.p2p.txbacklog import SEND_RATE, TxBacklog
from axon.p2p.views import PoolEntryView, TxPool
from axon.primitives.bloom import BloomFilter
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import MAX_MONEY_SAT, Transaction
from axon.wire.messages import FeeFilter, InvItem, InvType

INBOUND_INTERVAL: Final = 5 * SECOND
"""Mean time between announcements to inbound peers."""

OUTBOUND_INTERVAL: Final = 2 * SECOND
"""The same for peers that we chose: there is less to hide from them."""

MATCHED_AT_ONCE: Final = 500
"""Transactions matched with a bloom filter in one go, for a peer that has set one; those that match
are announced, then come the next. A tenth of a second of a worker's time."""

NEWCOMER_TIMES: Final = 2
"""How often a peer can be a newcomer: when it comes, and when its initial sync has ended."""


class TxRelay:
    """Announces the pool's transactions; node-wide.

    Peers on connections without transactions (block-relay-only, feelers) are never `opened` here.
    A peer that wants no announcements has no part in it, unless it may set a bloom filter yet.

    Args:
        rng: draws the moments.
        pool: the unconfirmed transactions.
        min_relay_sat_kvb: what `feefilter` never goes below.
        blocks_only, announce_pool: want no transactions; tell newcomers of the pool.
        send_rate: transactions a second announced to inbound peers (`-txsendrate`).
    """

    def __init__(
        self,
        rng: Random,
        pool: TxPool,
        *,
        min_relay_sat_kvb: int = 100,
        blocks_only: bool = False,
        announce_pool: bool = False,
        send_rate: int = SEND_RATE,
    ) -> None:
        self._rng = rng
        self._pool = pool
        self._feefilters = FeeFilters(rng, min_relay_sat_kvb)
        self._blocks_only = blocks_only
        self._announce_pool = announce_pool
        self.blooms = BloomFilters()
        self._matches: list[PoolMatch] = []
        self._listing: tuple[int, list[Wtxid]] | None = None  # The pool, as of a sequence.
        self._peers: dict[PeerId, RelayPeer] = {}
        self._agenda: list[tuple[Instant, PeerId]] = []  # A heap; may hold old entries.
        self._inbound_at: Instant = 0
        self._to_inbound = TxBacklog(pool, send_rate)
        self._to_outbound = TxBacklog(pool, send_rate, outbound=True)
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
        bloom: bool = False,
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
            bloom: it may set a bloom filter (BIP 37).
            version: the newest protocol version that both speak.
            now: the present.
        """
        ours = RelayPeer(inbound, wtxid_relay, relay, noban, last_sequence=self._pool.sequence)
        self._peers[peer] = ours
        if bloom:
            self.blooms.opened(peer)
        self._welcome(peer, ours, now)
        if version >= FEEFILTER_VERSION and not (forcerelay or self._blocks_only):
            self._feefilters.opened(peer, now)
        self._repeat.start(now)

    def announce(self, wtxid: Wtxid, now: Instant) -> None:
        """A transaction entered the pool: it is to be announced to all who do not know it."""
        self._to_inbound.add(wtxid)
        self._to_outbound.add(wtxid)
        self._queue_next(now)

    def _queue_next(self, now: Instant) -> None:
        """Queue for the peers what may be announced now."""
        if not (self._to_inbound or self._to_outbound):
            return
        parts = [item for item in self._peers.items() if self._takes_part(*item)]
        taken: dict[bool, list[PoolEntryView]] = {}
        for backlog, inbound in ((self._to_inbound, True), (self._to_outbound, False)):
            if any(ours.inbound is inbound for _, ours in parts):
                taken[inbound] = backlog.take(now)
            else:
                backlog.clear()
        for peer, ours in parts:
            if taken[ours.inbound]:
                ours.queue_unknown(taken[ours.inbound])
                # Also where all is known: from then on the peer may ask for it.
                self._plan_announcement(peer, ours, now)

    def known(self, peer: PeerId, tx_hash: bytes) -> None:
        """A peer announced or sent a transaction; name it as the peer did, or by both hashes."""
        ours = self._peers.get(peer)
        if ours is not None:
            ours.known.add(tx_hash)

    def has(self, peer: PeerId, transaction: Transaction) -> None:
        """A peer sent a transaction: it is known to it by the hash that is used with it."""
        ours = self._peers.get(peer)
        if ours is not None:
            ours.known.add(transaction.wtxid if ours.wtxid_relay else transaction.txid)

    def received(self, peer: PeerId, message: FeeFilter, now: Instant) -> None:
        """A peer said which feerate it asks for; what is no amount of money is ignored."""
        ours = self._peers.get(peer)
        if ours is None or not 0 <= message.feerate_sat_kvb <= MAX_MONEY_SAT:
            return
        wanted_nothing = ours.wants_nothing
        ours.minimum = message.feerate_sat_kvb
        if wanted_nothing and not ours.wants_nothing:
            self._welcome(peer, ours, now)

    def received_filter(self, peer: PeerId, message: FilterMessage, *, offered: bool) -> bool:
        """A peer said by a bloom filter what it wants to hear of, or that it wants to hear all.

        Returns:
            Whether it has asked for announcements with it.

        Raises:
            PeerFault: bloom filters are not offered to it, or this one is too large.
        """
        asked = self.blooms.received(peer, message, offered=offered)
        if asked:
            self._peers[peer].relay = True
        return asked

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
        if self._takes_part(peer, ours):
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
        if ours is None or not self._takes_part(peer, ours):
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
        if ours is None or not self._takes_part(peer, ours):
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
        self.blooms.closed(peer)

    def take_matches(self) -> list[PoolMatch]:
        """What is to be matched with bloom filters, since the last call; `matched` is to follow."""
        matches, self._matches = self._matches, []
        return matches

    def matched(
        self, match: PoolMatch, copy: BloomFilter, hits: Sequence[bool], now: Instant
    ) -> list[Send]:
        """Transactions have been matched with a peer's filter: it hears of those that did.

        Args:
            match: what was to be matched.
            copy: a copy of the filter, with what it has learnt.
            hits: whether each transaction matches.
            now: the present.
        """
        peer = match.peer
        self.blooms.learnt(peer, match.bloom, copy)
        ours = self._peers.get(peer)
        if ours is None:
            return []
        ours.is_matching = False
        ours.last_sequence = match.sequence
        found = [self._pool.by_wtxid(item.wtxid) for item in compress(match.transactions, hits)]
        if ours.pool_left:
            ours.announce_at = None  # It has waited for its turn already.
            self._plan(peer, ours, now)
        elif ours.queue or ours.wants_pool or ours.newcomer:
            self._plan_announcement(peer, ours, now)
        return ours.tell(peer, [entry for entry in found if entry is not None])

    def tick(self, now: Instant) -> list[Send]:
        """Announcements and feefilters that are due."""
        actions: list[Send] = []
        if self._repeat.is_due(now):
            for entry in map(self._pool.get, self._pool.unbroadcast):
                if entry is not None:
                    self.announce(entry.wtxid, now)
        self._queue_next(now)
        while self._agenda and self._agenda[0][0] <= now:
            item = heappop(self._agenda)
            if not self._is_current(item):
                continue
            peer = item[1]
            ours = self._peers[peer]
            ours.announce_at = None
            if ours.is_matching:
                continue  # When that is done, the next is planned.
            actions += self._announce_to(peer, ours)
        return actions + self._feefilters.tick(now)

    def deadline(self) -> Instant | None:
        """When `tick` has something to do."""
        agenda = self._agenda
        while agenda and not self._is_current(agenda[0]):
            heappop(agenda)
        soonest = agenda[0][0] if agenda else None
        for part in (self._feefilters, self._repeat, self._to_inbound, self._to_outbound):
            due = part.deadline()
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def _welcome(self, peer: PeerId, ours: RelayPeer, now: Instant) -> None:
        """Let a peer hear, with its next announcement, of what was announced before it came."""
        if self._announce_pool and ours.relay and ours.times_newcomer < NEWCOMER_TIMES:
            ours.newcomer = True
            ours.times_newcomer += 1
            ours.known.clear()  # What it was told before, it did not want to know.
            self._plan_announcement(peer, ours, now)

    def _takes_part(self, peer: PeerId, ours: RelayPeer) -> bool:
        return ours.relay or self.blooms.offered(peer)

    def _is_current(self, item: tuple[Instant, PeerId]) -> bool:
        ours = self._peers.get(item[1])
        return ours is not None and ours.announce_at == item[0]

    def _plan_announcement(self, peer: PeerId, ours: RelayPeer, now: Instant) -> None:
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
        self._plan(peer, ours, when)

    def _plan(self, peer: PeerId, ours: RelayPeer, when: Instant) -> None:
        ours.announce_at = when
        heappush(self._agenda, (when, peer))

    def _announce_to(self, peer: PeerId, ours: RelayPeer) -> list[Send]:
        if ours.newcomer and not ours.wants_nothing:
            ours.newcomer = False
            ours.queue_for_newcomer(self._pool)
        if ours.wants_pool:
            ours.wants_pool = False
            ours.pool_left = self._whole_pool()
        bloom = self.blooms.get(peer)
        if bloom is not None:
            self._choose(peer, ours, bloom)
            return []
        told = ours.take_pool(self._pool, len(ours.pool_left))
        told += ours.take_queued(self._pool, len(ours.queue))
        ours.last_sequence = self._pool.sequence
        return ours.tell(peer, told)

    def _choose(self, peer: PeerId, ours: RelayPeer, bloom: BloomFilter) -> None:
        """Have the next transactions for a peer matched with its filter, if there are any."""
        chosen = ours.take_pool(self._pool, MATCHED_AT_ONCE)
        chosen += ours.take_queued(self._pool, MATCHED_AT_ONCE)
        sequence = self._pool.sequence
        if not chosen:
            ours.last_sequence = sequence
            return
        ours.is_matching = True
        transactions = tuple([entry.transaction for entry in chosen])
        self._matches.append(PoolMatch(peer, bloom, transactions, sequence))

    def _whole_pool(self) -> list[Wtxid]:
        """All of the pool, the best last; made once for all who ask for it at the same time."""
        sequence = self._pool.sequence
        if self._listing is None or self._listing[0] != sequence:
            ranked = sorted(self._pool.entries(), key=relay_rank, reverse=True)
            self._listing = sequence, [entry.wtxid for entry in ranked]
        return list(self._listing[1])
