"""Which sets of components are worth trying, by what operations were seen to hang on.

Lineage-driven fault injection (Alvaro, Rosen and Hellerstein 2015), for services instead of
outcomes: each operation that succeeds shows one way in which it comes about, its support. Only a
set that takes a component from each way that is known can stop it. Such a set is tried; if the
operation succeeds all the same, it has shown a further way, and the next sets are fewer or larger.
When none of the size is left, every set of that size leaves each operation a way that was seen.

    supports --hitting sets--> tried --succeeds--> one support more
                                    \\--fails-----> found: a multiple point of failure
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import comb

from axon.swarm.invariants import counted
from axon.swarm.spof.hittingsets import Names, extended, smallest
from axon.swarm.trialreport import Support


class Guide:
    """What is known of the ways in which operations come about.

    Args:
        names: of the components that may be harmed together, in the order in which sets name them;
            of all others nothing is asked.
        size: so many of them at once, at most.
    """

    def __init__(self, names: Sequence[str], size: int) -> None:
        self.names = tuple(names)
        self.size = size
        self._ways: dict[tuple[str, str], list[Names]] = {}  # By operation.
        self._hitting: dict[tuple[str, str], list[Names]] = {}

    def learn(self, supports: Iterable[Support], harmed: Iterable[str]) -> None:
        """Take in how operations came about in one trial.

        Args:
            supports: theirs.
            harmed: who was dead then; a block that one of them sent with its last breath may have
                served, and shows that it was not needed.
        """
        sound = frozenset(self.names).difference(harmed)
        for support in supports:
            key, way = (support.client, support.what), support.components & sound
            known = self._ways.get(key, [])
            if not any(part <= way for part in known):
                self._ways[key] = smallest([*known, way])
                found = self._hitting.get(key, [frozenset()])
                self._hitting[key] = extended(found, way, self.size)

    def sets(self) -> list[tuple[str, ...]]:
        """What may stop an operation in all ways that are known, smaller sets first, and of these
        first what may stop many.

        Of each operation the minimal ones; those of one may be a part of another's. An operation
        that came about without any of the names is stopped by none.
        """
        stops = Counter(each for found in self._hitting.values() for each in found)
        place = {name: number for number, name in enumerate(self.names)}
        named = {tuple(sorted(each, key=place.__getitem__)): stops[each] for each in stops}
        return sorted(
            named, key=lambda each: (len(each), -named[each], [place[name] for name in each])
        )

    @property
    def operations(self) -> int:
        """How many operations have been seen to succeed."""
        return len(self._ways)

    @property
    def ways(self) -> int:
        """How many ways of theirs are known, none of which holds another one whole."""
        return sum(map(len, self._ways.values()))

    @property
    def possible(self) -> int:
        """How many sets of so many components there are."""
        return sum(comb(len(self.names), size) for size in range(1, self.size + 1))


@dataclass(frozen=True, slots=True)
class Guided:
    """To which sets of components a guide has led.

    Args:
        size: of the largest sets.
        tried: so many sets of one or more.
        possible: so many there are.
        left: sets to which it leads and for which there was no time.
        operations: which it has seen to succeed.
        ways: in which they did.
    """

    size: int
    tried: int
    possible: int
    left: int
    operations: int
    ways: int

    def left_out(self) -> str:
        """What was not tried, and what is known of it."""
        if self.left:
            return f"sets of up to {self.size}: at least {self.left:,} more may fail"
        return (
            f"{self.possible - self.tried:,} of {self.possible:,} sets of up to {self.size}: by "
            f"what was seen, each leaves every one of {counted(self.operations, 'operation')} a "
            "way; that holds for this workload, and as far as a way that served once serves again"
        )

    def to_json(self) -> dict[str, object]:
        """For a report."""
        return asdict(self)
