"""What is tried: which components, one or several at once, and what is done to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Final

from axon.swarm.blueprint import Blueprint, ComponentClass
from axon.swarm.faultplan import FaultPlan, FaultStep, Op, Withheld, step

MAX_PAIRS: Final = 500
"""All pairs of nodes are tried where there are no more than this."""

MAX_SUBSET_NODES: Final = 10
"""All subsets of so many nodes are tried: 1,022."""

CLOCK_JUMP_S: Final = 3 * 3600
"""A clock that jumps jumps further than the two hours by which a block may be early."""


class Mode(StrEnum):
    """What is done to a component."""

    KILL = "kill"
    STOP = "stop"
    CUT = "cut"
    ONE_WAY = "one-way"
    SLOW = "slow"
    WIPE = "wipe"
    CLOCK = "clock"
    NO_BLOCKS = "no-blocks"
    NO_TRANSACTIONS = "no-transactions"
    NO_FILTERS = "no-filters"


_LIES: Final = {
    Mode.NO_BLOCKS: Withheld.BLOCKS,
    Mode.NO_TRANSACTIONS: Withheld.TRANSACTIONS,
    Mode.NO_FILTERS: Withheld.FILTERS,
}

MODES: Final[dict[ComponentClass, tuple[Mode, ...]]] = {
    ComponentClass.NODE: (
        Mode.KILL,
        Mode.STOP,
        Mode.CUT,
        Mode.ONE_WAY,
        Mode.SLOW,
        Mode.WIPE,
        *_LIES,
    ),
    ComponentClass.MINER: (Mode.KILL, Mode.NO_TRANSACTIONS),
    ComponentClass.WALLET: (Mode.KILL, Mode.STOP),
    ComponentClass.HOST: (Mode.KILL, Mode.STOP, Mode.CUT, Mode.ONE_WAY, Mode.SLOW, Mode.CLOCK),
    ComponentClass.GROUP: (Mode.KILL, Mode.CUT),
    ComponentClass.SEED: (Mode.KILL,),
    ComponentClass.PROXY: (Mode.KILL,),
    ComponentClass.CLOCK: (Mode.CLOCK,),
    ComponentClass.LINK: (Mode.CUT, Mode.ONE_WAY),
    ComponentClass.FILE: (Mode.KILL,),
}
"""What is tried on a component of each class, the plainest first."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Components that are harmed at once, in one way.

    Args:
        targets: their names.
        mode: what is done to each.
    """

    targets: tuple[str, ...]
    mode: Mode

    def __str__(self) -> str:
        return f"{self.mode} {' '.join(self.targets)}"

    def harm(self) -> FaultPlan:
        """What is done to them."""
        return FaultPlan.of(each for target in self.targets for each in _harm(target, self.mode))

    def healing(self) -> FaultPlan:
        """What takes it back; a node that was killed has its disk, one that was wiped has not."""
        return self.harm().undone()


def _harm(target: str, mode: Mode) -> Iterator[FaultStep]:
    match mode:
        case Mode.KILL:
            yield step(0, Op.KILL, target)
        case Mode.STOP:
            yield step(0, Op.STOP, target)
        case Mode.CUT:
            yield step(0, Op.CUT, target)
        case Mode.ONE_WAY:
            yield step(0, Op.CUT, target, way="out")
        case Mode.SLOW:
            yield step(0, Op.SLOW, target)
        case Mode.CLOCK:
            yield step(0, Op.CLOCK, target, offset_s=CLOCK_JUMP_S)
        case Mode.WIPE:
            yield step(0, Op.KILL, target)
            yield step(0, Op.RESTART, target, wipe=True)
        case _:
            yield step(0, Op.LIE, target, withhold=_LIES[mode].value)


def singles(blueprint: Blueprint) -> list[Candidate]:
    """Each component of each class, in each of the ways that fit it; links too."""
    found = [
        Candidate((name,), mode)
        for name, kind in blueprint.components().items()
        for mode in MODES[kind]
    ]
    links = blueprint.all_links()
    return found + [Candidate((link,), mode) for link in links for mode in (Mode.CUT, Mode.ONE_WAY)]


def pairs(blueprint: Blueprint, mode: Mode = Mode.KILL) -> list[Candidate]:
    """Every two nodes; none where that would be more than `MAX_PAIRS`, or all there are."""
    names = [node.name for node in blueprint.nodes]
    found = list(combinations(names, 2)) if len(names) > 2 else []
    return [Candidate(pair, mode) for pair in found] if len(found) <= MAX_PAIRS else []


def all_but_one(blueprint: Blueprint, mode: Mode = Mode.KILL) -> list[Candidate]:
    """For each node: all others."""
    names = [node.name for node in blueprint.nodes]
    if len(names) < 2:
        return []
    return [
        Candidate(tuple(name for name in names if name != survivor), mode) for survivor in names
    ]


def subsets(blueprint: Blueprint, mode: Mode = Mode.KILL) -> list[Candidate]:
    """All sets of nodes but the empty one and the whole, smaller ones first; none of too many."""
    names = [node.name for node in blueprint.nodes]
    if len(names) > MAX_SUBSET_NODES:
        return []
    return [
        Candidate(chosen, mode)
        for size in range(1, len(names))
        for chosen in combinations(names, size)
    ]


def minimal(found: Iterable[Candidate]) -> list[Candidate]:
    """Those that hold none of the others of the same mode: what is more adds nothing."""
    kept: list[Candidate] = []
    for candidate in sorted(found, key=lambda each: len(each.targets)):
        targets = set(candidate.targets)
        if not any(
            other.mode is candidate.mode and targets.issuperset(other.targets) for other in kept
        ):
            kept.append(candidate)
    return kept
