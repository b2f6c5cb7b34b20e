"""The full node: one machine, composed of parts that do not know one another.

A message is routed here to the part it concerns, and so is the outcome of slow work; what a part
reports is handed to the next by a plain call, in `blockflow` and `txflow`.
"""

from __future__ import annotations

from random import Random

from axon.chain.activechain import ActiveChain
from axon.chain.coins import Coins
from axon.chain.filterindex import FilterIndex
from axon.chain.headertree import HeaderTree
from axon.chain.outcome import BlockOutcome
from axon.machine import Instant, PeerId, earlier
from axon.mempool.locks import TipContext
from axon.mempool.packageacceptance import PackageResult
from axon.mempool.pool import Mempool
from axon.mining.template import BlockTemplate, next_template
from axon.node.admission import CoinsFound, ScriptsVerified
from axon.node.blockflow import BlockFlow, BlockValidated
from axon.node.bloomflow import BlockFiltered, BloomFlow, TransactionsMatched
from axon.node.catchup import CoinsCaughtUp, Followers
from axon.node.chainstate import NOTHING_GONE, ChainState, Gone
from axon.node.commands import SubmitPackage
from axon.node.compactflow import CompactFlow, CompactLooked
from axon.node.compactrelay import CompactMade, CompactRelay
from axon.node.facts import MessageIgnored
from axon.node.indexflow import NO_INDEXES, IndexAdvanced, Indexes
from axon.node.maintenance import Maintenance
from axon.node.notifications import Notifications
from axon.node.operator import Operator
from axon.node.orderflow import ChainOrdered, OrderFollowed
from axon.node.packageflow import PackageCoinsFound, PackageScriptsVerified
from axon.node.peernode import PeerNode
from axon.node.pruneflow import BlockKept, ChainPruned, PruneFlow
from axon.node.replies import BlockRead, FiltersRead, Replies, TransactionsRead
from axon.node.session import Session
from axon.node.settings import NodeSettings
from axon.node.staleflow import StaleFlow
from axon.node.txflow import TxFlow
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.blockannounce import BlockAnnounce
from axon.p2p.blockdownload import BlockDownload
from axon.p2p.bloomfilters import FilteredBlock
from axon.p2p.compactblock import CompactFault, PartialBlock, Rebuilt
from axon.p2p.faults import PeerFault
from axon.p2p.filterserving import FilterServing
from axon.p2p.handshake import has_desirable_services
from axon.p2p.headersync import HeaderSync
from axon.p2p.peerchains import PeerChains
from axon.p2p.serving import Serving
from axon.primitives.hashes import BlockHash
from axon.primitives.transaction import Transaction
from axon.primitives.verdict import Accepted, Rejected
from axon.wire.messages import (
    Addr,
    AddrV2,
    BlockMessage,
    BlockTxn,
    CmpctBlock,
    FeeFilter,
    FilterAdd,
    FilterClear,
    FilterLoad,
    GetAddr,
    GetBlocks,
    GetBlockTxn,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    MempoolMessage,
    Message,
    NotFound,
    Ping,
    Pong,
    SendCmpct,
    SendHeaders,
    Services,
    StaleTip,
    Tx,
    Unknown,
)

_ADDRESSING = Ping | Pong | GetAddr | Addr | AddrV2


class FullNode(PeerNode):
    """A full node as a `Machine`.

    Args:
        settings: the operator's.
        headers, active: all headers known; the blocks connected.
        stored, pool: blocks held although they are not active; the unconfirmed transactions.
        coins, filters: for callers, the node itself looks nothing up; no filters if None.
        addrman, bans: known addresses; banned ones.
        rng, now: all chance comes from here; the start.
        lag, gone: blocks by which coins and filters are behind; what was pruned.
        indexes: background indexes by name, moved by jobs alone.
    """

    def __init__(
        self,
        settings: NodeSettings,
        *,
        headers: HeaderTree,
        active: ActiveChain,
        stored: frozenset[BlockHash],
        coins: Coins,
        filters: FilterIndex | None,
        pool: Mempool,
        addrman: AddrMan,
        bans: BanList,
        rng: Random,
        now: Instant,
        lag: int = 0,
        gone: Gone = NOTHING_GONE,
        indexes: Indexes = NO_INDEXES,
    ) -> None:
        self.settings = settings
        self.network = settings.network
        self.coins = coins
        self.filters = filters
        self.indexes = indexes
        self.pool = pool
        self.chain = chain = ChainState(
            headers,
            active,
            stored,
            now,
            max_tip_age_s=settings.max_tip_age_s,
            minimum_chainwork=settings.minimum_chainwork,
            lag=lag,
            gone=gone,
        )
        peer_chains = PeerChains(headers)
        sync = HeaderSync(chain, peer_chains, rng)
        super().__init__(
            settings, headers, peer_chains, sync, addrman, bans, rng, now, settings.max_upload_bytes
        )
        outbox, sessions = self._outbox, self.sessions
        self.transactions = TxFlow(
            outbox,
            sessions,
            pool,
            chain,
            rng,
            blocks_only=settings.blocks_only,
            announce_pool=settings.announce_pool,
            send_rate=settings.tx_send_rate,
            extra_limit=settings.extra_transactions,
        )
        announcer = BlockAnnounce(chain, peer_chains)
        download = BlockDownload(chain, peer_chains, rng)
        self.compact = CompactFlow(
            outbox,
            sessions,
            chain,
            self._headerflow,
            download,
            announcer,
            self.transactions.outcomes,
            self.timelines,
            blocks_only=settings.blocks_only,
        )
        self.relay = CompactRelay(outbox, chain, announcer, self.timelines, rng)
        serving = Serving(chain, self.transactions, self.upload, limited=settings.is_pruned)
        offered = settings.serve_filters and filters is not None
        filter_serving = FilterServing(headers, active, offered)
        txrelay = self.transactions.txrelay
        self.blooms = BloomFlow(outbox, sessions, serving, txrelay, self.upload, self.links.seats)
        self.replies = Replies(
            outbox, sessions, chain, serving, filter_serving, self.blooms, peer_chains, self.relay
        )
        self._notifications = Notifications(outbox, pool, chain, settings)
        self.blocks = BlockFlow(
            outbox,
            sessions,
            chain,
            self._headerflow,
            self.links,
            self.transactions,
            self.replies,
            self.timelines,
            self._notifications,
            download,
            self.compact,
            self.relay,
            announcer,
            PruneFlow.of(outbox, sessions, chain, settings),
            StaleFlow.of(outbox, self._headerflow, chain, peer_chains, self.network),
            Followers(outbox, chain, download, self.transactions, indexes),
            now,
        )
        self._operator = Operator(outbox, self.blocks, self.transactions, self.private)
        self.maintenance = Maintenance(outbox, self.links, chain, sync, self.blocks.download, now)

    # What callers read.

    @property
    def active(self) -> ActiveChain:
        """The blocks connected."""
        return self.chain.active

    @property
    def initial_sync(self) -> bool:
        """Whether the tip is still old."""
        return self.chain.initial_sync

    @property
    def follows(self) -> bool:
        """Whether coins and filters are at the tip."""
        return self.chain.follows

    @property
    def services(self) -> int:
        """What we offer, 64 bits."""
        return self.settings.services

    def tip_context(self) -> TipContext:
        """What the pool must know of the chain."""
        return self.chain.tip_context()

    def template(self, now_s: int) -> BlockTemplate:
        """The best next block that the pool allows, seen at this time of day in seconds."""
        chunks = self.pool.mining_chunks() if self.follows else ()
        tip, limits = self.active.tip, self.settings.limits
        return next_template(self.network, tip, chunks, now_s, limits)

    # Messages.

    def _route(self, session: Session, message: Message | Unknown, now: Instant) -> None:
        peer = session.peer
        if not session.kind.is_lasting and not isinstance(message, _ADDRESSING):
            why = f"not spoken on a connection for {session.kind.value}"
            self._outbox.report(MessageIgnored(peer, message.command, why))
            return  # The parts behind know nothing of this peer.
        match message:
            case Inv(items):
                if self._headerflow.announced(peer, items, now) < len(items):
                    self.transactions.announced(session, items, now)
            case Tx(transaction):
                if not self.initial_sync:
                    self.private.seen(transaction.wtxid, peer)
                self.transactions.received(session, transaction, now)
            case BlockMessage():
                self.blocks.received_block(session, message, now)
            case Headers():
                self.blocks.received_headers(session, message, now)
            case CmpctBlock():
                self.compact.received(session, message, now)
            case BlockTxn():
                self.compact.received_transactions(session, message, now)
            case SendHeaders():
                self.blocks.announcer.prefers_headers(peer)
            case SendCmpct():
                self.compact.negotiated(session)
            case GetData() | GetHeaders() | GetBlocks():
                self.replies.received(session, message)
            case GetBlockTxn():
                self.replies.received_transactions_request(session, message)
            case Ping() | Pong():
                self.links.echo(session, message, now)
            case GetAddr() | Addr() | AddrV2():
                self._outbox.perform(self.links.gossip.received(peer, message, now))
            case GetCFilters() | GetCFHeaders() | GetCFCheckpt():
                self.replies.received_filter_request(session, message)
            case StaleTip():
                self.blocks.stale.received(session, message, now)
            case FeeFilter():
                self.transactions.txrelay.received(peer, message, now)
            case MempoolMessage():
                self.blooms.mempool(session, now)
            case FilterLoad() | FilterAdd() | FilterClear():
                self.blooms.received(session, message)
            case NotFound(items):
                self.transactions.notfound(peer, message)
                for item in items:
                    self.blocks.download.notfound(peer, BlockHash(item.hash), now)
            case Unknown(command):
                self._outbox.report(MessageIgnored(peer, command, "unknown message"))
            case _:
                self._outbox.report(MessageIgnored(peer, message.command, "nobody asked for it"))

    def _serve(self, session: Session, now: Instant) -> None:
        self.replies.serve(session, now)

    # Slow work is done.

    def _completed(self, continuation: object, outcome: object, now: Instant) -> None:
        match continuation:
            case None:
                pass  # Nothing follows.
            case BlockValidated():
                assert isinstance(outcome, BlockOutcome)
                self.blocks.validated(continuation, outcome, now)
            case CompactLooked():
                assert isinstance(outcome, PartialBlock | Rebuilt | CompactFault)
                found = self.compact.looked(continuation, outcome, now)
                if found is not None:
                    self.blocks.received_rebuilt(found, now)
            case CompactMade():
                assert outcome is None or isinstance(outcome, tuple)
                self.relay.made(continuation, outcome, now)
            case CoinsCaughtUp() | IndexAdvanced() | ChainPruned() | BlockKept():
                self.blocks.completed(continuation, outcome, now)
            case ChainOrdered() | OrderFollowed():
                self.blocks.completed(continuation, outcome, now)
            case CoinsFound():
                assert outcome is None or isinstance(outcome, dict)
                self.transactions.admission.coins_found(continuation, outcome, now)
            case ScriptsVerified():
                assert isinstance(outcome, Accepted | Rejected)
                self.transactions.admission.scripts_verified(continuation, outcome, now)
            case PackageCoinsFound():
                assert outcome is None or isinstance(outcome, dict)
                self.transactions.packages.coins_found(continuation, outcome, now)
            case PackageScriptsVerified():
                assert isinstance(outcome, Accepted | Rejected)
                self.transactions.packages.scripts_verified(continuation, outcome, now)
            case BlockRead():
                assert outcome is None or isinstance(outcome, bytes | CmpctBlock)
                self.replies.block_read(continuation, outcome)
            case TransactionsRead():
                assert isinstance(outcome, BlockTxn | PeerFault)
                self.replies.transactions_read(continuation, outcome)
            case FiltersRead():
                assert isinstance(outcome, list)
                self.replies.filters_read(continuation, outcome)
            case BlockFiltered():
                assert outcome is None or isinstance(outcome, FilteredBlock)
                self.blooms.block_filtered(continuation, outcome)
            case TransactionsMatched():
                assert isinstance(outcome, list)
                self.blooms.matched(continuation, outcome, now)
            case _:
                raise AssertionError(f"no continuation: {continuation!r}")

    # Peers come and go.

    def _peer_ready(self, session: Session, now: Instant) -> None:
        negotiated = session.negotiated
        assert negotiated is not None, "called when the handshake is complete"
        useful = has_desirable_services(negotiated.services, near_tip=True)
        limited = not negotiated.services & Services.NETWORK
        preferred = useful and (not session.inbound or session.may("noban"))
        self.replies.opened(session)
        self.blocks.download.opened(
            session.peer, preferred=preferred, serves_blocks=useful, limited=limited
        )
        self.transactions.opened(session, now)
        self.blocks.opened(session, preferred, useful, now)

    def _peer_closed(self, peer: PeerId, now: Instant) -> None:
        self.replies.closed(peer, now)
        self.transactions.closed(peer, now)
        self.blooms.closed(peer)
        self.blocks.closed(peer, now)

    # The operator, and time.

    def _carry_out(self, ticket: int, command: object, now: Instant) -> None:
        self._operator.carry_out(ticket, command, now)

    def _settle(self, now: Instant) -> None:  # noqa: ARG002
        self._notifications.pool_moved()

    def _tick(self, now: Instant) -> None:
        self.links.tick(now)
        self.blocks.tick(now)
        self.transactions.tick(now)
        for stale in self.private.tick(now):
            self._look_again(stale, now)
        self.blooms.match(self.transactions.txrelay.take_matches())
        self.maintenance.tick(now)

    def _look_again(self, stale: Transaction, now: Instant) -> None:
        """A transaction was brought out and did not come back: is it still good?"""

        def tested(result: PackageResult, _: Instant) -> None:
            member = result.members.get(stale.wtxid)
            if member is not None and member.refused is None:
                self.private.send_again(stale)
            else:
                why = "it is refused" if member is None else str(member.refused)
                self.private.give_up(stale.wtxid, why)

        command = SubmitPackage((stale,), test_only=True)
        self.transactions.packages.submit(command, tested, now)

    def _deadline(self) -> Instant | None:
        flows = earlier(self.blocks.deadline(), self.transactions.deadline())
        return earlier(flows, self.maintenance.deadline())
