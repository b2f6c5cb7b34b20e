"""The full node: one machine, composed of parts that do not know one another.

Events come in, each is routed to the part it concerns, and what a part reports is handed to the
next by a plain call: the order of things can be read here, in `links`, `blockflow` and `txflow`.
"""

from __future__ import annotations

from random import Random

from axon.chain.activechain import ActiveChain
from axon.chain.coins import Coins
from axon.chain.filterindex import FilterIndex
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.chain.outcome import BlockOutcome
from axon.machine import (
    Clogged,
    Closed,
    Commanded,
    Completed,
    DialFailed,
    Drained,
    Effect,
    Event,
    Instant,
    Opened,
    PeerId,
    Received,
    Resolved,
)
from axon.mempool.locks import TipContext
from axon.mempool.pool import Mempool
from axon.mining.template import BlockTemplate, next_template
from axon.node.blockflow import BlockFlow
from axon.node.links import Links
from axon.node.operator import Operator
from axon.node.outbox import Outbox
from axon.node.reception import Reception
from axon.node.replies import Replies
from axon.node.router import Router
from axon.node.session import Session
from axon.node.settings import NodeSettings
from axon.node.txflow import TxFlow
from axon.node.upkeep import Upkeep
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.filterserving import FilterServing
from axon.p2p.handshake import has_desirable_services
from axon.p2p.serving import Serving, UploadTarget
from axon.primitives.hashes import BlockHash
from axon.wire.messages import Services


class FullNode:
    """A full node as a `Machine`.

    Args:
        settings: the operator's.
        headers: all headers known.
        active: the blocks connected.
        stored: blocks that are held although they are not active.
        coins: the view of unspent outputs; read here, moved by the jobs.
        filters: likewise; None if none are kept.
        pool: the unconfirmed transactions.
        addrman: known addresses.
        bans: banned ones.
        rng: all chance comes from here.
        now: the start.
        lag: blocks by which coins and filters are behind at the start.
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
    ) -> None:
        self.settings = settings
        self.network = settings.network
        self.coins = coins
        self.filters = filters
        self.pool = pool
        self.sessions: dict[PeerId, Session] = {}
        self.upload = UploadTarget(settings.max_upload_bytes)
        self._outbox = outbox = Outbox(self.sessions, self.upload)
        self.links = Links(outbox, self.sessions, settings, addrman, bans, rng, now)
        self.blocks = BlockFlow(
            outbox,
            headers,
            active,
            stored,
            rng,
            settings.max_tip_age_s,
            settings.minimum_chainwork,
            lag,
        )
        self.transactions = TxFlow(
            outbox,
            pool,
            coins,
            active,
            rng,
            self._takes_transactions,
            lambda: self.blocks.follows,
            blocks_only=settings.blocks_only,
        )
        self.serving = Serving(
            self.blocks,
            self.transactions,
            self.upload,
        )
        self.replies = Replies(outbox, self.serving, self.blocks)
        served = filters if settings.serve_filters else None
        filter_serving = FilterServing(headers, active, served)
        self._router = Router(
            outbox,
            self.links,
            self.blocks,
            self.transactions,
            self.replies,
            filter_serving,
        )
        self._operator = Operator(outbox, self.links, self.blocks, self.transactions)
        self._upkeep = Upkeep(self.links, self.blocks, now)
        self._reception = Reception(outbox, self.links, self._router.route, self.serving.is_busy)
        self.links.listener = self
        self.blocks.follower = self
        self.blocks.check_initial_sync(now)
        self._tell_links(now)
        self.blocks.catch_up_if_idle()
        self._first = self._outbox.take()

    # What callers read.

    @property
    def headers(self) -> HeaderTree:
        """All headers known."""
        return self.blocks.headers

    @property
    def active(self) -> ActiveChain:
        """The blocks connected."""
        return self.blocks.active

    @property
    def initial_sync(self) -> bool:
        """Whether the tip is still old."""
        return self.blocks.initial_sync

    @property
    def follows(self) -> bool:
        """Whether coins and filters are at the tip."""
        return self.blocks.follows

    @property
    def services(self) -> int:
        """What we offer."""
        return self.settings.services

    def tip_context(self) -> TipContext:
        """What the pool must know of the chain."""
        return self.transactions.tip_context()

    def template(self, now_s: int) -> BlockTemplate:
        """The best next block that the pool allows, seen at this time of day in seconds."""
        return next_template(
            self.network,
            self.active.tip,
            self.pool.mining_chunks() if self.follows else (),
            now_s,
            self.settings.limits,
        )

    # The machine.

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event; the effects are performed in order."""
        self._outbox.now = now
        match event:
            case Received(peer, data):
                self._reception.received(peer, data, now)
            case Completed(task, outcome):
                self._outbox.completed(task, outcome, now)
                self._reception.take_turns(now)
            case Opened():
                self.links.opened(event, now)
            case Closed():
                self.links.closed(event, now)
            case Clogged(peer) | Drained(peer):
                self._reception.clogged(peer, isinstance(event, Clogged), now)
            case DialFailed():
                self.links.dial_failed(event, now)
            case Resolved():
                self.links.resolved(event, now)
            case Commanded(ticket, command):
                self._operator.commanded(ticket, command, now)
        return self._effects()

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        self._outbox.now = now
        self.links.tick(now)
        self.blocks.tick(now)
        self.transactions.tick(now)
        self._upkeep.tick(now)
        self._reception.take_turns(now)
        return self._effects()

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called; 0 for at once."""
        if self._reception.has_ready or self._first:
            return 0
        # Asked after every event, so without a list.
        soonest: Instant = self._upkeep.deadline()
        moment = self.links.deadline()
        if moment is not None and moment < soonest:
            soonest = moment
        moment = self.blocks.deadline()
        if moment is not None and moment < soonest:
            soonest = moment
        moment = self.transactions.deadline()
        if moment is not None and moment < soonest:
            soonest = moment
        return soonest

    def _effects(self) -> list[Effect]:
        effects = self._outbox.take()
        if self._first:
            effects, self._first = [*self._first, *effects], []
        return effects

    # Peers come and go.

    def greeted(self, session: Session, now: Instant) -> None:
        """A lasting peer's handshake is complete."""
        negotiated = session.negotiated
        assert negotiated is not None, "called when the greeting is complete"
        peer, services = session.peer, negotiated.services
        useful = has_desirable_services(services, near_tip=True)
        full = bool(services & Services.NETWORK)
        preferred = useful and (not session.inbound or session.may("noban"))
        self.serving.opened(
            peer,
            transactions=session.kind.relays_transactions,
            download=session.may("download"),
        )
        self.blocks.download.opened(
            peer, preferred=preferred, serves_blocks=useful, limited=not full
        )
        self.transactions.opened(session, now)
        self.blocks.opened(session, preferred, useful, now)

    def gone(self, peer: PeerId, now: Instant) -> None:
        """A connection ended."""
        self._reception.gone(peer)
        self.serving.closed(peer, now)
        self.transactions.closed(peer, now)
        self.blocks.closed(peer, now)

    # The chain moves.

    def chain_moved(self, outcome: BlockOutcome, now: Instant) -> None:
        """Blocks left and joined the active chain."""
        self._upkeep.tip_moved_at = now
        self.replies.chain_moved(outcome)
        self.transactions.chain_moved(outcome, now)

    def tip_settled(self, connected: tuple[HeaderEntry, ...], now: Instant) -> None:
        """The tip is another, or coins and filters have reached it."""
        self._tell_links(now)
        self.transactions.tip_settled(now)
        self.blocks.headersync.tip_moved(now)
        self._outbox.perform(self.blocks.announcer.announce(connected, now))

    def _takes_transactions(self) -> bool:
        return self.blocks.follows and not self.blocks.initial_sync

    def _tell_links(self, now: Instant) -> None:
        links, synced = self.links, not self.blocks.initial_sync
        links.start_height = self.active.height
        if links.near_tip != synced:
            links.set_synced(synced, now)
