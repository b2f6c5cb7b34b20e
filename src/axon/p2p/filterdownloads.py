"""Filters for two readers: the wallet's scan, and searches beside it, which give way (BIP 157).

Each reader has a `FilterDownload` of its own, at its own height. Nothing is asked for a search as
long as the scan lacks filters that there are: somebody waits for his balance.
"""

from __future__ import annotations

from random import Random

from axon.machine import Instant, PeerId
from axon.p2p.actions import Action
from axon.p2p.filterclaims import FilterClaims
from axon.p2p.filterdownload import FilterDownload
from axon.p2p.filterheaders import FilterHeaderChain
from axon.wire.messages import CFilter


class FilterDownloads:
    """The two downloads of a light client; the methods are those of `FilterDownload`.

    Args:
        chain: the filter headers that we go by.
        rng: picks among peers that have equally little to do.
    """

    def __init__(self, chain: FilterHeaderChain, rng: Random) -> None:
        self.scan = FilterDownload(chain, rng)
        self.search = FilterDownload(chain, rng)
        self._both = (self.scan, self.search)

    def opened(self, peer: PeerId, claims: FilterClaims) -> None:
        """A peer offers filters."""
        for each in self._both:
            each.opened(peer, claims)

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        for each in self._both:
            each.closed(peer)

    def update(self, now: Instant) -> list[Action]:
        """Ask for what is wanted now, the scan's first."""
        actions = self.scan.update(now)
        return actions if self.scan.is_behind else actions + self.search.update(now)

    def received(self, peer: PeerId, message: CFilter, now: Instant) -> bool:
        """A filter; whether it may be time for `update`.

        Raises:
            PeerViolation: it is not the filter that the peer's own filter headers commit to.
        """
        wanted = [each for each in self._both if each.owes(peer, message.block_hash)]
        news = [each.received(peer, message, now) for each in wanted]
        if wanted:
            for each in self._both:
                each.heard(peer, now)  # What it owes to one reader waits behind the other's.
        return any(news)

    def offer(self, height: int, data: bytes) -> None:
        """A filter that somebody else gave, and that its filter header commits to."""
        for each in self._both:
            each.offer(height, data)

    def missing(self) -> range:
        """Heights of the next filters that are wanted and not here; the scan's first."""
        return self.scan.missing() or self.search.missing()

    def cut(self, height: int, was_height: int) -> None:
        """Our filter headers above a height no longer hold."""
        for each in self._both:
            each.cut(height, was_height)

    def tick(self, now: Instant) -> list[Action]:
        """Note who is late, and disconnect who is silent."""
        return [action for each in self._both for action in each.tick(now)]

    def deadlines(self) -> list[Instant]:
        """When somebody is late, or silent."""
        return [moment for each in self._both for moment in each.deadlines()]
