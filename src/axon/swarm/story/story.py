"""The story: eleven steps with real nodes and wallets, one after the other, and what was checked.

It is the story of *Recreating Bitcoin*, chapter 13, told by processes on loopback: one node that
everybody needs, two, three, a late one, an invalid block, a split, wallets that know one address,
wallets that know more, a single survivor from which all regrow, wallets that pay each other while
no node lives, and the verdict.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from axon.errors import AxonError
from axon.swarm.story.checks import Check
from axon.swarm.story.record import StoryRecord
from axon.swarm.story.runner import Listener, StoryRunner
from axon.swarm.story.steps import (
    fixedaddress,
    fork,
    invalidblock,
    joiner,
    oneledger,
    outerring,
    regrowth,
    singlenode,
    survivor,
    twonodes,
    verdict,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Args:
        title: in a few words.
        play: plays it.
    """

    title: str
    run: Callable[[StoryRunner], None]


@dataclass(frozen=True, slots=True)
class FinishedStep:
    """A step that was played, to its end or not.

    Args:
        title: the step's.
        begin_s: seconds from the story's beginning to the step's.
        seconds: that it took.
    """

    title: str
    begin_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a story.

    Args:
        steps: those that were played.
        checks: all that were made.
        seconds: from the first start of a node to the last check.
        record: what was written down meanwhile.
    """

    steps: tuple[FinishedStep, ...]
    checks: tuple[Check, ...]
    seconds: float
    record: StoryRecord = field(default_factory=StoryRecord)

    @property
    def holds(self) -> bool:
        """Whether there were checks and all hold."""
        return bool(self.checks) and all(item.holds for item in self.checks)


STEPS: Final = (
    Step(singlenode.TITLE, singlenode.run),
    Step(twonodes.TITLE, twonodes.run),
    Step(oneledger.TITLE, oneledger.run),
    Step(joiner.TITLE, joiner.run),
    Step(invalidblock.TITLE, invalidblock.run),
    Step(fork.TITLE, fork.run),
    Step(fixedaddress.TITLE, fixedaddress.run),
    Step(survivor.TITLE, survivor.run),
    Step(regrowth.TITLE, regrowth.run),
    Step(outerring.TITLE, outerring.run),
    Step(verdict.TITLE, verdict.run),
)
"""In order; each needs the nodes, the wallets and the ledger that the steps before it left."""


def tell(
    folder: Path,
    listener: Listener,
    steps: Sequence[Step] = STEPS,
    node_options: Callable[[], tuple[str, ...]] = tuple,
) -> Outcome:
    """Play the steps; every process that was started is ended, whatever happens.

    A step that cannot be played to its end is a check that does not hold, and ends the story.

    Args:
        folder: empty; each node and each wallet has a folder in it.
        listener: told everything as it happens.
        steps: to play, from the first one on.
        node_options: called for each new node; what it is told besides.
    """
    begin = time.monotonic()

    def elapsed_s() -> float:
        return time.monotonic() - begin

    finished: list[FinishedStep] = []
    with StoryRunner(folder, listener, lambda: int(time.time()), elapsed_s, node_options) as runner:
        for number, step in enumerate(steps, start=1):
            runner.step = number
            start = elapsed_s()
            listener.step(number, step.title)
            _run(step, runner)
            finished.append(FinishedStep(step.title, start, elapsed_s() - start))
            if not all(item.holds for item in runner.checks):
                break
        seconds = elapsed_s()
        listener.played()
    return Outcome(tuple(finished), tuple(runner.checks), seconds, runner.record)


def _run(step: Step, runner: StoryRunner) -> None:
    try:
        runner.picture("before")
        step.run(runner)
        runner.picture("after")
    except AxonError as error:
        runner.check("the act is played to its end", "yes", f"no: {error}")
