"""What the plan foretells beside what trials showed; where both differ, the tool is at fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from axon.swarm.blueprint import Blueprint
from axon.swarm.markup import Markup, element, table, text, told
from axon.swarm.spof.candidates import Candidate, minimal
from axon.swarm.spof.prediction import foretell, is_foretold
from axon.swarm.spof.search import CandidateRecord, CandidateState
from axon.swarm.spof.verdict import first_broken

MAX_ROWS: Final = 60

MAX_NODES: Final = 60
MAX_COMPARED: Final = 2_000
"""Nodes of a network, and its harms, of which something is foretold: smaller sets come first, and
each takes about a millisecond."""


@dataclass(frozen=True, slots=True)
class ForetoldOutcome:
    """One harm, foretold and tried.

    Args:
        candidate: the harm.
        foretold: why it was to fail; empty if it was to hold.
        seen: what does not hold; empty if all did.
    """

    candidate: Candidate
    foretold: str
    seen: str

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return bool(self.foretold) == bool(self.seen)

    def to_json(self) -> dict[str, object]:
        """For a report."""
        named = {"set": list(self.candidate.targets), "mode": str(self.candidate.mode)}
        return named | {"foretold": self.foretold, "seen": self.seen, "agrees": self.agrees}


def compare(records: Sequence[CandidateRecord], blueprint: Blueprint) -> list[ForetoldOutcome]:
    """Harms that were decided and of which something is foretold."""
    if len(blueprint.nodes) > MAX_NODES:
        return []
    return [
        ForetoldOutcome(
            each.candidate,
            foretell(each.candidate, blueprint),
            first_broken(each.reports[0]) if each.standing is CandidateState.FAILS else "",
        )
        for each in records[:MAX_COMPARED]
        if each.standing in (CandidateState.HOLDS, CandidateState.FAILS)
        and is_foretold(each.candidate, blueprint)
    ]


def prediction_section(found: Sequence[ForetoldOutcome]) -> list[Markup]:
    """The sets that are foretold to be too much, and where a trial says otherwise."""
    if not found:
        return [element("p", text("Nothing was tried of which the plan foretells anything."))]
    smallest = minimal(each.candidate for each in found if each.foretold)
    differ = [each for each in found if not each.agrees]
    foretold, seen = sum(bool(each.foretold) for each in found), sum(bool(e.seen) for e in found)
    about = (
        f"Read from the plan alone: of {len(found):,} deaths and cuts that were tried, "
        f"{foretold:,} were to fail, and {seen:,} did; {len(differ):,} differ. Where both differ "
        "either this reading or the trial is at fault. Of components that are slow, stand still "
        "or lie nothing is foretold."
    )
    kept = [each for each in found if each.candidate in smallest or not each.agrees]
    parts = [element("p", text(about))]
    if kept:
        heads = ("smallest sets", "foretold", "seen", "")
        parts.append(table(heads, list(map(_row, kept[:MAX_ROWS]))))
    if len(kept) > MAX_ROWS:
        parts.append(element("p", text(f"and {len(kept) - MAX_ROWS:,} more")))
    return parts


def _row(each: ForetoldOutcome) -> Markup:
    word, mood = ("as foretold", "good") if each.agrees else ("they DIFFER", "bad")
    return element(
        "tr",
        element("td", told(str(each.candidate), 80)),
        element("td", told(each.foretold or "to hold", 200)),
        element("td", told(each.seen or "holds", 200), class_="said"),
        element("td", element("span", text(word), class_=mood), class_="word"),
    )
