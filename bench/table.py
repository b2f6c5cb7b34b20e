"""The rows of the table: what was measured, what is demanded, whether it holds."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_WIDTHS: Final = (46, 34, 16)
_NOTE_WIDTH: Final = 96


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Args:
        what: was measured, against what.
        found: figures with their units.
        limit: what is demanded, in words.
        holds: whether it is met; None if it was not measured.
        notes: what is included and what else was seen, one sentence each.
    """

    what: str
    found: str
    limit: str
    holds: bool | None
    notes: Sequence[str] = ()


class Skipped(Exception):
    """A row cannot be measured here; the text says what is missing."""


def render(rows: Sequence[Row]) -> str:
    """The table, with the notes below it."""
    lines = [
        _line("what", "found", "limit", "holds"),
        _line(*["-" * width for width in _WIDTHS], "-----"),
    ]
    notes: list[str] = []
    for number, row in enumerate(rows, start=1):
        said = {True: "yes", False: "NO", None: "skipped"}[row.holds]
        lines.append(_line(f"{number} {row.what}", row.found, row.limit, said))
        for note in row.notes:
            wrapped = textwrap.wrap(note, _NOTE_WIDTH, subsequent_indent="   ")
            notes += [f"{number}: {wrapped[0]}", *wrapped[1:]]
    return "\n".join([*lines, "", *notes])


def _line(*cells: str) -> str:
    """One line of the table, or more where a cell is too long for its column."""
    columns = [
        textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, (*_WIDTHS, 8), strict=True)
    ]
    height = max(len(column) for column in columns)
    rows = [[column[at] if at < len(column) else "" for column in columns] for at in range(height)]
    widths = (*_WIDTHS, 0)
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
