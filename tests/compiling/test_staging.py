"""The text that mypyc gets: dataclasses without `slots=True`, their class variables as text."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import axon
from compiling.modules import MODULES
from compiling.staging import stage, staged_text

PACKAGE = Path(axon.__file__).parent


@pytest.mark.parametrize(
    ("text", "staged"),
    [
        ("@dataclass(frozen=True, slots=True)\nclass A: ...", "@dataclass(frozen=True)"),
        ("@dataclass(slots=True, frozen=True)\nclass A: ...", "@dataclass(frozen=True)"),
        ("@dataclass(slots=True)\nclass A: ...", "@dataclass()"),
        ("@dataclass\nclass A: ...", "@dataclass"),
        ("@other(slots=True)\nclass A: ...", "@other(slots=True)"),
        ("class A: ...  # @dataclass(slots=True)", "class A: ...  # @dataclass(slots=True)"),
    ],
)
def test_slots_are_left_out(text: str, staged: str) -> None:
    assert staged_text(text).splitlines()[0] == staged


def test_class_variables_of_dataclasses_are_text_and_a_union() -> None:
    source = (
        "from typing import ClassVar, Final\n"
        "class Plain:\n    limit: ClassVar[int] = 1\n"
        "@dataclass(frozen=True, slots=True)\n"
        "class Ping:\n    command: ClassVar[str] = 'ping'\n    nonce: int\n"
    )
    assert staged_text(source) == (
        "from typing import ClassVar, Never, Final\n"
        "class Plain:\n    limit: ClassVar[int] = 1\n"
        "@dataclass(frozen=True)\n"
        "class Ping:\n    command: \"ClassVar[str | Never]\" = 'ping'\n    nonce: int\n"
    )


def test_nothing_else_changes(tmp_path: Path) -> None:
    paths = stage(PACKAGE, tmp_path, MODULES)
    assert len(paths) == len(MODULES)
    for path in paths:
        source = (PACKAGE.parent / path).read_text()
        staged = (tmp_path / path).read_text()
        ast.parse(staged)
        assert "slots=True" not in staged
        assert len(source.splitlines()) == len(staged.splitlines())
        for before, after in zip(source.splitlines(), staged.splitlines(), strict=True):
            assert before == after or "slots=True" in before or "ClassVar" in before
