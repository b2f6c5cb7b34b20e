"""Comparing two ways of doing the same work on a machine that is never quiet.

Both run in turn, A B A B, and each round gives one ratio: what slows the machine down for a while
slows down both. The median of the ratios is the answer.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Compared:
    """Two durations of the same work.

    Args:
        ours_s: median, seconds.
        theirs_s: median, seconds.
        ratio: median of ours by theirs, round by round.
    """

    ours_s: float
    theirs_s: float
    ratio: float


def timed(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes, without the garbage of the one before."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int, warm_ups: int = 1
) -> Compared:
    """Run two measurements in turn.

    Args:
        ours: does the work and returns the seconds that count.
        theirs: likewise.
        rounds: of one each.
        warm_ups: rounds before that do not count: caches of disk, processor and interpreter.
    """
    for _ in range(warm_ups):
        ours()
        theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Compared(
        median([pair[0] for pair in pairs]),
        median([pair[1] for pair in pairs]),
        median([pair[0] / pair[1] for pair in pairs]),
    )
