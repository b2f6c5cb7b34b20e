"""How much work a client may cause: a credit that refills with time.

A client that asks for more than that waits; it is refused nothing. Work is counted in units of
about a millisecond of the node's.

There are two credits that are charged for everything: a client's own, which all who come from one
address share, and one that all strangers have in common; likewise one for all that comes from this
machine, where each connection has one of its own. So neither many addresses nor what comes through
Tor can together take the node. Who asks for next to nothing waits for the own credit alone: a ping
is answered whatever others do.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from axon.electrum.shares import Holder
from axon.machine import SECOND, Instant

BURST_UNITS: Final = 30_000
"""What one may have at once: a wallet that asks for a few thousand addresses and transactions."""

REFILL_UNITS_S: Final = 300
"""What comes back each second: a third of the node's time at the very most."""

COMMON_BURST_UNITS: Final = 4 * BURST_UNITS
"""What all strangers may have at once, or all on this machine: some wallets that begin."""

COMMON_REFILL_UNITS_S: Final = 400
"""What comes back to each of these two: prices are up to twice what work was measured to take, so
both together leave the node about half of its time."""

SMALL_UNITS: Final = 0.5
"""Who asks for less waits for nobody else."""

MAX_BUDGETS: Final = 4_096
"""Clients, by where they come from, whose credit is remembered."""

BYTES_A_UNIT: Final = 10_000
"""So long a question or an answer is one unit more: to decode it, or to encode it."""

ENTRIES_A_UNIT: Final = 200
"""So many transactions of a history, or outputs, are one unit more: to read and to show them."""

TXIDS_A_UNIT: Final = 300
"""So many transactions has a block for one unit more, of which one is proved: to hash them."""

BLOCK_BYTES_A_UNIT: Final = 200_000
"""So long is a block for one unit more, from which one transaction is read."""

SHOWN_BYTES_A_UNIT: Final = 40_000
"""And if the transaction is shown in full: the node decodes the whole block."""

SENT_HEX_A_UNIT: Final = 2_000
"""So long is a transaction in hex for one unit more that is to be verified: a signature or two."""


class Budget:
    """One credit.

    Args:
        now: the present; all of it is there.
        burst_units: so much is all of it.
        refill_units_s: what comes back each second.
    """

    def __init__(
        self,
        now: Instant,
        burst_units: float = BURST_UNITS,
        refill_units_s: float = REFILL_UNITS_S,
    ) -> None:
        self._burst = self._left = float(burst_units)
        self._refill_units_s = refill_units_s
        self._as_of = now

    def _refill(self, now: Instant) -> None:
        passed_s = (now - self._as_of) / SECOND
        self._left = min(self._burst, self._left + passed_s * self._refill_units_s)
        self._as_of = now

    def charge(self, units: float, now: Instant) -> None:
        """So much work was done."""
        self._refill(now)
        self._left -= units

    def wait_us(self, now: Instant) -> int:
        """How long until there is credit again; 0 while there is."""
        self._refill(now)
        return 0 if self._left > 0 else int((1 - self._left) / self._refill_units_s * SECOND)


class Credit:
    """What one connection goes by.

    Args:
        own: shared with all who come from the same address.
        common: with all of its kind.
    """

    def __init__(self, own: Budget, common: Budget) -> None:
        self._own = own
        self._common = common

    def charge(self, units: float, now: Instant) -> None:
        """So much work was done."""
        self._own.charge(units, now)
        self._common.charge(units, now)

    def wait_us(self, units: float, now: Instant) -> int:
        """How long whoever asks for about so much has to wait; 0 while there is credit."""
        wait_us = self._own.wait_us(now)
        return wait_us if units < SMALL_UNITS else max(wait_us, self._common.wait_us(now))


class Budgets:
    """The credits of all clients: one who leaves and comes again finds his own.

    Args:
        now: the present.
    """

    def __init__(self, now: Instant) -> None:
        self._known: OrderedDict[str, Budget] = OrderedDict()
        self._common = {
            is_local: Budget(now, COMMON_BURST_UNITS, COMMON_REFILL_UNITS_S)
            for is_local in (False, True)
        }

    def of(self, holder: Holder, now: Instant) -> Credit:
        """The credit of a connection."""
        common = self._common[holder.is_local]
        if holder.is_local:  # It never comes again.
            return Credit(Budget(now), common)
        found = self._known.get(holder.name)
        if found is None:
            found = self._known[holder.name] = Budget(now)
            if len(self._known) > MAX_BUDGETS:
                self._known.popitem(last=False)
        self._known.move_to_end(holder.name)
        return Credit(found, common)
