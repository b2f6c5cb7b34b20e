"""A full node that keeps something to itself: it announces it, and never hands it over.

The node itself is the real one; only what leaves it is sifted, message by message. So to all others
it is a peer like any, until somebody needs from it just what it withholds.
"""

from __future__ import annotations

from typing import Final

from axon.machine import Effect, Event, Instant, Machine, Transmit
from axon.swarm.faultplan import Withheld

_COMMAND_AT: Final = slice(4, 16)
"""Where a frame's name stands (the first transport: a node behind a sieve speaks no other)."""

_KEPT_BACK: Final[dict[Withheld, frozenset[bytes]]] = {
    Withheld.NOTHING: frozenset(),
    Withheld.BLOCKS: frozenset((b"block", b"cmpctblock", b"blocktxn", b"merkleblock")),
    Withheld.TRANSACTIONS: frozenset((b"tx",)),
    Withheld.FILTERS: frozenset((b"cfilter", b"cfheaders", b"cfcheckpt")),
}


class Withholder:
    """A machine behind a sieve.

    Args:
        honest: the machine.

    Attributes:
        withheld: what it keeps back at present.
    """

    def __init__(self, honest: Machine) -> None:
        self.honest = honest
        self.withheld = Withheld.NOTHING

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event."""
        return self._sifted(self.honest.handle(event, now))

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        return self._sifted(self.honest.tick(now))

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called."""
        return self.honest.deadline()

    def _sifted(self, effects: list[Effect]) -> list[Effect]:
        kept_back = _KEPT_BACK[self.withheld]
        if not kept_back:
            return effects
        return [
            effect
            for effect in effects
            if not (
                isinstance(effect, Transmit) and effect.data[_COMMAND_AT].rstrip(b"\0") in kept_back
            )
        ]
