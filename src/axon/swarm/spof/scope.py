"""How far a search goes: which candidates it has, and what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from math import comb
from random import Random
from typing import Final

from axon.errors import ConfigError
from axon.swarm.blueprint import Blueprint, ComponentClass
from axon.swarm.spof.candidates import (
    MAX_PAIRS,
    MAX_SUBSET_NODES,
    MODES,
    Candidate,
    Mode,
    all_but_one,
    pairs,
    singles,
    subsets,
)
from axon.swarm.spof.guide import Guide
from axon.swarm.spof.setsample import draw


class Reach(StrEnum):
    """How much is harmed at once."""

    ONE = "1"
    """Every component of every class."""
    TWO = "2"
    """Also every two nodes, and all nodes but one."""
    THREE = "3"
    """Also all nodes but one, and sets of up to three nodes, guided."""
    ALL_BUT_ONE = "all-but-one"
    """Every component, and all nodes but one."""
    SUBSETS = "subsets"
    """Every component, and every set of nodes but all; of more than ten nodes as `THREE`, and
    larger sets that are drawn (`spof/setsample`)."""


LARGEST_SET: Final = 2
"""Of so many nodes at once all sets are tried (`Reach.TWO`), before those of all but one."""

GUIDED_SIZE: Final = 3
"""Of so many nodes at once it is asked where there are too many for all sets."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is tried.

    Args:
        reach: how much is harmed at once.
        classes: of components; None for all.
        modes: what is done to single components; None for all that fit.
        guided: of the sets only those are tried that may stop something (`spof/guide`).
        seed: draws sets where there are too many.
    """

    reach: Reach = Reach.TWO
    classes: frozenset[ComponentClass] | None = None
    modes: frozenset[Mode] | None = None
    guided: bool = False
    seed: int = 0

    def guide(self, blueprint: Blueprint) -> Guide | None:
        """What leads to sets of several components; None where all are tried, or none.

        Sets are of nodes, unless other classes are asked for that can be killed.

        Raises:
            ConfigError: a guide is asked for where there are no sets.
        """
        size = self._guided_size(len(blueprint.nodes))
        if not size or not self._kills:
            return None
        classes = (self.classes or {ComponentClass.NODE}) - {ComponentClass.WALLET}
        return Guide(
            [
                name
                for name, kind in blueprint.components().items()
                if kind in classes and Mode.KILL in MODES[kind]
            ],
            size,
        )

    def _guided_size(self, nodes: int) -> int:
        """How many at once a guide leads to; 0 for no guide."""
        if self.guided and self.reach in (Reach.ONE, Reach.ALL_BUT_ONE):
            raise ConfigError(f"a guide leads to sets: {self.reach} leaves none; 2, 3, subsets do")
        if self.guided and not self._kills:
            raise ConfigError("a guide leads to sets, which are killed: among the modes kill lacks")
        fits_all = nodes <= MAX_SUBSET_NODES
        match self.reach:
            case Reach.TWO if self.guided:
                size = 2
            case Reach.THREE:
                size = GUIDED_SIZE
            case Reach.SUBSETS if self.guided or not fits_all:
                size = nodes if fits_all else GUIDED_SIZE
            case _:
                return 0
        return min(size, nodes - 1)

    def candidates(self, blueprint: Blueprint) -> list[Candidate]:
        """All of a network, smaller sets first."""
        kinds = blueprint.components()
        chosen = [
            each
            for each in singles(blueprint)
            if (self.classes is None or _kind(each, kinds) in self.classes)
            and (self.modes is None or each.mode in self.modes)
        ]
        if self._has_sets():
            chosen += self._sets(blueprint)
        return list(dict.fromkeys(chosen))

    @property
    def _kills(self) -> bool:
        """Whether anything is killed; several at once are harmed in no other way."""
        return self.modes is None or Mode.KILL in self.modes

    def _has_sets(self) -> bool:
        """Whether sets of nodes are among what is to be tried."""
        return self._kills and (self.classes is None or ComponentClass.NODE in self.classes)

    def _sets(self, blueprint: Blueprint) -> list[Candidate]:
        """Several nodes at once, which are killed."""
        if self._guided_size(len(blueprint.nodes)):
            return self._drawn(blueprint) + all_but_one(blueprint)
        match self.reach:
            case Reach.TWO:
                return pairs(blueprint) + all_but_one(blueprint)
            case Reach.ALL_BUT_ONE:
                return all_but_one(blueprint)
            case Reach.SUBSETS:
                return subsets(blueprint)
        return []

    def drawn_sizes(self, nodes: int) -> range:
        """Of how many nodes sets are drawn; empty where all are tried, or nobody asks for them."""
        if self.reach is not Reach.SUBSETS or nodes <= MAX_SUBSET_NODES:
            return range(0)
        return range(GUIDED_SIZE + 1, nodes - 1)

    def _drawn(self, blueprint: Blueprint) -> list[Candidate]:
        names = [node.name for node in blueprint.nodes]
        sizes = self.drawn_sizes(len(names))
        drawn = draw(names, sizes, Random(self.seed)) if sizes else []
        return [Candidate(targets, Mode.KILL) for targets in drawn]

    def exclusions(self, blueprint: Blueprint) -> list[str]:
        """What of this network is not tried, in words."""
        nodes = len(blueprint.nodes)
        found = []
        if self.classes is not None:
            left = [kind for kind in ComponentClass if kind not in self.classes]
            found.append(f"components of these classes: {', '.join(left)}")
        if self.modes is not None:
            left_modes = [mode for mode in Mode if mode not in self.modes]
            found.append(f"these kinds of harm: {', '.join(left_modes)}")
        return found + self._sets_left_out(nodes)

    def _sets_left_out(self, nodes: int) -> list[str]:
        """Which sets of several components are not tried."""
        size = self._guided_size(nodes) if self._kills else 0
        if self.reach is Reach.ONE or not (size or self._has_sets()):
            return ["several components that are harmed at once"]
        if self.reach is Reach.ALL_BUT_ONE:
            return ["several components at once, except all nodes but one"]
        found = []
        if not size and self.reach is Reach.TWO:
            if comb(nodes, 2) > MAX_PAIRS:
                found.append(f"pairs of nodes: {comb(nodes, 2):,} are more than {MAX_PAIRS}")
            if nodes > LARGEST_SET + 2:
                least, most = LARGEST_SET + 1, nodes - 2
                sizes = f"{least}" if least == most else f"{least} to {most}"
                found.append(f"sets of {sizes} nodes")
        if 0 < size < nodes - 2 and not self.drawn_sizes(nodes):
            found.append(f"sets of more than {size}, but for all nodes but one")
        if nodes > 2:
            found.append("several components at once that are not all nodes, or not killed")
        return found


def exhaustive_size(blueprint: Blueprint, tried: frozenset[Candidate]) -> int:
    """The largest k so that each set of 1 to k nodes was killed, or passed over for a part."""
    names = [node.name for node in blueprint.nodes]
    size = 0
    for size in range(1, len(names)):
        if any(Candidate(chosen, Mode.KILL) not in tried for chosen in combinations(names, size)):
            return size - 1
    return size


def check_candidate(candidate: Candidate, blueprint: Blueprint) -> None:
    """Whether a network has what a candidate harms.

    Raises:
        ConfigError: it has not, or the harm does not fit it.
    """
    kinds = blueprint.components() | dict.fromkeys(blueprint.all_links(), ComponentClass.LINK)
    twice = next((name for name in candidate.targets if candidate.targets.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{twice!r:.80} is named twice: a component is harmed once")
    for name in candidate.targets:
        kind = kinds.get(name)
        if kind is None:
            known = ", ".join(blueprint.components())
            raise ConfigError(f"there is no component {name!r:.80}; there are {known:.1000}")
        if candidate.mode not in MODES[kind]:
            fits = ", ".join(MODES[kind])
            raise ConfigError(f"{candidate.mode} does not fit {name}, a {kind}: {fits} do")


def _kind(candidate: Candidate, kinds: dict[str, ComponentClass]) -> ComponentClass:
    """Of a single component; what is not among them is the way between two nodes."""
    return kinds.get(candidate.targets[0], ComponentClass.LINK)
