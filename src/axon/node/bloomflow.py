"""Bloom filters of light clients: set by their messages, and used for what they are given (BIP 37).

    filterload, filteradd, filterclear -> p2p/bloomfilters
    getdata (a filtered block) -> FilterBlock -> merkleblock and what matches
    transactions for a peer with a filter -> MatchTransactions -> inv of what matches

Matching is slow work, and strangers order it: it has a lane of its own, in which one job is done at
a time. Of each peer one block and one batch of transactions at most wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from axon.machine import Instant, PeerId
from axon.node.inboundseats import InboundSeats
from axon.node.jobs import BLOOM, FilterBlock, MatchTransactions
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.p2p.bloomfilters import FilteredBlock, FilterMessage, PoolMatch
from axon.p2p.faults import PeerFault
from axon.p2p.serving import ReadRequest, Serving
from axon.p2p.txrelay import TxRelay
from axon.p2p.uploadtarget import UploadTarget
from axon.primitives.bloom import BloomFilter
from axon.primitives.hashes import BlockHash
from axon.wire.messages import FilterAdd, FilterLoad


@dataclass(frozen=True, slots=True)
class TransactionsMatched:
    """Continuation: transactions for a peer were matched with a copy of its filter."""

    match: PoolMatch
    copy: BloomFilter


@dataclass(frozen=True, slots=True)
class BlockFiltered:
    """Continuation: a block that a peer asked for was matched with a copy of its filter."""

    request: ReadRequest
    bloom: BloomFilter
    copy: BloomFilter


class BloomFlow:
    """What bloom filters are used for in a full node.

    Args:
        outbox: where effects go.
        sessions: all connections, by peer.
        serving: decides who may have which blocks.
        txrelay: announces transactions.
        upload: the operator's limit.
        seats: of inbound peers.
    """

    def __init__(
        self,
        outbox: Outbox,
        sessions: Mapping[PeerId, Session],
        serving: Serving,
        txrelay: TxRelay,
        upload: UploadTarget,
        seats: InboundSeats,
    ) -> None:
        self._outbox = outbox
        self._sessions = sessions
        self._serving = serving
        self._txrelay = txrelay
        self._upload = upload
        self._seats = seats
        self._queue: dict[tuple[PeerId, bool], PoolMatch | ReadRequest] = {}  # By kind of request.
        self._is_matching = False

    # Messages.

    def received(self, session: Session, message: FilterMessage) -> None:
        """A peer says by a filter what it wants to hear of.

        Raises:
            PeerFault: bloom filters are not offered to it, this one is too large, or too many peers
                want transactions.
        """
        offered = session.offers_bloom
        asked = self._txrelay.received_filter(session.peer, message, offered=offered)
        if isinstance(message, FilterAdd) or not asked:
            return
        session.has_bloom_filter = isinstance(message, FilterLoad)
        self._serving.filters(session.peer, session.has_bloom_filter)
        if not session.relays:
            self._seats.asked_for_transactions(session)

    def mempool(self, session: Session, now: Instant) -> None:
        """A peer asks for the pool (BIP 35), or for what of it matches its filter.

        Raises:
            PeerFault: it may not, for want of bloom filters, or of bytes to be sent today.
        """
        permitted = session.may("mempool")
        if not permitted and session.offers_bloom:
            permitted = not self._upload.is_reached(now, historical=False)
        self._txrelay.mempool(session.peer, permitted=permitted, now=now)

    # What is to be matched.

    def match(self, requests: Sequence[PoolMatch]) -> None:
        """Match transactions for peers that are to hear of them."""
        for request in requests:
            self._queue[request.peer, False] = request
        self._order_next()

    def read_block(self, session: Session, request: ReadRequest) -> None:
        """Match a block that a peer asked for; it waits for that."""
        session.busy = True
        self._queue[session.peer, True] = request
        self._order_next()

    def _order_next(self) -> None:
        while self._queue and not self._is_matching:
            request = self._queue.pop(next(iter(self._queue)))
            bloom = self._txrelay.blooms.get(request.peer)
            match request:
                case PoolMatch(_, bloom, transactions):
                    copy = bloom.copy()
                    job: object = MatchTransactions(copy, transactions)
                    continuation: object = TransactionsMatched(request, copy)
                case ReadRequest(_, item):
                    assert bloom is not None, "it cannot take its filter back while it waits"
                    copy = bloom.copy()
                    job = FilterBlock(copy, BlockHash(item.hash))
                    continuation = BlockFiltered(request, bloom, copy)
            self._is_matching = True
            self._outbox.delegate(job, BLOOM, continuation)

    # It was matched.

    def matched(self, done: TransactionsMatched, hits: Sequence[bool], now: Instant) -> None:
        """Transactions were matched: their peer hears of some of them."""
        self._outbox.perform(self._txrelay.matched(done.match, done.copy, hits, now))
        self._go_on()

    def block_filtered(self, done: BlockFiltered, found: FilteredBlock | None) -> None:
        """A block was matched for a peer; None if its bytes are not held."""
        peer = done.request.peer
        self._txrelay.blooms.learnt(peer, done.bloom, done.copy)
        self._go_on()
        session = self._sessions.get(peer)
        if session is None:
            return
        session.busy = False
        try:
            self._outbox.perform(self._serving.block_filtered(peer, done.request.item, found))
        except PeerFault as fault:
            self._outbox.disconnect(peer, fault)
        session.serving = self._serving.is_busy(peer)

    def _go_on(self) -> None:
        self._is_matching = False
        self._order_next()

    def closed(self, peer: PeerId) -> None:
        """A peer has gone; what waits for it is forgotten."""
        self._queue.pop((peer, False), None)
        self._queue.pop((peer, True), None)
