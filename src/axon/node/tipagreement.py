"""Whether the end of the chain is known: what all nodes that were reached say of it.

One node that has no more headers proves nothing: it may lag, or lie. So a light client hears all
that it has reached before it calls anything complete, and none of them holds it up for long.

    reached --asked for headers--> asked --no more of them--> heard
    heard --a question open again, or a greater height claimed--> asked
    asked --`ANSWER_TIME` in all within a minute--> passed over
    any --headers that our clock calls too new--> ahead of our clock

As long as one node is ahead of our clock nothing is complete: its headers prove the work that they
claim, so where work is dear nobody shows such for fun, and it is the clock that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median_low
from typing import Final

from axon.chain.headertree import HeaderTree
from axon.machine import MINUTE, SECOND, Instant, PeerId
from axon.node.links import Links
from axon.node.outbox import Outbox
from axon.p2p.headersync import HeaderSync
from axon.p2p.peerchains import PeerChains

GATHER_TIME: Final = 3 * SECOND
"""How long after the first handshake others that are being dialled are waited for."""

ENOUGH_PEERS: Final = 3
"""With so many heard nobody else is waited for."""

ANSWER_TIME: Final = 10 * SECOND
"""For so long in a minute one node may keep the rest waiting: more than a slow one needs, and a
liar that claims a great height delays us by no more."""

RETRY_TIME: Final = 30 * SECOND
"""How often a node that is ahead of our clock is asked again: the clock moves on, or is set."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What nodes say of the end of the chain.

    Args:
        asked: nodes that were reached and can give us blocks.
        agree: how many of them have our best header.
        ahead_of_clock: how many show headers that our clock calls too new.
        clock_offset_s: by how much their clocks are ahead of ours, in the middle; 0 without nodes.
    """

    asked: int
    agree: int
    ahead_of_clock: int
    clock_offset_s: int


@dataclass(slots=True)
class _Reached:
    claimed_height: int
    clock_offset_s: int
    open_since: Instant | None = None  # While something is awaited from it.
    spent: Instant = 0  # Waited for it since `spent_from`.
    spent_from: Instant = 0
    retry_at: Instant | None = None  # While it is ahead of our clock.


class TipAgreement:
    """What the nodes of one light client say of the end of the chain.

    Args:
        outbox: where effects go.
        tree: all headers known.
        links: the connections, and whoever is being dialled.
        sync: asks for headers, and knows who has answered.
        peer_chains: what each node has.
        minimum_chainwork: with less, the chain is not that of the network.
    """

    def __init__(
        self,
        outbox: Outbox,
        tree: HeaderTree,
        links: Links,
        sync: HeaderSync,
        peer_chains: PeerChains,
        minimum_chainwork: int,
    ) -> None:
        self._outbox = outbox
        self._tree = tree
        self._links = links
        self._sync = sync
        self._peer_chains = peer_chains
        self._minimum_chainwork = minimum_chainwork
        self._reached: dict[PeerId, _Reached] = {}
        self._gather_until: Instant | None = None  # From the first handshake on.
        self._look_at: Instant | None = None
        self._now: Instant = 0
        self.is_complete = False
        """All that were reached were heard or passed over, and none has more."""

    def opened(self, peer: PeerId, claimed_height: int, clock_offset_s: int, now: Instant) -> None:
        """The handshake with a node that can give us blocks is complete."""
        self._reached[peer] = _Reached(claimed_height, clock_offset_s, spent_from=now)
        if self._gather_until is None:
            self._gather_until = now + GATHER_TIME

    def closed(self, peer: PeerId) -> None:
        """A node has gone; without any, nothing is known of the end of the chain."""
        self._reached.pop(peer, None)
        if not self._reached:
            self._gather_until = None

    def advanced(self, peer: PeerId) -> None:
        """A node brought the best header: it is worth waiting for."""
        ours = self._reached.get(peer)
        if ours is not None:
            ours.spent = 0
            if ours.open_since is not None:
                ours.open_since = self._outbox.now

    def update(self, now: Instant) -> None:
        """Look again, at the end of each step."""
        if now < self._now:
            self._begin_anew(now)
        self._now, self._look_at = now, None
        heard, awaited, ahead = 0, False, False
        for peer, ours in self._reached.items():
            if self._sync.is_ahead_of_clock(peer):
                self._retry(peer, ours, now)
                ahead = True
                continue
            ours.retry_at = None
            if self._has_told_all(peer, ours):
                self._close(ours, now)
                heard += 1
            elif not self._is_passed_over(peer, ours, now):
                awaited = True
        self.is_complete = (
            heard > 0
            and not awaited
            and not ahead
            and not self._is_gathering(heard, now)
            and self._tree.best.chainwork >= self._minimum_chainwork
        )

    def deadline(self) -> Instant | None:
        """When the passing of time alone changes something."""
        return self._look_at

    def state(self) -> Agreement:
        """What nodes say now."""
        ahead = sum(self._sync.is_ahead_of_clock(peer) for peer in self._reached)
        offsets = [ours.clock_offset_s for ours in self._reached.values()]
        return Agreement(
            asked=len(self._reached),
            agree=sum(self.agrees(peer) for peer in self._reached),
            ahead_of_clock=ahead,
            clock_offset_s=median_low(offsets) if offsets else 0,
        )

    @property
    def reached(self) -> Iterable[PeerId]:
        """The nodes that were reached and can give us blocks."""
        return self._reached.keys()

    def agrees(self, peer: PeerId) -> bool:
        """Whether a node is known to have our best header."""
        known, best = self._peer_chains.best_known(peer), self._tree.best
        if best.height == 0:
            return True  # Nobody needs to show the first block.
        return known is not None and known.ancestor(best.height) is best

    def height_behind(self, peer: PeerId) -> int | None:
        """How high the chain of a node is that has less work than ours; None of any other.

        Until it has told all that it has, its own claim counts.
        """
        ours, best = self._reached.get(peer), self._tree.best
        if ours is None or self.agrees(peer):
            return None
        known = self._peer_chains.best_known(peer)
        if known is not None and self._sync.has_told_all(peer):
            return known.height if known.chainwork < best.chainwork else None
        height = max(ours.claimed_height, self._peer_chains.height(peer))
        return height if height < best.height else None

    # How it is done.

    def _begin_anew(self, now: Instant) -> None:
        """The clock was put back: what was to come then is far away now."""
        if self._gather_until is not None:
            self._gather_until = now + GATHER_TIME
        for ours in self._reached.values():
            ours.open_since = ours.retry_at = None
            ours.spent, ours.spent_from = 0, now

    def _has_told_all(self, peer: PeerId, ours: _Reached) -> bool:
        if not self._sync.has_told_all(peer):
            return False
        return max(self._peer_chains.height(peer), 0) >= ours.claimed_height

    def _close(self, ours: _Reached, now: Instant) -> None:
        if ours.open_since is not None:
            ours.spent += now - ours.open_since
            ours.open_since = None

    def _is_passed_over(self, peer: PeerId, ours: _Reached, now: Instant) -> bool:
        """Whether a node that owes us an answer has kept us waiting for too long."""
        if not self._sync.was_asked(peer):
            return False  # Its turn comes: somebody else is being asked, and bound by time.
        if ours.open_since is None:
            ours.open_since = now
            if now - ours.spent_from >= MINUTE:
                ours.spent, ours.spent_from = 0, now
        until = ours.open_since + ANSWER_TIME - ours.spent
        if now >= until:
            return True
        self._wake_by(until)
        return False

    def _retry(self, peer: PeerId, ours: _Reached, now: Instant) -> None:
        if ours.retry_at is None:
            ours.retry_at = now + RETRY_TIME
        elif now >= ours.retry_at:
            ours.retry_at = now + RETRY_TIME
            self._outbox.perform(self._sync.ask_again(peer, now))
        self._wake_by(ours.retry_at)

    def _is_gathering(self, heard: int, now: Instant) -> bool:
        """Whether more nodes are about to be reached."""
        until = self._gather_until
        if until is None or now >= until or heard >= ENOUGH_PEERS:
            return False
        if not self._links.connections.is_reaching:
            return False
        self._wake_by(until)
        return True

    def _wake_by(self, moment: Instant) -> None:
        if self._look_at is None or moment < self._look_at:
            self._look_at = moment
