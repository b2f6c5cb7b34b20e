"""The faults that can be put into a file, and the file with one of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

from mutation.rooms import ROOT, Room, files_of

_ARITHMETIC: Final = (
    "Add_Sub Sub_Add Mul_FloorDiv FloorDiv_Mul Div_Mul Mod_Mul LShift_RShift RShift_LShift "
    "BitOr_BitAnd BitAnd_BitOr BitXor_BitAnd"
)
_COMPARISONS: Final = (
    "Eq_NotEq NotEq_Eq Lt_LtE Lt_GtE LtE_Lt LtE_Gt Gt_GtE Gt_LtE GtE_Gt GtE_Lt Is_IsNot IsNot_Is"
)


class SkipStatement:
    """Leaves out a call whose result is not used, a `raise`, an assignment to a field, a `del`."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Where it applies."""
        if node.type == "simple_stmt" and _can_be_skipped(node.children[0]):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, _index: int) -> Any:
        """`pass` instead."""
        node.children[0] = parso.parse(f"{node.children[0].get_first_leaf().prefix}pass")
        return node


def _can_be_skipped(statement: Any) -> bool:
    if statement.type in ("raise_stmt", "del_stmt"):
        return True
    text: str = statement.get_code()
    if statement.type == "atom_expr":
        return text.endswith(")")  # A call; else it is a name that stands alone or a docstring.
    return statement.type == "expr_stmt" and "." in text.partition("=")[0]


class NeverTrue:
    """Makes the condition of an `if` false."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Where it applies."""
        if node.type == "if_stmt":
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node: Any, _index: int) -> Any:
        """`False` instead."""
        node.children[1] = parso.parse(" False")
        return node


OPERATORS: Final[dict[str, Any]] = {
    "SkipStatement": SkipStatement(),
    "NeverTrue": NeverTrue(),
    **{
        name: get_operator(f"core/{name}")()
        for name in (
            *(f"ReplaceBinaryOperator_{pair}" for pair in _ARITHMETIC.split()),
            *(f"ReplaceComparisonOperator_{pair}" for pair in _COMPARISONS.split()),
            *("AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr"),
            *("ReplaceOrWithAnd", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak"),
            *("NumberReplacer", "ZeroIterationForLoop", "ReplaceUnaryOperator_Delete_Not"),
        )
    },
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Args:
        path: of the file, from the root of the tree.
        operator: its name.
        occurrence: which of the places in the file where it applies.
        line: the first line it is on, from 1.
    """

    path: str
    operator: str
    occurrence: int
    line: int


def faults_in(path: Path) -> dict[tuple[int, int, int, int], list[Fault]]:
    """All faults that can be put into a file, by place.

    Not in annotations, decorators, assertions and unions of types: a change there is none, or is
    found by mypy.
    """
    source = (ROOT / path).read_text("utf-8")
    nodes = list(ast_nodes(get_ast(source)))
    exempt = _exempt_spans(ast.parse(source))
    places: dict[tuple[int, int, int, int], list[Fault]] = {}
    for name, operator in OPERATORS.items():
        spans = [span for node in nodes for span in operator.mutation_positions(node)]
        for occurrence, (start, end) in enumerate(spans):
            if not any(first <= start < last for first, last in exempt):
                fault = Fault(str(path), name, occurrence, start[0])
                places.setdefault((*start, *end), []).append(fault)
    return places


def _exempt_spans(tree: ast.Module) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    exempt: list[ast.expr | ast.stmt] = []
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                exempt += [each.annotation for each in arguments if each.annotation is not None]
                exempt += [node.returns] if node.returns is not None else []
                exempt += node.decorator_list
            case ast.ClassDef():
                exempt += node.decorator_list
            case ast.AnnAssign():
                exempt.append(node.annotation)
            case ast.Assert():
                exempt.append(node)
    exempt += [
        node
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp)
        if isinstance(node.value.op, ast.BitOr)
    ]
    return [
        ((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0))
        for node in exempt
    ]


def drawn(rooms: dict[str, Room], count: int, seed: int) -> list[tuple[str, Fault]]:
    """A sample: as many faults of each room, at places of which each is as likely as another."""
    sample: list[tuple[str, Fault]] = []
    for number, (name, room) in enumerate(rooms.items()):
        rng = Random(f"{seed} {name}")
        places = [faults for path in files_of(room) for faults in faults_in(path).values()]
        share = count // len(rooms) + (number < count % len(rooms))
        chosen = rng.sample(places, min(share, len(places)))
        sample += [(name, rng.choice(faults)) for faults in chosen]
    return sample


def with_fault(fault: Fault) -> str:
    """The text of the file with the fault in it."""
    source = (ROOT / fault.path).read_text("utf-8")
    changed: str | None = mutate_code(source, OPERATORS[fault.operator], fault.occurrence)
    assert changed is not None, "the fault was found in this very text"
    return changed
