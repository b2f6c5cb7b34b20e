"""The light client: a node without a ledger, which serves one wallet (BIP 157, BIP 158).

It speaks to full nodes as they speak among themselves, over the same machines. It takes headers
from several peers and believes the chain with the most work; filter headers it compares among
peers; filters are matched in the wallet's own process, so no peer learns what is ours; of a block
that matches it checks that its bytes are what the header promises. Nobody it talks to is trusted,
and none is needed: what one does not answer within a second is asked of another.

    headers: headerflow -> HeaderTree          filters: filtersync -> scanflow -> the wallet
    blocks:  blockfetch -> scanflow            transactions: unconfirmedwatch

For payees it looks at coins and payments of others (payees), to partner wallets it gives headers
and filters, and takes some of them (partnerchain).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from axon.chain.headertree import HeaderTree
from axon.machine import SECOND, Instant, NoCommand, PeerId, earlier
from axon.node.blockreads import BlockLookedAt, BlockReads, ExamineBlock
from axon.node.commands import RecentFeerates, Rescan, SendTransaction
from axon.node.disputes import Disputes, FiltersChecked
from axon.node.facts import HeadersComplete, InSync, MessageIgnored
from axon.node.partnerchain import FiltersGiven, FiltersTaken, PartnerChain
from axon.node.partners import PartnerCommand
from axon.node.payees import PayeeCommand, Payees, PayeeWork
from axon.node.peernode import PeerNode
from axon.node.rotation import Rotation
from axon.node.scanbatch import BlockScanned, ChainFollowed, FiltersMatched, KeptFiltersRead
from axon.node.scanflow import ScanFlow, ScanStart
from axon.node.session import Session
from axon.node.settings import LinkSettings
from axon.node.tipagreement import Agreement, TipAgreement
from axon.node.unconfirmedwatch import UnconfirmedTaken, UnconfirmedWatch
from axon.node.walletjobs import FILTERS, WALLET, AskWallet, KeepFilterHeaders, Taken
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.blockfetch import BlockFetch
from axon.p2p.filterheaders import FilterHeaderChain
from axon.p2p.filtersync import FilterSync
from axon.p2p.handshake import has_desirable_services
from axon.p2p.headersync import HeaderSync
from axon.p2p.peerchains import PeerChains
from axon.p2p.views import HeadersOnly
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE
from axon.primitives.transaction import Transaction
from axon.primitives.verdict import Rejected
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
    Message,
    NotFound,
    Ping,
    Pong,
    SendHeaders,
    Services,
    Tx,
    Unknown,
)

MAX_FLOOR_SAT_KVB: Final = 1_000_000
"""A peer that asks for more than 1,000 sat/vB is still syncing, and wants no payments at all."""

PATIENCE: Final = SECOND
"""After so long without an answer somebody else is asked."""


@dataclass(frozen=True, slots=True)
class WalletAsked:
    """Continuation: the wallet has done what the operator asked of it."""

    ticket: int


class SpvNode(PeerNode):
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
        peer_chains = PeerChains(headers)
        chain = HeadersOnly(headers, settings.minimum_chainwork)
        sync = HeaderSync(chain, peer_chains, rng, patience=PATIENCE)
        super().__init__(settings, headers, peer_chains, sync, addrman, bans, rng, now)
        outbox = self._outbox
        self.filter_headers = filter_headers
        self.filtersync = FilterSync(headers, filter_headers, peer_chains, rng)
        self._fetch = BlockFetch(peer_chains, rng)
        self._tips = TipAgreement(
            outbox, headers, self.links, sync, peer_chains, settings.minimum_chainwork
        )
        self.transactions = UnconfirmedWatch(
            outbox, rng, lambda peer: self.height_behind(peer) is not None
        )
        self.scan = ScanFlow(
            outbox, headers, self.filtersync, self._fetch, self.transactions, start
        )
        self._floors: dict[PeerId, int] = {}  # By what each peer told in its feefilter.
        self._reads = BlockReads(outbox, headers, self._fetch, self._floors)
        self._disputes = Disputes(outbox, self.filtersync, self._fetch, self._doubt)
        self._payees = Payees(
            outbox, headers, self.filtersync, self._fetch, self.transactions.txrequest
        )
        self._partners = PartnerChain(
            outbox, chain, self._headerflow, headers, self.filtersync, self.scan, rng
        )
        self._rotation = Rotation(outbox, self.links, sync, now)
        self._best = headers.best
        self._alone = alone
        self._was_complete = self._was_synced = False
        for transaction in unconfirmed:
            self._bring_out(transaction, now)

    @property
    def is_synced(self) -> bool:
        """Whether the wallet has seen all that the nodes it reached have, by their own word."""
        return self._tips.is_complete and self.filtersync.is_settled and self.scan.is_done

    def agreement(self) -> Agreement:
        """What the nodes say of the end of the chain, and of its filters if they serve any."""
        said, filters = self._tips.state(), self.filtersync.state()
        agree = sum(
            self._tips.agrees(peer)
            for peer in self._tips.reached
            if peer in filters.agreed_peers or not self.filtersync.serves(peer)
        )
        return replace(said, agree=agree)

    def height_behind(self, peer: PeerId) -> int | None:
        """How high the chain of a node is that is behind; None of any other."""
        return self._tips.height_behind(peer)

    @property
    def is_alone(self) -> bool:
        """Nobody is dialled, as the operator wants it."""
        return self._alone

    @property
    def floors(self) -> Mapping[PeerId, int]:
        """The least feerate that peers say they take, in sat/kvB."""
        return self._floors

    # Steps.

    def _tick(self, now: Instant) -> None:
        self._outbox.perform(self.headersync.tick(now))
        self._outbox.perform(self.filtersync.tick(now))
        self._outbox.perform(self._fetch.tick(now))
        self.transactions.tick(now)
        for stale in self.private.tick(now):
            if self.transactions.broadcast.status(stale.txid) is None:
                self.private.give_up(stale.wtxid, "it is in a block, or given up")
            else:
                self.private.send_again(stale)
        self._rotation.tick(now)
        self.links.tick(now)

    def _deadline(self) -> Instant | None:
        soonest = earlier(self.headersync.deadline(), self.filtersync.deadline())
        soonest = earlier(soonest, earlier(self._fetch.deadline(), self.transactions.deadline()))
        soonest = earlier(soonest, earlier(self._rotation.deadline(), self._tips.deadline()))
        return earlier(soonest, self._payees.deadline())

    def _settle(self, now: Instant) -> None:
        if self.headers.best is not self._best:
            self._best = self.headers.best
            self._outbox.perform(self.filtersync.chain_changed(now))
        self._disputes.settle(now)
        self._reads.settle(now)
        self._tips.update(now)
        headers_known = self._tips.is_complete or self._alone
        self.scan.advance(now, headers_known=headers_known)
        self._payees.settle(now, scanned=self.scan.height, headers_known=headers_known)
        self._outbox.perform(self.filtersync.update(now))  # The scan may want other filters now.
        for entry in self.private.book.entries():
            self.transactions.handed_over(entry.transaction.txid, entry.confirmed)
        self._tell_progress()
        if self.scan.is_following:
            return  # Whoever is killed now must not find later filter headers than his wallet's.
        changed = self.filter_headers.take_changes()
        if changed is not None:
            job = KeepFilterHeaders(changed.start_height, changed.records)
            self._outbox.delegate(job, FILTERS)

    def _tell_progress(self) -> None:
        """State what holds now and did not before; whoever waits for it looks again then."""
        complete, synced = self._tips.is_complete, self.is_synced
        if complete and not self._was_complete:
            self._outbox.report(HeadersComplete(self.headers.best.height))
        if synced and not self._was_synced:
            said = self.agreement()
            self._outbox.report(InSync(self.headers.best.height, said.asked, said.agree))
        self._was_complete, self._was_synced = complete, synced

    # Messages.

    def _route(self, session: Session, message: Message | Unknown, now: Instant) -> None:
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
                self.private.seen(transaction.wtxid, peer)
                self._payees.payments.received(peer, transaction)
                self.transactions.received(session, transaction, now)
            case SendHeaders():
                pass  # We have no blocks to announce.
            case GetData():
                self.transactions.requested(session, message)
            case NotFound(items):
                self.transactions.notfound(peer, message, now)
                for item in items:
                    actions = self._fetch.missing(peer, BlockHash(item.hash), now)
                    self._outbox.perform(actions)
            case _:
                self._outbox.report(MessageIgnored(peer, message.command, "we serve nobody"))

    def _serve(self, session: Session, now: Instant) -> None:
        self.transactions.serve(session, now)

    def _received_headers(self, session: Session, message: Headers, now: Instant) -> None:
        best = self.headers.best
        self._headerflow.received(session, message, now)
        if self.headers.best is not best:
            self._tips.advanced(session.peer)
        self._outbox.perform(self.filtersync.chain_changed(now))  # The peer is known to have more.

    def _inventory(self, session: Session, message: Inv, now: Instant) -> None:
        blocks = self._headerflow.announced(session.peer, message.items, now)
        if blocks:
            self._outbox.perform(self.filtersync.chain_changed(now))
        if blocks < len(message.items):
            self._payees.payments.announced(session.peer, message.items)
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
            self._payees.received_block(session, block_hash, raw, now)
            self.scan.received_block(session, block_hash, raw, now)

    # Slow work is done.

    def _completed(self, continuation: object, outcome: object, now: Instant) -> None:
        match continuation:
            case None:
                pass  # Nothing follows.
            case KeptFiltersRead():
                assert isinstance(outcome, tuple)
                self.scan.kept_read(continuation, outcome, now)
            case FiltersMatched():
                assert isinstance(outcome, tuple)
                self.scan.matched(continuation, outcome, now)
            case BlockScanned():
                assert isinstance(outcome, Taken)
                self.scan.taken(continuation, outcome, now)
            case ChainFollowed():
                assert isinstance(outcome, tuple)
                self.scan.followed(continuation, outcome, now)
            case FiltersChecked():
                assert isinstance(outcome, tuple | Rejected)
                self._disputes.checked(continuation, outcome, now)
            case BlockLookedAt():
                assert isinstance(outcome, tuple | Rejected)
                self._reads.looked_at(continuation, outcome, now)
            case UnconfirmedTaken():
                self.transactions.taken(continuation, bool(outcome), now)
            case WalletAsked(ticket):
                self._outbox.answer(ticket, outcome)
            case FiltersGiven() | FiltersTaken():
                self._partners.completed(continuation, outcome)
            case _ if isinstance(continuation, PayeeWork):
                self._payees.completed(continuation, outcome, now)
            case _:
                raise AssertionError(f"no continuation: {continuation!r}")

    # Peers come and go.

    def _peer_ready(self, session: Session, now: Instant) -> None:
        negotiated = session.negotiated
        assert negotiated is not None, "called when the handshake is complete"
        peer = session.peer
        serves = has_desirable_services(negotiated.services, near_tip=False)
        if serves:
            self._fetch.opened(peer)
            height, offset_s = negotiated.start_height, negotiated.time_offset_s
            self._tips.opened(peer, height, offset_s, now)
        self._headerflow.opened(session, now, preferred=True, serves=serves)
        filters = serves and bool(negotiated.services & Services.COMPACT_FILTERS)
        self._outbox.perform(self.filtersync.opened(peer, serves_filters=filters, now=now))
        self.transactions.opened(session, now)
        self._payees.payments.opened(session)

    def _peer_closed(self, peer: PeerId, now: Instant) -> None:
        self._floors.pop(peer, None)
        self._tips.closed(peer)
        self._outbox.perform(self.headersync.closed(peer, now))
        self._outbox.perform(self._fetch.closed(peer, now))
        self._outbox.perform(self.filtersync.closed(peer, now))
        self.transactions.closed(peer, now)
        self._payees.closed(peer)

    def _doubt(self, block_hash: BlockHash) -> None:
        """Nobody can tell which filter is that of a block: whoever looks for something reads it."""
        self.scan.doubt(block_hash)
        self._payees.doubt(block_hash)

    # What the operator asks.

    def _bring_out(self, transaction: Transaction, now: Instant) -> None:
        quiet = self.settings.private_broadcast
        self.transactions.send(transaction, now, quiet=quiet)
        if quiet:
            self.private.send(transaction, now)

    def _carry_out(self, ticket: int, command: object, now: Instant) -> None:
        match command:
            case AskWallet():
                self._outbox.delegate(command, WALLET, WalletAsked(ticket))
            case SendTransaction(transaction):
                self._bring_out(transaction, now)
                self._outbox.answer(ticket, None)
            case Rescan(height):
                self.scan.rescan(height, now)
                self._outbox.answer(ticket, None)
            case RecentFeerates() | ExamineBlock():
                self._reads.want(command, ticket, now)
            case _ if isinstance(command, PayeeCommand):
                self._payees.carry_out(ticket, command, now)
            case _ if isinstance(command, PartnerCommand):
                self._partners.carry_out(ticket, command, now)
            case _:
                self._outbox.answer(ticket, NoCommand(command))
