"""Which trials keep their history: those that fail, and a sample of those that hold.

A history takes some ten kilobytes and a search may have thousands of trials, so most are let go.
What is kept follows from the candidates alone, so the same search keeps the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from axon.swarm.spof.candidates import Candidate
from axon.swarm.trialreport import TrialReport

MAX_FAILING: Final = 20
"""Candidates that fail and whose history is kept: as many as a page tells of in full."""

MAX_SAMPLED: Final = 12
"""Candidates that hold and whose history is kept: about one for each kind of harm."""


class HistoryKeeping:
    """What one search keeps.

    Args:
        candidates: of the search. The first of each kind of harm, and of each number of components
            that are harmed at once, is sampled.
    """

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        first: dict[tuple[object, int], Candidate] = {}
        for each in candidates:
            first.setdefault((each.mode, len(each.targets)), each)
        self._sampled = frozenset(list(first.values())[:MAX_SAMPLED])
        self._failing = 0

    def thin(self, candidate: Candidate, attempt: int, report: TrialReport) -> None:
        """Have a report let go of its history if it is not one of those."""
        if report.broken and attempt == 0 and self._failing < MAX_FAILING:
            self._failing += report.history is not None
        elif report.broken or attempt or candidate not in self._sampled:
            report.history = None
