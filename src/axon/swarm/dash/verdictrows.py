"""Single points of failure as rows: whom a search harmed, how, and what came of it.

The rows are those of a verdict that was saved, or of a search as it goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from axon.swarm.invariants import counted
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.savedverdict import SavedVerdict
from axon.swarm.spof.search import CandidateState
from axon.swarm.spof.verdict import Level

MAX_ROWS: Final = 100
"""On the page; what fails comes first."""

_GOOD: Final = {Level.FOUND: False, Level.WEAK: False, Level.NONE: True, Level.SWARM: True}


def verdict_json(verdict: SavedVerdict, where: str) -> dict[str, object]:
    """A saved verdict for the page.

    Args:
        verdict: that was saved.
        where: the name of its file.
    """
    standings = {record.candidate: str(record.standing) for record in verdict.records}
    about = (
        f"{where}, {verdict.backend}, seed {verdict.seed}. It judges the network on paper that it "
        "was given, not the processes of this run."
    )
    return _json(standings, verdict.level, verdict.sentence, about, "")


class SearchTable:
    """A search that goes on; a candidate that was not tried yet has an empty word.

    Args:
        about: what is searched, in words.
        candidates: all that will be tried.
    """

    def __init__(self, about: str, candidates: Iterable[Candidate]) -> None:
        self._about = about
        self._standings = dict.fromkeys(candidates, "")
        self._level, self._sentence = "", ""
        self._said = "the network is raised in virtual time"

    def found(self, candidate: Candidate, standing: str) -> None:
        """How one stands now."""
        self._standings[candidate] = standing
        tried = sum(bool(word) for word in self._standings.values())
        self._said = f"{tried} of {len(self._standings)} tried"

    def said(self, line: str) -> None:
        """What is done now."""
        self._said = line

    def end(self, level: str, sentence: str) -> None:
        """The word; empty, and why, if it ended before."""
        self._level, self._sentence, self._said = level, sentence, ""

    def to_json(self) -> dict[str, object]:
        """For the page."""
        return _json(self._standings, self._level, self._sentence, self._about, self._said)


def _json(
    standings: Mapping[Candidate, str], level: str, sentence: str, about: str, said: str
) -> dict[str, object]:
    rows: dict[tuple[str, ...], dict[Mode, str]] = {}
    for candidate, word in standings.items():
        rows.setdefault(candidate.targets, {})[candidate.mode] = word
    modes = [mode for mode in Mode if any(mode in cells for cells in rows.values())]
    fails = str(CandidateState.FAILS)
    ordered = sorted(rows, key=lambda targets: (fails not in rows[targets].values(), len(targets)))
    shown = ordered[:MAX_ROWS]
    left = len(ordered) - len(shown)
    return {
        "running": bool(said),
        "said": said,
        "sentence": sentence,
        "good": _GOOD.get(Level(level)) if level else None,
        "modes": [str(mode) for mode in modes],
        "rows": [
            {"name": " ".join(targets), "cells": [rows[targets].get(mode) for mode in modes]}
            for targets in shown
        ],
        "about": about + f" {counted(left, 'row')} left out." * bool(left),
    }
