"""How headers flow through a node: from a peer's message to the tree, and what is asked next.

    headers message -> headersync (its form) -> HeaderTree (every rule) -> headersync (ask on)

What is new is delegated to be kept (`LearnHeaders`), one such job at a time: what comes while it
runs is kept by the next. Peers that send headers one by one must not fill the lane of the blocks.
The validator is told of the best chain alone: on regtest each header costs it a look at all that
it knows, and thousands beside the tip would hold up the blocks behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from axon.chain.headertree import HeaderEntry, HeadersVerdict, HeaderTree
from axon.machine import Instant, PeerId
from axon.node.facts import BlockRejected, HeadersAdvanced
from axon.node.jobs import CHAIN, LearnHeaders
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.p2p.actions import Action
from axon.p2p.blockannounce import MAX_ANNOUNCED
from axon.p2p.blocktimelines import BlockTimelines
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.faults import SET_ASIDE
from axon.p2p.headersync import HeaderSync
from axon.p2p.peerchains import PeerChains
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.verdict import Accepted, Rejected
from axon.wire.messages import Headers, Inv, InvItem, InvType


@dataclass(frozen=True, slots=True)
class HeadersLearnt:
    """Continuation: headers are kept, and so are those that these commands gave."""

    tickets: tuple[int, ...]


class HeaderFlow:
    """Headers of one node.

    Args:
        outbox: where effects go.
        tree: all headers known.
        sync: asks peers for them.
        peer_chains: what each peer has.
        timelines: who announces a block is noted there.
    """

    def __init__(
        self,
        outbox: Outbox,
        tree: HeaderTree,
        sync: HeaderSync,
        peer_chains: PeerChains,
        timelines: BlockTimelines,
    ) -> None:
        self._outbox = outbox
        self.tree = tree
        self.sync = sync
        self._peer_chains = peer_chains
        self._timelines = timelines
        self._to_learn: list[Header] = []
        self._to_tell: HeaderEntry | None = None  # The best of them, if it is a new best.
        self._to_answer: list[int] = []  # Commands whose headers are in `_to_learn` or before.
        self._learning = 0  # Jobs ordered and not done.

    def opened(self, session: Session, now: Instant, *, preferred: bool, serves: bool) -> None:
        """A lasting peer's handshake is complete.

        Args:
            session: whose.
            now: the present.
            preferred: to be asked before others.
            serves: it can give us blocks with witnesses.
        """
        negotiated, kind = session.negotiated, session.kind
        assert negotiated is not None, "called when the handshake is complete"
        self._outbox.perform(
            self.sync.opened(
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

    def received(self, session: Session, message: Headers, now: Instant) -> HeaderEntry | None:
        """Headers from a peer: an answer or an announcement.

        Returns:
            The last of them that is in the tree now; None if none is.

        Raises:
            PeerFault: they are not what a peer may send.
        """
        peer = session.peer
        headers = self.sync.received(peer, message, now)
        if not headers:
            return None
        verdict = self._place(headers, now)
        if len(message.headers) <= MAX_ANNOUNCED:  # More at once are no announcement.
            self._note(peer, message.command, headers, verdict, now)
        unconnected, rejected = _refusal(verdict)
        if rejected is not None:
            refused = headers[verdict.count]
            self._outbox.report(BlockRejected(refused.hash, rejected.reason, peer))
            if self.tree.is_set_aside(refused):
                rejected = Rejected(SET_ASIDE)
        count = len(message.headers)
        self._outbox.perform(
            self.sync.validated(peer, verdict.last, count, unconnected, rejected, now)
        )
        return verdict.last

    def _note(
        self,
        peer: PeerId,
        command: str,
        headers: Sequence[Header],
        verdict: HeadersVerdict,
        now: Instant,
    ) -> None:
        """Remember who announced these blocks."""
        known = verdict.count - verdict.new
        for place, header in enumerate(headers[: verdict.count]):
            entry = self.tree.get(header.hash)
            assert entry is not None, "it was accepted"
            self._timelines.announced(peer, command, entry, now, is_new=place >= known)

    def from_partner(
        self, sync: HeaderSync, peer: PeerId, message: Headers, now: Instant
    ) -> tuple[int, list[Action]]:
        """Headers from a partner wallet: checked as those of a peer are.

        Args:
            sync: which asks this partner, and nobody else.
            peer: its name there.
            message: what came.
            now: the present.

        Returns:
            How many were new, and what `sync` wants done.

        Raises:
            PeerFault: they are not what a peer may send.
        """
        headers = sync.received(peer, message, now)
        if not headers:
            return 0, sync.tick(now)
        verdict = self._place(headers, now)
        unconnected, rejected = _refusal(verdict)
        count = len(message.headers)
        actions = sync.validated(peer, verdict.last, count, unconnected, rejected, now)
        return verdict.new, actions + sync.tick(now)

    def announced(self, peer: PeerId, items: Sequence[InvItem], now: Instant) -> int:
        """What a peer has; how many of these are blocks.

        Blocks are learnt by their headers, so of those that are unknown only the last one matters.
        """
        blocks = [BlockHash(item.hash) for item in items if item.kind == InvType.BLOCK]
        if not blocks:
            return 0
        unknown = (each for each in reversed(blocks) if self.tree.get(each) is None)
        last = next(unknown, blocks[-1])
        for block_hash in blocks:
            if block_hash != last:
                self._peer_chains.shown(peer, block_hash)
        self._timelines.named(peer, Inv.command, last, now)
        self._outbox.perform(self.sync.announced(peer, last, now))
        return len(blocks)

    def place(self, header: Header, now: Instant) -> HeaderEntry | Rejected:
        """Take in one header, from whomever."""
        known, best = self.tree.get(header.hash), self.tree.best
        added = self.tree.add(header, now)
        if isinstance(added, HeaderEntry) and known is None:
            self._learn((header,), best)
        return added

    def place_branch(self, headers: Sequence[Header], now: Instant) -> HeaderEntry | None:
        """Take in headers that build on each other; the last that is valid, None if none is."""
        return self._place(headers, now).last

    def _place(self, headers: Sequence[Header], now: Instant) -> HeadersVerdict:
        best = self.tree.best
        verdict = self.tree.add_chain(headers, now)
        self._learn(headers[verdict.count - verdict.new : verdict.count], best)
        return verdict

    def _learn(self, new: Sequence[Header], best: HeaderEntry) -> None:
        if not new:
            return
        self._to_learn += new
        if self.tree.best is not best:
            self._to_tell = self.tree.best
        if not self._learning:
            self.learn_all()
        if self.tree.best is not best:
            self._outbox.report(HeadersAdvanced(self.tree.best.hash, self.tree.best.height))

    def learn_all(self) -> None:
        """Have all headers kept before whatever is delegated next, as a block that needs them."""
        if self._to_learn:
            self._learning += 1
            job = LearnHeaders(tuple(self._to_learn), self._to_tell)
            self._outbox.delegate(job, CHAIN, HeadersLearnt(tuple(self._to_answer)))
            self._to_learn.clear()
            self._to_tell = None
            self._to_answer.clear()

    def answer_when_kept(self, ticket: int) -> None:
        """Answer a command once every header that was placed before is kept."""
        self._to_answer.append(ticket)
        self._answer_if_idle()

    def learnt(self, done: HeadersLearnt) -> None:
        """The headers of one job are kept."""
        self._learning -= 1
        self._answer(done.tickets)
        if not self._learning:
            self.learn_all()
            self._answer_if_idle()

    def _answer_if_idle(self) -> None:
        if not self._learning:
            self._answer(tuple(self._to_answer))
            self._to_answer.clear()

    def _answer(self, tickets: tuple[int, ...]) -> None:
        for ticket in tickets:
            self._outbox.answer(ticket, Accepted())


def _refusal(verdict: HeadersVerdict) -> tuple[bool, Rejected | None]:
    """Whether the first header builds on nothing known; else why one was refused, if one was."""
    rejected = verdict.rejected
    if rejected is not None and not verdict.count and rejected.reason == "prev-blk-not-found":
        return True, None
    return False, rejected
