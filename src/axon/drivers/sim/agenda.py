"""What is to happen, and when: the heart of the simulation."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random

from axon.machine import Instant

TIE_BITS = 32


class Agenda:
    """Actions in order of virtual time; among those of one instant, chance decides.

    Args:
        now: where time begins.
        rng: decides ties, so that many seeds try many orders.
    """

    __slots__ = ("_heap", "_serial", "_tie", "now")

    def __init__(self, now: Instant, rng: Random) -> None:
        self._heap: list[tuple[Instant, int, int, Callable[[], None]]] = []
        self._serial = 0  # Keeps the heap from comparing actions when even the ties are equal.
        self._tie = rng.getrandbits
        self.now = now

    def at(self, when: Instant, action: Callable[[], None]) -> None:
        """Do something at an instant that is not past."""
        self._serial = serial = self._serial + 1
        heapq.heappush(self._heap, (when, self._tie(TIE_BITS), serial, action))

    def run(self, until: Instant) -> None:
        """Do everything up to and at `until`; it is `until` then."""
        heap, pop = self._heap, heapq.heappop
        while heap and heap[0][0] <= until:
            self.now, _, _, action = pop(heap)
            action()
        self.now = until

    def step(self, until: Instant) -> bool:
        """Do one thing if there is one up to and at `until`; if not, it is `until` then."""
        if self._heap and self._heap[0][0] <= until:
            self.now, _, _, action = heapq.heappop(self._heap)
            action()
            return True
        self.now = until
        return False
