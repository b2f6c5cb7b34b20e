"""What one question about a network came to, by reading alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AuditState(StrEnum):
    """What a check came to."""

    FOUND = "found"
    NONE = "none found"
    UNDECIDED = "undecided"
    IDLE = "nothing hangs on it"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """One component on which service hangs.

    Args:
        component: its name.
        kind: what it is: node, link, outside peer, host, netgroup, AS, version, proxy, address.
    """

    component: str
    kind: str

    def __str__(self) -> str:
        return f"{self.component} ({self.kind})"


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """One question and its answer.

    Args:
        name: short, for programs.
        title: what is asked about.
        state: what it came to.
        said: what was seen, a sentence.
        needs: how many components must be gone at once until service is lost; None if it is not a
            matter of number, or not known.
        points: the single ones, where one is enough.
    """

    name: str
    title: str
    state: AuditState
    said: str
    needs: int | None = None
    points: tuple[SinglePoint, ...] = ()

    def to_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "title": self.title,
            "state": str(self.state),
            "needs": self.needs,
            "components": [
                {"component": each.component, "kind": each.kind} for each in self.points
            ],
            "said": self.said,
        }


def by_number(
    name: str, title: str, said: str, needs: int, points: tuple[SinglePoint, ...]
) -> AuditCheck:
    """A check whose answer is how many must be gone: one is a single point.

    Args:
        points: what there is; told where it is one.
    """
    found = needs == 1
    state = AuditState.FOUND if found else AuditState.NONE
    return AuditCheck(name, title, state, said, needs, points if found else ())


def named(names: list[str] | tuple[str, ...], most: int = 6) -> str:
    """Names with commas, the first ones of many."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
