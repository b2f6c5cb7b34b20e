"""Which headers are worth storing, and what is asked for next.

What arrives is checked as far as it can be without the ledger and handed to the node, which says
whether it is valid (`validated`). Which peers are asked is decided in p2p/syncpeers; what each of
them is known to have goes to p2p/peerchains.

    any --chain of too little work--> read twice (p2p/presync)
    outbound --behind our tip for too long (p2p/chainlag)--> disconnected

Deviation from Bitcoin Core 31: its first reading keeps salted bits of some headers, ours the last
hash of each message.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from axon.machine import Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.chainlag import OutboundChains
from axon.p2p.faults import TOO_NEW, PeerSilent, PeerViolation
from axon.p2p.headerchecks import check_continuous, check_work, least_work, punish
from axon.p2p.peerchains import PeerChains
from axon.p2p.presync import Phase, Presync, claimed_work
from axon.p2p.syncpeers import SyncPeers
from axon.p2p.views import ChainView, HeaderEntryView, locator
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.verdict import Rejected
from axon.wire.messages import GetHeaders, Headers, SendHeaders
from axon.wire.messages.headers import MAX_HEADERS

SENDHEADERS_VERSION: Final = 70_012
"""From this protocol version on a peer knows `sendheaders`."""


@dataclass(slots=True)
class _HeaderSource:
    outbound: bool
    noban: bool
    told_sendheaders: bool  # Or it does not know the message.
    asked_by_inv: bool = False
    ahead_of_clock: bool = False
    presync: Presync | None = None
    last_received: BlockHash | None = None
    last_was_new: bool = False
    news_at: Instant = 0


class HeaderSync:
    """The headers of all peers; node-wide.

    Args:
        chain: what we know.
        peer_chains: what each peer has; kept up to date here.
        rng: picks the next peer to sync from.
        patience: as for `SyncPeers`.
    """

    def __init__(
        self,
        chain: ChainView,
        peer_chains: PeerChains,
        rng: Random,
        *,
        patience: Instant | None = None,
    ) -> None:
        self._chain = chain
        self._headers = chain.headers
        self._peer_chains = peer_chains
        self._sync = SyncPeers(rng, patience)
        self._outbound = OutboundChains(chain, peer_chains)
        self._peers: dict[PeerId, _HeaderSource] = {}
        self._requests_due: dict[PeerId, None] = {}  # Next messages of chains that are read twice.
        self._last_inv: BlockHash | None = None

    # What happened.

    def opened(
        self,
        peer: PeerId,
        *,
        outbound: bool,
        preferred: bool,
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
            now: the present.
            version: the newest protocol version that both speak.
            serves_blocks: it offers NETWORK or NETWORK_LIMITED.
            block_relay_only: a connection for blocks alone is never protected.
            noban: the operator trusts it.
        """
        self._peers[peer] = _HeaderSource(outbound, noban, version < SENDHEADERS_VERSION)
        self._peer_chains.opened(peer)
        self._sync.opened(peer, preferred=preferred, serves=serves_blocks, noban=noban)
        if outbound:
            self._outbound.opened(peer, protectable=not block_relay_only)
        return self._start_syncs(now)

    def received(self, peer: PeerId, message: Headers, now: Instant) -> tuple[Header, ...]:
        """A `headers` message.

        Returns:
            Continuous headers that are worth storing; if there are any, `validated` is to be called
            with the outcome.

        Raises:
            PeerViolation: too many, not continuous, or without the work that they claim.
        """
        ours, headers = self._peers[peer], message.headers
        if len(headers) > MAX_HEADERS:
            raise PeerViolation(f"Bitcoin Core: at most {MAX_HEADERS} headers in a message")
        if not headers:
            # It has nothing for us: an answer, since nobody announces nothing.
            ours.presync = None
            self._sync.answered(peer)
            self._sync.exhausted(peer, now)
            return ()
        check_continuous(headers)
        full = len(headers) == MAX_HEADERS
        if ours.presync is not None:
            kept = self._continue_presync(peer, ours, ours.presync, headers, full)
            if kept is not None:
                if not full:
                    self._sync.exhausted(peer, now)
                return self._hand_on(ours, kept)
        start = self._headers.get(headers[0].prev)
        if start is None:
            check_work(headers)
            return self._hand_on(ours, headers)
        self._sync.answered(peer)
        if not full:
            self._sync.exhausted(peer, now)
        if ours.noban or self._is_familiar(headers[-1].hash):
            return self._hand_on(ours, headers)
        enough = least_work(self._chain)
        if start.chainwork < enough and start.chainwork + claimed_work(headers) < enough:
            check_work(headers)
            if full:
                ours.presync = Presync(start, enough)
                self._continue_presync(peer, ours, ours.presync, headers, full)
            return ()
        return self._hand_on(ours, headers)

    def validated(
        self,
        peer: PeerId,
        last: HeaderEntryView | None,
        count: int,
        unconnected: bool,
        rejected: Rejected | None,
        now: Instant,
    ) -> list[Action]:
        """The node has validated what `received` handed on.

        Args:
            peer: who sent them.
            last: the last of them that is known now; None if none is.
            count: how many the message held.
            unconnected: the first builds on nothing known.
            rejected: why the one after that was refused.
            now: the present.

        Raises:
            PeerViolation: it sent an invalid header.
            PeerFault: its whole chain has too little work to be of use.
        """
        ours = self._peers.get(peer)
        if ours is None:
            return []
        if unconnected:
            actions = self._ask(peer, self._headers.best, now)
            if ours.last_received is not None:
                self._peer_chains.shown(peer, ours.last_received)
            return actions
        if last is not None:
            self._peer_chains.shown(peer, last.hash)
        ours.ahead_of_clock = rejected is not None and rejected.reason == TOO_NEW
        if rejected is not None:
            punish(rejected, chosen=ours.outbound)
            return []
        if last is None:
            return []
        actions = []
        full = count == MAX_HEADERS
        if full:
            actions += self._ask(peer, last, now)
        if ours.last_was_new and last.chainwork > self._chain.tip.chainwork:
            ours.news_at = now
        self._outbound.check_use(peer, full, now)
        actions += self._tell_sendheaders(peer, ours)
        actions += self._start_syncs(now)
        self._outbound.consider(peer, now)
        return actions

    def announced(self, peer: PeerId, block_hash: BlockHash, now: Instant) -> list[Action]:
        """A peer named a block in an `inv`; if it is unknown, its headers are asked for."""
        ours = self._peers.get(peer)
        if ours is None:
            return []
        self._peer_chains.shown(peer, block_hash)
        if self._headers.get(block_hash) is not None:
            return self._tell_sendheaders(peer, ours)
        # Before the first sync is over a new block makes us ask one more peer, and only one:
        # else every peer would send all headers at once.
        if not self._sync.is_syncing(peer):
            if ours.asked_by_inv or block_hash == self._last_inv:
                return []
            ours.asked_by_inv = True
            self._last_inv = block_hash
        return self._ask(peer, self._headers.best, now)

    def shown(self, peer: PeerId, entry: HeaderEntryView, now: Instant, *, is_new: bool) -> None:
        """A peer sent the header of a block together with the block."""
        ours = self._peers.get(peer)
        if ours is None:
            return
        self._peer_chains.shown(peer, entry.hash)
        if is_new and entry.chainwork > self._chain.tip.chainwork:
            ours.news_at = now
        self._outbound.consider(peer, now)

    def ask_again(self, peer: PeerId, now: Instant) -> list[Action]:
        """Ask for what follows our best header, whatever a peer answered before."""
        best = self._headers.best
        return self._ask(peer, best.parent or best, now)

    def tip_moved(self, now: Instant) -> None:
        """Our tip is another: outbound peers may be behind it, or have reached it."""
        for peer in self._peers:
            self._outbound.consider(peer, now)

    def closed(self, peer: PeerId, now: Instant) -> list[Action]:
        """A peer has gone; if it was the one to sync from, another is asked."""
        if self._peers.pop(peer, None) is None:
            return []
        self._requests_due.pop(peer, None)
        self._peer_chains.closed(peer)
        self._sync.closed(peer)
        self._outbound.closed(peer)
        return self._start_syncs(now)

    # Time.

    def tick(self, now: Instant) -> list[Action]:
        """Ask on where a chain is being read twice, and disconnect those whose time is up."""
        actions: list[Action] = []
        for peer in list(self._requests_due):
            ours = self._peers[peer]
            if ours.presync is not None:
                actions += self._ask_presync(peer, ours.presync, now)
        self._requests_due.clear()
        sync_due = _is_due(self._sync.deadline(), now)
        lag_due = _is_due(self._outbound.deadline(), now)
        if sync_due:
            actions += self._sync.tick(self._headers.best, now)
        if lag_due:
            for peer, ask_from in self._outbound.tick(now):
                if ask_from is not None:
                    actions += self._ask(peer, ask_from, now)
                else:
                    lag = PeerSilent("its chain has been behind ours for too long")
                    actions.append(DisconnectPeer(peer, lag))
        return actions + self._start_syncs(now) if sync_due or lag_due else actions

    def deadline(self) -> Instant | None:
        """When `tick` has something to do; 0 for at once."""
        if self._requests_due:
            return 0
        sync_at, lag_at = self._sync.deadline(), self._outbound.deadline()
        if sync_at is None or (lag_at is not None and lag_at < sync_at):
            return lag_at
        return sync_at

    # What is known.

    def was_asked(self, peer: PeerId) -> bool:
        """Whether a peer was asked for the headers that follow ours."""
        return self._sync.is_syncing(peer)

    def has_told_all(self, peer: PeerId) -> bool:
        """Whether a peer was asked for headers and has no more of them for us."""
        return self._sync.has_answered(peer) and self._peers[peer].presync is None

    def is_worth_keeping(self, header: Header) -> bool:
        """Whether a header that came with its block may be kept: its chain has enough work."""
        before = self._headers.get(header.prev)
        if before is None or self._headers.get(header.hash) is not None:
            return True  # Another rule decides.
        return before.chainwork + claimed_work((header,)) >= least_work(self._chain)

    def is_ahead_of_clock(self, peer: PeerId) -> bool:
        """Whether the last headers of a peer were refused because our clock calls them too new."""
        return self._peers[peer].ahead_of_clock

    def presynced_headers(self, peer: PeerId) -> int:
        """How far the first reading of a peer's chain came that is read twice, -1 for none."""
        ours = self._peers.get(peer)
        return -1 if ours is None or ours.presync is None else ours.presync.height

    def news_at(self, peer: PeerId) -> Instant:
        """When a peer last sent a header beyond our tip; 0 for never."""
        return self._peers[peer].news_at

    def is_protected(self, peer: PeerId) -> bool:
        """Whether a peer is to be kept even if it falls behind."""
        return self._outbound.is_protected(peer)

    # How it is done.

    def _hand_on(self, ours: _HeaderSource, headers: tuple[Header, ...]) -> tuple[Header, ...]:
        if headers:
            ours.last_received = headers[-1].hash
            ours.last_was_new = self._headers.get(ours.last_received) is None
        return headers

    def _continue_presync(
        self,
        peer: PeerId,
        ours: _HeaderSource,
        presync: Presync,
        headers: tuple[Header, ...],
        full: bool,
    ) -> tuple[Header, ...] | None:
        """What to hand on; None where the headers are no part of the chain that is read twice."""
        check_work(headers)
        was = presync.phase
        kept = presync.received(headers, full)
        if presync.fits:
            self._sync.answered(peer)
        if presync.phase is Phase.FAILED:
            ours.presync = None
            return () if presync.fits else None
        if presync.phase is Phase.DONE:
            ours.presync = None
        elif was is Phase.FIRST:
            self._requests_due[peer] = None
        return kept

    def _ask_presync(self, peer: PeerId, presync: Presync, now: Instant) -> list[Action]:
        known = locator(self._headers, presync.start)
        hashes = known if presync.last == presync.start.hash else (presync.last, *known)
        self._sync.asked(peer, now)
        return [Send(peer, GetHeaders(hashes))]

    def _is_familiar(self, block_hash: BlockHash) -> bool:
        """A header that leads to our best or to our tip costs no memory any more."""
        entry = self._headers.get(block_hash)
        if entry is None:
            return False
        best, tip = self._headers.best, self._chain.tip
        return best.ancestor(entry.height) is entry or tip.ancestor(entry.height) is entry

    def _ask(self, peer: PeerId, entry: HeaderEntryView, now: Instant) -> list[Action]:
        """Ask for what follows an entry, unless an answer is still awaited."""
        if not self._sync.try_ask(peer, now):
            return []
        return [Send(peer, GetHeaders(locator(self._headers, entry)))]

    def _start_syncs(self, now: Instant) -> list[Action]:
        best = self._headers.best
        actions: list[Action] = []
        for peer in self._sync.choose(best, now):
            # From one before the best: the answer is then never empty, and says what it has.
            asked = self._ask(peer, best.parent or best, now)
            if asked:
                self._sync.started(peer, best, now)
                self._outbound.started(peer, now)
                actions += asked
        return actions

    def _tell_sendheaders(self, peer: PeerId, ours: _HeaderSource) -> list[Action]:
        """BIP 130, but not before its chain is known: its news would disturb the sync."""
        best = self._peer_chains.best_known(peer)
        if ours.told_sendheaders or best is None:
            return []
        if best.chainwork <= self._chain.minimum_chainwork:
            return []
        ours.told_sendheaders = True
        return [Send(peer, SendHeaders())]


def _is_due(deadline: Instant | None, now: Instant) -> bool:
    return deadline is not None and now >= deadline
