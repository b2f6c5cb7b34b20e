"""How sure a count of successes makes one of the chance behind it."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, lgamma, log
from typing import Final

CONFIDENCE: Final = 0.95

_HALVINGS: Final = 60


def interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The chances that so many successes do not speak against (Clopper and Pearson 1934).

    Exact: the true chance is outside in at most 5 of 100 samples, whatever it is.
    """
    tail = (1 - confidence) / 2
    low = 0.0 if not successes else _root(lambda p: _at_least(successes, trials, p) >= tail)
    high = 1.0
    if successes < trials:
        high = _root(lambda p: 1 - _at_least(successes + 1, trials, p) <= tail)
    return low, high


def _root(is_beyond: Callable[[float], bool]) -> float:
    """Where a condition that holds from some chance on begins to hold."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if is_beyond(middle):
            high = middle
        else:
            low = middle
    return high


def binomial(successes: int, trials: int, p: float) -> float:
    """The chance of exactly so many successes."""
    if p <= 0 or p >= 1:
        return float(successes == (trials if p >= 1 else 0))
    ways = lgamma(trials + 1) - lgamma(successes + 1) - lgamma(trials - successes + 1)
    return exp(ways + successes * log(p) + (trials - successes) * log(1 - p))


def _at_least(successes: int, trials: int, p: float) -> float:
    return sum(binomial(each, trials, p) for each in range(successes, trials + 1))
