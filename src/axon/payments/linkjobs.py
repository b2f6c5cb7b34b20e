"""What links have their wallet do: one job at a time for each connection, a few proofs in all."""

from __future__ import annotations

from collections import deque
from typing import Final

from axon.machine import Delegate
from axon.payments.linkend import LinkEnd
from axon.payments.linkevents import WALLET_LANE, Heard, Prove
from axon.payments.messages import LinkMessage

MAX_PROVING: Final = 8
"""Proofs ordered at a time, those for payers who have left included: nobody can fill the lane."""


class LinkJobs:
    """The jobs that are under way, and for whom; who waits for one is busy."""

    def __init__(self) -> None:
        self._tasks: dict[int, LinkEnd] = {}
        self._last = 0
        self._to_prove: deque[LinkEnd] = deque()
        self._proving = 0

    def tell(self, end: LinkEnd, message: LinkMessage) -> Delegate:
        """Have the wallet hear a message."""
        return self._order(end, Heard(end.link, end.side, end.invoice_id, message))

    def prove(self, end: LinkEnd) -> list[Delegate]:
        """Have the wallet prove itself to a payer, when it is his turn."""
        end.is_busy = True
        self._to_prove.append(end)
        return self._prove_next()

    def take(self, task: int) -> LinkEnd:
        """For whom a job was that is done."""
        return self._tasks.pop(task)

    def proved(self) -> list[Delegate]:
        """One of the proofs is made, or there is none; the next ones."""
        self._proving -= 1
        return self._prove_next()

    def forget(self, end: LinkEnd) -> None:
        """A connection has ended; what is under way for it is done in vain."""
        if end in self._to_prove:
            self._to_prove.remove(end)

    def _prove_next(self) -> list[Delegate]:
        orders = []
        while self._to_prove and self._proving < MAX_PROVING:
            end = self._to_prove.popleft()
            self._proving += 1
            orders.append(self._order(end, Prove(end.link, end.partner.hint, end.session_id)))
        return orders

    def _order(self, end: LinkEnd, job: Prove | Heard) -> Delegate:
        end.is_busy = True
        self._last += 1
        self._tasks[self._last] = end
        return Delegate(self._last, job, WALLET_LANE)
