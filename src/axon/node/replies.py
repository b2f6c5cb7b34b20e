"""What peers ask of the ledger: `p2p/serving` and `p2p/filterserving` with the reading.

The newest blocks are in memory, since every peer asks for them at once. Everything else is read off
the loop: one read at a time for each peer, which waits meanwhile, and a bounded number for all.

    request -> what to read -> Delegate(ReadBlock, ReadFilters, ...) -> `block_read`, `filters_read`
        -> answer, and the next read
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from axon.chain.outcome import BlockOutcome
from axon.machine import Instant, PeerId
from axon.node.chainstate import ChainState
from axon.node.jobs import READ, ReadBlock, ReadFilterHeaders, ReadFilters
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.p2p.actions import Send
from axon.p2p.faults import PeerFault
from axon.p2p.filterserving import FilterRequest, FilterServing, FoundFilters
from axon.p2p.peerchains import PeerChains
from axon.p2p.serving import ReadRequest, Serving
from axon.primitives.hashes import BlockHash
from axon.wire.messages import (
    GetBlocks,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    GetData,
    GetHeaders,
    Headers,
)

RECENT_BLOCKS: Final = 3
"""Newly connected blocks kept in memory: 12 MB at most."""

MAX_READS: Final = 16
"""Reads ordered at a time. More wait here, and are forgotten with their peer: whoever connects,
asks and leaves again and again must not fill the lane."""


@dataclass(frozen=True, slots=True)
class BlockRead:
    """Continuation: a block was read for a peer."""

    request: ReadRequest


@dataclass(frozen=True, slots=True)
class FiltersRead:
    """Continuation: filters, or their headers, were read for a peer."""

    request: FilterRequest


class Replies:
    """Answers what peers ask of the ledger.

    Args:
        outbox: where effects go.
        sessions: all connections, by peer.
        chain: what is known of the chain.
        serving: decides who may have which blocks, headers and transactions.
        filters: decides who may have which filters.
        peer_chains: is told which headers a peer has been given.
    """

    def __init__(
        self,
        outbox: Outbox,
        sessions: Mapping[PeerId, Session],
        chain: ChainState,
        serving: Serving,
        filters: FilterServing,
        peer_chains: PeerChains,
    ) -> None:
        self._outbox = outbox
        self._sessions = sessions
        self._chain = chain
        self._serving = serving
        self._filters = filters
        self._peer_chains = peer_chains
        self._recent: dict[BlockHash, bytes] = {}
        self._reads = 0  # Ordered and not done.
        self._queue: dict[PeerId, BlockRead | FiltersRead] = {}  # Whose turn has not come.

    # Requests.

    def opened(self, session: Session) -> None:
        """A lasting peer's handshake is complete."""
        self._serving.opened(
            session.peer,
            transactions=session.kind.relays_transactions,
            download=session.may("download"),
        )

    def closed(self, peer: PeerId, now: Instant) -> None:
        """A peer has gone; what is being read for it is thrown away."""
        self._serving.closed(peer, now)
        self._queue.pop(peer, None)

    def received(
        self, session: Session, message: GetData | GetHeaders | GetBlocks, now: Instant
    ) -> None:
        """A request for blocks, headers or transactions.

        Raises:
            PeerFault: it asks for what it may not have.
        """
        peer, tip = session.peer, self._chain.active.tip.hash
        actions = self._serving.received(peer, message, now)
        for action in actions:
            match action:
                case Send(_, Headers(headers)):
                    self._peer_chains.sent(peer, headers[-1].hash if headers else tip)
        self._outbox.perform(actions)
        self._give_blocks(session, now)

    def received_filter_request(
        self, session: Session, message: GetCFilters | GetCFHeaders | GetCFCheckpt
    ) -> None:
        """A request for filters.

        Raises:
            PeerFault: it asks for what it may not have.
        """
        request = self._filters.received(session.peer, message)
        session.busy = True
        self._read(session.peer, FiltersRead(request))

    # Reading.

    def block_read(self, done: BlockRead, raw: bytes | None, now: Instant) -> None:
        """A block was read for a peer; None if its bytes are not held."""
        peer = done.request.peer
        self._next_read()
        session = self._sessions.get(peer)
        if session is None:
            return
        try:
            actions = self._serving.block_read(peer, done.request.item, raw, now)
            self._outbox.perform(actions)
            self._give_blocks(session, now)
        except PeerFault as fault:
            self._outbox.disconnect(peer, fault)

    def filters_read(self, done: FiltersRead, found: FoundFilters) -> None:
        """Filters, or their headers, were read for a peer."""
        self._next_read()
        session = self._sessions.get(done.request.peer)
        if session is not None:
            self._outbox.perform(self._filters.answer(done.request, found))
            session.busy = False

    def _give_blocks(self, session: Session, now: Instant) -> None:
        """Give a peer the blocks it waits for, up to one that must be read first."""
        peer = session.peer
        while (request := self._serving.next_read(peer)) is not None:
            recent = self._recent.get(BlockHash(request.item.hash))
            if recent is None:
                self._read(peer, BlockRead(request))
                break
            self._outbox.perform(self._serving.block_read(peer, request.item, recent, now))
        session.busy = self._serving.is_busy(peer)

    def _read(self, peer: PeerId, continuation: BlockRead | FiltersRead) -> None:
        if self._reads >= MAX_READS:
            self._queue[peer] = continuation
            return
        self._reads += 1
        match continuation:
            case BlockRead(request):
                job: object = ReadBlock(BlockHash(request.item.hash))
            case FiltersRead(request) if request.whole:
                job = ReadFilters(request.blocks)
            case FiltersRead(request):
                job = ReadFilterHeaders(request.blocks)
        self._outbox.delegate(job, READ, continuation)

    def _next_read(self) -> None:
        self._reads -= 1
        for peer in self._queue:
            self._read(peer, self._queue.pop(peer))
            return

    # The chain moves.

    def chain_moved(self, outcome: BlockOutcome) -> None:
        """Blocks joined the active chain; soon they will be asked for."""
        for step in outcome.connected[-RECENT_BLOCKS:]:
            self._recent[step.hash] = step.block.raw
        for old in list(self._recent)[:-RECENT_BLOCKS]:
            del self._recent[old]
