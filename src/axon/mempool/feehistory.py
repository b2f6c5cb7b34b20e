"""How long transactions of each feerate took to be confirmed, as far back as one horizon goes.

Feerates are cut into buckets, waits into periods of some blocks. A transaction that was confirmed
is one more example for its bucket and its wait; one that left the pool otherwise after a whole
period or more is an example of failure; those that still wait are looked at when somebody asks.
Examples fade with each block. This is the statistics of Bitcoin Core's fee estimator.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LOWEST_FEERATE: Final = 100.0
HIGHEST_FEERATE: Final = 1e7
SPACING: Final = 1.05
"""Buckets of feerates, satoshi per 1,000 virtual bytes, each a twentieth above the one before."""

NO_END: Final = 1e99
"""The upper end of the highest bucket."""

_RENORMALISE: Final = 1e100
_SLACK: Final = 1e-6  # Sums of faded counts are not exact.


def _bounds() -> list[float]:
    """The upper end of each bucket, which belongs to it."""
    bounds, bound = [], LOWEST_FEERATE
    while bound <= HIGHEST_FEERATE:
        bounds.append(bound)
        bound *= SPACING
    return [*bounds, NO_END]


BOUNDS: Final = tuple(_bounds())


def bucket_of(feerate_sat_kvb: float) -> int:
    """The bucket of a feerate."""
    return bisect_left(BOUNDS, feerate_sat_kvb)


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far back, and how finely, something is remembered.

    Args:
        name: as `estimaterawfee` calls it.
        periods: how many are told apart.
        scale: blocks of one period.
        decay: what is left of an example after one block.
        sufficient: examples in a block, on average, before a range of buckets is believed.
    """

    name: str
    periods: int
    scale: int
    decay: float
    sufficient: float

    @property
    def max_target(self) -> int:
        """The longest wait that is told apart, in blocks."""
        return self.periods * self.scale


@dataclass(frozen=True, slots=True)
class FeeRange:
    """Buckets that were looked at together; counts are faded.

    Args:
        start, end: of their feerates; -1 if there are none.
        within_target: transactions confirmed in time.
        confirmed: all that were confirmed.
        waiting: those that have waited for so long and still do.
        left: those that left the pool after so long.
    """

    start: float = -1.0
    end: float = -1.0
    within_target: float = 0.0
    confirmed: float = 0.0
    waiting: int = 0
    left: float = 0.0


@dataclass(frozen=True, slots=True)
class RawEstimate:
    """What one horizon says.

    Args:
        feerate_sat_kvb: that of the median example of the lowest range that did well enough; None
            if none did.
        passed: that range.
        failed: the highest range below it that did not; nothing where all did.
    """

    feerate_sat_kvb: int | None
    passed: FeeRange
    failed: FeeRange


@dataclass(slots=True)
class _Bucket:
    confirmed: list[float]  # By periods waited, the first at 0.
    left: list[float]  # By whole periods waited, at least one: that at 0.
    total: float = 0.0
    feerate_sum: float = 0.0

    def scale(self, factor: float) -> None:
        self.confirmed = [value * factor for value in self.confirmed]
        self.left = [value * factor for value in self.left]
        self.total *= factor
        self.feerate_sum *= factor


class FeeHistory:
    """The examples of one horizon."""

    def __init__(self, horizon: Horizon) -> None:
        self.horizon = horizon
        self._buckets: dict[int, _Bucket] = {}  # Those with an example: a few of all.
        self._gain = 1.0  # Grows instead of all old examples shrinking.

    def fade(self) -> None:
        """A block has passed."""
        self._gain /= self.horizon.decay
        if self._gain > _RENORMALISE:
            for bucket in self._buckets.values():
                bucket.scale(1 / self._gain)
            self._gain = 1.0

    def confirmed(self, place: int, feerate_sat_kvb: int, waited: int) -> None:
        """A transaction of this bucket was confirmed, one block after it came in or later."""
        bucket, gain = self._bucket(place), self._gain
        period = (waited - 1) // self.horizon.scale
        if period < self.horizon.periods:
            bucket.confirmed[period] += gain
        bucket.total += gain
        bucket.feerate_sum += feerate_sat_kvb * gain

    def left(self, place: int, waited: int) -> None:
        """A transaction of this bucket left the pool otherwise, after so many blocks."""
        periods = min(waited // self.horizon.scale, self.horizon.periods)
        if periods:
            self._bucket(place).left[periods - 1] += self._gain

    def _bucket(self, place: int) -> _Bucket:
        bucket = self._buckets.get(place)
        if bucket is None:
            periods = self.horizon.periods
            bucket = self._buckets[place] = _Bucket([0.0] * periods, [0.0] * periods)
        return bucket

    def search(self, target: int, success: float, waiting: Sequence[int]) -> RawEstimate:
        """The lowest feerates that still did well enough.

        Args:
            target: blocks, up to the horizon's.
            success: the share of transactions that must have been confirmed in time.
            waiting: in each bucket, transactions that have waited for so long.
        """
        period = (target + self.horizon.scale - 1) // self.horizon.scale
        enough = self.horizon.sufficient / (1 - self.horizon.decay)
        gain = self._gain
        passed, failed = FeeRange(), FeeRange()
        best: tuple[int, int] | None = None
        high = place = len(BOUNDS) - 1
        in_time = total = left = partial = 0.0
        still = 0
        passing, begun = True, False
        for place in range(high, -1, -1):
            bucket = self._buckets.get(place)
            if not begun:
                high, begun = place, True
            if bucket is not None:
                in_time += sum(bucket.confirmed[:period]) / gain
                partial += bucket.total / gain
                total += bucket.total / gain
                left += sum(bucket.left[period - 1 :]) / gain
            still += waiting[place]
            if partial < enough:
                continue
            partial = 0.0
            found = FeeRange(_start(place), BOUNDS[high], in_time, total, still, left)
            if in_time < (success - _SLACK) * (total + left + still):
                if passing:
                    failed, passing = found, False
                continue
            passed, failed, passing, begun = found, FeeRange(), True, False
            best = (place, high)
            in_time = total = left = 0.0
            still = 0
        if passing and begun:
            failed = FeeRange(_start(place), BOUNDS[high], in_time, total, still, left)
        return RawEstimate(None if best is None else self._median(*best), passed, failed)

    def _median(self, low: int, high: int) -> int | None:
        """The mean feerate of the bucket in which the median example of a range is."""
        places = range(low, high + 1)
        buckets = [self._buckets[place] for place in places if place in self._buckets]
        half = sum(bucket.total for bucket in buckets) / 2
        for bucket in buckets:
            if bucket.total and bucket.total >= half:
                return int(bucket.feerate_sum / bucket.total + 0.5 + _SLACK)
            half -= bucket.total
        return None


def _start(place: int) -> float:
    return BOUNDS[place - 1] if place else 0.0
