"""How much waits in the pool at which feerate, for wallets that choose a fee by it.

Kept up with each transaction, so that asking for it does not go through the pool. Feerates are
counted in steps of a tenth sat/vB; what is told are fewer steps, each with enough behind it to
matter, coarser the further down they are.
"""

from __future__ import annotations

from typing import Final

FIRST_BIN_VBYTES: Final = 100_000
"""A tenth of a block: the best-paying step has at least so much."""

BIN_GROWTH: Final = 1.1
"""By how much each further step has to have more: all told there are at most some hundred."""

STEPS_PER_SAT: Final = 10

HIGHEST_STEP: Final = 20_000
"""Whoever pays more than 2,000 sat/vB is in one step with all who do: so they are bounded."""


class FeeHistogram:
    """The virtual sizes of unconfirmed transactions by feerate."""

    def __init__(self) -> None:
        self._vsizes: dict[int, int] = {}

    def add(self, fee_sat: int, vsize: int) -> None:
        """One came."""
        step = _step(fee_sat, vsize)
        self._vsizes[step] = self._vsizes.get(step, 0) + vsize

    def remove(self, fee_sat: int, vsize: int) -> None:
        """One that came has gone."""
        step = _step(fee_sat, vsize)
        left = self._vsizes[step] - vsize
        if left:
            self._vsizes[step] = left
        else:
            del self._vsizes[step]

    def told(self) -> list[tuple[float, int]]:
        """Pairs of a feerate in sat/vB and the virtual bytes that pay it, up to the pair before.

        Highest feerates first.
        """
        pairs: list[tuple[float, int]] = []
        least, gathered = float(FIRST_BIN_VBYTES), 0
        for step in sorted(self._vsizes, reverse=True):
            gathered += self._vsizes[step]
            if gathered >= least:
                pairs.append((step / STEPS_PER_SAT, gathered))
                gathered, least = 0, least * BIN_GROWTH
        if gathered:
            pairs.append((min(self._vsizes) / STEPS_PER_SAT, gathered))
        return pairs


def _step(fee_sat: int, vsize: int) -> int:
    return min(fee_sat * STEPS_PER_SAT // vsize, HIGHEST_STEP)
