"""Filter headers compared among all peers, and filters that nobody can forge (client of BIP 157).

The light client's part that decides which filters a wallet may rely on. Filter headers are asked of
one peer at a time, of another as well when the first does not answer within a second; every other
peer is asked what it says of the end of the chain, which speaks for all below it. As long as one
peer is honest, a lie is noticed, and the block in question decides (`take_dispute`, `resolved`).

    our chain behind the best --getcfheaders--> grown --> every peer compared with its end
    peer: compared --differs--> located (p2p/filterclaims) --> dispute --> resolved, liars go
    resolved against us, or the best chain turned: cut; filters are handed out again from there

Filters (p2p/filterdownload) wait before they are handed out for peers that have just been asked
whether they agree, a second at most, and from a block in dispute on until it is resolved.

A peer is asked only about blocks it is known to have: others cost the connection.
"""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from axon.machine import Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer
from axon.p2p.faults import PeerViolation
from axon.p2p.filterdispute import Claim, Dispute, FilterDisputes
from axon.p2p.filterdownload import MAX_FILTER_BYTES, FilterOfBlock
from axon.p2p.filterdownloads import FilterDownloads
from axon.p2p.filterheaders import FilterHeaderChain
from axon.p2p.filterpeer import FilterPeer, OpenQuestion
from axon.p2p.filterstate import FilterState
from axon.p2p.peerchains import PeerChains
from axon.p2p.views import HeaderEntryView, HeaderTreeView
from axon.primitives.hashes import BlockHash
from axon.wire.messages import CFCheckpt, CFHeaders, CFilter, GetCFCheckpt, GetCFHeaders
from axon.wire.messages.filters import BASIC_FILTER, MAX_CFHEADERS

__all__ = ["Claim", "Dispute", "FilterOfBlock", "FilterState", "FilterSync"]


class FilterSync:
    """The filters of the best chain; node-wide.

    Args:
        headers: all known headers.
        chain: the filter headers that we have; only this part changes it.
        peer_chains: what each peer has.
        rng: picks whom to ask.
    """

    def __init__(
        self,
        headers: HeaderTreeView,
        chain: FilterHeaderChain,
        peer_chains: PeerChains,
        rng: Random,
    ) -> None:
        self._headers = headers
        self.chain = chain
        self._rng = rng
        self._peer_chains = peer_chains
        self._peers: dict[PeerId, FilterPeer] = {}
        self.downloads = FilterDownloads(chain, rng)
        self._disputes = FilterDisputes(chain, self._peers, rng)
        self._best: HeaderEntryView | None = None  # At the last look.
        self._restless = True  # Something happened that may allow new questions.
        self._look_at: Instant | None = None  # No peer's time is up before.
        self._cut_at: int | None = None  # Our chain was cut above this height since `take_cut`.

    # What happened.

    def opened(self, peer: PeerId, *, serves_filters: bool, now: Instant) -> list[Action]:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            serves_filters: it offers COMPACT_FILTERS; others are never asked.
            now: the present.
        """
        if not serves_filters:
            return []
        ours = self._peers[peer] = FilterPeer(peer, self.chain.start_height - 1)
        self.downloads.opened(peer, ours.claims)
        return self._update(now)

    def closed(self, peer: PeerId, now: Instant) -> list[Action]:
        """A peer has gone; what it was asked is asked of others."""
        if peer not in self._peers:
            return []
        self._remove(peer)
        return self._update(now)

    def received(
        self, peer: PeerId, message: CFHeaders | CFCheckpt | CFilter, now: Instant
    ) -> list[Action]:
        """An answer; one that nobody waits for is ignored.

        Raises:
            PeerViolation: it is no answer to its question, contradicts what the peer said before,
                or is larger than anything of its kind.
        """
        ours = self._peers.get(peer)
        if ours is None or message.filter_type != BASIC_FILTER:
            return []
        if isinstance(message, CFilter) and len(message.filter) > MAX_FILTER_BYTES:
            raise PeerViolation(f"axon: no filter has more than {MAX_FILTER_BYTES} bytes")
        question = ours.answered(message)
        if question is not None:
            self._weigh(ours, question, message)
            self._restless = True
        elif isinstance(message, CFilter) and self.downloads.received(peer, message, now):
            self._restless = True
        return self._update(now) if self._restless else []

    def chain_changed(self, now: Instant) -> list[Action]:
        """The best header changed, or what some peer is known to have."""
        return self._update(now)

    def update(self, now: Instant) -> list[Action]:
        """Ask what may be asked since filters were handed out, or are wanted from elsewhere."""
        self._follow()
        return self._update(now) if self._restless else []

    def tick(self, now: Instant) -> list[Action]:
        """Do what is due: ask others where a peer is late, disconnect who is silent."""
        actions: list[Action] = []
        if self._look_at is not None and now >= self._look_at:
            actions += self.downloads.tick(now)
            for action in actions:
                self._remove(action.peer)
            for peer, ours in list(self._peers.items()):
                due = ours.tick(now)
                if due is not None:
                    actions.append(due)
                if isinstance(due, DisconnectPeer):
                    self._remove(peer)
            self._restless = True
        return actions + self._update(now) if self._restless else actions

    def deadline(self) -> Instant | None:
        """When `tick` has something to do; 0 for at once."""
        return 0 if self._restless else self._look_at

    # Filters for the wallet.

    @property
    def is_begun(self) -> bool:
        """Whether filters are asked for and handed out: somebody said from where on."""
        return self.downloads.scan.is_begun

    def scan_from(self, height: int, *, waits: bool = False) -> None:
        """Hand out filters from a height on, see `FilterDownload`: all below do not matter."""
        self.downloads.scan.scan_from(height, waits=waits)
        self._restless = True

    def take_filters(self, limit: int) -> list[FilterOfBlock]:
        """The next filters, in order of height; what is in doubt waits.

        Args:
            limit: how many at most.
        """
        self._follow()
        taken = self.downloads.scan.take(limit, self.trusted_height)
        self._restless = self._restless or bool(taken)
        return taken

    def take_rollback(self) -> int | None:
        """From which height on filters are handed out again, since the last call.

        Those that were handed out from there on are not filters of the best chain, or may be false.
        None if all of them still hold.
        """
        self._follow()
        return self.downloads.scan.take_rollback()

    # Filters for searches.

    def search_from(self, height: int | None) -> None:
        """Bring filters from this height on for a search, too; None for no more."""
        self.downloads.search.scan_from(height)
        self._restless = True

    def take_searched(self, limit: int) -> list[FilterOfBlock]:
        """The next filters for a search, likewise."""
        self._follow()
        taken = self.downloads.search.take(limit, self.trusted_height)
        self._restless = self._restless or bool(taken)
        return taken

    def take_cut(self) -> int | None:
        """Above which height filters may be others since the last call; None if all still hold."""
        self._follow()
        height, self._cut_at = self._cut_at, None
        return height

    # Disputes.

    def take_dispute(self) -> Dispute | None:
        """A dispute that is ready to be decided, each once; `resolved` is to follow."""
        return self._disputes.take()

    def is_open(self, dispute: Dispute) -> bool:
        """Whether a dispute still matters: its block may have left the best chain since."""
        return self._disputes.is_open(dispute)

    def resolved(
        self,
        dispute: Dispute,
        honest: Claim | None,
        now: Instant,
        *,
        refuted: Collection[Claim] = (),
    ) -> list[Action]:
        """The block was read; a dispute that is not open any more is ignored.

        Args:
            dispute: from `take_dispute`.
            honest: the claim to go by; None if all are refuted.
            now: the present.
            refuted: claims that cannot be true; who made them has lied. Peers with other claims go
                without blame: two chains cannot be followed at once.
        """
        if not self.is_open(dispute):
            return []
        actions: list[Action] = []
        for peer, fault in self._disputes.close(dispute, honest, refuted).items():
            actions.append(DisconnectPeer(peer, fault))
            self._remove(peer)
        held = dispute.held
        if honest is not held and (held is not None or honest is not None):
            self._cut(dispute.height - 1)
        return actions + self._update(now)

    # What is known.

    def state(self) -> FilterState:
        """How far filter headers are, and who agrees with them."""
        height = self.chain.height
        agreed = [peer for peer, ours in self._peers.items() if ours.claims.agreed >= height]
        return FilterState(height, len(self._peers), tuple(agreed), self._disputes.height)

    @property
    def has_peers(self) -> bool:
        """Whether anybody is connected who offers filters."""
        return bool(self._peers)

    def agreeing(self, height: int) -> int:
        """How many peers agree with all filter headers up to a height."""
        return sum(ours.claims.agreed >= height for ours in self._peers.values())

    def serves(self, peer: PeerId) -> bool:
        """Whether a peer offers filters."""
        return peer in self._peers

    @property
    def is_settled(self) -> bool:
        """All filter headers of the best chain are here, and whoever answers promptly agrees."""
        return self.chain.height >= self._headers.best.height and (
            self.trusted_height >= self.chain.height
        )

    # How it is done.

    def _update(self, now: Instant) -> list[Action]:
        """Ask what is to be asked now."""
        self._follow()
        self._restless = False
        actions = self._disputes.update(now)
        actions += self._extend(now)
        for peer, ours in self._peers.items():
            if ours.is_idle:
                actions += self._compare(peer, ours, now)
        actions += self.downloads.update(now)
        self._look_at = min(self._deadlines(), default=None)
        return actions

    def _weigh(
        self, ours: FilterPeer, question: OpenQuestion, message: CFHeaders | CFCheckpt | CFilter
    ) -> None:
        chain, claims = self.chain, ours.claims
        match message:
            case CFilter():
                self._disputes.received(claims, question.stop_height, message.filter)
            case CFCheckpt():
                claims.weigh_checkpoints(chain, message.filter_headers)
            case CFHeaders():
                hashes, previous = message.filter_hashes, message.previous_filter_header
                start = question.stop_height + 1 - len(hashes)
                news = claims.weigh_headers(chain, start, previous, hashes)
                if news:
                    self._grow(question.stop_height, news)
                    claims.extended(chain.height)

    def _grow(self, stop_height: int, news: list[bytes]) -> None:
        entry = self._headers.best.ancestor(stop_height)
        block_hashes: list[BlockHash] = []
        while entry is not None and entry.height > self.chain.height:
            block_hashes.append(entry.hash)
            entry = entry.parent
        self.chain.append(block_hashes[::-1], news)
        for ours in self._peers.values():
            ours.claims.grown(self.chain)

    def _follow(self) -> None:
        """Stay on the best chain."""
        best, was = self._headers.best, self._best
        if best is was:
            return
        self._best = best
        if was is not None and best.ancestor(was.height) is was:
            return
        for ours in self._peers.values():
            ours.claims.forget_checkpoints()
            question = ours.question
            if question is not None:
                entry = best.ancestor(question.stop_height)
                if entry is None or entry.hash != question.message.stop_hash:
                    ours.cancel()
        self._cut(self.chain.fork(best))

    def _cut(self, height: int) -> None:
        """Forget the filter headers above a height, and all that rests on them."""
        was_height = self.chain.height
        if height == was_height:
            return
        self._restless = True
        self.chain.truncate(height)
        self._cut_at = height if self._cut_at is None else min(height, self._cut_at)
        for ours in self._peers.values():
            ours.claims.cut(height)
        self.downloads.cut(height, was_height)
        self._disputes.cut(height)

    def _extend(self, now: Instant) -> list[Action]:
        """Ask for filter headers beyond ours, of one peer that answers promptly."""
        height = self.chain.height
        if height >= self._headers.best.height:
            return []
        able: list[tuple[FilterPeer, int]] = []
        for peer, ours in self._peers.items():
            if ours.is_prompt and ours.question is not None and ours.question.extends:
                return []
            if ours.is_idle and ours.claims.differs is None:
                common = self._peer_chains.common_height(peer)
                if common > height and not self._needs_checkpoints(ours, common):
                    able.append((ours, common))
        # Who agrees with what we have goes on from there; another may not.
        able = [item for item in able if item[0].claims.agreed == height] or able
        if not able:
            return []
        chosen, common = able[int(self._rng.random() * len(able))]
        stop_height = min(common, height + MAX_CFHEADERS)
        message = GetCFHeaders(BASIC_FILTER, height + 1, self._best_hash(stop_height))
        return [chosen.ask(message, stop_height, now, extends=True)]

    def _compare(self, peer: PeerId, ours: FilterPeer, now: Instant) -> list[Action]:
        """Ask an idle peer what is not known of its filter headers."""
        claims, chain = ours.claims, self.chain
        if claims.differs is not None:
            question = claims.question(chain)
            return [] if question is None else [ours.ask(question, claims.differs, now)]
        common = self._peer_chains.common_height(peer)
        if self._needs_checkpoints(ours, common):
            claims.knows_checkpoints = True
            message = GetCFCheckpt(BASIC_FILTER, self._best_hash(common))
            return [ours.ask(message, common, now)]
        top = min(chain.height, common)
        if claims.agreed >= top or claims.has_checkpoints:
            return []
        return [ours.ask(GetCFHeaders(BASIC_FILTER, top, chain.block_hash(top)), top, now)]

    def _needs_checkpoints(self, ours: FilterPeer, common: int) -> bool:
        """Whether a peer's chain is long enough ahead of ours to ask for checkpoints first."""
        return common - self.chain.height > MAX_CFHEADERS and not ours.claims.knows_checkpoints

    def _best_hash(self, height: int) -> BlockHash:
        entry = self._headers.best.ancestor(height)
        assert entry is not None, "a height of the best chain"
        return entry.hash

    @property
    def trusted_height(self) -> int:
        """Up to which height filters are in no doubt."""
        height = self.chain.height
        if self._disputes.height is not None:
            height = min(height, self._disputes.height - 1)
        for ours in self._peers.values():
            claims = ours.claims
            if ours.is_prompt or claims.filter is not None:
                height = min(height, claims.agreed)
        return height

    def _remove(self, peer: PeerId) -> None:
        self._peers.pop(peer, None)
        self.downloads.closed(peer)
        self._restless = True

    def _deadlines(self) -> list[Instant]:
        moments = [self._disputes.deadline(), *[ours.deadline() for ours in self._peers.values()]]
        return [moment for moment in moments if moment is not None] + self.downloads.deadlines()
