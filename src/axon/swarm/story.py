"""The story: six acts with real nodes, one after the other, and what was checked in them.

Two nodes, three, a late one, a cheat, a split, and a single survivor from which all regrow. It is
the story of *Recreating Bitcoin*, chapter 13, told by processes on loopback.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from axon.errors import AxonError
from axon.swarm.acts import cheat, fork, joiner, neurons, oneledger, survivor
from axon.swarm.checks import Check
from axon.swarm.stage import Stage


@dataclass(frozen=True, slots=True)
class Act:
    """One act.

    Args:
        title: in a few words.
        play: plays it.
    """

    title: str
    play: Callable[[Stage], None]


@dataclass(frozen=True, slots=True)
class Played:
    """An act that was played, to its end or not.

    Args:
        title: the act's.
        seconds: that it took.
    """

    title: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a story.

    Args:
        acts: those that were played.
        checks: all that were made.
        seconds: from the first start of a node to the last check.
    """

    acts: tuple[Played, ...]
    checks: tuple[Check, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether there were checks and all hold."""
        return bool(self.checks) and all(item.holds for item in self.checks)


ACTS: Final = (
    Act(neurons.TITLE, neurons.play),
    Act(oneledger.TITLE, oneledger.play),
    Act(joiner.TITLE, joiner.play),
    Act(cheat.TITLE, cheat.play),
    Act(fork.TITLE, fork.play),
    Act(survivor.TITLE, survivor.play),
)
"""In order; each needs the nodes and the ledger that the acts before it left."""


class Listener:
    """Who is told the story while it happens; this one does not listen."""

    def act(self, number: int, title: str) -> None:
        """An act begins."""

    def say(self, line: str) -> None:
        """Something happens."""

    def check(self, item: Check) -> None:
        """Something was checked."""


def tell(folder: Path, listener: Listener, acts: Sequence[Act] = ACTS) -> Outcome:
    """Play the acts; every node that was started is ended, whatever happens.

    An act that cannot be played to its end is a check that does not hold, and ends the story.

    Args:
        folder: empty; each node has a folder in it.
        listener: told everything as it happens.
        acts: to play, from the first one on.
    """
    begin = time.monotonic()
    played: list[Played] = []
    with Stage(folder, listener.say, listener.check, lambda: int(time.time())) as stage:
        for number, act in enumerate(acts, start=1):
            stage.act = number
            start = time.monotonic()
            listener.act(number, act.title)
            try:
                act.play(stage)
            except AxonError as error:
                stage.check("the act is played to its end", "yes", f"no: {error}")
            played.append(Played(act.title, time.monotonic() - start))
            if not all(item.holds for item in stage.checks):
                break
        seconds = time.monotonic() - begin
    return Outcome(tuple(played), tuple(stage.checks), seconds)
