"""Connections the operator asked for: dialled again and again, ever more patiently.

Each target (`-connect`, `-addnode`) is dialled at once, and after each failure a while later: the
while doubles up to a minute and is smeared by chance, so that the peers of a node that restarts do
not all return in the same instant. Who has lost his last connection does not wait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from axon.machine import MINUTE, SECOND, Endpoint, Instant

FIRST_DELAY: Final = SECOND
MAX_DELAY: Final = MINUTE
IMPATIENT_DELAY: Final = 5 * SECOND
"""The longest wait of a light client: somebody sits before it."""
STEADY: Final = MINUTE
"""A connection that lasted so long was a success; its end is no failure."""


@dataclass(frozen=True, slots=True)
class Target:
    """A peer to stay connected to.

    Args:
        name: as the operator wrote it.
        endpoint: where that is.
        v2: begin with the encrypted transport (BIP 324).
    """

    name: str
    endpoint: Endpoint
    v2: bool = True


class _Schedule:
    __slots__ = ("delay", "due", "target")

    def __init__(self, target: Target, due: Instant) -> None:
        self.target = target
        self.due = due
        self.delay = FIRST_DELAY


class Redial:
    """When to dial which target. The operator alone adds targets, so they need no bound.

    Args:
        targets: due at once.
        rng: smears.
        now: the start.
        max_delay: the longest wait.
    """

    def __init__(
        self,
        targets: tuple[Target, ...],
        rng: Random,
        now: Instant,
        max_delay: Instant = MAX_DELAY,
    ) -> None:
        self._rng = rng
        self._max_delay = max_delay
        self._schedules = {target.endpoint: _Schedule(target, now) for target in targets}

    @property
    def targets(self) -> tuple[Target, ...]:
        """All targets in the order in which they were added."""
        return tuple(schedule.target for schedule in self._schedules.values())

    def add(self, target: Target, now: Instant) -> bool:
        """One more, due at once; False if its endpoint is a target already."""
        if target.endpoint in self._schedules:
            return False
        self._schedules[target.endpoint] = _Schedule(target, now)
        return True

    def remove(self, name: str) -> bool:
        """One less; False if no target was added under this name."""
        for endpoint, schedule in self._schedules.items():
            if schedule.target.name == name:
                del self._schedules[endpoint]
                return True
        return False

    def due(self, now: Instant, is_busy: Callable[[Endpoint], bool]) -> list[Target]:
        """The targets to dial now; `is_busy` says which are connected or being dialled."""
        return [
            schedule.target
            for endpoint, schedule in self._schedules.items()
            if now >= schedule.due and not is_busy(endpoint)
        ]

    def deadline(self, is_busy: Callable[[Endpoint], bool]) -> Instant | None:
        """When the next target is due."""
        moments = (s.due for endpoint, s in self._schedules.items() if not is_busy(endpoint))
        return min(moments, default=None)

    def failed(self, endpoint: Endpoint, now: Instant) -> None:
        """A dial came to nothing, or its connection ended soon."""
        schedule = self._schedules.get(endpoint)
        if schedule is not None:
            self._postpone(schedule, now)
            schedule.delay = min(schedule.delay * 2, self._max_delay)

    def ended(self, endpoint: Endpoint, now: Instant) -> None:
        """A connection that had been steady ended."""
        schedule = self._schedules.get(endpoint)
        if schedule is not None:
            schedule.delay = FIRST_DELAY
            self._postpone(schedule, now)

    def bring_forward(self, now: Instant, other_than: Endpoint) -> None:
        """Dial all targets but one at once."""
        for endpoint, schedule in self._schedules.items():
            if endpoint != other_than:
                schedule.due = min(schedule.due, now)

    def _postpone(self, schedule: _Schedule, now: Instant) -> None:
        schedule.due = now + int(schedule.delay * (0.75 + 0.5 * self._rng.random()))
