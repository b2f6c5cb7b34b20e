"""How headers and blocks flow through a full node, from a peer's message to a new tip.

    headers message -> headerflow -> HeaderTree -> blockdownload (ask)
    block message -> HeaderTree -> Delegate(ValidateBlock) -> outcome -> active chain -> followers

The order of things is the order of the calls below. While a block is judged, its peer waits: what a
peer sends behind a block is handled when the block has had its effect.

Coins and filters normally move with the tip. When many blocks come at once they lag behind and are
caught up between blocks (`CatchUp`); until then the node takes in no transactions (`follows`).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, Protocol

from axon.chain.activechain import ActiveChain
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.chain.outcome import BlockOutcome
from axon.errors import DecodeError
from axon.machine import SECOND, Instant, PeerId
from axon.node.facts import (
    BlockConnected,
    BlockDisconnected,
    BlockRejected,
    IndexesCaughtUp,
    InitialSyncEnded,
    TipChanged,
)
from axon.node.headerflow import HeaderFlow
from axon.node.jobs import CHAIN, CatchUp, ValidateBlock
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.p2p.blockannounce import BlockAnnounce
from axon.p2p.blockdownload import BlockDownload
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.faults import BLAMELESS_REASONS, PeerViolation
from axon.p2p.headersync import HeaderSync
from axon.p2p.peerchains import PeerChains
from axon.p2p.views import KEPT_BLOCKS
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.verdict import Accepted, Rejected, Verdict
from axon.wire.messages import BlockMessage, Headers

FOLLOW_DISTANCE: Final = 3
"""A block so near the best header moves coins and filters along at once; further back they lag."""

LAG_LIMIT: Final = 2_000
"""So many blocks may coins and filters lag behind before they are caught up although blocks wait:
the lag costs time at the end, when nothing else can be done."""

CATCH_UP_BLOCKS: Final = 20
"""Blocks of one catching up: a fraction of a second, during which a new block waits."""


class ChainFollower(Protocol):
    """Who has to know of every move of the active chain."""

    def chain_moved(self, outcome: BlockOutcome, now: Instant) -> None:
        """Blocks left and joined the active chain; `active` already says so."""

    def tip_settled(self, connected: tuple[HeaderEntry, ...], now: Instant) -> None:
        """The tip is another; tell peers."""


class BlockFlow:
    """Headers, blocks and the active chain of a full node.

    Args:
        outbox: where effects go.
        headers: all headers known.
        active: the blocks connected.
        stored: blocks that are held although they are not active.
        rng: for the parts.
        max_tip_age_s: a tip older than this means initial sync (`-maxtipage`).
        minimum_chainwork: so does a chain with less work.
        lag: blocks by which coins and filters are behind at the start.
    """

    def __init__(
        self,
        outbox: Outbox,
        headers: HeaderTree,
        active: ActiveChain,
        stored: frozenset[BlockHash],
        rng: Random,
        max_tip_age_s: int,
        minimum_chainwork: int,
        lag: int,
    ) -> None:
        self._outbox = outbox
        self.headers = headers
        self.active = active
        self._held: dict[BlockHash, None] = dict.fromkeys(stored)  # Not active, but with data.
        self._lost: dict[BlockHash, None] = {}  # Of these, those that were active once.
        self._judging: dict[BlockHash, None] = {}
        self._max_tip_age_us = max_tip_age_s * SECOND
        self.minimum_chainwork = minimum_chainwork
        self.initial_sync = True
        self.lag = lag
        self._catching_up = False
        self.follower: ChainFollower | None = None
        self.peer_chains = PeerChains(headers)
        self.headersync = HeaderSync(self, self.peer_chains, rng)
        self.announcer = BlockAnnounce(self, self.peer_chains)
        self.headerflow = HeaderFlow(outbox, headers, self.headersync)
        self.download = BlockDownload(self, self.peer_chains, rng)

    # What is known.

    @property
    def tip(self) -> HeaderEntry:
        """The newest block of the active chain."""
        return self.active.tip

    def in_initial_sync(self, now: Instant) -> bool:  # noqa: ARG002
        """Whether the tip is still old."""
        return self.initial_sync

    def has_block(self, block_hash: BlockHash) -> bool:
        """Whether a block's bytes are held, or being judged."""
        if block_hash in self._held or block_hash in self._judging:
            return True
        entry = self.headers.get(block_hash)
        return entry is not None and self.active.contains(entry)

    @property
    def follows(self) -> bool:
        """Whether coins and filters are at the tip."""
        return self.lag == 0

    def status(self, entry: HeaderEntry) -> str:
        """What is known of a block, in the words of `getchaintips`."""
        if self.active.contains(entry):
            return "active"
        if self.headers.is_invalid(entry.hash):
            return "invalid"
        if entry.hash in self._lost:
            return "valid-fork"
        return "valid-headers" if entry.hash in self._held else "headers-only"

    # Headers.

    def received_headers(self, session: Session, message: Headers, now: Instant) -> None:
        """Headers from a peer: an answer or an announcement."""
        last = self.headerflow.received(session, message, now)
        if last is not None:
            self._outbox.perform(self.download.announced(session.peer, last, now))
        self._outbox.perform(self.download.update(now))

    def submit_header(self, header: Header, now: Instant) -> Verdict | HeaderEntry:
        """A header from the operator."""
        added = self.headerflow.place(header, now)
        self._outbox.perform(self.download.update(now))
        return added

    # Blocks.

    def received_block(self, session: Session, message: BlockMessage, now: Instant) -> None:
        """A block from a peer. It waits behind it until the block is judged."""
        peer = session.peer
        if len(message.raw) < HEADER_SIZE:
            raise DecodeError("a block", 0)
        header = message.header
        block_hash = header.hash
        asked = self.download.arrived(peer, block_hash, now)
        if self.has_block(block_hash):
            self._outbox.perform(self.download.update(now))
            return
        added = self.headerflow.place(header, now)
        if isinstance(added, Rejected):
            if asked:
                self.download.judged(block_hash, False)
            self._refuse(block_hash, added, session, now)
            return
        if not asked and not self._is_worth_judging(added):
            return
        session.busy = True

        def judged(outcome: BlockOutcome, now: Instant) -> None:
            session.busy = False
            if isinstance(outcome.verdict, Rejected):
                self._refuse(block_hash, outcome.verdict, session, now)
            elif outcome.connected:
                session.last_block_at = now
            self._outbox.perform(self.download.update(now))

        self._judge(added, message.raw, judged)
        self._outbox.perform(self.download.update(now))

    def submit(self, block: Block, now: Instant, done: Callable[[Verdict, Instant], None]) -> None:
        """A block from the operator; `done` gets the verdict."""
        added = self.headerflow.place(block.header, now)
        if isinstance(added, Rejected):
            self._outbox.report(BlockRejected(block.hash, added.reason, None))
            done(added, now)
            return

        def judged(outcome: BlockOutcome, now: Instant) -> None:
            if isinstance(outcome.verdict, Rejected):
                self._outbox.report(BlockRejected(block.hash, outcome.verdict.reason, None))
            done(outcome.verdict, now)
            self._outbox.perform(self.download.update(now))

        self._judge(added, block.raw, judged)

    def _is_worth_judging(self, entry: HeaderEntry) -> bool:
        """Whether a block that was not asked for is taken: only as a near successor of our tip.

        Anything else could be old work, sent to fill the disk.
        """
        tip = self.active.tip
        return (
            entry.chainwork > tip.chainwork
            and entry.chainwork >= self.minimum_chainwork
            and entry.height <= tip.height + KEPT_BLOCKS
        )

    def _judge(
        self, entry: HeaderEntry, raw: bytes, then: Callable[[BlockOutcome, Instant], None]
    ) -> None:
        self._judging[entry.hash] = None
        near = self.headers.best.height - entry.height <= FOLLOW_DISTANCE
        follow = self.lag == 0 and near

        def completed(outcome: object, now: Instant) -> None:
            assert isinstance(outcome, BlockOutcome)
            del self._judging[entry.hash]
            self._settle(entry, outcome, now)
            then(outcome, now)
            self.catch_up_if_idle()

        self._outbox.delegate(ValidateBlock(raw, follow), CHAIN, completed)

    def _settle(self, entry: HeaderEntry, outcome: BlockOutcome, now: Instant) -> None:
        """Take in what a judged block changed."""
        verdict = outcome.verdict
        if isinstance(verdict, Accepted):
            self._held[entry.hash] = None
        for other, rejected in outcome.invalid:
            self._held.pop(other, None)
            self.headers.mark_invalid(other)
            if other != entry.hash:
                self._outbox.report(BlockRejected(other, rejected.reason, None))
        self.download.judged(entry.hash, not isinstance(verdict, Rejected))
        if not outcome.connected and not outcome.disconnected:
            return
        entries = self._move(outcome)
        self.lag = outcome.lag
        assert self.follower is not None, "the node follows before it runs"
        self.follower.chain_moved(outcome, now)
        self._note_progress(outcome, now)
        self.follower.tip_settled(entries, now)

    def _move(self, outcome: BlockOutcome) -> tuple[HeaderEntry, ...]:
        for step in outcome.disconnected:
            gone = self.active.disconnect()
            assert gone.hash == step.hash, "the active chain follows the judge"
            self._held[gone.hash] = self._lost[gone.hash] = None
            self._outbox.report(
                BlockDisconnected(step.hash, step.height, len(step.block.transactions))
            )
        entries: list[HeaderEntry] = []
        for step in outcome.connected:
            entry = self.headers.get(step.hash)
            assert entry is not None, "the judge knows no header that the node does not"
            self.active.connect(entry)
            self._held.pop(step.hash, None)
            entries.append(entry)
            self._outbox.report(
                BlockConnected(step.hash, step.height, len(step.block.transactions))
            )
        return tuple(entries)

    def _note_progress(self, outcome: BlockOutcome, now: Instant) -> None:
        tip = self.active.tip
        self.check_initial_sync(now)
        best = max(self.headers.best.height, 1)
        self._outbox.report(
            TipChanged(
                hash=tip.hash,
                height=tip.height,
                time=tip.time,
                chainwork=tip.chainwork,
                transactions=sum(len(step.block.transactions) for step in outcome.connected),
                progress=min(1.0, tip.height / best),
                initial_sync=self.initial_sync,
            )
        )

    def check_initial_sync(self, now: Instant) -> None:
        """Whether the tip is recent; once it was, initial sync never returns."""
        tip = self.active.tip
        if not self.initial_sync or tip.chainwork < self.minimum_chainwork:
            return
        if tip.time * SECOND < now - self._max_tip_age_us:
            return
        self.initial_sync = False
        self._outbox.report(InitialSyncEnded(tip.height))

    def _refuse(
        self, block_hash: BlockHash, rejected: Rejected, session: Session, now: Instant
    ) -> None:
        """A peer's block is invalid: say so, and end its connection if it is to blame."""
        self._outbox.report(BlockRejected(block_hash, rejected.reason, session.peer))
        if rejected.reason == "prev-blk-not-found":
            self._outbox.perform(self.headersync.announced(session.peer, block_hash, now))
        elif rejected.reason not in BLAMELESS_REASONS:
            self._outbox.blame(session.peer, PeerViolation(f"invalid block: {rejected}"))

    # Coins and filters.

    def catch_up_if_idle(self) -> None:
        """Move coins and filters on while no block waits, or when they are far behind."""
        waiting = bool(self._judging) or self.download.in_flight_total > 0
        if self.lag == 0 or self._catching_up or (waiting and self.lag < LAG_LIMIT):
            return
        self._catch_up()

    def _catch_up(self) -> None:
        """Move coins and filters towards the tip, a few blocks at a time."""
        if self._catching_up:
            return
        self._catching_up = True

        def completed(left: object, now: Instant) -> None:
            assert isinstance(left, int)
            self._catching_up = False
            self.lag = left
            if left:
                self.catch_up_if_idle()
            else:
                self._outbox.report(IndexesCaughtUp(self.active.height))
                assert self.follower is not None, "the node follows before it runs"
                self.follower.tip_settled((), now)

        self._outbox.delegate(CatchUp(CATCH_UP_BLOCKS), CHAIN, completed)

    # Peers come and go, time passes.

    def opened(self, session: Session, preferred: bool, serves: bool, now: Instant) -> None:
        """A lasting peer was greeted.

        Args:
            session: whose.
            preferred: to be downloaded from before others.
            serves: it can give us blocks with witnesses.
            now: the present.
        """
        negotiated = session.negotiated
        assert negotiated is not None, "called when the greeting is complete"
        kind = session.kind
        self._outbox.perform(
            self.headersync.opened(
                session.peer,
                outbound=kind.is_outbound and kind is not ConnectionType.MANUAL,
                preferred=preferred,
                now=now,
                version=negotiated.common_version,
                serves_blocks=serves,
                block_relay_only=kind is ConnectionType.BLOCK_RELAY,
                noban=session.may("noban"),
            )
        )
        prefers_headers = session.handshake.prefers_headers
        self.announcer.opened(session.peer, prefers_headers=prefers_headers)
        self._outbox.perform(self.download.update(now))

    def closed(self, peer: PeerId, now: Instant) -> None:
        """A peer has gone; what was asked of it is asked of others."""
        self.announcer.closed(peer)
        self._outbox.perform(self.headersync.closed(peer, now))
        self.download.closed(peer, now)
        self._outbox.perform(self.download.update(now))

    def tick(self, now: Instant) -> None:
        """What is due."""
        self._outbox.perform(self.headersync.tick(now))
        self._outbox.perform(self.download.tick(now))
        self.catch_up_if_idle()

    def deadline(self) -> Instant | None:
        """When something is due."""
        soonest, moment = self.headersync.deadline(), self.download.deadline()
        if moment is not None and (soonest is None or moment < soonest):
            return moment
        return soonest
