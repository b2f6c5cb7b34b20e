"""The light client: a node without a ledger, which serves one wallet (BIP 157, BIP 158).

It speaks to full nodes as they speak among themselves, over the same machines. It takes headers
from several peers and believes the chain with the most work; filter headers it compares among
peers; filters are matched in the wallet's own process, so no peer learns what is ours; of a block
that matches it checks that its bytes are what the header promises. Nobody it talks to is trusted,
and none is needed: what one does not answer within a second is asked of another.

    headers: headerflow -> HeaderTree          filters: filtersync -> scanflow -> the wallet
    blocks:  blockfetch -> scanflow            transactions: txhearing
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Final

from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.machine import (
    SECOND,
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
from axon.node.blockreads import BlockReads
from axon.node.commands import (
    AddNode,
    DialOnce,
    DisconnectNode,
    Feerates,
    RecentFeerates,
    Rescan,
    SendTransaction,
)
from axon.node.disputes import Disputes
from axon.node.facts import HeadersComplete, MessageIgnored
from axon.node.headerflow import HeaderFlow
from axon.node.links import GREETING, Links
from axon.node.outbox import Outbox
from axon.node.reception import Reception
from axon.node.rotation import Rotation
from axon.node.scanflow import ScanFlow, ScanStart
from axon.node.session import Session
from axon.node.settings import LinkSettings
from axon.node.txhearing import TxHearing
from axon.node.walletjobs import FILTERS, WALLET, AskWallet, KeepFilterHeaders
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.blockfetch import BlockFetch
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.filterheaders import FilterHeaderChain
from axon.p2p.filtersync import FilterSync
from axon.p2p.handshake import has_desirable_services
from axon.p2p.headersync import HeaderSync
from axon.p2p.peerchains import PeerChains
from axon.p2p.serving import UploadTarget
from axon.p2p.views import HeadersOnly
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE
from axon.primitives.transaction import Transaction
from axon.wire.messages import (
    Addr,
    AddrV2,
    BlockMessage,
    CFCheckpt,
    CFHeaders,
    CFilter,
    FeeFilter,
    GetData,
    Headers,
    Inv,
    InvType,
    Message,
    NotFound,
    Ping,
    Pong,
    Services,
    Tx,
    Unknown,
)
from axon.wire.messages.headers import MAX_HEADERS

MAX_FLOOR_SAT_KVB: Final = 1_000_000
"""A peer that asks for more than 1,000 sat/vB is still syncing, and wants no payments at all."""

PATIENCE: Final = SECOND
"""After so long without an answer somebody else is asked."""


class SpvNode:
    """A light client as a `Machine`.

    Args:
        settings: the operator's; `connections.needs` should have COMPACT_FILTERS.
        headers: all headers known.
        filter_headers: of the best chain, as far as they are known.
        start: where the wallet's scan goes on.
        unconfirmed: own transactions of earlier runs that are in no block yet.
        addrman: known addresses.
        bans: banned ones.
        rng: all chance comes from here.
        now: the start.
        alone: nobody will be there to tell of more headers, so those that are known must do.
    """

    def __init__(
        self,
        settings: LinkSettings,
        *,
        headers: HeaderTree,
        filter_headers: FilterHeaderChain,
        start: ScanStart,
        unconfirmed: Sequence[Transaction] = (),
        addrman: AddrMan,
        bans: BanList,
        rng: Random,
        now: Instant,
        alone: bool = False,
    ) -> None:
        self.settings = settings
        self.headers = headers
        self.sessions: dict[PeerId, Session] = {}
        self._outbox = outbox = Outbox(self.sessions, UploadTarget())
        self.links = Links(outbox, self.sessions, settings, addrman, bans, rng, now)
        self.peer_chains = PeerChains(headers)
        chain = HeadersOnly(headers, settings.minimum_chainwork)
        self.headersync = HeaderSync(chain, self.peer_chains, rng, patience=PATIENCE)
        self._headerflow = HeaderFlow(outbox, headers, self.headersync)
        self.filter_headers = filter_headers
        self.filtersync = FilterSync(headers, filter_headers, self.peer_chains, rng)
        self._fetch = BlockFetch(self.peer_chains, rng)
        self.transactions = TxHearing(outbox, rng)
        self.scan = ScanFlow(
            outbox, headers, self.filtersync, self._fetch, self.transactions, start
        )
        self._reads = BlockReads(outbox, self._fetch)
        self._floors: dict[PeerId, int] = {}  # By what each peer told in its feefilter.
        self._disputes = Disputes(outbox, self.filtersync, self._fetch, self.scan.doubt)
        self._reception = Reception(outbox, self.links, self._route)
        self._rotation = Rotation(self.links, self.headersync, now)
        self._best = headers.best
        self._alone = alone
        self._headers_known = False
        self.links.listener = self
        for transaction in unconfirmed:
            self.transactions.send(transaction, now)
        self._first = outbox.take()

    @property
    def is_synced(self) -> bool:
        """Whether the wallet has seen everything up to the best header that any peer has shown."""
        return self._headers_known and self.scan.is_done

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
                self._commanded(ticket, command, now)
        self._settle(now)
        return self._effects()

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        self._outbox.now = now
        self._outbox.perform(self.headersync.tick(now))
        self._outbox.perform(self.filtersync.tick(now))
        self._outbox.perform(self._fetch.tick(now))
        self.transactions.tick(now)
        self._rotation.tick(now)
        self.links.tick(now)  # Last: whoever was given up is replaced at once.
        self._reception.take_turns(now)
        self._settle(now)
        return self._effects()

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called; 0 for at once."""
        if self._reception.has_ready or self._first:
            return 0
        moments = (
            self.links.deadline(),
            self.headersync.deadline(),
            self.filtersync.deadline(),
            self._fetch.deadline(),
            self.transactions.deadline(),
            self._rotation.deadline(),
        )
        return min((moment for moment in moments if moment is not None), default=None)

    def _effects(self) -> list[Effect]:
        effects = self._outbox.take()
        if self._first:
            effects, self._first = [*self._first, *effects], []
        return effects

    def _settle(self, now: Instant) -> None:
        """What may follow from anything that happened."""
        if self.headers.best is not self._best:
            self._best = self.headers.best
            self._outbox.perform(self.filtersync.chain_changed(now))
        self._disputes.settle(now)
        self._reads.settle(now)
        self.scan.advance(now, headers_known=self._headers_known or self._alone)
        if self.scan.is_following:
            return  # Whoever is killed now must not find later filter headers than his wallet's.
        changed = self.filter_headers.take_changes()
        if changed is not None:
            job = KeepFilterHeaders(changed.start_height, changed.records)
            self._outbox.delegate(job, FILTERS, lambda *_: None)

    # Messages.

    def _route(self, session: Session, message: Message | Unknown, now: Instant) -> None:
        if session.keepalive is None or isinstance(message, GREETING):
            self.links.greet(session, message, now)
            return
        peer = session.peer
        match message:
            case Ping() | Pong():
                self.links.echo(session, message, now)
            case Addr() | AddrV2():
                self._outbox.perform(self.links.gossip.received(peer, message, now))
            case _ if not session.kind.is_lasting:
                why = f"not spoken on a connection for {session.kind.value}"
                self._outbox.report(MessageIgnored(peer, message.command, why))
            case Headers():
                self._received_headers(session, message, now)
            case Inv():
                self._inventory(session, message, now)
            case BlockMessage():
                self._received_block(session, message, now)
            case CFHeaders() | CFilter() | CFCheckpt():
                self._outbox.perform(self.filtersync.received(peer, message, now))
            case FeeFilter(feerate_sat_kvb):
                if 0 <= feerate_sat_kvb <= MAX_FLOOR_SAT_KVB:
                    self._floors[peer] = feerate_sat_kvb
            case Tx(transaction):
                self.transactions.received(session, transaction, now)
            case GetData():
                self.transactions.requested(session, message, now)
            case NotFound():
                self.transactions.notfound(peer, message, now)
                for item in message.items:
                    actions = self._fetch.missing(peer, BlockHash(item.hash), now)
                    self._outbox.perform(actions)
            case _:
                self._outbox.report(MessageIgnored(peer, message.command, "we serve nobody"))

    def _received_headers(self, session: Session, message: Headers, now: Instant) -> None:
        self._headerflow.received(session, message, now)
        self._outbox.perform(self.filtersync.chain_changed(now))  # The peer is known to have more.
        if len(message.headers) < MAX_HEADERS and not self._headers_known:
            self._headers_known = True
            self._outbox.report(HeadersComplete(self.headers.best.height))

    def _inventory(self, session: Session, message: Inv, now: Instant) -> None:
        """Blocks are learnt by their headers, so only the last one named matters."""
        blocks = [item for item in message.items if item.kind == InvType.BLOCK]
        for item in blocks[-1:]:
            actions = self.headersync.announced(session.peer, BlockHash(item.hash), now)
            self._outbox.perform(actions)
            self._outbox.perform(self.filtersync.chain_changed(now))
        if len(blocks) < len(message.items):
            self.transactions.announced(session, message, now)

    def _received_block(self, session: Session, message: BlockMessage, now: Instant) -> None:
        if len(message.raw) < HEADER_SIZE:
            return
        block_hash = message.header.hash
        if not self._fetch.is_wanted(block_hash):
            return
        raw = message.raw
        taken = self._disputes.received_block(session, block_hash, raw)
        taken = taken or self._reads.received_block(session, block_hash, raw)
        if not taken:
            self.scan.received_block(session, block_hash, raw, now)

    # Peers come and go.

    def greeted(self, session: Session, now: Instant) -> None:
        """A lasting peer's handshake is complete."""
        negotiated = session.negotiated
        assert negotiated is not None, "called when the greeting is complete"
        peer, kind = session.peer, session.kind
        serves = has_desirable_services(negotiated.services, near_tip=False)
        if serves:
            self._fetch.opened(peer)
        self._outbox.perform(
            self.headersync.opened(
                peer,
                outbound=kind.is_outbound and kind is not ConnectionType.MANUAL,
                preferred=True,
                now=now,
                version=negotiated.common_version,
                serves_blocks=serves,
            )
        )
        filters = serves and bool(negotiated.services & Services.COMPACT_FILTERS)
        self._outbox.perform(self.filtersync.opened(peer, serves_filters=filters, now=now))
        self.transactions.opened(session, now)

    def gone(self, peer: PeerId, now: Instant) -> None:
        """A connection ended."""
        self._reception.gone(peer)
        self._floors.pop(peer, None)
        self._outbox.perform(self.headersync.closed(peer, now))
        self._outbox.perform(self._fetch.closed(peer, now))
        self._outbox.perform(self.filtersync.closed(peer, now))
        self.transactions.closed(peer, now)

    # What the operator asks.

    def _commanded(self, ticket: int, command: object, now: Instant) -> None:
        answer = partial(self._outbox.answer, ticket)
        links = self.links
        match command:
            case AskWallet():
                self._outbox.delegate(command, WALLET, lambda outcome, _: answer(outcome))
            case SendTransaction(transaction):
                self.transactions.send(transaction, now)
                answer(None)
            case Rescan(height):
                self.scan.rescan(height, now)
                answer(None)
            case RecentFeerates(blocks):
                self._read_feerates(ticket, blocks, now)
            case AddNode(target):
                answer(links.connections.add_node(target, now))
            case DialOnce(endpoint, kind, v2):
                answer(links.dial(endpoint, kind, v2))
            case DisconnectNode(peer):
                session = links.sessions.get(peer)
                if session is not None:
                    links.end(session, "disconnected by the operator", now)
                answer(session is not None)
            case _:
                raise AssertionError(f"no command: {command!r}")

    def _read_feerates(self, ticket: int, blocks: int, now: Instant) -> None:
        """What the last blocks charged, and what peers ask for."""
        entries: list[HeaderEntry] = []
        entry = self.headers.best
        while entry.parent is not None and len(entries) < blocks:
            entries.append(entry)
            entry = entry.parent

        def done(found: tuple[int, ...] | None) -> None:
            floors = sorted(self._floors.values())
            floor = floors[len(floors) // 2] if floors else 0
            self._outbox.answer(ticket, None if found is None else Feerates(found, floor))

        self._reads.want(entries[::-1], done, now)
