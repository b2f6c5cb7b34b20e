"""The verdict as it grows: a row for each invariant, waiting until it is found out.

idle --begin--> running --add--> running --end--> over (or broken off) --begin--> running
"""

from __future__ import annotations

from collections.abc import Sequence

from axon.swarm.invariants import TITLES, Finding
from axon.swarm.lab.verdict import numbers, sentence


class CheckTable:
    """Rows of one check; empty before the first."""

    def __init__(self) -> None:
        self.said = ""
        """What is done now, or why it ended before its end."""
        self._is_running = False
        self._is_whole = False
        self._wanted: tuple[str, ...] = ()
        self._found: list[Finding] = []

    def begin(self, names: Sequence[str]) -> None:
        """Look for these, in this order."""
        self._wanted, self._found = tuple(names), []
        self._is_running, self._is_whole, self.said = True, False, ""

    def add(self, finding: Finding) -> None:
        """One has been found out."""
        self._found.append(finding)

    def end(self, why: str = "") -> None:
        """All have; or it ended before, and why."""
        self._is_running, self._is_whole, self.said = False, not why, why

    def to_json(self) -> dict[str, object]:
        """For the page: those that wait stand below those that are known."""
        rows = [_row(finding) for finding in self._found]
        known = {finding.name.partition("-")[0] for finding in self._found}
        if self._is_running:
            rows += [
                {"name": name, "title": TITLES[name], "word": "", "said": "", "measure": ""}
                for name in self._wanted
                if name not in known
            ]
        return {
            "running": self._is_running,
            "said": self.said,
            "rows": rows,
            "sentence": sentence(self._found) if self._is_whole else "",
        }


def _row(finding: Finding) -> dict[str, object]:
    worst, deadline, _ = numbers(finding)
    return {
        "name": finding.name,
        "title": finding.title,
        "word": finding.word,
        "said": finding.said,
        "measure": f"{worst} of {deadline}" if worst and deadline not in ("", worst) else worst,
    }
