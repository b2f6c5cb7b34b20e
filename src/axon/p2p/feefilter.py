"""Which transactions we want: `feefilter` messages tell peers our pool's minimum (BIP 133).

The first goes out after the handshake, the next after random times of ten minutes on average; when
the minimum changes a lot, within five minutes; and when our initial sync ends, at once, for until
then the peer was told that nothing is wanted. The figures are Bitcoin Core's.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from heapq import heappop, heappush
from math import log
from random import Random
from typing import Final

from axon.machine import MINUTE, Instant, PeerId
from axon.p2p.actions import Send
from axon.primitives.transaction import MAX_MONEY_SAT
from axon.wire.messages import FeeFilter

FEEFILTER_VERSION: Final = 70_013
"""From this protocol version on a peer knows `feefilter`."""

FEEFILTER_INTERVAL: Final = 10 * MINUTE
"""Mean time between `feefilter` messages, when the pool's minimum changes a little."""

FEEFILTER_SOON: Final = 5 * MINUTE
"""Latest time for one, when the minimum changes a lot."""

_LOWEST = 50  # sat/kvB; half of what is usually the least for relay, whatever it is here.
_TOP = 1e7  # sat/kvB of the highest step.
_STEP = 1.1

NOTHING_SAT_KVB: Final = int(_TOP / _STEP)
"""A peer that asks for so much wants nothing: whatever its steps, its highest is above."""


def exponential(rng: Random, mean: Instant) -> Instant:
    """An exponentially distributed time: moments so far apart are a Poisson process."""
    return int(-log(1.0 - rng.random()) * mean)


def _steps() -> list[float]:
    """Each a tenth above the one before."""
    steps, step = [0.0], float(_LOWEST)
    while step <= _TOP:
        steps.append(step)
        step *= _STEP
    return steps


_STEPS: Final = tuple(_steps())


class FeeRounder:
    """Rounds the pool's minimum to a few steps, so that it is no fingerprint of the node.

    Args:
        rng: decides whether to round up or down.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def round(self, feerate_sat_kvb: int) -> int:
        """One of the two steps around a feerate, twice as often the lower one."""
        index = bisect_left(_STEPS, feerate_sat_kvb)
        if index == len(_STEPS) or (index > 0 and int(self._rng.random() * 3) != 0):
            index -= 1
        return int(_STEPS[index])

    @property
    def highest(self) -> int:
        """What no transaction pays: how a node says that it wants none."""
        return int(_STEPS[-1])


@dataclass(slots=True)
class _FeeListener:
    due: Instant
    told: int = -1  # sat/kvB; below any feerate before the first.


class FeeFilters:
    """The `feefilter` messages to all peers that are to hear of our minimum; a part of `TxRelay`.

    Args:
        rng: draws the moments, and how to round.
        min_relay_sat_kvb: nothing below is ever told.
    """

    def __init__(self, rng: Random, min_relay_sat_kvb: int) -> None:
        self._rng = rng
        self._rounder = FeeRounder(rng)
        self._min_relay = min_relay_sat_kvb
        self._minimum = 0
        self._peers: dict[PeerId, _FeeListener] = {}
        self._agenda: list[tuple[Instant, PeerId]] = []  # A heap; may hold old entries.

    def opened(self, peer: PeerId, now: Instant) -> None:
        """A peer has finished the handshake: it is told with the next `tick`."""
        self._peers[peer] = _FeeListener(now)
        heappush(self._agenda, (now, peer))

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self._peers.pop(peer, None)

    def minimum_changed(self, feerate_sat_kvb: int, now: Instant) -> None:
        """The pool asks for another feerate now.

        Args:
            feerate_sat_kvb: 0 while the pool was not full lately: then peers are told what we relay
                at least, and that is never rounded up; `MAX_MONEY_SAT` during initial sync, when
                nothing is wanted.
            now: the present.
        """
        if feerate_sat_kvb == self._minimum:
            return
        self._minimum = feerate_sat_kvb
        for peer, ours in self._peers.items():
            if ours.told == self._rounder.highest and feerate_sat_kvb < MAX_MONEY_SAT:
                self._plan(peer, ours, now)  # It sends nothing at all until told.
            elif ours.due > now + FEEFILTER_SOON and (
                feerate_sat_kvb < 3 * ours.told // 4 or feerate_sat_kvb > 4 * ours.told // 3
            ):
                self._plan(peer, ours, now + int(self._rng.random() * FEEFILTER_SOON))

    def tick(self, now: Instant) -> list[Send]:
        """The messages that are due, of which those are left out that would say nothing new."""
        actions: list[Send] = []
        while self._agenda and self._agenda[0][0] <= now:
            item = heappop(self._agenda)
            if not self._is_current(item):
                continue
            ours, peer = self._peers[item[1]], item[1]
            minimum = max(self._rounder.round(self._minimum), self._min_relay)
            self._plan(peer, ours, now + 1 + exponential(self._rng, FEEFILTER_INTERVAL))
            if minimum != ours.told:
                ours.told = minimum
                actions.append(Send(peer, FeeFilter(minimum)))
        return actions

    def deadline(self) -> Instant | None:
        """When `tick` has something to do."""
        while self._agenda and not self._is_current(self._agenda[0]):
            heappop(self._agenda)
        return self._agenda[0][0] if self._agenda else None

    def _is_current(self, item: tuple[Instant, PeerId]) -> bool:
        ours = self._peers.get(item[1])
        return ours is not None and ours.due == item[0]

    def _plan(self, peer: PeerId, ours: _FeeListener, when: Instant) -> None:
        ours.due = when
        heappush(self._agenda, (when, peer))
