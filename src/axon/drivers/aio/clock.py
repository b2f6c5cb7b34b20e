"""The time a machine in the real world is told: the wall clock, or what an operator pretends.

The wall clock counts because block times are compared with it. It may be set back, though, and an
`Instant` does not go back: this clock then runs at half speed until the wall has caught up, so that
alarms still ring. Under mock time it stands still at the given instant; whoever waits for an
instant is told of every change and looks again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from axon.machine import Instant

NANOSECONDS = 1_000
"""In a microsecond."""


class Clock:
    """Instants of the wall clock that never go back, unless a person mocks them.

    Args:
        wall_ns: the wall clock, in nanoseconds since the Unix epoch; it may jump.
        steady_ns: a clock with any origin that only goes forward, in nanoseconds.
        pace: so many of its seconds pass in a second here: 1, but in a laboratory.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = time.monotonic_ns,
        pace: int = 1,
    ) -> None:
        self.pace = pace
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        self._seen_ns = wall_ns()
        self._seen_steady_ns = steady_ns()
        self._mock: Instant | None = None
        self._watchers: list[Callable[[], None]] = []

    @property
    def is_mocked(self) -> bool:
        """Whether `set_mock` holds the time."""
        return self._mock is not None

    def now(self) -> Instant:
        """The mocked instant; without one, the wall clock's, never before the last one returned."""
        if self._mock is not None:
            return self._mock
        steady_ns = self._steady_ns()
        slowed_ns = self._seen_ns + (steady_ns - self._seen_steady_ns) // 2
        self._seen_steady_ns = steady_ns
        self._seen_ns = max(self._wall_ns(), slowed_ns)
        return self._seen_ns // NANOSECONDS

    def set_mock(self, instant: Instant | None) -> None:
        """Hold the time at `instant`, or let it run again; watchers are told at once.

        Called on the event loop of the driver that reads this clock, as bitcoind's `setmocktime`.
        """
        self._mock = instant
        for watcher in self._watchers:
            watcher()

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` after every `set_mock`."""
        self._watchers.append(changed)
