"""A copy of the source as mypyc wants it: the same lines with two changes in dataclasses.

`slots=True` makes a second class of a dataclass, and one that is compiled cannot be made twice; it
has no dictionary anyway. And of `ClassVar[int]` mypyc tells `dataclass` only `int`, which then
takes it for a field; an annotation that is text and a union it hands on as it is, so that becomes
`"ClassVar[int | Never]"`. No line moves, so tracebacks show the lines of the source.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

PACKAGE: Final = "axon"
_CLASS_VARIABLE: Final = "ClassVar"


class _Edit(NamedTuple):
    """Bytes of a line that are replaced."""

    row: int
    begin: int
    end: int
    text: str


def stage(source: Path, folder: Path, modules: frozenset[str]) -> list[str]:
    """Copy a package into a folder.

    Args:
        source: the folder `axon`.
        folder: gets the same folder.
        modules: to be compiled, in full names; only these are changed.

    Returns:
        Their paths, relative to `folder`, in order.
    """
    ignored = shutil.ignore_patterns("__pycache__", "_compiled", "*.so")
    shutil.copytree(source, folder / PACKAGE, ignore=ignored)
    # It names what the library hands out, and mypy would look at all of axon for each module.
    (folder / PACKAGE / "__init__.py").write_text("")
    paths = [Path(*module.split(".")).with_suffix(".py") for module in sorted(modules)]
    for path in paths:
        staged = folder / path
        staged.write_text(staged_text(staged.read_text()))
    return [str(path) for path in paths]


def staged_text(text: str) -> str:
    """The text of a module as mypyc gets it."""
    lines = [line.encode() for line in text.splitlines(keepends=True)]  # Offsets count bytes.
    for row, begin, end, new in sorted(_edits(ast.parse(text), text), reverse=True):
        before, after = lines[row][:begin], lines[row][end:]
        if not new:  # A keyword goes with one comma beside it.
            if before.rstrip().endswith(b","):
                before = before.rstrip()[:-1]
            elif after.lstrip().startswith(b","):
                after = after.lstrip()[1:].lstrip()
        lines[row] = before + new.encode() + after
    return b"".join(lines).decode()


def _edits(tree: ast.Module, text: str) -> Iterator[_Edit]:
    has_variables = False
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef) or not any(map(_is_dataclass, node.decorator_list)):
            continue
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and _is_dataclass(call):
                yield from [_edit(part, "") for part in call.keywords if part.arg == "slots"]
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and _is_class_variable(part.annotation):
                has_variables = True
                said = ast.get_source_segment(text, part.annotation)
                assert said is not None
                assert said.endswith("]")
                assert '"' not in said
                yield _edit(part.annotation, f'"{said[:-1]} | Never]"')
    for node in tree.body if has_variables else ():
        if isinstance(node, ast.ImportFrom) and node.module == "typing":
            names = [alias for alias in node.names if alias.name == _CLASS_VARIABLE]
            yield from [_edit(alias, f"{_CLASS_VARIABLE}, Never") for alias in names]


def _edit(node: ast.keyword | ast.expr | ast.alias, text: str) -> _Edit:
    assert node.lineno == node.end_lineno, "what is changed stands in one line"
    assert node.end_col_offset is not None
    return _Edit(node.lineno - 1, node.col_offset, node.end_col_offset, text)


def _is_dataclass(decorator: ast.expr) -> bool:
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(name, ast.Name) and name.id == "dataclass"


def _is_class_variable(annotation: ast.expr) -> bool:
    return (
        isinstance(annotation, ast.Subscript)
        and isinstance(annotation.value, ast.Name)
        and annotation.value.id == _CLASS_VARIABLE
    )
