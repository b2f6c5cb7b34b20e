"""docs/threats.md: a row for each attack, and only bounds and tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

from attacks.__main__ import ATTACKS, WALLET_ATTACKS

ROOT = Path(__file__).parent.parent.parent

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "threats.md").read_text().splitlines()
    if line.startswith("| `")
]

ANY_ROWS = [
    cells
    for line in (ROOT / "docs" / "threats.md").read_text().splitlines()
    if line.startswith("| ")
    and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 4
    and cells[2] != "bound"
]
"""Of every table."""


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_each_attack_has_a_row_and_each_row_an_attack() -> None:
    named = {name for row in ROWS for name in quoted(row[0])}
    assert named == {re.sub(r"-\d+$", "", name) for name in (*ATTACKS, *WALLET_ATTACKS)}


def test_each_bound_is_a_constant_of_the_code() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    defined = set(re.findall(r"^([A-Z][A-Z0-9_]+)(?:: \w+)? = ", source, re.MULTILINE))
    bounds = {name.split()[-1] for row in ANY_ROWS for name in quoted(row[2])}
    constants = {name for name in bounds if name.isupper()}
    assert constants
    assert constants <= defined, constants - defined
    others = bounds - constants  # Classes, and what is set.
    assert not [name for name in others if not re.search(rf"\b{name}\b", source)]


def test_each_test_is_there() -> None:
    for row in ANY_ROWS:
        paths = quoted(row[3])
        assert paths, row
        for path in paths:
            assert (ROOT / path).is_file(), path
