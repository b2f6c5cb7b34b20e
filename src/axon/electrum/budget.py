"""How much work a client may cause: a credit that refills with time.

A client that asks for more than that waits; it is refused nothing. Work is counted in units of
about a millisecond of the node's.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from axon.machine import SECOND, Instant

BURST_UNITS: Final = 30_000
"""What one may have at once: a wallet that asks for a few thousand addresses and transactions."""

REFILL_UNITS_S: Final = 300
"""What comes back each second: a third of the node's time at the very most."""

MAX_BUDGETS: Final = 4_096
"""Clients, by where they come from, whose credit is remembered."""

BYTES_A_UNIT: Final = 5_000
"""So long an answer is one unit more."""


class Budget:
    """The credit of one client.

    Args:
        now: the present; all of it is there.
    """

    def __init__(self, now: Instant) -> None:
        self._left = float(BURST_UNITS)
        self._as_of = now

    def _refill(self, now: Instant) -> None:
        passed_s = (now - self._as_of) / SECOND
        self._left = min(float(BURST_UNITS), self._left + passed_s * REFILL_UNITS_S)
        self._as_of = now

    def charge(self, units: float, now: Instant) -> None:
        """So much work was done."""
        self._refill(now)
        self._left -= units

    def wait_us(self, now: Instant) -> int:
        """How long until there is credit again; 0 while there is."""
        self._refill(now)
        return 0 if self._left > 0 else int((1 - self._left) / REFILL_UNITS_S * SECOND)


class Budgets:
    """The credits of all clients: one who leaves and comes again finds his own."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Budget] = OrderedDict()

    def of(self, origin: str, now: Instant) -> Budget:
        """The credit of who comes from there.

        Args:
            origin: an address, or a name of a client's own.
        """
        found = self._known.get(origin)
        if found is None:
            found = self._known[origin] = Budget(now)
            if len(self._known) > MAX_BUDGETS:
                self._known.popitem(last=False)
        self._known.move_to_end(origin)
        return found
