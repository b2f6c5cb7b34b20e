"""What a report says of all trials at once: components against harms, and sets of nodes by size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from axon.swarm.blueprint import ComponentClass
from axon.swarm.markup import Markup, element, table, text, told
from axon.swarm.spof.candidates import Mode
from axon.swarm.spof.reporttrial import MAX_NAME, MOODS, share_used
from axon.swarm.spof.search import CandidateRecord, CandidateState

Cells = Mapping[str, Mapping[Mode, int]]
"""By component and harm: the place of the trial among all."""

_SHOWN_SETS: Final = 20


def matrix(records: Sequence[CandidateRecord], kinds: Mapping[str, ComponentClass]) -> Markup:
    """Each component against each harm; a cell leads to its trial."""
    cells: dict[str, dict[Mode, int]] = {}
    for place, record in enumerate(records):
        if len(record.candidate.targets) == 1:
            cells.setdefault(record.candidate.targets[0], {})[record.candidate.mode] = place
    if not cells:
        return element("p", text("No single component was harmed."))
    modes = [mode for mode in Mode if any(mode in row for row in cells.values())]
    rows = [
        element(
            "tr",
            element("th", told(name, MAX_NAME), scope="row"),
            element("td", text(kinds.get(name, ComponentClass.LINK))),
            *[_cell(records, row.get(mode)) for mode in modes],
        )
        for name, row in cells.items()
    ]
    return element("div", table(("component", "kind", *modes), rows), class_="matrix")


def _cell(records: Sequence[CandidateRecord], place: int | None) -> Markup:
    if place is None:
        return element("td", text("\u2013"), class_="none")
    record = records[place]
    said = str(record.standing)
    if record.standing is CandidateState.FAILS:
        said = f"fails {' '.join(each.name for each in record.reports[0].broken)}"
    parts = [element("a", text(said), href=f"#t{place}")]
    share = share_used(record)
    if record.standing is CandidateState.HOLDS and share is not None:
        shown = f"{share:.0%}" if share >= 0.01 else "< 1%"
        parts.append(element("small", text(f" {shown}")))
    return element("td", *parts, class_=MOODS[record.standing])


def sets(records: Sequence[CandidateRecord]) -> Markup:
    """Several components at once, by size; those that do not hold are named."""
    sized = [(place, each) for place, each in enumerate(records) if len(each.candidate.targets) > 1]
    if not sized:
        return element("p", text("No two components were harmed at once."))
    standing = Counter((len(each.candidate.targets), each.standing) for _, each in sized)
    states = [state for state in CandidateState if any(state is found for _, found in standing)]
    rows = [
        element(
            "tr",
            element("td", text(f"{size} at once")),
            *[element("td", text(f"{standing[size, state]:,}")) for state in states],
        )
        for size in sorted({size for size, _ in standing})
    ]
    parts = [table(("how many", *states), rows)]
    other = [(place, each) for place, each in sized if each.standing is not CandidateState.HOLDS]
    for place, each in other[:_SHOWN_SETS]:
        link = element("a", told(str(each.candidate), MAX_NAME), href=f"#t{place}")
        said = element("span", text(f" {each.standing}"), class_=MOODS[each.standing])
        parts.append(element("p", link, said))
    if len(other) > _SHOWN_SETS:
        parts.append(element("p", text(f"and {len(other) - _SHOWN_SETS:,} more, see the trials")))
    return element("div", *parts)
