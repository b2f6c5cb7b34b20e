"""What the checks found, and the one word that follows from it.

Each invariant holds, does not hold, or could not be decided; the last is never counted as the
first. The exit code says the same: 0, 1, 2; and 3 where the lab itself failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from textwrap import wrap
from typing import Final

from axon.swarm.invariants import Finding, counted

WIDTH: Final = 80
"""Characters of a line; what is longer goes on in the next."""


class Exit(IntEnum):
    """Exit codes of the lab's commands."""

    PASS = 0
    VIOLATED = 1
    INCONCLUSIVE = 2
    HARNESS_FAULT = 3


def exit_code(findings: Sequence[Finding]) -> Exit:
    """What all findings together mean."""
    if any(item.holds is False for item in findings):
        return Exit.VIOLATED
    if not findings or any(item.holds is None for item in findings):
        return Exit.INCONCLUSIVE
    return Exit.PASS


def sentence(findings: Sequence[Finding]) -> str:
    """The same in words, with the names of those to blame."""
    broken = [item for item in findings if item.holds is False]
    open_ = [item for item in findings if item.holds is None]
    if broken:
        names = ", ".join(item.name for item in broken)
        culprits = list(dict.fromkeys(name for item in broken for name in item.culprits))
        blame = f"; single point of failure, or to blame: {', '.join(culprits)}" * bool(culprits)
        return f"VIOLATED: {names}{blame}."
    if open_ or not findings:
        return f"INCONCLUSIVE: {', '.join(item.name for item in open_) or 'nothing was checked'}."
    return f"PASS: {counted(len(findings), 'finding')}, all good as far as was tried."


def table(findings: Sequence[Finding]) -> list[str]:
    """Lines of a table, none wider than a terminal: the numbers, and below what was seen."""
    rows = [("", "invariant", "holds", "worst", "deadline", "margin")]
    for item in findings:
        rows.append((item.name, item.title, item.word, *numbers(item)))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = []
    for row, said in zip(rows, ["", *(item.said for item in findings)], strict=True):
        cells = zip(row, widths, strict=True)
        lines.append(
            "  ".join(
                cell.rjust(width) if column > 2 else cell.ljust(width)
                for column, (cell, width) in enumerate(cells)
            ).rstrip()
        )
        indent = " " * (widths[0] + 2)
        lines += wrap(said, WIDTH, initial_indent=indent, subsequent_indent=indent)
    lines.insert(1, "-" * max(len(line) for line in lines))
    return lines


def numbers(item: Finding) -> tuple[str, str, str]:
    """The worst value, the deadline and the margin; nothing where they are not why it fails."""
    if item.holds is False and item.margin is None:
        return ("", "", "")
    worst, deadline, margin = (
        _measure(value, item.unit) for value in (item.worst, item.deadline, item.margin)
    )
    return (worst, deadline, margin)


def _measure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    digits = 2 if unit == "s" and value < 10 else 0
    number = f"{value:.{digits}f}"
    one = unit.endswith("s") and len(unit) > 1 and number.lstrip("-") == "1"
    return f"{number} {unit.removesuffix('s') if one else unit}"
