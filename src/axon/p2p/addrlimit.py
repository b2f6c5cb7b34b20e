"""How many addresses a peer may tell: a bucket of tokens, as in Bitcoin Core.

Each address costs one token, and one comes back in ten seconds: ten peers fill no table.
"""

from __future__ import annotations

from typing import Final

from axon.machine import SECOND, Instant

TOKEN: Final = 10 * SECOND
"""The time in which one token comes back; tokens are counted in microseconds of waiting."""
MAX_TOKENS: Final = 1000
"""What an idle peer may save up: one full message."""


class AddrLimit:
    """The bucket of one peer; it begins with one token, for the peer's own address.

    Args:
        now: when the peer came.
    """

    __slots__ = ("_saved", "_saved_at")

    def __init__(self, now: Instant) -> None:
        self._saved: int = TOKEN
        self._saved_at = now

    def grant(self, count: int) -> None:
        """So many more are welcome: we have asked for them."""
        self._saved += count * TOKEN

    def refill(self, now: Instant) -> None:
        """Add what came back since the last call."""
        if self._saved < MAX_TOKENS * TOKEN:
            gain = max(0, now - self._saved_at)
            self._saved = min(self._saved + gain, MAX_TOKENS * TOKEN)
        self._saved_at = now

    def take(self, count: int) -> int:
        """Spend so many tokens, or as many as there are; how many."""
        taken = min(count, self._saved // TOKEN)
        self._saved -= taken * TOKEN
        return taken
