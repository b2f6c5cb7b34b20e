"""Filters along the chain: asked of several peers at once, checked, handed out in order (BIP 157).

    wanted --getcfilters--> asked --cfilter that fits its header--> waiting --its turn--> taken
    asked --peer closed, or PATIENCE without any filter from it--> wanted again

A window ahead of the next filter is asked for in batches. A batch goes only to a peer that agrees
with our filter headers up to its end, so a filter that does not fit is a lie of the one who sent
it. A peer that sends nothing for a second is late: what it owes is asked of others as well, and
whichever comes first is taken. One that is late for half a minute is disconnected.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple

from axon.machine import Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.faults import PeerSilent, PeerViolation
from axon.p2p.filterclaims import UNFIT, FilterClaims
from axon.p2p.filterheaders import FilterHeaderChain
from axon.p2p.filterpeer import PATIENCE, SILENCE
from axon.primitives.hashes import BlockHash, sha256d
from axon.wire.messages import CFilter, GetCFilters
from axon.wire.messages.filters import BASIC_FILTER

BATCH: Final = 100
"""Filters of one request: 2 MB of full blocks, so that a peer that fails costs little."""

WINDOW: Final = 4 * BATCH
"""Filters asked for or waiting at a time: four peers have work, and full blocks' filters take 10 MB
of memory; if all of them were as large as a filter may be, 120 MB."""

MAX_OWED: Final = 2 * BATCH
"""Filters asked of one peer at a time: the next batch is on its way while one is being sent."""

MAX_FILTER_BYTES: Final = 300_000
"""No block gives rise to a larger filter: 4,000,000 weight hold 111,111 of the smallest outputs,
and an element takes 21.5 bits (BIP 158)."""


class FilterOfBlock(NamedTuple):
    """A filter that its filter header commits to."""

    height: int
    block_hash: BlockHash
    filter: bytes


@dataclass(slots=True)
class _FilterSource:
    claims: FilterClaims
    owed: dict[BlockHash, int] = field(default_factory=dict)  # With their heights.
    active_at: Instant = 0  # When it was asked, or sent the last one.
    late: bool = False


class FilterDownload:
    """Fetches filters; node-wide.

    Args:
        chain: the filter headers that we go by.
        rng: picks among peers that have equally little to do.
    """

    def __init__(self, chain: FilterHeaderChain, rng: Random) -> None:
        self._chain = chain
        self._rng = rng
        self._peers: dict[PeerId, _FilterSource] = {}
        self._waiting: dict[int, bytes] = {}  # By height.
        self._next: int | None = None  # The height of the filter to hand out next.
        self.waits = False
        """Nobody is asked: what is wanted may be at hand elsewhere."""
        self._rollback: int | None = None

    @property
    def is_begun(self) -> bool:
        """Whether filters are asked for and handed out: somebody said from where on."""
        return self._next is not None and not self.waits

    @property
    def is_behind(self) -> bool:
        """Whether filters are missing that there are, or it is not known yet which are wanted."""
        return self._next is None or self._next + len(self._waiting) <= self._chain.height

    def scan_from(self, height: int | None, *, waits: bool = False) -> None:
        """Hand out filters from this height on; all below are seen, or do not matter.

        Args:
            height: None to hand out none.
            waits: for now nobody is asked for them.
        """
        self._next = height
        self.waits = waits
        self._rollback = None
        self._waiting.clear()

    def opened(self, peer: PeerId, claims: FilterClaims) -> None:
        """A peer offers filters; it is asked for those about which its claims agree with us."""
        self._peers[peer] = _FilterSource(claims)

    def closed(self, peer: PeerId) -> None:
        """A peer has gone; what it owed is wanted again."""
        self._peers.pop(peer, None)

    def update(self, now: Instant) -> list[Action]:
        """Ask for what is wanted now."""
        if self._next is None or self.waits:
            return []
        end = min(self._chain.height, self._next + WINDOW - 1)
        covered: set[int] = set(self._waiting)  # Only asked, never walked.
        for ours in self._peers.values():
            if not ours.late:
                covered.update(ours.owed.values())
        actions: list[Action] = []
        height = self._next
        while height <= end:
            if height in covered:
                height += 1
                continue
            peer = self._choose(height)
            if peer is None:
                break  # Who has nothing to give here has nothing further up.
            last = self._last_of_batch(height, min(end, self._peers[peer].claims.agreed), covered)
            if last == self._next + WINDOW - 1 and last - height + 1 < BATCH:
                break  # A whole batch soon is better than a piece now.
            actions.append(self._ask(peer, height, last, now))
            height = last + 1
        return actions

    def received(self, peer: PeerId, message: CFilter, now: Instant) -> bool:
        """A filter; one that nobody asked for is ignored.

        Returns:
            Whether it may be time for `update`.

        Raises:
            PeerViolation: it is not the filter that the peer's own filter headers commit to.
        """
        ours = self._peers.get(peer)
        height = None if ours is None else ours.owed.pop(message.block_hash, None)
        if ours is None or height is None:
            return False
        if not self._chain.fits(height, sha256d(message.filter)):
            raise PeerViolation(UNFIT)
        was_late, ours.active_at, ours.late = ours.late, now, False
        if self._next is not None and self._next <= height < self._next + WINDOW:
            self._waiting.setdefault(height, message.filter)
        return was_late or len(ours.owed) in (0, MAX_OWED - BATCH)

    def owes(self, peer: PeerId, block_hash: BlockHash) -> bool:
        """Whether a peer was asked for the filter of this block, and has not sent it."""
        ours = self._peers.get(peer)
        return ours is not None and block_hash in ours.owed

    def heard(self, peer: PeerId, now: Instant) -> None:
        """A peer is sending what it was asked for, so it is not late with what comes behind."""
        ours = self._peers.get(peer)
        if ours is not None:
            ours.active_at, ours.late = now, False

    def take(self, limit: int, up_to: int) -> list[FilterOfBlock]:
        """The next filters in order of height.

        Args:
            limit: how many at most.
            up_to: none above this height.
        """
        taken: list[FilterOfBlock] = []
        if self._next is None:
            return taken
        while len(taken) < limit and self._next <= up_to and self._next in self._waiting:
            height, data = self._next, self._waiting.pop(self._next)
            taken.append(FilterOfBlock(height, self._chain.block_hash(height), data))
            self._next += 1
        return taken

    def offer(self, height: int, data: bytes) -> None:
        """A filter that somebody else gave, and that its filter header commits to."""
        if self._next is not None and self._next <= height < self._next + WINDOW:
            self._waiting.setdefault(height, data)

    def missing(self) -> range:
        """Heights of the next filters that are wanted and not here, in a row."""
        if self._next is None or self.waits:
            return range(0)
        end = min(self._chain.height + 1, self._next + WINDOW)
        first = next((at for at in range(self._next, end) if at not in self._waiting), end)
        last = next((at for at in range(first, end) if at in self._waiting), end)
        return range(first, last)

    def cut(self, height: int, was_height: int) -> None:
        """Our filter headers above a height no longer hold.

        Args:
            height: of the last one left.
            was_height: of the last one before.
        """
        self._waiting = {at: data for at, data in self._waiting.items() if at <= height}
        for ours in self._peers.values():
            # What still comes of these is ignored: no peer is to blame if it does not fit.
            ours.owed = {block: at for block, at in ours.owed.items() if at <= height}
            ours.late = ours.late and bool(ours.owed)
        # Where the headers had not come as far as the scan, nothing that was scanned has changed.
        if self._next is not None and height + 1 < self._next <= was_height + 1:
            self._next = height + 1
            if self._rollback is None or self._next < self._rollback:
                self._rollback = self._next

    def take_rollback(self) -> int | None:
        """From which height on filters are handed out again; None if all handed out still hold."""
        height, self._rollback = self._rollback, None
        return height

    def tick(self, now: Instant) -> list[Action]:
        """Note who is late, and disconnect who is silent."""
        actions: list[Action] = []
        for peer, ours in list(self._peers.items()):
            if not ours.owed:
                continue
            ours.late = ours.late or now >= ours.active_at + PATIENCE
            if now >= ours.active_at + SILENCE:
                del self._peers[peer]
                actions.append(DisconnectPeer(peer, PeerSilent("filters did not arrive in time")))
        return actions

    def deadlines(self) -> list[Instant]:
        """When somebody is late, or silent."""
        return [
            ours.active_at + (SILENCE if ours.late else PATIENCE)
            for ours in self._peers.values()
            if ours.owed
        ]

    def _choose(self, height: int) -> PeerId | None:
        """Whom to ask for a filter: the one who owes us least; by chance among equals."""
        able = [
            (len(ours.owed), peer)
            for peer, ours in self._peers.items()
            if not ours.late and len(ours.owed) <= MAX_OWED - BATCH and ours.claims.agreed >= height
        ]
        if not able:
            return None
        least = min(able)[0]
        idle = [peer for owed, peer in able if owed == least]
        return idle[int(self._rng.random() * len(idle))]

    @staticmethod
    def _last_of_batch(first: int, end: int, covered: Collection[int]) -> int:
        last = first
        while last < min(end, first + BATCH - 1) and last + 1 not in covered:
            last += 1
        return last

    def _ask(self, peer: PeerId, first: int, last: int, now: Instant) -> Action:
        ours, chain = self._peers[peer], self._chain
        if not ours.owed:
            ours.active_at = now
        for height in range(first, last + 1):
            ours.owed[chain.block_hash(height)] = height
        return Send(peer, GetCFilters(BASIC_FILTER, first, chain.block_hash(last)))
