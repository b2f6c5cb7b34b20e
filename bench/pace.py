"""How fast this machine is at the moment, against the one on which limits were set.

Limits that are no ratios were set on one machine, and others, or the same one on a bad day, are two
or three times slower. So beside each such measurement plain Python is measured, too, and by as much
as that takes longer the limit is stretched; nowhere is one made tighter.
"""

from __future__ import annotations

import time
from statistics import median
from types import TracebackType
from typing import Final, Self

STEP_US: Final = 0.31
"""One step of `_walk` on the machine of the limits: there a block of 2 MB was decoded in 7.9 ms,
which takes 24.0 ms where a step takes 0.95 us."""

_STEPS: Final = 20_000
_ROUNDS: Final = 15


class Pace:
    """Measures before and after a `with` block how much slower this machine is."""

    slowness: float
    """Afterwards: how many times as long the same takes here; at least 1."""

    def limit(self, most: float, unit: str) -> str:
        """The limit of a duration in words, for the table."""
        stretched = f"; here {most * self.slowness:.3g} {unit}" if self.slowness > 1 else ""
        return f"<= {most:g} {unit}{stretched}"

    def least(self, rate: float) -> str:
        """The same of a rate."""
        stretched = f"; here {rate / self.slowness:,.0f}" if self.slowness > 1 else ""
        return f">= {rate:,}{stretched}"

    def __enter__(self) -> Self:
        self._before_us = step_us()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.slowness = max(1.0, (self._before_us + step_us()) / 2 / STEP_US)


def step_us() -> float:
    """Microseconds of one step: a number cut from bytes, read, looked up, remembered."""
    data = bytes(range(256)) * (_STEPS // 256 + 2)
    return median([_timed(data) for _ in range(_ROUNDS)]) / _STEPS * 1e6


def _timed(data: bytes) -> float:
    began = time.perf_counter()
    _walk(data)
    return time.perf_counter() - began


def _walk(data: bytes) -> int:
    seen: dict[int, int] = {}
    total = 0
    for at in range(_STEPS):
        number = int.from_bytes(data[at : at + 8], "little")
        if number in seen:
            total += seen[number]
        else:
            seen[number] = at
        total ^= number >> 3
    return total
