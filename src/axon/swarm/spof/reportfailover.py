"""How long clients waited over all trials: a histogram; those that waited in vain stand last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from axon.machine import SECOND
from axon.swarm.markup import Markup, element, text
from axon.swarm.spof.plot import WIDTH, Scale, axes, chart, key, plain_table
from axon.swarm.spof.search import CandidateRecord
from axon.swarm.trialreport import Operation

EDGES_S: Final = (10, 30, 60, 120, 300, 600, 1_200)
"""Ends of the bins, in seconds."""

NEVER: Final = "never"
LABELS: Final = (
    "\u2264 10 s",
    "\u2264 30 s",
    "\u2264 1 min",
    "\u2264 2 min",
    "\u2264 5 min",
    "\u2264 10 min",
    "\u2264 20 min",
    "longer",
    NEVER,
)
"""Of the bins, each beginning where the one before it ends."""

_HEIGHT: Final = 230.0


def histogram(operations: Iterable[Operation]) -> list[int]:
    """How many operations took how long: one number for each of `LABELS`."""
    counts = [0] * len(LABELS)
    for each in operations:
        if each.took_us is None:
            counts[-1] += 1
        else:
            took_s = each.took_us / SECOND
            counts[sum(took_s > edge for edge in EDGES_S)] += 1
    return counts


def failover_section(records: Sequence[CandidateRecord]) -> list[Markup]:
    """The histogram of all operations, and by what was asked."""
    asked: dict[str, list[Operation]] = {}
    for record in records:
        for report in record.reports.values():
            for each in report.operations:
                asked.setdefault(each.what, []).append(each)
    operations = [each for found in asked.values() for each in found]
    if not operations:
        return [element("p", text("No client asked anything."))]
    counts = histogram(operations)
    about = (
        f"How long each of {len(operations):,} operations took, from the harm until it was done. "
        "All wait for the next block, which comes within half a minute on average: what is beyond "
        "that is the time that somebody took to find another way."
    )
    rows = [(what, *_shown(histogram(found))) for what, found in asked.items()]
    rows.append(("all", *_shown(counts)))
    words = plain_table(("asked to", *LABELS), rows)
    caption = [
        key("ink", "done"),
        key("bad", "never done"),
        text("The number above a bar counts operations."),
    ]
    title = f"histogram of {len(operations)} operations by how long they took"
    drawn = _bars(counts)
    figure = chart(title, _HEIGHT, drawn, caption, words, is_folded=False)
    return [element("p", text(about)), figure]


def _shown(counts: Sequence[int]) -> list[str]:
    return [f"{count:,}" if count else "" for count in counts]


def _bars(counts: Sequence[int]) -> list[Markup]:
    most = max(counts)
    x = Scale(0.0, float(len(counts)), 46.0, WIDTH - 12)
    y = Scale(0.0, float(most), _HEIGHT - 26, 22.0)
    up = [(value, f"{value:,.0f}") for value in y.ticks(4) if value == int(value)]
    drawn = axes(x, y, across=(), up=up)
    for place, count in enumerate(counts):
        left, right, top = x.at(place) + 6, x.at(place + 1) - 6, y.at(count)
        middle = (left + right) / 2
        kind = "bad" if LABELS[place] == NEVER else "bar"
        box = {"x": left, "y": top, "width": right - left, "height": max(0.0, y.start - top)}
        if count:
            drawn.append(element("rect", class_=kind, **box))
            drawn.append(element("text", text(f"{count:,}"), x=middle, y=top - 5, class_="ink"))
        drawn.append(element("text", text(LABELS[place]), x=middle, y=_HEIGHT - 9))
    return drawn
