"""Which interesting states the trials came to: what none of them met is not decided by them."""

from __future__ import annotations

from collections.abc import Sequence

from axon.swarm.markup import Markup, element, table, text
from axon.swarm.sightings import SIGHTS, over
from axon.swarm.spof.search import CandidateRecord


def sometimes_section(records: Sequence[CandidateRecord]) -> list[Markup]:
    """The table."""
    runs = [report.sometimes for record in records for report in record.reports.values()]
    looked = [run for run in runs if run]
    if not looked:
        said = "Nobody looked in these trials which rare states they came to; all are undecided."
        return [element("p", text(said))]
    found = over(looked)
    about = (
        f"In how many of {len(looked):,} trials each state was reached. Whatever holds in one that "
        "was never reached, these trials have not shown it."
    )
    undecided = element("span", text("undecided"), class_="open")
    rows = [
        element(
            "tr",
            element("td", text(sight)),
            element("td", text(meaning)),
            element("td", text(f"{found[sight]:,}"), class_="number"),
            element("td", *[undecided] * (not found[sight])),
        )
        for sight, meaning in SIGHTS.items()
    ]
    return [element("p", text(about)), table(("state", "", "trials", ""), rows)]
