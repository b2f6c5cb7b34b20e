"""Whether peers keep the transactions that they were handed: they are asked for them.

Nobody tells a light client that its transaction was refused. But a node gives away what is in its
pool and was there at its last announcement (Bitcoin Core's `FindTxForGetData`); so whoever has
fetched a transaction and does not have it when it is asked, again and again, did not take it.

    offered, or handed over --due--> asked --tx--> held
    handed over, asked --notfound, the last of `DELAYS_AFTER_GIVEN`--> refused
    refused --handed over again--> handed over

A peer that lies here gains nothing that it could not have by fetching and keeping still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.machine import SECOND, Instant

DELAYS_AFTER_GIVEN: Final = (3 * SECOND, 5 * SECOND, 8 * SECOND, 10 * SECOND)
"""From the handing over to the first question, and from each to the next. A node answers for what
it had at its last announcement, every 5 s on average: after 26 s only one of 200 is missed."""

DELAYS_AFTER_OFFERED: Final = (4 * SECOND, 8 * SECOND)
"""The same for who was offered it and has not fetched it: he may have it from somebody else. Nodes
fetch from those that dialled them after 2 s."""


@dataclass(slots=True)
class TxProbe:
    """What one peer was asked about one transaction.

    Args:
        due: when it is asked next; None if there is nothing to find out any more.
    """

    due: Instant | None
    given: bool = False
    asked: int = 0
    refused: bool = False

    def handed_over(self, now: Instant) -> None:
        """The peer has fetched it, so from now on it has no excuse."""
        self.given, self.asked, self.refused = True, 0, False
        self.due = now + DELAYS_AFTER_GIVEN[0]

    def ask(self, now: Instant) -> None:
        """It is asked now; who does not answer is not asked again, until it is handed it anew."""
        self.asked += 1
        self.due = None if self.asked >= len(self._delays) else now + self._delays[self.asked]

    def missing(self) -> bool:
        """The peer says that it does not have it; whether that means that it refused it."""
        if self.given and self.asked >= len(DELAYS_AFTER_GIVEN):
            self.refused = True
        return self.refused

    @property
    def _delays(self) -> tuple[Instant, ...]:
        return DELAYS_AFTER_GIVEN if self.given else DELAYS_AFTER_OFFERED
