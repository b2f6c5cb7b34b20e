"""Whose headers are asked for, which of them are worth storing, and what each peer's chain is.

First one peer is asked until the best header is less than a day old, then every peer. What arrives
is checked as far as it can be without the ledger and handed to the node, which has it judged and
says the outcome (`judged`). From it follows what each peer is known to have (`best_known`), and
from that what it is told of our own new blocks: headers (BIP 130) or an `inv`.

    idle --asked--> syncing --best header recent--> following
    syncing --15 min and 1 ms a header--> disconnected, if others could do better
    syncing --no answer for `patience`--> stalled: another is asked as well (light clients)
    any --no answer for 2 min--> disconnected (light clients)
    any --chain of too little work--> read twice (p2p/presync)
    outbound --behind our tip for too long (p2p/chainlag)--> disconnected

Deviations from Bitcoin Core 31: its first reading keeps salted bits of some headers, ours the last
hash of each message. And where it waits for the first peer although that has no more, until the
time is up, we ask the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from axon.machine import DAY, MILLISECOND, MINUTE, SECOND, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.chainlag import ChainLag, Overdue
from axon.p2p.faults import PeerFault, PeerSilent, PeerViolation
from axon.p2p.presync import Phase, Presync, claimed_work
from axon.p2p.views import (
    BLOCK_INTERVAL_S,
    ActiveChainView,
    HeaderEntryView,
    HeaderTreeView,
    is_active,
    locator,
)
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.target import meets_target, work
from axon.primitives.verdict import Rejected
from axon.wire.messages import GetHeaders, Inv, InvItem, InvType, SendHeaders
from axon.wire.messages import Headers as HeadersMessage

MAX_HEADERS: Final = 2000
"""HeaderTreeView of one message; a message that holds as many has more behind it."""

RESPONSE_TIME: Final = 2 * MINUTE
"""How long a getheaders is waited for before another may go to the same peer."""

SYNC_TIMEOUT: Final = 15 * MINUTE
SYNC_TIMEOUT_PER_HEADER: Final = MILLISECOND
"""How long the one peer of the first sync has, by the number of headers that time suggests."""

RECENT: Final = DAY
"""A best header younger than this ends the sync from one peer alone."""

MAX_PROTECTED: Final = 4
"""Outbound peers with a good chain that are never disconnected for falling behind: if our own tip
leads the wrong way, somebody must stay who says so."""

MAX_ANNOUNCED: Final = 8
"""HeaderTreeView of one announcement; more connected at once are no news to anybody."""

WORK_BUFFER_BLOCKS: Final = 144
"""A chain may have this much less work than ours and still be stored: a day of forks."""

SENDHEADERS_VERSION: Final = 70_012
"""From this protocol version on a peer knows `sendheaders`."""

_NO_PUNISHMENT: Final = frozenset(("time-too-new", "prev-blk-not-found"))
_PUNISHED_IF_CHOSEN: Final = "duplicate-invalid"


@dataclass(frozen=True, slots=True)
class HeadersToJudge:
    """What is left of a `headers` message after it was looked at.

    Args:
        headers: continuous; empty if there is nothing to store. Then there is nothing to judge.
    """

    headers: tuple[Header, ...]


@dataclass(slots=True)
class _SyncPeer:
    outbound: bool
    preferred: bool
    protectable: bool
    serves: bool
    noban: bool
    start_height: int
    told_sendheaders: bool  # Or it does not know the message.
    best_known: HeaderEntryView | None = None
    unknown: BlockHash | None = None  # The last announced hash that led nowhere yet.
    best_sent: HeaderEntryView | None = None
    syncing: bool = False
    exhausted: bool = False  # It has no more headers for us.
    sync_until: Instant | None = None
    stalled: bool = False  # It has not answered for a while; others are asked meanwhile.
    asked_at: Instant | None = None
    asked_by_inv: bool = False
    presync: Presync | None = None
    last_received: BlockHash | None = None
    last_was_new: bool = False
    prefers_headers: bool = False
    protected: bool = False
    news_at: Instant = 0
    lag: ChainLag = field(default_factory=ChainLag)


class HeaderSync:
    """The headers of all peers; node-wide.

    Args:
        headers: all known headers.
        rng: picks the next peer to sync from.
        active: the connected blocks; None where there are only headers (SPV).
        minimum_chainwork: what the network's chain is known to have at least.
        in_initial_sync: whether the node is still catching up.
        patience: how long the one peer of the first sync may leave a question open before another
            is asked, too; None to wait for it.
    """

    def __init__(
        self,
        headers: HeaderTreeView,
        rng: Random,
        *,
        active: ActiveChainView | None = None,
        minimum_chainwork: int = 0,
        in_initial_sync: Callable[[], bool] = lambda: False,
        patience: Instant | None = None,
    ) -> None:
        self._headers = headers
        self._rng = rng
        self._active = active
        self._minimum_chainwork = minimum_chainwork
        self._in_initial_sync = in_initial_sync
        self._patience = patience
        self._peers: dict[PeerId, _SyncPeer] = {}
        self._requests_due: dict[PeerId, None] = {}  # Next messages of chains that are read twice.
        self._last_inv: BlockHash | None = None
        self._look_at: Instant | None = None  # No peer's time is up before.

    # What happened.

    def opened(
        self,
        peer: PeerId,
        *,
        outbound: bool,
        preferred: bool,
        start_height: int,
        now: Instant,
        version: int = SENDHEADERS_VERSION,
        serves_blocks: bool = True,
        block_relay_only: bool = False,
        noban: bool = False,
    ) -> list[Action]:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            outbound: the node chose it and may give it up for another; not so for those that the
                operator named.
            preferred: to be downloaded from: dialled by us, or trusted.
            start_height: its `version` says so; nothing is believed of it.
            now: the present.
            version: the newest protocol version that both speak.
            serves_blocks: it offers NETWORK or NETWORK_LIMITED.
            block_relay_only: a connection for blocks alone is never protected.
            noban: the operator trusts it.
        """
        self._peers[peer] = _SyncPeer(
            outbound=outbound,
            preferred=preferred,
            protectable=outbound and not block_relay_only,
            serves=serves_blocks,
            noban=noban,
            start_height=start_height,
            told_sendheaders=version < SENDHEADERS_VERSION,
        )
        actions = self._start_syncs(now)
        self._consider_lag(peer, now)
        return actions

    def received(
        self,
        peer: PeerId,
        message: HeadersMessage,
        now: Instant,
    ) -> HeadersToJudge:
        """A `headers` message.

        Returns:
            What to judge; if it is not empty, `judged` is to be called with the outcome.

        Raises:
            PeerViolation: too many, not continuous, or without the work that they claim.
        """
        ours, headers = self._peers[peer], message.headers
        if len(headers) > MAX_HEADERS:
            raise PeerViolation(f"headers: at most {MAX_HEADERS} in a message")
        if not headers:
            # It has nothing for us: an answer, since nobody announces nothing.
            ours.presync = None
            ours.asked_at, ours.stalled = None, False
            self._note_end(ours, now)
            return HeadersToJudge(())
        _check_continuous(headers)
        full = len(headers) == MAX_HEADERS
        if ours.presync is not None:
            kept = self._continue_presync(peer, ours, ours.presync, headers, full)
            if kept is not None:
                if not full:
                    self._note_end(ours, now)
                return self._hand_on(ours, kept)
        start = self._headers.get(headers[0].prev)
        if start is None:
            _check_work(headers)
            return self._hand_on(ours, headers)
        ours.asked_at, ours.stalled = None, False
        if not full:
            self._note_end(ours, now)
        if ours.noban or self._is_familiar(headers[-1].hash):
            return self._hand_on(ours, headers)
        enough = self._work_threshold()
        if start.chainwork < enough and start.chainwork + claimed_work(headers) < enough:
            _check_work(headers)
            if full:
                ours.presync = Presync(start, enough)
                self._continue_presync(peer, ours, ours.presync, headers, full)
            return HeadersToJudge(())
        return self._hand_on(ours, headers)

    def judged(
        self,
        peer: PeerId,
        entries: Sequence[HeaderEntryView],
        count: int,
        unconnected: bool,
        rejected: Rejected | None,
        now: Instant,
    ) -> list[Action]:
        """The node has judged what `received` handed on.

        Args:
            peer: who sent them.
            entries: those that are now known, in order.
            count: how many the message held.
            unconnected: the first builds on nothing known.
            rejected: why the one after `entries` was refused.
            now: the present.

        Raises:
            PeerViolation: it sent an invalid header.
            PeerFault: its whole chain has too little work to be of use.
        """
        ours = self._peers.get(peer)
        if ours is None:
            return []
        if unconnected:
            actions = self._ask(peer, ours, self._headers.best, now)
            if ours.last_received is not None:
                self._learn(ours, ours.last_received)
            return actions
        if entries:
            self._learn(ours, entries[-1].hash)
        if rejected is not None:
            _punish(ours, rejected)
            return []
        if not entries:
            return []
        actions = []
        last = entries[-1]
        full = count == MAX_HEADERS
        if full:
            actions += self._ask(peer, ours, last, now)
        if ours.last_was_new and last.chainwork > self._tip.chainwork:
            ours.news_at = now
        self._check_use(ours, full)
        actions += self._tell_sendheaders(peer, ours)
        actions += self._start_syncs(now)
        self._consider_lag(peer, now)
        return actions

    def announced(self, peer: PeerId, block_hash: BlockHash, now: Instant) -> list[Action]:
        """A peer named a block in an `inv`; if it is unknown, its headers are asked for."""
        ours = self._peers.get(peer)
        if ours is None:
            return []
        self._learn(ours, block_hash)
        if self._headers.get(block_hash) is not None:
            return self._tell_sendheaders(peer, ours)
        # Before the first sync is over a new block makes us ask one more peer, and only one:
        # else every peer would send all headers at once.
        if not ours.syncing:
            if ours.asked_by_inv or block_hash == self._last_inv:
                return []
            ours.asked_by_inv = True
            self._last_inv = block_hash
        return self._ask(peer, ours, self._headers.best, now)

    def prefers_headers(self, peer: PeerId) -> None:
        """A peer sent `sendheaders`."""
        ours = self._peers.get(peer)
        if ours is not None:
            ours.prefers_headers = True

    def told(self, peer: PeerId, block_hash: BlockHash) -> None:
        """A peer was sent this header otherwise: as an answer, or in a compact block."""
        ours = self._peers.get(peer)
        entry = self._headers.get(block_hash)
        if ours is not None and entry is not None:
            ours.best_sent = entry

    def announce(self, connected: Sequence[HeaderEntryView], now: Instant) -> list[Action]:
        """Our tip moved: tell all peers that do not have it, unless we are still catching up.

        Args:
            connected: the newly connected blocks, lowest first.
            now: the present.
        """
        for peer in self._peers:
            self._consider_lag(peer, now)
        if not connected or self._in_initial_sync():
            return []
        news = connected[-MAX_ANNOUNCED:]
        actions: list[Action] = []
        for peer, ours in self._peers.items():
            actions += self._announce_to(peer, ours, news)
        return actions

    def closed(self, peer: PeerId, now: Instant) -> list[Action]:
        """A peer has gone; if it was the one to sync from, another is asked."""
        if self._peers.pop(peer, None) is None:
            return []
        self._requests_due.pop(peer, None)
        return self._start_syncs(now)

    # Time.

    def tick(self, now: Instant) -> list[Action]:
        """Ask on where a chain is being read twice, and disconnect those whose time is up."""
        actions: list[Action] = []
        for peer in list(self._requests_due):
            ours = self._peers[peer]
            if ours.presync is not None:
                actions += self._ask_presync(peer, ours, ours.presync, now)
        self._requests_due.clear()
        if self._look_at is not None and now >= self._look_at:
            self._look_at = None
            for peer, ours in list(self._peers.items()):
                self._note_stall(ours, now)
                mute_at = self._mute_at(ours)
                if mute_at is not None and now >= mute_at:
                    actions.append(
                        DisconnectPeer(peer, PeerSilent("a getheaders was not answered"))
                    )
                    continue
                if ours.sync_until is not None and now >= ours.sync_until:
                    actions += self._sync_overdue(peer, ours, now)
                if ours.lag.until is not None and now >= ours.lag.until:
                    actions += self._lag_overdue(peer, ours, now)
                self._watch(ours.sync_until)
                self._watch(ours.lag.until)
                self._watch(self._stall_at(ours))
                self._watch(self._mute_at(ours))
            actions += self._start_syncs(now)
        return actions

    def deadline(self) -> Instant | None:
        """When `tick` has something to do; 0 for at once."""
        return 0 if self._requests_due else self._look_at

    # What is known.

    def best_known(self, peer: PeerId) -> HeaderEntryView | None:
        """The best header that a peer is known to have; None before it showed one."""
        ours = self._peers.get(peer)
        if ours is None:
            return None
        if ours.unknown is not None:
            self._resolve_unknown(ours)
        return ours.best_known

    def synced_headers(self, peer: PeerId) -> int:
        """The height of `best_known`, -1 for none."""
        best = self.best_known(peer)
        return -1 if best is None else best.height

    def presynced_headers(self, peer: PeerId) -> int:
        """How far the first reading of a peer's chain is, -1 for none."""
        ours = self._peers.get(peer)
        reading = None if ours is None else ours.presync
        return reading.height if reading is not None and reading.phase is Phase.FIRST else -1

    def start_height(self, peer: PeerId) -> int:
        """The height that a peer's `version` claimed."""
        return self._peers[peer].start_height

    def has_header(self, peer: PeerId, entry: HeaderEntryView) -> bool:
        """Whether a peer has a header, by what it sent and what it was sent."""
        ours = self._peers.get(peer)
        if ours is None:
            return False
        self.best_known(peer)
        return _has(ours, entry)

    def news_at(self, peer: PeerId) -> Instant:
        """When a peer last sent a header beyond our tip; 0 for never."""
        return self._peers[peer].news_at

    def is_protected(self, peer: PeerId) -> bool:
        """Whether a peer is to be kept even if it falls behind."""
        return self._peers[peer].protected

    # How it is done.

    @property
    def _tip(self) -> HeaderEntryView:
        return self._headers.best if self._active is None else self._active.tip

    def _hand_on(self, ours: _SyncPeer, headers: tuple[Header, ...]) -> HeadersToJudge:
        if headers:
            ours.last_received = headers[-1].hash
            ours.last_was_new = self._headers.get(ours.last_received) is None
        return HeadersToJudge(headers)

    def _stall_at(self, ours: _SyncPeer) -> Instant | None:
        """When a peer that we sync from counts as stalled."""
        waits = ours.syncing and not ours.exhausted and not ours.stalled
        if self._patience is None or ours.asked_at is None or not waits:
            return None
        return ours.asked_at + self._patience

    def _mute_at(self, ours: _SyncPeer) -> Instant | None:
        """When a peer of an impatient client has owed an answer for too long."""
        if self._patience is None or ours.asked_at is None:
            return None
        return ours.asked_at + RESPONSE_TIME

    def _note_stall(self, ours: _SyncPeer, now: Instant) -> None:
        due = self._stall_at(ours)
        if due is not None and now >= due:
            ours.stalled = True

    def _note_end(self, ours: _SyncPeer, now: Instant) -> None:
        """A peer has no more headers for us; in the first sync another may have."""
        if ours.syncing and not ours.exhausted:
            ours.exhausted = True
            ours.sync_until = None
            self._watch(now)

    def _continue_presync(
        self,
        peer: PeerId,
        ours: _SyncPeer,
        presync: Presync,
        headers: tuple[Header, ...],
        full: bool,
    ) -> tuple[Header, ...] | None:
        """What to hand on; None where the headers are no part of the chain that is read twice."""
        _check_work(headers)
        was = presync.phase
        kept = presync.received(headers, full)
        if presync.fits:
            ours.asked_at, ours.stalled = None, False
        if presync.phase is Phase.FAILED:
            ours.presync = None
            return () if presync.fits else None
        if presync.phase is Phase.DONE:
            ours.presync = None
        elif was is Phase.FIRST:
            self._requests_due[peer] = None
        return kept

    def _ask_presync(
        self, peer: PeerId, ours: _SyncPeer, presync: Presync, now: Instant
    ) -> list[Action]:
        known = locator(self._headers, presync.start)
        hashes = known if presync.last == presync.start.hash else (presync.last, *known)
        ours.asked_at = now
        return [Send(peer, GetHeaders(hashes))]

    def _is_familiar(self, block_hash: BlockHash) -> bool:
        """A header that leads to our best or to our tip costs no memory any more."""
        entry = self._headers.get(block_hash)
        if entry is None:
            return False
        if self._headers.best.ancestor(entry.height) is entry:
            return True
        return self._active is not None and is_active(self._active, entry)

    def _work_threshold(self) -> int:
        tip = self._tip
        near_tip = tip.chainwork - WORK_BUFFER_BLOCKS * work(tip.bits)
        return max(near_tip, self._minimum_chainwork)

    def _ask(
        self, peer: PeerId, ours: _SyncPeer, entry: HeaderEntryView, now: Instant
    ) -> list[Action]:
        """Ask for what follows an entry, unless an answer is still awaited."""
        if ours.asked_at is not None and 0 <= now - ours.asked_at <= RESPONSE_TIME:
            return []
        ours.asked_at = now
        self._watch(self._stall_at(ours))
        self._watch(self._mute_at(ours))
        return [Send(peer, GetHeaders(locator(self._headers, entry)))]

    def _start_syncs(self, now: Instant) -> list[Action]:
        best = self._headers.best
        if best.time * SECOND > now - RECENT:
            chosen = [peer for peer, ours in self._peers.items() if ours.serves]
        elif any(self._is_syncing(ours) for ours in self._peers.values()):
            return []
        else:
            able = [peer for peer, ours in self._peers.items() if ours.serves and not ours.syncing]
            preferred = [peer for peer in able if self._peers[peer].preferred]
            pool = preferred or able
            chosen = [pool[int(self._rng.random() * len(pool))]] if pool else []
        actions: list[Action] = []
        for peer in chosen:
            ours = self._peers[peer]
            if ours.syncing:
                continue
            # From one before the best: the answer is then never empty, and says what it has.
            asked = self._ask(peer, ours, best.parent or best, now)
            if asked:
                ours.syncing = True
                expected = max(0, now // SECOND - best.time) // BLOCK_INTERVAL_S
                ours.sync_until = now + SYNC_TIMEOUT + expected * SYNC_TIMEOUT_PER_HEADER
                self._watch(ours.sync_until)
                self._watch(self._stall_at(ours))
                actions += asked
        return actions

    @staticmethod
    def _is_syncing(ours: _SyncPeer) -> bool:
        return ours.syncing and not ours.exhausted and not ours.stalled

    def _sync_overdue(self, peer: PeerId, ours: _SyncPeer, now: Instant) -> list[Action]:
        if self._headers.best.time * SECOND > now - RECENT:
            ours.sync_until = None
            return []
        active = [other for other in self._peers.values() if other.syncing and not other.exhausted]
        others = any(other.preferred for name, other in self._peers.items() if name != peer)
        if not (len(active) == 1 and others):
            ours.sync_until = now + MINUTE  # It is the best we have; look again.
            return []
        if ours.noban:
            ours.syncing = False
            ours.sync_until = None
            return []
        ours.sync_until = None
        return [DisconnectPeer(peer, PeerSilent("headers did not arrive in time"))]

    def _watch(self, due: Instant | None) -> None:
        if due is not None and (self._look_at is None or due < self._look_at):
            self._look_at = due

    def _consider_lag(self, peer: PeerId, now: Instant) -> None:
        """Start or stop the clock of an outbound peer that is behind our tip."""
        ours = self._peers[peer]
        self._weigh_lag(peer, ours, now)
        self._watch(ours.lag.until)

    def _weigh_lag(self, peer: PeerId, ours: _SyncPeer, now: Instant) -> None:
        if ours.outbound and ours.syncing and not ours.protected:
            ours.lag.consider(self.best_known(peer), self._tip, now)

    def _lag_overdue(self, peer: PeerId, ours: _SyncPeer, now: Instant) -> list[Action]:
        self._weigh_lag(peer, ours, now)
        match ours.lag.overdue(now):
            case Overdue.ASK:
                assert ours.lag.benchmark is not None, "a clock runs against a benchmark"
                before = ours.lag.benchmark.parent or ours.lag.benchmark
                return self._ask(peer, ours, before, now)
            case Overdue.GIVE_UP:
                return [
                    DisconnectPeer(peer, PeerSilent("its chain has been behind ours for too long"))
                ]
            case Overdue.NOTHING:
                return []

    def _check_use(self, ours: _SyncPeer, full: bool) -> None:
        best = ours.best_known
        if best is None:
            return
        if (
            ours.outbound
            and not full
            and best.chainwork < self._minimum_chainwork
            and self._in_initial_sync()
        ):
            raise PeerFault("its chain has too little work to be of use")
        if (
            ours.protectable
            and not ours.protected
            and best.chainwork >= self._tip.chainwork
            and sum([other.protected for other in self._peers.values()]) < MAX_PROTECTED
        ):
            ours.protected = True
            ours.lag.stop()

    def _tell_sendheaders(self, peer: PeerId, ours: _SyncPeer) -> list[Action]:
        """BIP 130, but not before its chain is known: its news would disturb the sync."""
        best = ours.best_known
        if ours.told_sendheaders or best is None or best.chainwork <= self._minimum_chainwork:
            return []
        ours.told_sendheaders = True
        return [Send(peer, SendHeaders())]

    def _learn(self, ours: _SyncPeer, block_hash: BlockHash) -> None:
        """A peer has this block."""
        self._resolve_unknown(ours)
        entry = self._headers.get(block_hash)
        if entry is None:
            ours.unknown = block_hash  # The latest is taken for the best.
        elif ours.best_known is None or entry.chainwork >= ours.best_known.chainwork:
            ours.best_known = entry

    def _resolve_unknown(self, ours: _SyncPeer) -> None:
        entry = None if ours.unknown is None else self._headers.get(ours.unknown)
        if entry is not None:
            ours.unknown = None
            if ours.best_known is None or entry.chainwork >= ours.best_known.chainwork:
                ours.best_known = entry

    def _announce_to(
        self, peer: PeerId, ours: _SyncPeer, news: Sequence[HeaderEntryView]
    ) -> list[Action]:
        self._resolve_unknown(ours)
        tip = news[-1]
        if _has(ours, tip):
            return []
        if ours.prefers_headers:
            first = next(place for place, entry in enumerate(news) if not _has(ours, entry))
            parent = news[first].parent
            if parent is None or _has(ours, parent):
                ours.best_sent = tip
                headers = tuple(entry.header for entry in news[first:])
                return [Send(peer, HeadersMessage(headers))]
        return [Send(peer, Inv((InvItem(InvType.BLOCK, tip.hash),)))]


def _has(ours: _SyncPeer, entry: HeaderEntryView) -> bool:
    for known in (ours.best_known, ours.best_sent):
        if known is not None and known.ancestor(entry.height) is entry:
            return True
    return False


def _check_continuous(headers: Sequence[Header]) -> None:
    before = headers[0].hash
    for header in headers[1:]:
        if header.prev != before:
            raise PeerViolation("headers: each builds on the one before")
        before = header.hash


def _check_work(headers: Sequence[Header]) -> None:
    for header in headers:
        if not meets_target(header.hash, header.bits):
            raise PeerViolation("headers: each proves the work that it claims")


def _punish(ours: _SyncPeer, rejected: Rejected) -> None:
    """What Bitcoin Core does about an invalid header: one is enough, with two exceptions."""
    if rejected.reason in _NO_PUNISHMENT:
        return
    if rejected.reason == _PUNISHED_IF_CHOSEN and not ours.outbound:
        return  # It may have seen that block only now; those that we chose should know better.
    raise PeerViolation(f"headers: {rejected}")
