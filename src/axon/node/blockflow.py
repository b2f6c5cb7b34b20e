"""How blocks flow through a full node, from a peer's message to a new tip.

    headers message -> headerflow -> HeaderTree -> blockdownload (ask)
    block message -> HeaderTree -> Delegate(ValidateBlock) -> `validated`: outcome, chain, pool,
        replies, announcements

While a block is validated its peer waits: what a peer sends behind a block is handled when the
block has had its effect.

Coins and filters normally move with the tip. When many blocks come at once they lag behind and are
caught up between blocks (`CatchUp`); until then the node takes in no transactions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.chain.outcome import BlockOutcome
from axon.errors import DecodeError
from axon.machine import Instant, PeerId, earlier
from axon.node.blocktraced import BlockTraced
from axon.node.catchup import CoinsCaughtUp, Followers
from axon.node.chainmoves import ChainMoves
from axon.node.chainstate import ChainState
from axon.node.commands import Submitted
from axon.node.compactflow import CompactFlow, RebuiltBlock
from axon.node.compactrelay import CompactRelay
from axon.node.facts import BlockRejected
from axon.node.headerflow import HeaderFlow
from axon.node.indexflow import IndexAdvanced
from axon.node.jobs import CHAIN, ValidateBlock
from axon.node.links import Links
from axon.node.notifications import Notifications
from axon.node.orderflow import ChainOrdered, OrderFlow, OrderFollowed
from axon.node.outbox import Outbox
from axon.node.pruneflow import BlockKept, ChainPruned, PruneFlow
from axon.node.replies import Replies
from axon.node.session import Session
from axon.node.staleflow import StaleFlow
from axon.node.txflow import TxFlow
from axon.p2p.blockannounce import BlockAnnounce
from axon.p2p.blockdownload import BlockDownload
from axon.p2p.blocktimelines import BlockTimelines
from axon.p2p.faults import DUPLICATE_INVALID, TOO_NEW, PeerViolation
from axon.p2p.views import KEPT_BLOCKS
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.verdict import Accepted, Rejected, Verdict
from axon.wire.messages import BlockMessage, Headers

FOLLOW_DISTANCE: Final = 3
"""A block so near the best header moves coins and filters along at once; further back they lag."""


@dataclass(frozen=True, slots=True)
class BlockValidated:
    """Continuation: a block was validated.

    Args:
        hash: which.
        peer: who sent it, and waits; None for the operator.
        ticket: the operator's question; None for a peer.
        compact: it came by short ids, perhaps before its sender had validated it.
    """

    hash: BlockHash
    peer: PeerId | None
    ticket: int | None
    compact: bool = False


class BlockFlow:
    """Headers, blocks and the active chain of a full node.

    Args:
        outbox: where effects go.
        sessions: all connections, by peer.
        chain: what is known; changed here.
        headers: takes headers in.
        links: told of the tip.
        transactions, replies, followers: follow the chain.
        timelines: of blocks; noted there.
        notifications: told of moves.
        download: asks for blocks.
        compact: has blocks made whole.
        relay: has the newest block, and tells of it early.
        announcer: tells peers of blocks.
        pruning, stale: told of what is stored; of headers and moves.
        now: the start.
    """

    def __init__(
        self,
        outbox: Outbox,
        sessions: Mapping[PeerId, Session],
        chain: ChainState,
        headers: HeaderFlow,
        links: Links,
        transactions: TxFlow,
        replies: Replies,
        timelines: BlockTimelines,
        notifications: Notifications,
        download: BlockDownload,
        compact: CompactFlow,
        relay: CompactRelay,
        announcer: BlockAnnounce,
        pruning: PruneFlow,
        stale: StaleFlow,
        followers: Followers,
        now: Instant,
    ) -> None:
        self._outbox = outbox
        self._sessions = sessions
        self._chain = chain
        self._headers = headers
        self._transactions = transactions
        self._replies = replies
        self._timelines = timelines
        self._relay = relay
        self._compact = compact
        self.announcer = announcer
        self.download = download
        self.followers = followers
        self.pruning = pruning
        self.stale = stale
        self._to_submit: dict[BlockHash, list[tuple[Block, int]]] = {}
        self._moves = ChainMoves(
            outbox,
            chain,
            headers,
            links,
            transactions,
            replies,
            timelines,
            relay,
            announcer,
            notifications,
            now,
        )
        self.orders = OrderFlow(outbox, chain, headers, self._moves, download)
        self.followers.begin_if_idle()

    # Headers.

    def received_headers(self, session: Session, message: Headers, now: Instant) -> None:
        """Headers from a peer."""
        last = self._headers.received(session, message, now)
        if last is not None:
            self._outbox.perform(self.download.announced(session.peer, last, now))
        self.stale.noticed(last, now)
        self.stale.showed(session)
        self._outbox.perform(self.download.update(now))

    def submit_header(self, header: Header, ticket: int, now: Instant) -> None:
        """A header from the operator, who is told of it once it is kept."""
        added = self._headers.place(header, now)
        self._outbox.perform(self.download.update(now))
        if isinstance(added, Rejected):
            self._outbox.answer(ticket, added)
            return
        self.stale.noticed(added, now)
        self._headers.answer_when_kept(ticket)

    # Blocks come in.

    def received_block(self, session: Session, message: BlockMessage, now: Instant) -> None:
        """A block from a peer, which waits until the block is validated.

        Raises:
            DecodeError: it is shorter than a header.
        """
        peer = session.peer
        if len(message.raw) < HEADER_SIZE:
            raise DecodeError("a block", 0)
        header = message.header
        block_hash = header.hash
        asked = self.download.arrived(peer, block_hash, now)
        if not self._chain.has_block(block_hash):
            if not self._headers.sync.is_worth_keeping(header):
                return
            added = self._headers.place(header, now)
            if isinstance(added, Rejected):
                if asked:
                    self.download.validated(block_hash, False)
                blamed = None if self._chain.headers.is_set_aside(header) else peer
                self._refuse(block_hash, added, blamed)
                return
            if not asked and not self._is_worth_validating(added):
                return
            session.busy = True
            self._validate(added, message.raw, BlockValidated(block_hash, peer, None))
            self._relay.came_whole(added, message.raw, now)
        elif asked and self._chain.is_pruned(block_hash):
            self.pruning.keep(session, block_hash, message.raw)
        self._outbox.perform(self.download.update(now))

    def received_rebuilt(self, found: RebuiltBlock, now: Instant) -> None:
        """A block was made whole that a peer gave by short ids; the peer waits, too."""
        entry, block = found.entry, found.rebuilt.block
        self.download.arrived(found.peer, entry.hash, now)
        self._sessions[found.peer].busy = True
        done = BlockValidated(entry.hash, found.peer, None, compact=True)
        self._validate(entry, block.raw, done, block)
        self._relay.rebuilt(entry, block, now)
        self._outbox.perform(self.download.update(now))

    def submit(self, block: Block, ticket: int, now: Instant) -> None:
        """A block from the operator, answered as `submitblock` is: in BIP 22's words."""
        if block.hash in self._chain.validating:  # It may be a forgery under the same header.
            self._to_submit.setdefault(block.hash, []).append((block, ticket))
            return
        entry = self._chain.headers.get(block.hash)
        if entry is not None and self._chain.headers.is_invalid(block.hash):
            self._outbox.answer(ticket, Submitted("duplicate-invalid", known=True))
            return
        if entry is not None and self._chain.has_block(block.hash):
            self._outbox.answer(ticket, Submitted("duplicate", known=True))
            return
        added = self._headers.place(block.header, now)
        if isinstance(added, Rejected):
            self._outbox.report(BlockRejected(block.hash, added.reason, None))
            self._outbox.answer(ticket, Submitted(added.reason))
            return
        self._validate(added, block.raw, BlockValidated(block.hash, None, ticket), block)
        self._relay.came_whole(added, block.raw, now)

    def _is_worth_validating(self, entry: HeaderEntry) -> bool:
        """Whether a block that was not asked for is taken: if it is as good as our tip, and near.

        Anything else could be old work, sent to fill the disk.
        """
        tip = self._chain.active.tip
        return (
            entry.chainwork >= tip.chainwork
            and entry.chainwork >= self._chain.minimum_chainwork
            and entry.height <= tip.height + KEPT_BLOCKS
        )

    def _validate(
        self, entry: HeaderEntry, raw: bytes, done: BlockValidated, block: Block | None = None
    ) -> None:
        self._timelines.received(done.peer, entry, self._outbox.now)
        self._headers.learn_all()
        self._chain.validating[entry.hash] = None
        near = self._chain.headers.best.height - entry.height <= FOLLOW_DISTANCE
        follow = self._chain.follows and near
        self._outbox.delegate(ValidateBlock(raw, follow, entry, block), CHAIN, done)
        self.pruning.stored(len(raw))

    # A block is validated.

    def validated(self, asked: BlockValidated, outcome: BlockOutcome, now: Instant) -> None:
        """Everything that follows from a block's validation, in order."""
        chain = self._chain
        was_syncing = chain.initial_sync
        del chain.validating[asked.hash]
        self._take_verdicts(asked.hash, outcome, now)
        self._timelines.validated(asked.hash, outcome.verdict, now)
        announcements = self._moves.follow(outcome, now)
        self.stale.moved(asked.hash, outcome, announcements, now)
        self._answer(asked, outcome, now)
        if not was_syncing and any(step.hash == asked.hash for step in outcome.connected):
            self._compact.connected(asked.peer)
        self._replies.validated(asked.hash)
        self._report_timeline(asked.hash)
        self._outbox.perform(self.download.update(now))
        self.followers.begin_if_idle()
        self._transactions.resume(now)
        for block, ticket in self._to_submit.pop(asked.hash, ()):
            self.submit(block, ticket, now)

    def completed(
        self,
        continuation: CoinsCaughtUp
        | IndexAdvanced
        | ChainPruned
        | BlockKept
        | ChainOrdered
        | OrderFollowed,
        outcome: object,
        now: Instant,
    ) -> None:
        """Other slow work about the chain is done."""
        match continuation:
            case CoinsCaughtUp() | IndexAdvanced():
                assert isinstance(outcome, int)
                self.followers.completed(continuation, outcome, now)
            case ChainPruned() | BlockKept():
                self.pruning.completed(continuation, outcome)
            case ChainOrdered() | OrderFollowed():
                assert isinstance(outcome, BlockOutcome)
                self.orders.followed(continuation, outcome, now)
                self._outbox.perform(self.download.update(now))
                self.followers.begin_if_idle()
                self._transactions.resume(now)

    def _take_verdicts(self, block_hash: BlockHash, outcome: BlockOutcome, now: Instant) -> None:
        """What is valid, and what is not: the block itself and others that depended on it."""
        if isinstance(outcome.verdict, Accepted):
            self._chain.hold(block_hash)
        else:
            self._relay.forget(block_hash)
        for other, rejected in outcome.invalid:
            self._chain.mark_invalid(other)
            if other != block_hash:
                self._outbox.report(BlockRejected(other, rejected.reason, None))
        if isinstance(outcome.verdict, Accepted) or self._chain.headers.is_invalid(block_hash):
            self._compact.settled(block_hash, now)  # Else others' bytes may yet be the block.
        self.download.validated(block_hash, not isinstance(outcome.verdict, Rejected))

    def _report_timeline(self, block_hash: BlockHash) -> None:
        timeline = self._timelines.get(block_hash)
        if timeline is not None:
            self._outbox.report(BlockTraced(timeline, self._chain.initial_sync))

    def _answer(self, asked: BlockValidated, outcome: BlockOutcome, now: Instant) -> None:
        """Whoever brought the block hears of it, or goes on, or goes."""
        session = None if asked.peer is None else self._sessions.get(asked.peer)
        if session is not None:
            session.busy = False
        if isinstance(outcome.verdict, Rejected):
            self._refuse(asked.hash, outcome.verdict, asked.peer, compact=asked.compact)
        elif session is not None:
            session.last_block_at = now
        if asked.ticket is not None:
            self._outbox.answer(asked.ticket, self._submitted(asked.hash, outcome.verdict))

    def _submitted(self, block_hash: BlockHash, verdict: Verdict) -> Submitted:
        if isinstance(verdict, Rejected):
            return Submitted(verdict.reason)
        entry = self._chain.headers.get(block_hash)
        active = entry is not None and self._chain.active.contains(entry)
        return Submitted(None if active else "inconclusive")

    def _refuse(
        self,
        block_hash: BlockHash,
        rejected: Rejected,
        peer: PeerId | None,
        *,
        compact: bool = False,
    ) -> None:
        """A block is invalid: say so, and disconnect who sent it if it is to blame.

        Who gave it by short ids is not: it may have passed it on before it was validated (BIP 152).
        """
        self._outbox.report(BlockRejected(block_hash, rejected.reason, peer))
        if peer is None or compact:
            return
        session = self._sessions.get(peer)
        inbound = session is not None and session.inbound
        if rejected.reason == TOO_NEW or (rejected.reason == DUPLICATE_INVALID and inbound):
            return  # Clocks differ; and it may have heard of that block only now.
        self._outbox.disconnect(peer, PeerViolation(f"Bitcoin Core: no invalid blocks: {rejected}"))

    # Peers come and go, time passes.

    def opened(self, session: Session, preferred: bool, serves: bool, now: Instant) -> None:
        """A lasting peer's handshake is complete.

        Args:
            session: whose.
            preferred: to be downloaded from before others.
            serves: it can give us blocks with witnesses.
            now: the present.
        """
        self._headers.opened(session, now, preferred=preferred, serves=serves)
        negotiated = session.negotiated
        assert negotiated is not None, "called when the handshake is complete"
        version = negotiated.common_version
        self.announcer.opened(
            session.peer, prefers_headers=session.handshake.prefers_headers, version=version
        )
        self._compact.opened(session)
        self.stale.opened(session)
        self._outbox.perform(self.download.update(now))

    def closed(self, peer: PeerId, now: Instant) -> None:
        """A peer has gone; what was asked of it is asked of others."""
        self._outbox.perform(self._headers.sync.closed(peer, now))
        self.announcer.closed(peer)
        self._compact.closed(peer)
        self.stale.closed(peer)
        self.download.closed(peer, now)
        self._outbox.perform(self.download.update(now))

    def tick(self, now: Instant) -> None:
        """What is due."""
        self._outbox.perform(self._headers.sync.tick(now))
        self._outbox.perform(self.download.tick(now))
        self.followers.begin_if_idle()

    def deadline(self) -> Instant | None:
        """When something is due."""
        return earlier(self._headers.sync.deadline(), self.download.deadline())
