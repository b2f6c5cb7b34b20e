"""The patience with an outbound peer whose chain is behind ours.

    level --behind our tip--> lagging --20 min--> asked --2 min--> given up
    lagging, asked --reached the tip we had then--> lagging anew, or level

Whom we dialled ourselves should know the best chain. One that does not is cut off from the network,
or is there to cut us off.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from axon.machine import MINUTE, Instant
from axon.p2p.views import HeaderEntryView

CHAIN_SYNC_TIMEOUT: Final = 20 * MINUTE
"""How long a peer may be behind before it is asked for its headers once more."""

ANSWER_TIMEOUT: Final = 2 * MINUTE
"""How long it then has."""


class Overdue(Enum):
    """What to do with a peer whose time is up."""

    NOTHING = "nothing"
    ASK = "ask"
    GIVE_UP = "give up"


class ChainLag:
    """The clock of one outbound peer."""

    __slots__ = ("_asked", "benchmark", "until")

    def __init__(self) -> None:
        self._asked = False
        self.until: Instant | None = None
        """When its time is up; None while it is level with us."""
        self.benchmark: HeaderEntryView | None = None
        """Our tip when the clock was started, which is all it has to reach."""

    def consider(self, best: HeaderEntryView | None, tip: HeaderEntryView, now: Instant) -> None:
        """Start, restart or stop the clock.

        Args:
            best: the best header that the peer is known to have.
            tip: ours.
            now: the present.
        """
        if best is not None and best.chainwork >= tip.chainwork:
            self.stop()
            return
        benchmark = self.benchmark
        caught_up = (
            benchmark is not None and best is not None and best.chainwork >= benchmark.chainwork
        )
        if self.until is None or caught_up:
            self.until = now + CHAIN_SYNC_TIMEOUT
            self.benchmark = tip
            self._asked = False

    def stop(self) -> None:
        """It is level with us, or it is to be kept whatever its chain."""
        self.until = None
        self.benchmark = None

    def overdue(self, now: Instant) -> Overdue:
        """What is due, after `consider`."""
        if self.until is None or now < self.until:
            return Overdue.NOTHING
        if self._asked:
            self.until = None
            return Overdue.GIVE_UP
        self._asked = True
        self.until = now + ANSWER_TIMEOUT
        return Overdue.ASK
