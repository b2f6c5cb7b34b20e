"""What partners may cost the loop: work is charged by figures (`node/costs`), not by a clock."""

from __future__ import annotations

from typing import Final

from axon.machine import SECOND, Instant

STRANGERS_NS_A_SECOND: Final = 200_000_000
"""Work for all strangers together: some 300 key agreements a second."""
STRANGERS_AT_ONCE: Final = SECOND
PARTNER_NS_A_SECOND: Final = 20_000_000
"""Work for one partner: two per cent of the loop, and a tenth of a second at once."""
PARTNER_AT_ONCE: Final = 5 * SECOND


class WorkBudget:
    """The work that somebody may cause on the loop: some at once, and so much a second.

    Args:
        ns_a_second: of work.
        at_once: how long of unused time is kept.
    """

    __slots__ = ("_at_once", "_ns_a_second", "_paid_at")

    def __init__(self, ns_a_second: int, at_once: Instant) -> None:
        self._ns_a_second = ns_a_second
        self._at_once = at_once
        self._paid_at: Instant = 0

    def spend(self, ns: int, now: Instant) -> None:
        """So much was done."""
        begin = max(self._paid_at, now - self._at_once)
        self._paid_at = begin + ns * SECOND // self._ns_a_second

    def is_spent(self, now: Instant) -> bool:
        """Whether there must be a pause, until `ready_at`."""
        return self._paid_at > now

    @property
    def ready_at(self) -> Instant:
        """From when on there may be more."""
        return self._paid_at


def strangers_budget() -> WorkBudget:
    """That of all strangers together."""
    return WorkBudget(STRANGERS_NS_A_SECOND, STRANGERS_AT_ONCE)


def partner_budget() -> WorkBudget:
    """That of one partner."""
    return WorkBudget(PARTNER_NS_A_SECOND, PARTNER_AT_ONCE)
