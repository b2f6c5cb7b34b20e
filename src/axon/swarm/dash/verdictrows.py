"""A saved verdict of `axon swarm spof` as rows: whom it harmed, how, and what came of it."""

from __future__ import annotations

from typing import Final

from axon.swarm.invariants import counted
from axon.swarm.spof.candidates import Mode
from axon.swarm.spof.savedverdict import SavedVerdict
from axon.swarm.spof.search import CandidateState
from axon.swarm.spof.verdict import Level

MAX_ROWS: Final = 100
"""On the page; what fails comes first."""

_GOOD: Final = {Level.FOUND: False, Level.WEAK: False, Level.NONE: True, Level.SWARM: True}


def verdict_json(verdict: SavedVerdict, where: str) -> dict[str, object]:
    """For the page.

    Args:
        verdict: that was saved.
        where: the name of its file.
    """
    rows: dict[tuple[str, ...], dict[Mode, str]] = {}
    for record in verdict.records:
        rows.setdefault(record.candidate.targets, {})[record.candidate.mode] = str(record.standing)
    modes = [mode for mode in Mode if any(mode in cells for cells in rows.values())]
    fails = str(CandidateState.FAILS)
    ordered = sorted(rows, key=lambda targets: (fails not in rows[targets].values(), len(targets)))
    shown = ordered[:MAX_ROWS]
    left = f"; {counted(len(ordered) - len(shown), 'row')} left out" * (len(ordered) > len(shown))
    about = f"{where}, {verdict.backend}, seed {verdict.seed}{left}. It judges the network on paper"
    return {
        "sentence": verdict.sentence,
        "good": _GOOD.get(verdict.level),
        "modes": [str(mode) for mode in modes],
        "rows": [
            {"name": " ".join(targets), "cells": [rows[targets].get(mode, "") for mode in modes]}
            for targets in shown
        ],
        "about": f"{about} that it was given, not the processes of this run.",
    }
