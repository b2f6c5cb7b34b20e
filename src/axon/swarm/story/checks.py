"""What was claimed, what was seen: the checks of a story, and the table they make.

Not the findings of the lab (`invariants`, `lab/verdict`): a claim of a story is that one text
equals another at one moment, so it holds or does not, and its table sets both side by side. A
finding may be undecided, has a deadline and a margin, and names whom to blame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

CLAIM_WIDTH: Final = 54
VALUE_WIDTH: Final = 22
"""Characters of the table's columns; what is longer goes on in the next line."""

_BESIDE: Final = len("act") + len("ok") + 4 * len("  ")
"""Characters of a line beside these columns."""

HOLDS: Final = "ok"
FAILS: Final = "NO"


@dataclass(frozen=True, slots=True)
class Check:
    """One claim, held against what was seen.

    Args:
        step: the number of the step it belongs to, from 1.
        claim: what was looked at, in words.
        expected: what should be seen.
        seen: what was.
    """

    step: int
    claim: str
    expected: str
    seen: str

    @property
    def holds(self) -> bool:
        """Whether what was seen is what was expected."""
        return self.expected == self.seen

    @property
    def word(self) -> str:
        """The verdict in a word."""
        return HOLDS if self.holds else FAILS


def agreed(answers: Sequence[str]) -> str:
    """What several say: the one answer if all say the same, else each one's in turn."""
    return answers[0] if len(set(answers)) == 1 else " | ".join(answers)


def table(checks: Sequence[Check], width: int = 120) -> list[str]:
    """Lines of a table with aligned columns: step, claim, expected, seen, verdict.

    Args:
        width: in characters, of the widest line; the columns share it.
    """
    value = min(VALUE_WIDTH, (width - _BESIDE) // 4)
    claim_width = min(CLAIM_WIDTH, width - _BESIDE - 2 * value)
    rows = [
        ("act", "what was checked", "expected", "seen", ""),
        *((str(item.step), item.claim, item.expected, item.seen, item.word) for item in checks),
    ]
    broken = [
        (
            step,
            _broken(claim, claim_width),
            _broken(want, value),
            _broken(seen, value),
            v,
        )
        for step, claim, want, seen, v in rows
    ]
    widths = [max(len(line) for row in broken for line in row[column]) for column in (1, 2, 3)]
    lines: list[str] = []
    for step, claim, want, seen, verdict in broken:
        for place in range(max(len(claim), len(want), len(seen))):
            cells = [
                (column[place] if place < len(column) else "").ljust(width)
                for column, width in zip((claim, want, seen), widths, strict=True)
            ]
            first = place == 0
            start = (step if first else "").rjust(3)
            lines.append("  ".join((start, *cells, verdict if first else "")).rstrip())
    lines.insert(1, "-" * max(len(line) for line in lines))
    return lines


def _broken(text: str, width: int) -> list[str]:
    return wrap(text, width) or [""]


def verdict(checks: Sequence[Check]) -> str:
    """The run in one sentence."""
    failed = [item for item in checks if not item.holds]
    if not checks:
        return "Nothing was checked."
    if not failed:
        return f"All {len(checks)} checks hold."
    return f"{len(failed)} of {len(checks)} checks do not hold."
