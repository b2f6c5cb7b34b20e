"""The invariants: what must hold in a network of nodes and wallets, and the verdict on one of them.

The lab checks them in a network of real processes, the simulation in a network in virtual time;
`docs/invariants.md` tells each in plain words. S: safety, must hold at every moment. L: liveness,
must come to hold in time once no new fault occurs. What lab and simulation say about one is a
`Finding`; they differ only in how they look at a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "S1": "validity",
        "S2": "one ledger",
        "S3": "no inflation",
        "S4": "most work",
        "S5": "bounded history change",
        "S6": "durability",
        "S7": "honest wallet",
        "S8": "no double credit",
        "S9": "no friendly fire",
        "S10": "bounded resources",
        "S11": "determinism",
        "S12": "secrets stay home",
        "S13": "honest payment",
        "L1": "convergence",
        "L1-plan": "no node all others need",
        "L1-kill": "convergence, one dead",
        "L2": "propagation",
        "L3": "service",
        "L3-cold": "service, cold",
        "L3-plan": "no node a client needs",
        "L3-kill": "service, one dead",
        "L4": "growth",
        "L5": "inclusion",
        "L6": "healing",
        "L7": "rejoin",
        "L8": "last survivor",
        "L9": "not eclipsed",
        "L10": "attack progress",
        "L11": "one-way partition",
        "L12": "direct payment",
        "L12-kill": "direct payment, all dead",
        "V": "the network",
    }
)
"""By name; V is that there is a network at all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant and what was found of it: the verdict of every check, real or simulated.

    Args:
        name: of the invariant: `S1`, `L7`, `L1-plan`.
        holds: None if it could not be decided.
        said: what was looked at and seen, in one sentence.
        worst: the worst value that was measured; None where it is not a matter of degree.
        deadline: what it must not exceed, in the same unit.
        unit: of both.
        culprits: components without which it would hold, or which break it.
        tried: how many cases were tried.
    """

    name: str
    holds: bool | None
    said: str
    worst: float | None = None
    deadline: float | None = None
    unit: str = "s"
    culprits: tuple[str, ...] = ()
    tried: int = 1

    def __post_init__(self) -> None:
        assert self.name in TITLES, f"{self.name} is an invariant"
        late = self.margin is not None and self.margin < 0
        assert not (self.holds and late), f"{self.name} holds and is beyond its deadline"

    @property
    def title(self) -> str:
        """What the invariant is called."""
        return TITLES[self.name]

    @property
    def word(self) -> str:
        """The verdict on it in a word."""
        return {True: "yes", False: "NO", None: "?"}[self.holds]

    @property
    def margin(self) -> float | None:
        """How far the worst value stayed below the deadline; negative beyond it.

        None where it does not hold for another reason than that value: a margin would deny it.
        """
        if self.worst is None or self.deadline is None:
            return None
        margin = self.deadline - self.worst
        return None if self.holds is False and margin >= 0 else margin

    def to_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "title": self.title,
            "ok": self.holds,
            "said": self.said,
            "worst": _rounded(self.worst),
            "deadline": self.deadline,
            "margin": _rounded(self.margin),
            "unit": self.unit,
            "culprits": list(self.culprits),
            "tried": self.tried,
        }


class Violation(AssertionError):
    """An invariant that does not hold, where that ends the run.

    Args:
        name: of the invariant.
        said: what was seen.
        culprits: which break it.
    """

    def __init__(self, name: str, said: str, culprits: tuple[str, ...] = ()) -> None:
        super().__init__(f"{name}: {said}")
        self.finding = Finding(name, False, said, culprits=culprits)


def counted(number: int, noun: str) -> str:
    """So many of something: `1 node`, `2 nodes`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def told_of(names: Sequence[str], singular: str, plural: str) -> str:
    """Names with the form of the verb that agrees: `w1 knows`, `w1 and w2 know`."""
    shown = " and ".join([", ".join(names[:-1])] * (len(names) > 1) + list(names[-1:]))
    return f"{shown} {singular if len(names) == 1 else plural}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
