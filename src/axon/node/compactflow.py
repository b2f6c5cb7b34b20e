"""How compact blocks come in: from a peer's message to a block that is validated (BIP 152).

    cmpctblock --> its header into the tree --> Delegate(MatchCompact) --> `matched`
    blocktxn --> Delegate(FillCompact) --> `filled`
    matched, filled --> asked on, or a whole block for `blockflow`

A peer that brought a new tip is asked to announce the next blocks so, unasked (p2p/highbandwidth).
Nothing but the header is looked at before its work is known to be done, nor of one that comes
unasked from another peer: what we answer would tell it what is in our pool. While a compact block
of a peer is looked at its further messages wait, so each peer has one job at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.machine import Instant, PeerId
from axon.node.blocktraced import BlockRebuilt
from axon.node.chainstate import ChainState
from axon.node.facts import BlockRejected, MessageIgnored
from axon.node.headerflow import HeaderFlow
from axon.node.jobs import COMPACT, FillCompact, MatchCompact
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.node.txoutcomes import TxOutcomes
from axon.p2p.actions import Action
from axon.p2p.blockannounce import BlockAnnounce
from axon.p2p.blockdownload import BlockDownload
from axon.p2p.blocktimelines import BlockTimelines
from axon.p2p.compactblock import CompactFault, PartialBlock, Rebuilt
from axon.p2p.compactfetch import CompactFetch, FillRequest, MatchRequest
from axon.p2p.handshake import COMPACT_BLOCKS_SINCE
from axon.p2p.headerchecks import punish
from axon.p2p.highbandwidth import HighBandwidth
from axon.primitives.hashes import BlockHash
from axon.primitives.verdict import Rejected
from axon.wire.messages import BlockTxn, CmpctBlock, SendCmpct

MAX_ORDERED: Final = 16
"""Compact blocks looked at at a time. More wait here, and are forgotten with their peer: whoever
connects, sends one and leaves again and again must not fill the lane."""


@dataclass(frozen=True, slots=True)
class CompactLooked:
    """Continuation: a compact block of a peer was looked at.

    Args:
        peer: whose.
        hash: of the block.
        filled: with the transactions that it was asked for.
    """

    peer: PeerId
    hash: BlockHash
    filled: bool


@dataclass(frozen=True, slots=True)
class RebuiltBlock:
    """A block that is whole and wanted.

    Args:
        entry: of its header.
        peer: who gave it.
        rebuilt: the block.
    """

    entry: HeaderEntry
    peer: PeerId
    rebuilt: Rebuilt


class CompactFlow:
    """Compact blocks on their way into a full node.

    Args:
        outbox: where effects go.
        sessions: all connections, by peer.
        chain: what is known.
        headers: takes headers in.
        download: says who owes us which block.
        announcer: is told who wants compact blocks.
        outcomes: knows the transactions that are here.
        timelines: of blocks; noted there.
        blocks_only: there is no pool to speak of, so compact blocks are left out.
    """

    def __init__(
        self,
        outbox: Outbox,
        sessions: Mapping[PeerId, Session],
        chain: ChainState,
        headers: HeaderFlow,
        download: BlockDownload,
        announcer: BlockAnnounce,
        outcomes: TxOutcomes,
        timelines: BlockTimelines,
        *,
        blocks_only: bool,
    ) -> None:
        self._outbox = outbox
        self._sessions = sessions
        self._chain = chain
        self._headers = headers
        self._download = download
        self._announcer = announcer
        self.bandwidth = HighBandwidth(blocks_only=blocks_only)
        self._fetch = CompactFetch(chain, download, self.bandwidth)
        self._outcomes = outcomes
        self._timelines = timelines
        self._blocks_only = blocks_only
        self._ordered = 0
        self._queue: dict[PeerId, MatchRequest | FillRequest] = {}  # Whose turn has not come.

    # What is agreed on.

    def opened(self, session: Session) -> None:
        """A lasting peer's handshake is complete."""
        negotiated = session.negotiated
        assert negotiated is not None, "called when the handshake is complete"
        self.bandwidth.opened(session.peer, outbound=not session.inbound)
        if negotiated.common_version >= COMPACT_BLOCKS_SINCE:
            self._outbox.send(session.peer, SendCmpct(0))
        self.negotiated(session)

    def negotiated(self, session: Session) -> None:
        """A peer may have said how it wants to hear of blocks."""
        handshake = session.handshake
        if handshake.provides_compact_blocks:
            self._announcer.prefers_compact(session.peer, handshake.wants_high_bandwidth)
            self.bandwidth.negotiated(session.peer)
            if not self._blocks_only:
                self._download.provides_compact(session.peer)

    def connected(self, peer: PeerId | None) -> None:
        """A block of a peer is part of our chain, and we are not in initial sync.

        While others are on their way it may have been an old one.
        """
        if peer is not None and peer in self._sessions and not self._download.in_flight_total:
            self._outbox.perform(self.bandwidth.brought(peer))

    def settled(self, block_hash: BlockHash, now: Instant) -> None:
        """A block is valid and stored, or invalid: nobody owes it any more."""
        self._fetch.settled(block_hash)
        self._download.settled(block_hash, now)

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self._queue.pop(peer, None)
        self._fetch.closed(peer)
        self.bandwidth.closed(peer)

    # They come in.

    def received(self, session: Session, message: CmpctBlock, now: Instant) -> None:
        """A compact block of a peer.

        Raises:
            PeerViolation: its header is invalid.
        """
        if self._blocks_only or not session.handshake.provides_compact_blocks:
            why = "compact blocks were not agreed on"
            self._outbox.report(MessageIgnored(session.peer, message.command, why))
            return
        peer, entry = session.peer, self._place(session, message, now)
        if entry is None:
            return
        if self.bandwidth.is_chosen(peer) or peer in self._download.asked_of(entry.hash):
            self._go_on(session, self._fetch.received(peer, entry, message, now))
            return
        why = "a compact block that was not asked for"
        self._outbox.report(MessageIgnored(peer, message.command, why))
        self._outbox.perform(self._download.update(now))  # Its header counts.

    def _place(self, session: Session, message: CmpctBlock, now: Instant) -> HeaderEntry | None:
        """The header of a compact block in the tree; None if that ends the matter."""
        peer, header, sync = session.peer, message.header, self._headers.sync
        if self._chain.headers.get(header.prev) is None:
            if not self._chain.initial_sync:
                self._outbox.perform(sync.announced(peer, header.hash, now))
            return None
        if not sync.is_worth_keeping(header):
            why = "its chain has too little work"
            self._outbox.report(MessageIgnored(peer, message.command, why))
            return None
        is_new = self._chain.headers.get(header.hash) is None
        added = self._headers.place(header, now)
        if isinstance(added, Rejected):
            self._outbox.report(BlockRejected(header.hash, added.reason, peer))
            if not self._chain.headers.is_set_aside(header):
                punish(added, chosen=False)  # Who passes one on early may not know better, either.
            return None
        self._timelines.announced(peer, message.command, added, now, is_new=is_new)
        sync.shown(peer, added, now, is_new=is_new)
        return added

    def received_transactions(self, session: Session, message: BlockTxn, now: Instant) -> None:
        """Transactions of a block from a peer."""
        self._go_on(session, self._fetch.received_transactions(session.peer, message, now))

    def looked(
        self,
        done: CompactLooked,
        outcome: PartialBlock | Rebuilt | CompactFault,
        now: Instant,
    ) -> RebuiltBlock | None:
        """A compact block was looked at.

        Returns:
            The block, if it is whole and wanted.
        """
        self._order_next()
        session = self._sessions.get(done.peer)
        if session is None:
            return None
        session.busy = False
        if done.filled:
            assert not isinstance(outcome, PartialBlock), "filling makes whole, or fails"
            following = self._fetch.filled(done.peer, done.hash, outcome, now)
        else:
            following = self._fetch.matched(done.peer, done.hash, outcome, now)
        if isinstance(following, Rebuilt):
            entry = self._chain.headers.get(done.hash)
            assert entry is not None, "its header was placed before"
            self._timelines.rebuilt(done.hash, following.sources)
            self._outbox.report(BlockRebuilt(done.hash, following.sources))
            return RebuiltBlock(entry, done.peer, following)
        self._outbox.perform(following)
        return None

    # Jobs.

    def _go_on(
        self, session: Session, following: MatchRequest | FillRequest | list[Action]
    ) -> None:
        if isinstance(following, list):
            self._outbox.perform(following)
            return
        session.busy = True
        if self._ordered < MAX_ORDERED:
            self._order(following)
        else:
            self._queue[session.peer] = following

    def _order(self, request: MatchRequest | FillRequest) -> None:
        self._ordered += 1
        match request:
            case MatchRequest(peer, message):
                job: object = MatchCompact(message, *self._outcomes.candidates())
                block_hash, filled = message.hash, False
            case FillRequest(peer, partial, transactions):
                job = FillCompact(partial, transactions)
                block_hash, filled = transactions.block_hash, True
        self._outbox.delegate(job, COMPACT, CompactLooked(peer, block_hash, filled))

    def _order_next(self) -> None:
        self._ordered -= 1
        if self._queue:
            self._order(self._queue.pop(next(iter(self._queue))))
