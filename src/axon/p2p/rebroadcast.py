"""When the node's own transactions that nobody asked for are announced again.

At random moments 10 to 15 minutes apart, whether or not there are any, so that the clock tells
nothing of them. The figures are Bitcoin Core's.
"""

from __future__ import annotations

from random import Random
from typing import Final

from axon.machine import MINUTE, Instant

REBROADCAST_MIN: Final = 10 * MINUTE
REBROADCAST_SPREAD: Final = 5 * MINUTE


class Rebroadcast:
    """The clock of one node; a part of `TxRelay`.

    Args:
        rng: draws the moments.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._due: Instant | None = None

    def start(self, now: Instant) -> None:
        """Run from the first peer on: before, nobody could ask."""
        if self._due is None:
            self._plan(now)

    def bring_forward(self, by: Instant) -> None:
        """Bring the next moment forward (`mockscheduler`)."""
        if self._due is not None:
            self._due -= by

    def is_due(self, now: Instant) -> bool:
        """Whether the moment has come; then the next one is drawn."""
        if self._due is None or now < self._due:
            return False
        self._plan(now)
        return True

    def deadline(self) -> Instant | None:
        """The next moment; None before `start`."""
        return self._due

    def _plan(self, now: Instant) -> None:
        self._due = now + REBROADCAST_MIN + int(self._rng.random() * REBROADCAST_SPREAD)
