"""What peers ask of the ledger: `p2p/serving` and `p2p/filterserving` with the reading.

The newest blocks are in memory, since every peer asks for them at once. Everything else is read off
the loop: one read at a time for each peer, which waits meanwhile, and a bounded number for all.

    request -> serving --`serve`, in its turn--> what to read -> Delegate(ReadBlock, ReadFilters)
        -> `block_read`, `filters_read` --> answer; serving as long as something is left

While a peer is serving and does not take what it is sent, nothing is read or built for it. A block
that is being validated is given when that is done, if it is valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from axon.chain.outcome import BlockOutcome
from axon.machine import Instant, PeerId
from axon.node.bloomflow import BloomFlow
from axon.node.chainstate import ChainState
from axon.node.compactrelay import CompactRelay
from axon.node.costs import DECODED_BLOCK_NS, NAMED_BLOCK_NS
from axon.node.facts import MessageIgnored
from axon.node.jobs import (
    READ,
    ReadBlock,
    ReadCompact,
    ReadFilterHeaders,
    ReadFilters,
    ReadTransactions,
)
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.p2p.actions import Action, Send
from axon.p2p.faults import PeerFault, PeerViolation
from axon.p2p.filterserving import FilterRequest, FilterServing, FoundFilters
from axon.p2p.peerchains import PeerChains
from axon.p2p.serving import ReadRequest, Serving
from axon.primitives.hashes import BlockHash
from axon.wire.messages import (
    BlockTxn,
    CmpctBlock,
    GetBlocks,
    GetBlockTxn,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    GetData,
    GetHeaders,
    Headers,
    InvItem,
    InvType,
)

RECENT_BLOCKS: Final = 3
"""Newly connected blocks kept in memory: 12 MB at most; and so many that were asked for without
their witnesses, of 1 MB each: who asks for one again must not have it made again."""

MAX_READS: Final = 16
"""Reads ordered at a time. More wait here, and are forgotten with their peer: whoever connects,
asks and leaves again and again must not fill the lane."""

FILTERS_A_READ: Final = 50
FILTER_BYTES_A_READ: Final = 250_000
"""Filters read and sent at once, a thousand may be asked for: so many and so many bytes."""


@dataclass(frozen=True, slots=True)
class BlockRead:
    """Continuation: a block was read for a peer.

    Args:
        request: which.
        compact: and made compact.
    """

    request: ReadRequest
    compact: bool = False


@dataclass(frozen=True, slots=True)
class TransactionsRead:
    """Continuation: transactions of a block were read for a peer."""

    peer: PeerId
    request: GetBlockTxn


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
        blooms: reads blocks that are asked for by bloom filters.
        peer_chains: is told which headers a peer has been given.
        relay: has the newest block.
    """

    def __init__(
        self,
        outbox: Outbox,
        sessions: Mapping[PeerId, Session],
        chain: ChainState,
        serving: Serving,
        filters: FilterServing,
        blooms: BloomFlow,
        peer_chains: PeerChains,
        relay: CompactRelay,
    ) -> None:
        self._outbox = outbox
        self._sessions = sessions
        self._chain = chain
        self._serving = serving
        self._filters = filters
        self._blooms = blooms
        self._peer_chains = peer_chains
        self._relay = relay
        self._recent: dict[BlockHash, bytes] = {}
        self._stripped: dict[BlockHash, bytes] = {}  # Asked for without witnesses, the last ones.
        self._reads = 0  # Ordered and not done.
        self._queue: dict[PeerId, _Read] = {}  # Whose turn has not come.
        self._filters_left: dict[PeerId, FilterRequest] = {}  # What is still to be read of each.
        # Blocks whose witnesses are taken off, and who else asks for the same.
        self._stripping: dict[BlockHash, dict[PeerId, ReadRequest]] = {}
        self._again: dict[PeerId, ReadRequest] = {}  # What such a one asked for, at its next turn.
        self._unvalidated: dict[PeerId, ReadRequest] = {}  # Who waits for a block's verdict.

    # Requests.

    def opened(self, session: Session) -> None:
        """A lasting peer's handshake is complete."""
        self._serving.opened(
            session.peer,
            transactions=_has_relay(session),
            download=session.may("download"),
            noban=session.may("noban"),
        )

    def closed(self, peer: PeerId, now: Instant) -> None:
        """A peer has gone; what is being read for it is thrown away."""
        self._serving.closed(peer, now)
        queued = self._queue.pop(peer, None)
        if isinstance(queued, BlockRead):
            self._stripped_or_not(queued.request.item)
        self._filters_left.pop(peer, None)
        self._again.pop(peer, None)
        self._unvalidated.pop(peer, None)
        for others in self._stripping.values():
            others.pop(peer, None)

    def received(self, session: Session, message: GetData | GetHeaders | GetBlocks) -> None:
        """A request for blocks, headers or transactions.

        Raises:
            PeerFault: it asks for what it may not have.
        """
        peer, tip = session.peer, self._chain.active.tip.hash
        actions = self._serving.received(peer, message)
        for action in actions:
            match action:
                case Send(_, Headers(headers)):
                    self._peer_chains.sent(peer, headers[-1].hash if headers else tip)
        self._outbox.perform(actions)
        session.serving = self._serving.is_busy(peer)

    def received_transactions_request(self, session: Session, request: GetBlockTxn) -> None:
        """A request for single transactions of a block, with which it is to be made whole.

        Raises:
            PeerViolation: it names none, or some that are not there.
        """
        if not request.indexes:
            raise PeerViolation("Bitcoin Core: getblocktxn names a transaction")
        answer = self._relay.transactions_of(request)
        if isinstance(answer, PeerViolation):
            raise answer
        if answer is not None:
            self._outbox.send(session.peer, answer)
        elif not self._chain.is_stored(request.block_hash):
            self._outbox.report(
                MessageIgnored(session.peer, request.command, "a block that is not here")
            )
        elif self._serving.gives_transactions(request.block_hash):
            self._read(session, TransactionsRead(session.peer, request))
        else:
            whole = InvItem(InvType.WITNESS_BLOCK, request.block_hash)
            self.received(session, GetData((whole,)))

    def transactions_read(self, done: TransactionsRead, found: BlockTxn | PeerFault) -> None:
        """Transactions of a block were read for a peer."""
        self._next_read()
        session = self._sessions.get(done.peer)
        if session is None:
            return
        session.busy = False
        if isinstance(found, PeerFault):
            self._outbox.disconnect(done.peer, found)
        else:
            self._outbox.send(done.peer, found)

    def received_filter_request(
        self, session: Session, message: GetCFilters | GetCFHeaders | GetCFCheckpt
    ) -> None:
        """A request for filters.

        Raises:
            PeerFault: it asks for what it may not have.
        """
        request = self._filters.received(session.peer, message)
        session.cost_ns += len(request.blocks) * NAMED_BLOCK_NS
        self._filters_left[session.peer] = request
        session.serving = True

    def serve(self, session: Session, now: Instant) -> None:
        """Give a peer the next thing that it asked for, or have that read.

        Raises:
            PeerFault: it may not have that.
        """
        peer = session.peer
        request = self._filters_left.get(peer)
        if request is not None:
            self._read(session, FiltersRead(request))
            return
        following = self._again.pop(peer, None) or self._serving.take_next(peer, now)
        if isinstance(following, ReadRequest):
            if BlockHash(following.item.hash) in self._chain.validating:
                self._unvalidated[peer] = following
                session.busy = True
                return
            given = self._give_kept(session, following, now)
            if given is None:
                return
            following = given
        self._outbox.perform(following)
        session.serving = self._serving.is_busy(peer)

    def _give_kept(
        self, session: Session, request: ReadRequest, now: Instant
    ) -> list[Action] | None:
        """A block that a peer asks for, from memory; None if it has to be read first."""
        peer, item = request.peer, request.item
        if not self._chain.has_block(BlockHash(item.hash)):
            self._serving.pass_over(peer, item)  # Its verdict was waited for, and it is invalid.
            return []
        if item.kind == InvType.FILTERED_BLOCK:
            self._blooms.read_block(session, request)
            return None
        if self._serving.gives_compact(item, now):
            message = self._relay.compact_of(BlockHash(item.hash))
            if message is not None:
                return self._serving.compact_read(peer, item, message)
            self._read(session, BlockRead(request, compact=True))
            return None
        recent = self._kept(item)
        if recent is not None:
            return self._serving.block_read(peer, item, recent)
        self._read_block(session, request)
        return None

    def _kept(self, item: InvItem) -> bytes | None:
        """A block that is in memory as it is asked for."""
        kept = self._stripped if item.kind == InvType.BLOCK else self._recent
        return kept.get(BlockHash(item.hash))

    # Reading.

    def block_read(self, done: BlockRead, raw: bytes | CmpctBlock | None) -> None:
        """A block was read for a peer; None if its bytes are not held."""
        peer, item = done.request.peer, done.request.item
        self._next_read()
        if item.kind == InvType.BLOCK and isinstance(raw, bytes):
            _keep(self._stripped, BlockHash(item.hash), raw)
        self._stripped_or_not(item)
        session = self._sessions.get(peer)
        if session is None:
            return
        session.busy = False
        try:
            if isinstance(raw, CmpctBlock):
                self._outbox.perform(self._serving.compact_read(peer, item, raw))
            else:
                self._outbox.perform(self._serving.block_read(peer, item, raw))
        except PeerFault as fault:
            self._outbox.disconnect(peer, fault)
        session.serving = self._serving.is_busy(peer)

    def filters_read(self, done: FiltersRead, found: FoundFilters) -> None:
        """Filters, or their headers, were read for a peer."""
        request = done.request
        self._next_read()
        session = self._sessions.get(request.peer)
        if session is None:
            return
        session.busy = False
        self._outbox.perform(self._filters.answer(request, found))
        left = request.without_first(len(found))
        if request.whole and left.blocks and None not in found:
            self._filters_left[request.peer] = left
        else:
            del self._filters_left[request.peer]
            session.serving = False

    def _read_block(self, session: Session, request: ReadRequest) -> None:
        """Have a block read, or wait until its witnesses are off that are being taken off now."""
        if request.item.kind == InvType.BLOCK:
            block_hash = BlockHash(request.item.hash)
            others = self._stripping.get(block_hash)
            if others is not None:
                session.busy = True
                others[session.peer] = request
                return
            self._stripping[block_hash] = {}
        self._read(session, BlockRead(request))

    def _stripped_or_not(self, item: InvItem) -> None:
        """Nobody takes a block's witnesses off any more: who waited for it has its turn again."""
        if item.kind != InvType.BLOCK:
            return
        for peer, request in self._stripping.pop(BlockHash(item.hash)).items():
            session = self._sessions[peer]
            self._again[peer] = request
            session.busy, session.serving = False, True

    def _read(self, session: Session, continuation: _Read) -> None:
        session.busy = True
        if isinstance(continuation, TransactionsRead) or (
            isinstance(continuation, BlockRead) and continuation.compact
        ):
            session.cost_ns += DECODED_BLOCK_NS
        if self._reads < MAX_READS:
            self._order(continuation)
        else:
            self._queue[session.peer] = continuation

    def _order(self, continuation: _Read) -> None:
        self._reads += 1
        match continuation:
            case BlockRead(request, compact=True):
                job: object = ReadCompact(BlockHash(request.item.hash), self._relay.nonce())
            case BlockRead(request):
                item = request.item
                job = ReadBlock(BlockHash(item.hash), item.kind == InvType.BLOCK)
            case TransactionsRead(_, wanted):
                job = ReadTransactions(wanted)
            case FiltersRead(request) if request.whole:
                job = ReadFilters(request.blocks[:FILTERS_A_READ], FILTER_BYTES_A_READ)
            case FiltersRead(request):
                job = ReadFilterHeaders(request.blocks)
        self._outbox.delegate(job, READ, continuation)

    def _next_read(self) -> None:
        self._reads -= 1
        if self._queue:
            self._order(self._queue.pop(next(iter(self._queue))))

    # The chain moves.

    def chain_moved(self, outcome: BlockOutcome) -> None:
        """Blocks joined the active chain; soon they will be asked for."""
        for step in outcome.connected[-RECENT_BLOCKS:]:
            _keep(self._recent, step.hash, step.block.raw)

    def validated(self, block_hash: BlockHash) -> None:
        """A block has its verdict: whoever waited for it has its turn again."""
        for peer, request in list(self._unvalidated.items()):
            if request.item.hash == block_hash:
                del self._unvalidated[peer]
                session = self._sessions[peer]
                self._again[peer] = request
                session.busy, session.serving = False, True


_Read = BlockRead | FiltersRead | TransactionsRead


def _has_relay(session: Session) -> bool:
    """Whether a peer wants to be told of transactions, or may want it yet."""
    negotiated = session.negotiated
    assert negotiated is not None, "called when the handshake is complete"
    return session.kind.relays_transactions and (negotiated.relay or session.offers_bloom)


def _keep(kept: dict[BlockHash, bytes], block_hash: BlockHash, raw: bytes) -> None:
    kept[block_hash] = raw
    if len(kept) > RECENT_BLOCKS:
        del kept[next(iter(kept))]
