"""What running a miniscript takes: opcodes and stack, at most, over all ways to satisfy it.

Each figure comes in two: for satisfying and for dissatisfying; None where that is impossible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from axon.primitives.miniscript.types import Fragment

Most = int | None
"""The largest of some numbers; None of none."""

MAX_CHOICES: Final = 1_000
"""Parts of a `thresh` that may be satisfied or not for which this is worked out, as the work grows
with the square of their number. With more it is beyond the limits anyway: each takes an element."""

_T = TypeVar("_T")


def by_number(
    parts: Sequence[tuple[_T, _T]],
    join: Callable[[_T, _T], _T],
    choose: Callable[[_T, _T], _T],
    nothing: _T,
    impossible: _T,
    number: int,
) -> list[_T] | None:
    """What parts come to by how many of them are satisfied: from none up to `number`, as far as
    there are so many; None if there are more of them to choose from than `MAX_CHOICES`.

    What cannot be satisfied costs nothing more than to be added: there may be very many of them.

    Args:
        parts: what each comes to dissatisfied, and satisfied.
        join: puts one behind the other; associative.
        choose: one of two, or the worst of them.
        nothing: what no part comes to.
        impossible: what cannot be.
    """
    if sum([yes != impossible for _, yes in parts]) > MAX_CHOICES:
        return None
    found = [nothing]
    behind = nothing  # What follows each of them, and is not yet added.
    for no, yes in parts:
        if yes == impossible:
            behind = join(behind, no)
            continue
        known = found
        if behind is not nothing:
            known, behind = [join(each, behind) for each in found], nothing
        found = [join(known[0], no)]
        for place in range(1, len(known)):
            found.append(choose(join(known[place], no), join(known[place - 1], yes)))
        if len(known) <= number:
            found.append(join(known[-1], yes))
    return [join(each, behind) for each in found]


def plus(first: Most, second: Most) -> Most:
    """One after the other."""
    return None if first is None or second is None else first + second


def most(first: Most, second: Most) -> Most:
    """One or the other."""
    if first is None or second is None:
        return first if second is None else second
    return max(first, second)


@dataclass(frozen=True, slots=True)
class OpCount:
    """Opcodes that count against the limit of 201.

    Args:
        fixed: in the script itself.
        sat, dsat: keys of OP_CHECKMULTISIGs that are run.
    """

    fixed: int
    sat: Most
    dsat: Most


@dataclass(frozen=True, slots=True)
class StackTrace:
    """A run, or the worst of several.

    Args:
        net: by how many elements the stack is lower at its end.
        peak: by how many it is higher than at its end, at most, on the way.
    """

    net: int
    peak: int


@dataclass(frozen=True, slots=True)
class StackUse:
    """What satisfying and dissatisfying do to the stack."""

    sat: StackTrace | None
    dsat: StackTrace | None


_EMPTY = StackTrace(0, 0)
_PUSH = StackTrace(-1, 0)
_TAKE = StackTrace(1, 1)  # OP_IF, OP_EQUAL, OP_VERIFY, OP_CHECKSIG, OP_ADD and the like.
_TAKE_TWO = StackTrace(2, 2)
_NONE = OpCount(0, 0, 0)


def then(*traces: StackTrace | None) -> StackTrace | None:
    """One run after the other."""
    total: StackTrace = _EMPTY
    for each in traces:
        if each is None:
            return None
        total = StackTrace(total.net + each.net, max(each.peak, each.net + total.peak))
    return total


def either(first: StackTrace | None, second: StackTrace | None) -> StackTrace | None:
    """One run or the other."""
    if first is None or second is None:
        return first if second is None else second
    return StackTrace(max(first.net, second.net), max(first.peak, second.peak))


def op_count(
    fragment: Fragment, subs: Sequence[OpCount], number: int, keys: int, adds_verify: bool
) -> OpCount:
    """The opcodes of an expression.

    Args:
        subs: of its parts.
        number: its threshold.
        keys: how many it has.
        adds_verify: for `v:`, whether OP_VERIFY is an opcode of its own.
    """
    x, y, z = (*subs[:3], _NONE, _NONE, _NONE)[:3]
    match fragment:
        case Fragment.JUST_1:
            return OpCount(0, 0, None)
        case Fragment.JUST_0:
            return OpCount(0, None, 0)
        case Fragment.PK_K:
            return OpCount(0, 0, 0)
        case Fragment.PK_H:
            return OpCount(3, 0, 0)
        case Fragment.OLDER | Fragment.AFTER:
            return OpCount(1, 0, None)
        case Fragment.SHA256 | Fragment.HASH256 | Fragment.RIPEMD160 | Fragment.HASH160:
            return OpCount(4, 0, None)
        case Fragment.MULTI:
            return OpCount(1, keys, keys)
        case Fragment.MULTI_A:
            return OpCount(keys + 1, 0, 0)
        case Fragment.AND_V:
            return OpCount(x.fixed + y.fixed, plus(x.sat, y.sat), None)
        case Fragment.AND_B:
            return OpCount(1 + x.fixed + y.fixed, plus(x.sat, y.sat), plus(x.dsat, y.dsat))
        case Fragment.OR_B:
            sat = most(plus(x.sat, y.dsat), plus(y.sat, x.dsat))
            return OpCount(1 + x.fixed + y.fixed, sat, plus(x.dsat, y.dsat))
        case Fragment.OR_C | Fragment.OR_D:
            sat = most(x.sat, plus(y.sat, x.dsat))
            if fragment is Fragment.OR_C:
                return OpCount(2 + x.fixed + y.fixed, sat, None)
            return OpCount(3 + x.fixed + y.fixed, sat, plus(x.dsat, y.dsat))
        case Fragment.OR_I:
            return OpCount(3 + x.fixed + y.fixed, most(x.sat, y.sat), most(x.dsat, y.dsat))
        case Fragment.ANDOR:
            sat = most(plus(y.sat, x.sat), plus(x.dsat, z.sat))
            return OpCount(3 + x.fixed + y.fixed + z.fixed, sat, plus(x.dsat, z.dsat))
        case Fragment.THRESH:
            ways = [(each.dsat, each.sat) for each in subs]
            found = by_number(ways, plus, most, 0, None, number) or [0]
            sat = found[number] if number < len(found) else None
            return OpCount(sum(each.fixed + 1 for each in subs), sat, found[0])
        case Fragment.WRAP_A:
            return OpCount(2 + x.fixed, x.sat, x.dsat)
        case Fragment.WRAP_D:
            return OpCount(3 + x.fixed, x.sat, 0)
        case Fragment.WRAP_J:
            return OpCount(4 + x.fixed, x.sat, 0)
        case Fragment.WRAP_V:
            return OpCount(x.fixed + adds_verify, x.sat, None)
    return OpCount(1 + x.fixed, x.sat, x.dsat)


def stack_use(fragment: Fragment, subs: Sequence[StackUse], number: int, keys: int) -> StackUse:
    """What an expression does to the stack; see `op_count`."""
    nothing = StackUse(None, None)
    x, y, z = (*subs[:3], nothing, nothing, nothing)[:3]
    match fragment:
        case Fragment.JUST_0:
            return StackUse(None, _PUSH)
        case Fragment.JUST_1 | Fragment.OLDER | Fragment.AFTER:
            return StackUse(_PUSH, None)
        case Fragment.PK_K:
            return StackUse(_PUSH, _PUSH)
        case Fragment.PK_H:
            both = then(_PUSH, _PUSH, _TAKE_TWO)
            return StackUse(both, both)
        case Fragment.SHA256 | Fragment.HASH256 | Fragment.RIPEMD160 | Fragment.HASH160:
            return StackUse(then(_PUSH, _PUSH, _TAKE_TWO, _PUSH, _TAKE), None)
        case Fragment.MULTI:
            both = StackTrace(number, number + keys + 2)
            return StackUse(both, both)
        case Fragment.MULTI_A:
            both = StackTrace(keys - 1, keys)
            return StackUse(both, both)
        case Fragment.WRAP_C:
            return StackUse(then(x.sat, _TAKE), then(x.dsat, _TAKE))
        case Fragment.WRAP_D:
            return StackUse(then(_PUSH, _TAKE, x.sat), then(_PUSH, _TAKE))
        case Fragment.WRAP_V:
            return StackUse(then(x.sat, _TAKE), None)
        case Fragment.WRAP_J:
            return StackUse(then(_PUSH, _EMPTY, _TAKE, x.sat), then(_PUSH, _EMPTY, _TAKE))
        case Fragment.THRESH:
            return _threshold_stack(subs, number)
    if len(subs) == 1:
        return x
    return _joined_stack(fragment, x, y, z)


def _joined_stack(fragment: Fragment, x: StackUse, y: StackUse, z: StackUse) -> StackUse:
    match fragment:
        case Fragment.AND_V:
            return StackUse(then(x.sat, y.sat), None)
        case Fragment.AND_B:
            return StackUse(then(x.sat, y.sat, _TAKE), then(x.dsat, y.dsat, _TAKE))
        case Fragment.OR_B:
            sat = either(then(x.sat, y.dsat), then(x.dsat, y.sat))
            return StackUse(then(sat, _TAKE), then(x.dsat, y.dsat, _TAKE))
        case Fragment.OR_C:
            return StackUse(either(then(x.sat, _TAKE), then(x.dsat, _TAKE, y.sat)), None)
        case Fragment.OR_D:
            sat = either(then(x.sat, _PUSH, _TAKE), then(x.dsat, _TAKE, y.sat))
            return StackUse(sat, then(x.dsat, _TAKE, y.dsat))
        case Fragment.OR_I:
            sat, dsat = either(x.sat, y.sat), either(x.dsat, y.dsat)
            return StackUse(then(_TAKE, sat), then(_TAKE, dsat))
    sat = either(then(x.sat, _TAKE, y.sat), then(x.dsat, _TAKE, z.sat))
    return StackUse(sat, then(x.dsat, _TAKE, z.dsat))


def _threshold_stack(subs: Sequence[StackUse], number: int) -> StackUse:
    parts: list[tuple[StackTrace | None, StackTrace | None]] = []
    for index, each in enumerate(subs):
        add = _TAKE if index else _EMPTY
        parts.append((then(each.dsat, add), then(each.sat, add)))
    found = by_number(parts, then, either, _EMPTY, None, number)
    if found is None:
        beyond = StackTrace(len(subs), len(subs))
        return StackUse(beyond, beyond)
    sat = found[number] if number < len(found) else None
    return StackUse(then(sat, _PUSH, _TAKE), then(found[0], _PUSH, _TAKE))
