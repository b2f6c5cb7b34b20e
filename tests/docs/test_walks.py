"""The walks of docs/architecture.md name functions that are there, and count their files."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src" / "axon"

_PART = re.compile(r"^### ", re.MULTILINE)
_QUOTED = re.compile(r"`([^`]+)`|^(\d+) files\.", re.MULTILINE)
_STEP = re.compile(r"(?:([\w/]+\.py):)?([A-Za-z_]+(?:\.[A-Za-z_]+)?)")


def walks() -> list[str]:
    """The text of each walk, its title first."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    section = page.partition("\n## Walks\n")[2].partition("\n## ")[0]
    return _PART.split(section)[1:]


@cache
def defined(path: Path) -> frozenset[str]:
    """The functions and classes of a file, and methods after their class and a dot."""
    names: set[str] = set()
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, kinds):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{item.name}" for item in node.body if isinstance(item, kinds)}
    return frozenset(names)


def faults_of(walk: str) -> list[str]:
    """What a walk names that is not there.

    A file is named in full first and by its last part later; a name without a file is one of the
    file, or of the class, that was named before it.
    """
    wrong: list[str] = []
    entered: dict[str, Path] = {}
    files: set[Path] = set()
    here: Path | None = None
    owner = ""
    for quoted, count in _QUOTED.findall(walk):
        if count:
            if int(count) != len(files):
                wrong.append(f"{count} files, but there are {len(files)}")
            continue
        step = _STEP.fullmatch(quoted)
        if step is None:
            continue  # A command of the shell, or the name of a node.
        file, name = step.groups()
        if file is not None:
            here = SOURCE / file if "/" in file else entered.get(file)
            owner = ""
            if here is None or not here.is_file():
                wrong.append(f"{file}: no such file, or not named in full before")
                here = None
                continue
            entered[here.name] = here
            files.add(here)
        if here is None:
            continue
        if name not in defined(here) and f"{owner}.{name}" not in defined(here):
            wrong.append(f"{here.relative_to(SOURCE)}: no {name}")
        owner = name.partition(".")[0] if "." in name else owner
    return wrong


@pytest.mark.parametrize("walk", walks(), ids=lambda walk: str(walk).partition("\n")[0])
def test_a_walk_leads_through_the_code(walk: str) -> None:
    assert not faults_of(walk)


def test_there_are_walks() -> None:
    assert len(walks()) >= 2


@pytest.mark.parametrize(
    ("walk", "fault"),
    [
        ("`cli/nowhere.py:main`", "no such file"),
        ("`main.py:main`", "not named in full"),
        ("`cli/main.py:nothing`", "no nothing"),
        ("`cli/main.py:main` -> `nothing`", "no nothing"),
        ("`node/outbox.py:Outbox.nothing`", "no Outbox.nothing"),
        ("`cli/main.py:main`\n\n2 files.", "there are 1"),
    ],
)
def test_a_walk_that_goes_astray_is_found(walk: str, fault: str) -> None:
    (found,) = faults_of(walk)
    assert fault in found


def test_names_after_a_file_belong_to_it() -> None:
    assert not faults_of("`cli/main.py:main` -> `node/outbox.py:Outbox.send`, `put`\n\n2 files.\n")
