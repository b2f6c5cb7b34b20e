"""The story: nine acts with real nodes and wallets, one after the other, and what was checked.

It is the story of *Recreating Bitcoin*, chapter 13, told by processes on loopback: one node that
everybody needs, two, three, a late one, an invalid block, a split, wallets that know one address,
wallets that know more, and a single survivor from which all regrow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from axon.errors import AxonError
from axon.swarm.story.checks import Check
from axon.swarm.story.record import Record
from axon.swarm.story.runner import Listener, Stage
from axon.swarm.story.steps import (
    fixedaddress,
    fork,
    invalidblock,
    joiner,
    oneledger,
    regrowth,
    singlenode,
    survivor,
    twonodes,
)


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
        begin_s: seconds from the story's beginning to the act's.
        seconds: that it took.
    """

    title: str
    begin_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a story.

    Args:
        acts: those that were played.
        checks: all that were made.
        seconds: from the first start of a node to the last check.
        record: what was written down meanwhile.
    """

    acts: tuple[Played, ...]
    checks: tuple[Check, ...]
    seconds: float
    record: Record = field(default_factory=Record)

    @property
    def holds(self) -> bool:
        """Whether there were checks and all hold."""
        return bool(self.checks) and all(item.holds for item in self.checks)


ACTS: Final = (
    Act(singlenode.TITLE, singlenode.play),
    Act(twonodes.TITLE, twonodes.play),
    Act(oneledger.TITLE, oneledger.play),
    Act(joiner.TITLE, joiner.play),
    Act(invalidblock.TITLE, invalidblock.play),
    Act(fork.TITLE, fork.play),
    Act(fixedaddress.TITLE, fixedaddress.play),
    Act(survivor.TITLE, survivor.play),
    Act(regrowth.TITLE, regrowth.play),
)
"""In order; each needs the nodes, the wallets and the ledger that the acts before it left."""


def tell(folder: Path, listener: Listener, acts: Sequence[Act] = ACTS) -> Outcome:
    """Play the acts; every process that was started is ended, whatever happens.

    An act that cannot be played to its end is a check that does not hold, and ends the story.

    Args:
        folder: empty; each node and each wallet has a folder in it.
        listener: told everything as it happens.
        acts: to play, from the first one on.
    """
    begin = time.monotonic()

    def elapsed_s() -> float:
        return time.monotonic() - begin

    played: list[Played] = []
    with Stage(folder, listener, lambda: int(time.time()), elapsed_s) as stage:
        for number, act in enumerate(acts, start=1):
            stage.act = number
            start = elapsed_s()
            listener.act(number, act.title)
            _play(act, stage)
            played.append(Played(act.title, start, elapsed_s() - start))
            if not all(item.holds for item in stage.checks):
                break
        seconds = elapsed_s()
    return Outcome(tuple(played), tuple(stage.checks), seconds, stage.record)


def _play(act: Act, stage: Stage) -> None:
    try:
        stage.picture("before")
        act.play(stage)
        stage.picture("after")
    except AxonError as error:
        stage.check("the act is played to its end", "yes", f"no: {error}")
