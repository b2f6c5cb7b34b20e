"""The places for connections of an RPC server, and which gives way when they are too many.

`MAX_CONNECTIONS` are kept, a part of them for this machine alone. When they are used up, a newcomer
takes the place of one without a call under way: first of one whose caller sends no more, then of
those that never had a call, and of these that have waited longest. So silent or half-sent
connections keep nobody out. Nor do those that are kept for further calls: a part is for newcomers,
who else would only evict each other. A newcomer from elsewhere evicts none of this machine's.
"""

from __future__ import annotations

from typing import Final, Protocol

MAX_CONNECTIONS: Final = 256
"""Each costs a file."""

RESERVED_LOCAL: Final = 64
"""Of these, so many are for this machine: whoever owns the node calls from here."""

NEWCOMERS: Final = 4
"""One of so many places is for connections that have not called yet."""


class Evictable(Protocol):
    """A connection, as `ConnectionSlots` sees it."""

    is_local: bool
    """Whether it comes from this machine."""

    working: int
    """Calls under way, of callers who have proved who they are."""

    has_called: bool
    """Whether there has been such a call."""

    has_ended: bool
    """Whether its caller sends no more."""

    idle_since: float
    """When the last one ended, or the connection began; seconds of any one clock."""

    def evict(self) -> None:
        """Close it at once."""


class ConnectionSlots:
    """The places for connections.

    Args:
        most: of all together.
        reserved: of them for this machine.
    """

    def __init__(self, most: int = MAX_CONNECTIONS, reserved: int = RESERVED_LOCAL) -> None:
        self._most, self._most_remote = most, most - reserved
        self._taken: dict[Evictable, None] = {}
        self.leaving: dict[Evictable, None] = {}
        """Connections that were refused and are told so; they have no place."""

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, newcomer: Evictable) -> bool:
        """Give a place to a connection, of another's if need be; False if none gives way."""
        remote = [each for each in self._taken if not each.is_local]
        if newcomer.is_local:
            is_full, rivals = len(self._taken) >= self._most, list(self._taken)
        else:
            is_full = len(remote) >= self._most_remote or len(self._taken) >= self._most
            rivals = remote
        if is_full:
            idle = [each for each in rivals if not each.working]
            if not idle:
                return False
            evicted = _first_to_go(idle, len(rivals) // NEWCOMERS)
            self.leave(evicted)
            evicted.evict()
        self._taken[newcomer] = None
        return True

    def leave(self, connection: Evictable) -> None:
        """A connection has ended; it may have left already."""
        self._taken.pop(connection, None)


def _first_to_go(idle: list[Evictable], kept_newcomers: int) -> Evictable:
    """Which of some connections without a call under way has to give way."""
    newcomers = sum(not each.has_called for each in idle)
    spares_newcomers = newcomers < kept_newcomers
    return min(
        idle,
        key=lambda each: (
            not each.has_ended,
            each.has_called != spares_newcomers,
            each.idle_since,
        ),
    )
