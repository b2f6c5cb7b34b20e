"""A light client's `FilterSync` among peers that serve filters, honestly and otherwise, in virtual
time: all messages are events on one heap."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Final, Protocol

from axon.chain.headertree import HeaderEntry
from axon.machine import MILLISECOND, SECOND, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.faults import PeerFault, PeerViolation
from axon.p2p.filterheaders import FilterHeaderChain
from axon.p2p.filterserving import FilterHashes, FilterQuestion, FilterServing
from axon.p2p.filtersync import Dispute, FilterSync
from axon.p2p.peerchains import PeerChains
from axon.primitives.hashes import ZERO_HASH, BlockHash, sha256d
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.wire.messages import (
    CFCheckpt,
    CFHeaders,
    CFilter,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    Message,
)
from tests.p2p.chains import Ledger, after, mine_headers

Answer = CFHeaders | CFCheckpt | CFilter
Request = GetCFHeaders | GetCFCheckpt | GetCFilters
Change = Callable[[Answer], Message | None]
"""What a peer makes of an honest answer; None for silence."""

GENESIS: Final = REGTEST.genesis.header
CHAIN: Final = mine_headers(GENESIS, 320)
LONG: Final = CHAIN + mine_headers(CHAIN[-1], 4300)

TAKEN_AT_ONCE: Final = 150
JUDGING_TIME: Final = 300 * MILLISECOND


def true_filter(block_hash: BlockHash) -> bytes:
    """The pretend filter of a block."""
    return b"filter of " + block_hash


class Book:
    """Pretend filters of all blocks of a tree, with some of them replaced by lies."""

    def __init__(self, ledger: Ledger, lies: Mapping[BlockHash, bytes] | None = None) -> None:
        self._tree = ledger.tree
        self._lies = lies or {}
        self._headers: dict[BlockHash, bytes] = {}

    def filter(self, block_hash: BlockHash) -> bytes:
        return self._lies.get(block_hash, true_filter(block_hash))

    def header(self, entry: HeaderEntry) -> bytes:
        """The filter header of a block."""
        path: list[HeaderEntry] = []
        walk: HeaderEntry | None = entry
        while walk is not None and walk.hash not in self._headers:
            path.append(walk)
            walk = walk.parent
        header = ZERO_HASH if walk is None else self._headers[walk.hash]
        for item in reversed(path):
            header = sha256d(sha256d(self.filter(item.hash)) + header)
            self._headers[item.hash] = header
        return header

    def filters(self, block_hashes: Sequence[BlockHash]) -> list[bytes | None]:
        return [self.filter(item) for item in block_hashes]

    def filter_hashes(self, block_hashes: Sequence[BlockHash]) -> list[bytes | None]:
        return [sha256d(self.filter(item)) for item in block_hashes]

    def headers(self, block_hashes: Sequence[BlockHash]) -> list[bytes | None]:
        found: list[bytes | None] = []
        for item in block_hashes:
            entry = self._tree.get(item)
            found.append(None if entry is None else self.header(entry))
        return found


class FilterSource(Protocol):
    """Where filters are read: an index, or a pretended one."""

    def filters(self, block_hashes: Sequence[BlockHash]) -> Sequence[bytes | None]: ...

    def filter_hashes(self, block_hashes: Sequence[BlockHash]) -> Sequence[bytes | None]: ...

    def headers(self, block_hashes: Sequence[BlockHash]) -> Sequence[bytes | None]: ...


def ask(
    serving: FilterServing, source: FilterSource, peer: PeerId, message: FilterQuestion
) -> list[Action]:
    """Put a request, read what it wants, as a node does; the answer."""
    request = serving.received(peer, message)
    if request.whole:
        return serving.answer(request, source.filters(request.blocks))
    pairs = zip(source.filter_hashes(request.blocks), source.headers(request.blocks), strict=True)
    found = [
        None if name is None or header is None else FilterHashes(name, header)
        for name, header in pairs
    ]
    return serving.answer(request, found)


class Server:
    """One peer: a full node's serving side, and what it does to its answers."""

    def __init__(
        self, ledger: Ledger, book: Book, change: Change, delay: Callable[[], int]
    ) -> None:
        self.ledger = ledger
        self._book = book
        self.change = change
        self.delay = delay
        self.asked: list[Request] = []
        self._serving = FilterServing(ledger.tree, ledger.active, True)

    def received(self, peer: PeerId, message: Message) -> list[Message]:
        assert isinstance(message, Request)
        self.asked.append(message)
        answers: list[Message] = []
        for action in ask(self._serving, self._book, peer, message):
            assert isinstance(action, Send)
            assert isinstance(action.message, CFHeaders | CFCheckpt | CFilter)
            changed = self.change(action.message)
            if changed is not None:
                answers.append(changed)
        return answers


def honest(answer: Answer) -> Message:
    """What an honest peer makes of its answers."""
    return answer


def mute(answer: Answer) -> None:
    """A peer that never answers."""


def lies(*heights: int, chain: list[Header] = CHAIN, salt: int = 0) -> dict[BlockHash, bytes]:
    """False filters for blocks of a chain."""
    return {chain[height - 1].hash: b"a lie %d %d" % (height, salt) for height in heights}


def only(kind: type[Answer]) -> Change:
    """A peer that gives one kind of answer and is silent on others."""
    return lambda answer: answer if isinstance(answer, kind) else None


class World:
    """One client, its peers, and a fair judge of disputes.

    Args:
        seed: for all chance.
        headers: the blocks after the genesis block that the client knows.
        start: from which height on the wallet scans; None for no scan.
        chain: the client's filter headers of an earlier run.
    """

    def __init__(
        self,
        seed: int,
        headers: list[Header],
        *,
        start: int | None = 0,
        chain: FilterHeaderChain | None = None,
    ) -> None:
        self.rng = Random(seed)
        self.ledger = Ledger()
        self.ledger.learn(headers)
        self.chain = chain or FilterHeaderChain()
        self.now: Instant = after(headers[-1])
        self.known = PeerChains(self.ledger.tree)
        self.sync = FilterSync(self.ledger.tree, self.chain, self.known, Random(seed + 1))
        self.servers: dict[PeerId, Server] = {}
        self.dropped: dict[PeerId, PeerFault] = {}
        self.scanned: dict[int, bytes] = {}  # Hashes of the filters, by height.
        self.rollbacks: list[int] = []
        self.disputes: list[Dispute] = []
        self.judge: Callable[[Dispute], None] = self.judge_fairly
        self.takes = True  # The wallet takes filters.
        self._agenda: list[tuple[Instant, int, Callable[[], None]]] = []
        self._serial = 0
        self._clear_at: dict[tuple[PeerId, bool], Instant] = {}
        if start is not None:
            self.sync.scan_from(start)

    # Peers.

    def server(
        self,
        headers: list[Header],
        change: Change = honest,
        *,
        lies: Mapping[BlockHash, bytes] | None = None,
        delay: Callable[[], int] | None = None,
    ) -> Server:
        """A peer with a chain of its own."""
        ledger = Ledger()
        ledger.connect(ledger.learn(headers))
        wait = delay or (lambda: self.rng.randint(1, 60) * MILLISECOND)
        return Server(ledger, Book(ledger, lies), change, wait)

    def join(self, number: int, server: Server, *, known: bool = True) -> PeerId:
        """A peer connects; what it has is known at once, or later."""
        peer = PeerId(number)
        self.servers[peer] = server
        if known:
            self._note_known(peer)
        self.perform(self.sync.opened(peer, serves_filters=True, now=self.now))
        return peer

    def leave(self, peer: PeerId) -> None:
        """A peer goes."""
        if self.servers.pop(peer, None) is not None:
            self.perform(self.sync.closed(peer, self.now))

    def learn(self, headers: list[Header], *peers: PeerId) -> None:
        """New blocks: these peers connect them, and the client knows their headers."""
        for peer in peers:
            if peer in self.servers:
                ledger = self.servers[peer].ledger
                entry = ledger.learn(headers)[-1]
                while ledger.active.tip is not entry.ancestor(ledger.active.tip.height):
                    ledger.active.disconnect()
                for height in range(ledger.active.tip.height + 1, entry.height + 1):
                    step = entry.ancestor(height)
                    assert step is not None
                    ledger.active.connect(step)
        self.ledger.learn(headers)
        for peer in peers:
            if peer in self.servers:
                self._note_known(peer)
        self.perform(self.sync.chain_changed(self.now))

    def _note_known(self, peer: PeerId) -> None:
        tip = self.servers[peer].ledger.active.tip.hash
        if self.ledger.tree.get(tip) is not None:
            self.known.opened(peer)  # Its chain may be another, with less work.
            self.known.shown(peer, tip)

    # Time.

    def run(self, seconds: float) -> None:
        """Let time go by."""
        until = self.now + int(seconds * SECOND)
        steps = 0
        while True:
            due = self.sync.deadline()
            moment = max(self.now, due) if due is not None else until + 1
            event_at = self._agenda[0][0] if self._agenda else until + 1
            if min(moment, event_at) > until:
                break
            steps += 1
            assert steps < 200_000, "it never comes to rest"
            if event_at <= moment:
                self.now, _, action = heapq.heappop(self._agenda)
                action()
            else:
                self.now = moment
                self.perform(self.sync.tick(self.now))
        self.now = until

    def perform(self, actions: Sequence[Action]) -> None:
        """Do what the client wants, then what the node would do."""
        for action in actions:
            match action:
                case Send(peer, message):
                    self._carry(peer, True, partial(self._asked, peer, message))
                case DisconnectPeer(peer, fault):
                    self._end(peer, fault)
        self._take()

    def later(self, delay: int, action: Callable[[], None]) -> None:
        """Do something at a moment to come."""
        self._serial += 1
        heapq.heappush(self._agenda, (self.now + delay, self._serial, action))

    def _carry(self, peer: PeerId, out: bool, action: Callable[[], None]) -> None:
        server = self.servers.get(peer)
        if server is not None:
            arrival = max(self.now + server.delay(), self._clear_at.get((peer, out), 0))
            self._clear_at[peer, out] = arrival
            self.later(arrival - self.now, action)

    def _asked(self, peer: PeerId, message: Message) -> None:
        server = self.servers.get(peer)
        if server is None:
            return
        for answer in server.received(peer, message):
            self._carry(peer, False, partial(self._answered, peer, answer))

    def _answered(self, peer: PeerId, message: Message) -> None:
        if peer not in self.servers:
            return
        assert isinstance(message, CFHeaders | CFCheckpt | CFilter)
        try:
            actions = self.sync.received(peer, message, self.now)
        except PeerFault as fault:
            self._end(peer, fault)
            actions = []
        self.perform(actions)

    def _end(self, peer: PeerId, fault: PeerFault) -> None:
        self.dropped[peer] = fault
        self.leave(peer)

    # The node.

    def _take(self) -> None:
        back = self.sync.take_rollback()
        if back is not None:
            self.rollbacks.append(back)
            self.scanned = {at: found for at, found in self.scanned.items() if at < back}
        for height, block_hash, data in self.sync.take_filters(TAKEN_AT_ONCE * self.takes):
            assert not self.scanned or height == max(self.scanned) + 1, "in order, without gaps"
            assert self.chain.fits(height, sha256d(data))
            assert self.chain.block_hash(height) == block_hash
            self.scanned[height] = sha256d(data)
        dispute = self.sync.take_dispute()
        if dispute is not None:
            self.disputes.append(dispute)
            self.later(JUDGING_TIME, partial(self.judge, dispute))

    def judge_fairly(self, dispute: Dispute) -> None:
        """Say which claim is true."""
        right = true_filter(dispute.block_hash)
        good = next((claim for claim in dispute.claims if claim.filter == right), None)
        wrong = [claim for claim in dispute.claims if claim is not good]
        self.perform(self.sync.resolved(dispute, good, self.now, refuted=wrong))

    def put_off(self, dispute: Dispute) -> None:
        """Say nothing yet."""

    # What came of it.

    @property
    def violators(self) -> list[PeerId]:
        """Who broke a rule, in the order of being found out."""
        return [p for p, fault in self.dropped.items() if isinstance(fault, PeerViolation)]

    def expect_truth(self, why: str = "") -> None:
        """The client has the true filter headers of its best chain, and has scanned by them."""
        best = self.ledger.tree.best
        truth = Book(self.ledger)
        assert self.chain.height == best.height, why
        assert self.chain.block_hash(best.height) == best.hash, why
        assert self.chain.at(best.height) == truth.header(best), why
        if self.scanned:
            assert max(self.scanned) == best.height, why
            for height, found in self.scanned.items():
                entry = best.ancestor(height)
                assert entry is not None
                assert found == sha256d(true_filter(entry.hash)), f"{why} at {height}"
