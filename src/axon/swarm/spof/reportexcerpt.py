"""The lines of a trial's history that tell why an invariant does not hold."""

from __future__ import annotations

from typing import Final

from axon.machine import SECOND
from axon.swarm.markup import Markup, element, told
from axon.swarm.spof.plot import plain_table
from axon.swarm.trialhistory import JUDGE, NEMESIS, HistoryLine, LineType, TrialHistory

LINES: Final = 20
"""Of an excerpt."""


def excerpt(history: TrialHistory) -> list[HistoryLine]:
    """At most `LINES` lines up to the first that says that an invariant does not hold.

    That one, what was harmed, and what was asked and never done come first; then what came last
    before it.
    """
    lines = list(history.lines)
    end = next((n for n, line in enumerate(lines) if line.client == JUDGE), len(lines))
    done = {(each.client, each.what) for each in lines[:end] if each.kind is LineType.OK}

    def rank(place: int) -> tuple[int, int]:
        line = lines[place]
        if place == end or line.client == NEMESIS:
            return 0, place
        is_open = line.what != "block" and (line.client, line.what) not in done
        return (1, place) if is_open else (2, -place)

    places = sorted(range(min(end + 1, len(lines))), key=rank)[:LINES]
    return [lines[place] for place in sorted(places)]


def excerpt_table(history: TrialHistory) -> Markup:
    """The lines, and how many more there are."""
    shown = excerpt(history)
    rows = [
        (f"{line.at_us / SECOND:,.2f} s", line.client, line.what, str(line.kind), line.said)
        for line in shown
    ]
    more = f"{len(shown)} of {len(history.lines):,} lines of the history; the file has all."
    heads = ("at", "who", "what", "", "said")
    return element("div", plain_table(heads, rows), element("p", told(more), class_="about"))
