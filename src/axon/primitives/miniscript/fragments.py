"""Miniscript expressions as trees (BIP 379): what each is made of, and what is known of it.

A tree may be as deep as its script is long, so nothing here calls itself: what is worked out for a
whole tree is folded from its leaves (`fold`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from axon.primitives.miniscript.resources import OpCount, StackUse, op_count, stack_use
from axon.primitives.miniscript.types import Fragment, ScriptContext, Type, has, type_of
from axon.primitives.script import push_number

__all__ = ["Fragment", "Node", "ScriptContext", "fold", "keys_of", "make", "with_keys"]

MAX_P2WSH_SCRIPT: Final = 3_600
"""Bytes of a witness script that is relayed."""

MAX_TAPSCRIPT: Final = 329_482
"""Bytes of a leaf which a transaction that is relayed can still spend: of its 400,000 weight units
a transaction of one input and one output takes 378, the largest stack and control block 70,135, and
the size of the script itself 5."""

MAX_OPS: Final = 201
MAX_P2WSH_STACK: Final = 100
MAX_STACK: Final = 1_000
MAX_MULTI_A_KEYS: Final = 999

Key = object
"""A key of an expression: bytes in a script, a key expression in a descriptor."""

_T = TypeVar("_T")
_WRAPPERS: Final = frozenset(
    (
        Fragment.WRAP_A, Fragment.WRAP_S, Fragment.WRAP_C, Fragment.WRAP_D, Fragment.WRAP_V,
        Fragment.WRAP_J, Fragment.WRAP_N,
    )
)  # fmt: skip
_HASHES: Final = {
    Fragment.SHA256: 32, Fragment.HASH256: 32, Fragment.RIPEMD160: 20, Fragment.HASH160: 20,
}  # fmt: skip
_EXTRA_SIZE: Final = {
    Fragment.JUST_0: 1, Fragment.JUST_1: 1, Fragment.PK_H: 24, Fragment.AND_V: 0,
    Fragment.WRAP_S: 1, Fragment.WRAP_C: 1, Fragment.WRAP_N: 1, Fragment.AND_B: 1,
    Fragment.OR_B: 1, Fragment.WRAP_A: 2, Fragment.OR_C: 2, Fragment.WRAP_D: 3,
    Fragment.OR_D: 3, Fragment.OR_I: 3, Fragment.ANDOR: 3, Fragment.WRAP_J: 4,
}  # fmt: skip
"""Bytes of an expression besides its parts."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """An expression; from `make`.

    Args:
        fragment: what it does.
        context: where its script stands.
        subs: its parts.
        keys: in order.
        number: of a lock, or a threshold.
        data: the hash whose preimage is asked for.
        type: see `types`; `NO_TYPE` if its parts do not fit.
        size_bytes: of its script.
        ops, stack: what running it takes.
    """

    fragment: Fragment
    context: ScriptContext
    subs: tuple[Node, ...]
    keys: tuple[Key, ...]
    number: int
    data: bytes
    type: Type
    size_bytes: int
    ops: OpCount = field(repr=False)
    stack: StackUse = field(repr=False)

    @property
    def is_wrapper(self) -> bool:
        """Whether it is one of the wrappers."""
        return self.fragment in _WRAPPERS

    @property
    def is_valid(self) -> bool:
        """Whether its parts fit, and its script is not too long."""
        limit = MAX_P2WSH_SCRIPT if self.context is ScriptContext.P2WSH else MAX_TAPSCRIPT
        return bool(self.type) and self.size_bytes <= limit

    @property
    def is_valid_top(self) -> bool:
        """Whether it can be a whole script."""
        return self.is_valid and has(self.type, "B")

    @property
    def op_total(self) -> int | None:
        """Opcodes that count against the limit, at most; None if nothing satisfies it."""
        return None if self.ops.sat is None else self.ops.fixed + self.ops.sat

    @property
    def stack_total(self) -> int | None:
        """Elements that satisfying it takes, at most; None if nothing does."""
        trace = self.stack.sat
        return None if trace is None else trace.net + (not has(self.type, "V"))

    @property
    def stack_peak(self) -> int | None:
        """Elements on the stack while it runs, at most; None if nothing satisfies it."""
        trace = self.stack.sat
        return None if trace is None else trace.peak + (not has(self.type, "V"))

    @property
    def within_ops(self) -> bool:
        """Whether it keeps the limit of opcodes."""
        return self.context is ScriptContext.TAPSCRIPT or (self.op_total or 0) <= MAX_OPS

    @property
    def within_stack(self) -> bool:
        """Whether it keeps the limit of the stack."""
        if self.context is ScriptContext.TAPSCRIPT:
            return (self.stack_peak or 0) <= MAX_STACK
        return (self.stack_total or 0) <= MAX_P2WSH_STACK


def make(
    fragment: Fragment,
    context: ScriptContext,
    subs: Sequence[Node] = (),
    keys: Sequence[Key] = (),
    number: int = 0,
    data: bytes = b"",
) -> Node:
    """An expression of these parts; it may be none that is valid."""
    types = [each.type for each in subs]
    kind = type_of(fragment, types, number, context) if all(types) else 0
    adds_verify = fragment is Fragment.WRAP_V and has(subs[0].type, "x")
    ops = op_count(fragment, [each.ops for each in subs], number, len(keys), adds_verify)
    stack = stack_use(fragment, [each.stack for each in subs], number, len(keys))
    size = sum([each.size_bytes for each in subs])
    size += _size_of(fragment, context, len(subs), len(keys), number, adds_verify)
    return Node(fragment, context, tuple(subs), tuple(keys), number, data, kind, size, ops, stack)


def _size_of(
    fragment: Fragment, context: ScriptContext, subs: int, keys: int, number: int, adds_verify: bool
) -> int:
    """Bytes of an expression besides its parts."""
    match fragment:
        case Fragment.PK_K:
            return 33 if context is ScriptContext.TAPSCRIPT else 34
        case Fragment.OLDER | Fragment.AFTER:
            return 1 + len(push_number(number))
        case Fragment.MULTI:
            return 1 + len(push_number(keys)) + len(push_number(number)) + 34 * keys
        case Fragment.MULTI_A:
            return 34 * keys + len(push_number(number)) + 1
        case Fragment.THRESH:
            return subs + len(push_number(number))
        case Fragment.WRAP_V:
            return int(adds_verify)
    if fragment in _HASHES:
        return 4 + 2 + 1 + _HASHES[fragment]
    return _EXTRA_SIZE[fragment]


def fold(root: Node, work: Callable[[Node, list[_T]], _T]) -> _T:
    """Work something out for a tree, from its leaves up.

    Args:
        work: for a node and what came out for its parts.
    """
    pending: list[tuple[Node, bool]] = [(root, False)]
    done: list[_T] = []
    while pending:
        node, is_entered = pending.pop()
        if not is_entered and node.subs:
            pending.append((node, True))
            pending += [(each, False) for each in reversed(node.subs)]
            continue
        begin = len(done) - len(node.subs)
        parts = done[begin:]
        del done[begin:]
        done.append(work(node, parts))
    return done[0]


def keys_of(root: Node) -> list[Key]:
    """All keys of a tree, in the order of its text."""
    found: list[Key] = []
    pending = [root]
    while pending:
        node = pending.pop()
        found += node.keys
        pending += reversed(node.subs)
    return found


def with_keys(root: Node, change: Callable[[Key], Key]) -> Node:
    """The same tree with other keys."""

    def work(node: Node, parts: list[Node]) -> Node:
        keys = [change(key) for key in node.keys]
        return replace(node, subs=tuple(parts), keys=tuple(keys))

    return fold(root, work)
