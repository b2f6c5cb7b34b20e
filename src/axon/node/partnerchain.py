"""The chain among wallets: headers and filters given to partners, and taken from them with care.

    joined --getheaders--> heard --more, or read twice--> heard ... --a fault--> left

Each partner has a `HeaderSync` of its own, so its headers pass what those of a node pass, and none
of them takes the turn of a node. Filters of a partner count only where filter headers commit to
them that nodes agree on: a payer cannot vouch for his own coins. As long as no node is there they
are taken ahead of those, and wait (`earlyfilters`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Final

from axon.chain.headertree import HeaderTree
from axon.machine import Instant, PeerId
from axon.node.earlyfilters import EarlyFilters
from axon.node.headerflow import HeaderFlow
from axon.node.outbox import Outbox
from axon.node.partners import (
    FilterRange,
    GiveFilters,
    GiveHeaders,
    HeadersHeard,
    HearFilters,
    HearHeaders,
    JoinPartner,
    LeavePartner,
    PartnerCommand,
    WantFilters,
)
from axon.node.scanflow import ScanFlow
from axon.node.spendjobs import SPENDS, KeepFilterRange, ReadFilterRange
from axon.p2p.actions import Action, Send
from axon.p2p.faults import PeerFault, PeerViolation
from axon.p2p.filtersync import FilterSync
from axon.p2p.headersync import HeaderSync
from axon.p2p.peerchains import PeerChains
from axon.p2p.views import HeadersOnly
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.wire.messages import GetHeaders, Headers
from axon.wire.messages.filters import MAX_CFHEADERS, MAX_CFILTERS
from axon.wire.messages.headers import MAX_HEADERS

MAX_PARTNERS: Final = 16
"""Links that may bring headers at a time."""

MAX_REPEATED: Final = 8
"""Full messages in a row in which a partner shows nothing but headers that are known: a branch that
has lost may be so long, and whoever shows more only keeps us busy."""

MAX_READS: Final = 8
"""Reads and writes of filters under way for all partners; more are answered with nothing."""

MAX_RANGE_BYTES: Final = 380_000
"""Filters of one answer: a message between wallets has 400,000 bytes."""

_PARTNER: Final = PeerId(-1)
"""The name of a partner in its own `HeaderSync`."""


@dataclass(frozen=True, slots=True)
class FiltersGiven:
    """Continuation: kept filters were read for a partner.

    Args:
        ticket: who waits.
        question: what was asked.
        names: of the blocks, upwards.
        previous: the filter header before the first.
    """

    ticket: int
    question: GiveFilters
    names: tuple[BlockHash, ...]
    previous: bytes


@dataclass(frozen=True, slots=True)
class FiltersTaken:
    """Continuation: filters of a partner were checked, and kept if filters are.

    Args:
        ticket: who waits.
        start_height: of the first.
        filters: block hash and filter of each.
        is_early: they came while no node was there to say what they must be.
    """

    ticket: int
    start_height: int
    filters: tuple[tuple[BlockHash, bytes], ...]
    is_early: bool


@dataclass(slots=True)
class _Partner:
    sync: HeaderSync
    repeated: int = 0  # Full messages in a row without anything new.


class PartnerChain:
    """What one light client has to do with partners.

    Args:
        outbox: where effects go.
        chain: what we know, and how much work a chain must have.
        headerflow: takes headers in.
        tree: all headers known.
        filters: the filter headers on which nodes agree, and what is wanted.
        scan: of the wallet.
        rng: for the parts.
    """

    def __init__(
        self,
        outbox: Outbox,
        chain: HeadersOnly,
        headerflow: HeaderFlow,
        tree: HeaderTree,
        filters: FilterSync,
        scan: ScanFlow,
        rng: Random,
    ) -> None:
        self._outbox = outbox
        self._chain = chain
        self._headerflow = headerflow
        self._tree = tree
        self._filters = filters
        self._rng = rng
        self._early = EarlyFilters(tree, scan)
        self._partners: dict[int, _Partner] = {}
        self._reads = 0

    def carry_out(self, ticket: int, command: PartnerCommand, now: Instant) -> None:
        """A command; it is answered now or later."""
        match command:
            case JoinPartner(link):
                self._outbox.answer(ticket, self._join(link, now))
            case LeavePartner(link):
                self._outbox.answer(ticket, self._partners.pop(link, None) is not None)
            case HearHeaders(link, headers):
                self._outbox.answer(ticket, self._hear(link, headers, now))
            case GiveHeaders(locator, stop):
                self._outbox.answer(ticket, self._headers(locator, stop))
            case WantFilters():
                self._outbox.answer(ticket, self._wanted())
            case GiveFilters():
                self._read(ticket, command)
            case HearFilters(start_height, filters):
                self._take(ticket, start_height, filters)

    # Headers.

    def _join(self, link: int, now: Instant) -> GetHeaders | None:
        if len(self._partners) >= MAX_PARTNERS or link in self._partners:
            return None
        sync = HeaderSync(self._chain, PeerChains(self._tree), self._rng)
        self._partners[link] = _Partner(sync)
        return _question(sync.opened(_PARTNER, outbound=False, preferred=True, now=now))

    def _hear(self, link: int, headers: tuple[Header, ...], now: Instant) -> HeadersHeard:
        partner = self._partners.get(link)
        if partner is None:
            return HeadersHeard(0)
        is_repeated = len(headers) == MAX_HEADERS and self._tree.get(headers[-1].hash) is not None
        partner.repeated = partner.repeated + 1 if is_repeated else 0
        try:
            if partner.repeated > MAX_REPEATED:
                raise PeerViolation("axon: a partner does not go on with headers that are known")
            new, actions = self._headerflow.from_partner(
                partner.sync, _PARTNER, Headers(headers), now
            )
        except PeerFault as fault:
            del self._partners[link]
            return HeadersHeard(0, fault=str(fault))
        return HeadersHeard(new, _question(actions))

    def _headers(self, locator: Iterable[BlockHash], stop: BlockHash) -> tuple[Header, ...]:
        best, start = self._tree.best, self._tree.genesis
        for name in locator:
            entry = self._tree.get(name)
            if entry is not None and best.ancestor(entry.height) is entry:
                start = entry
                break
        headers: list[Header] = []
        for height in range(start.height + 1, min(best.height, start.height + MAX_HEADERS) + 1):
            entry = best.ancestor(height)
            assert entry is not None, "a height of the best chain"
            headers.append(entry.header)
            if entry.hash == stop:
                break
        return tuple(headers)

    # Filters.

    def _read(self, ticket: int, question: GiveFilters) -> None:
        most = MAX_CFHEADERS if question.hashes_only else MAX_CFILTERS
        names = self._names(question.start_height, self._height_of(question.stop_hash), most)
        if not names or self._reads >= MAX_READS:
            self._outbox.answer(ticket, FilterRange(question.start_height))
            return
        headers = self._filter_headers(question.start_height, len(names))
        job = ReadFilterRange(names, headers, question.hashes_only, MAX_RANGE_BYTES)
        self._delegate(job, FiltersGiven(ticket, question, names, headers[0]))

    def _take(self, ticket: int, start_height: int, filters: tuple[bytes, ...]) -> None:
        known = self._filters.trusted_height
        is_early = not self._filters.has_peers and known >= self._filters.chain.height
        room = len(filters) if is_early else min(len(filters), known + 1 - start_height)
        names: tuple[BlockHash, ...] = ()
        if start_height >= max(1, self._filters.chain.start_height) and self._reads < MAX_READS:
            names = self._early.names(start_height, min(room, MAX_CFILTERS))
        if not names:
            self._outbox.answer(ticket, 0)
            return
        pairs = tuple(zip(names, filters, strict=False))
        committed = min(len(names), self._filters.chain.height + 1 - start_height)
        headers = self._filter_headers(start_height, committed) if committed >= 0 else ()
        done = FiltersTaken(ticket, start_height, pairs, is_early)
        self._delegate(KeepFilterRange(pairs, headers), done)

    def _delegate(self, job: object, done: FiltersGiven | FiltersTaken) -> None:
        self._reads += 1
        self._outbox.delegate(job, SPENDS, done)

    def completed(self, done: FiltersGiven | FiltersTaken, outcome: object) -> None:
        """Filters were read, or taken."""
        self._reads -= 1
        if isinstance(done, FiltersGiven):
            assert isinstance(outcome, tuple)
            self._outbox.answer(done.ticket, _range(done, outcome))
            return
        assert isinstance(outcome, int)
        if done.is_early:
            names = tuple([name for name, _ in done.filters])
            self._early.taken(names, tuple([len(data) for _, data in done.filters]), outcome)
        chain = self._filters.chain
        for height, (name, data) in enumerate(done.filters[:outcome], done.start_height):
            if height <= chain.height and chain.block_hash(height) == name:
                self._filters.downloads.offer(height, data)
        self._outbox.answer(done.ticket, outcome)

    def _wanted(self) -> tuple[int, BlockHash] | None:
        if self._filters.has_peers:
            return None  # Nodes are asked.
        heights = self._filters.downloads.missing()
        if heights:
            return heights[0], self._filters.chain.block_hash(heights[-1])
        return self._early.wanted()

    def _height_of(self, block_hash: BlockHash) -> int:
        """Of a block of the best chain; -1 of any other."""
        entry = self._tree.get(block_hash)
        if entry is None or self._tree.best.ancestor(entry.height) is not entry:
            return -1
        return entry.height

    def _names(self, start: int, last: int, most: int) -> tuple[BlockHash, ...]:
        """The blocks at these heights, as far as there are filter headers; none of no range."""
        chain = self._filters.chain
        last = min(last, chain.height, start + most - 1)
        if start < chain.start_height:
            return ()
        return tuple([chain.block_hash(height) for height in range(start, last + 1)])

    def _filter_headers(self, start: int, count: int) -> tuple[bytes, ...]:
        """The filter header before a height, and those from there on."""
        chain = self._filters.chain
        return tuple([chain.at(height) for height in range(start - 1, start + count)])


def _range(done: FiltersGiven, found: tuple[bytes, ...]) -> FilterRange:
    start = done.question.start_height
    if not found:
        return FilterRange(start)
    stop = done.names[len(found) - 1]
    if done.question.hashes_only:
        return FilterRange(start, stop, done.previous, hashes=found)
    return FilterRange(start, stop, done.previous, filters=found)


def _question(actions: Iterable[Action]) -> GetHeaders | None:
    """What of this concerns a partner: the last request for headers."""
    found = [
        action.message
        for action in actions
        if isinstance(action, Send) and isinstance(action.message, GetHeaders)
    ]
    return found[-1] if found else None
