"""What a `getaddr` is answered with: a sample of the address table that stays the same for a day.

Whoever asks often, or under many names, sees one sample and not the whole table. But where a
network begins, tables are nearly empty, and a share of almost nothing helps nobody: a node that has
just started would tell all who come on its first day of nobody. So there are two rules that Bitcoin
Core does not have; all other figures are its own (docs/decisions/answers-of-a-young-node.md).

- A sample has a few addresses, even if that is more than its share.
- It is drawn anew once the table is twice as large as it was: at most seventeen times from one
  address to a full table. As the samples double too, all of them together show less than half of
  a table of some hundred addresses or more.
"""

from __future__ import annotations

from random import Random
from typing import Final

from axon.machine import HOUR, Instant
from axon.p2p.addrman import AddrMan
from axon.primitives.netaddress import AddressNetwork, TimedAddress
from axon.wire.messages.addresses import MAX_ADDRESSES

MAX_PERCENT: Final = 23
"""The share of the table that one getaddr is answered with;"""
FEW: Final = 8
"""and so many at least, if they are known: as many as a node wants to be connected to."""
CACHE_TIME: Final = 21 * HOUR
CACHE_SPREAD: Final = 6 * HOUR
"""An answer stays the same for 21 to 27 hours;"""
GROWTH: Final = 2
"""or until the table is so many times as large as it was."""
MAX_KEPT: Final = 64
"""Samples kept: one for each network and address of ours that peers come by."""


class _Kept:
    """One sample, and until when it is good."""

    __slots__ = ("outgrown_at", "sample", "until")

    def __init__(self, until: Instant, outgrown_at: int, sample: list[TimedAddress]) -> None:
        self.until = until
        self.outgrown_at = outgrown_at  # Addresses in the table.
        self.sample = sample


class AddrAnswers:
    """The samples that one node tells; a part of `AddrGossip`.

    Args:
        addrman: what is known.
        rng: draws, and says how long a sample stays.
    """

    def __init__(self, addrman: AddrMan, rng: Random) -> None:
        self._addrman = addrman
        self._rng = rng
        self._kept: dict[tuple[AddressNetwork, str], _Kept] = {}

    def kept(self, network: AddressNetwork, local: str, now: Instant) -> list[TimedAddress]:
        """The sample for those who come one way: else who comes by two sees that we are one.

        Args:
            network: over which they come.
            local: where they arrive.
            now: the present.

        Returns:
            At most `MAX_ADDRESSES`.
        """
        way = network, local
        known, kept = len(self._addrman), self._kept.get(way)
        if kept is None or now >= kept.until or known >= kept.outgrown_at:
            sample = self.fresh(now)
            until = now + CACHE_TIME + self._rng.randrange(CACHE_SPREAD)
            kept = self._kept[way] = _Kept(until, max(1, known * GROWTH), sample)
            if len(self._kept) > MAX_KEPT:
                del self._kept[next(iter(self._kept))]
        return kept.sample

    def fresh(self, now: Instant) -> list[TimedAddress]:
        """A sample that nobody else is told; at most `MAX_ADDRESSES`."""
        share = len(self._addrman) * MAX_PERCENT // 100
        return self._addrman.get_addresses(now, min(max(share, FEW), MAX_ADDRESSES))
