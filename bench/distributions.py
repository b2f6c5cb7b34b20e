"""How far two samples are apart, after Kolmogorov and Smirnov.

The distance of two distributions is the largest difference between the shares of both that are not
above some value: 0 for equal ones, 1 where every value of one is below every value of the other.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Final

ALPHA: Final = 0.05
"""Two samples of one distribution are further apart than `chance` in so many of all cases."""


@dataclass(frozen=True, slots=True)
class Gap:
    """How far two samples are apart.

    Args:
        distance: from 0 to 1.
        at: the value at which it is.
        chance: what two samples of one distribution, as large as these, seldom exceed.
    """

    distance: float
    at: float
    chance: float

    @property
    def is_seen(self) -> bool:
        """Whether the distributions differ, as far as such samples can tell."""
        return self.distance > self.chance


def gap(one: Sequence[float], other: Sequence[float]) -> Gap:
    """The distance of two samples, neither of which is empty."""
    assert one, "a sample has values"
    assert other, "a sample has values"
    first, second = sorted(one), sorted(other)
    found = [
        (abs(bisect_right(first, at) / len(first) - bisect_right(second, at) / len(second)), -at)
        for at in (*first, *second)
    ]
    distance, at = max(found)  # The smallest value of several with one distance.
    scale = sqrt((len(first) + len(second)) / (len(first) * len(second)))
    return Gap(distance, -at, sqrt(-log(ALPHA / 2) / 2) * scale)


def quantile(sample: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of a sample does not exceed."""
    ordered = sorted(sample)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
