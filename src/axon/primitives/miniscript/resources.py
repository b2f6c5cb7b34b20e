"""What running a miniscript takes: opcodes and stack, at most, over all ways to satisfy it.

Each figure comes in two: for satisfying and for dissatisfying; None where that is impossible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from axon.primitives.miniscript.types import Fragment

Most = int | None
"""The largest of some numbers; None of none."""

MAX_SUBS: Final = 1_000
"""Parts of a `thresh` for which this is worked out, as the work grows with the square of their
number. With more it is beyond the limits anyway: each has an opcode and takes an element."""


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
        case Fragment.THRESH if len(subs) > MAX_SUBS:
            return OpCount(sum(each.fixed + 1 for each in subs), 0, 0)
        case Fragment.THRESH:
            sats = _by_number([(each.sat, each.dsat) for each in subs])
            return OpCount(sum(each.fixed + 1 for each in subs), sats[number], sats[0])
        case Fragment.WRAP_A:
            return OpCount(2 + x.fixed, x.sat, x.dsat)
        case Fragment.WRAP_D:
            return OpCount(3 + x.fixed, x.sat, 0)
        case Fragment.WRAP_J:
            return OpCount(4 + x.fixed, x.sat, 0)
        case Fragment.WRAP_V:
            return OpCount(x.fixed + adds_verify, x.sat, None)
    return OpCount(1 + x.fixed, x.sat, x.dsat)


def _by_number(parts: Sequence[tuple[Most, Most]]) -> list[Most]:
    """For each number of satisfied parts the most that they and the others take."""
    sats: list[Most] = [0]
    for sat, dsat in parts:
        longer: list[Most] = [plus(sats[0], dsat)]
        for place in range(1, len(sats)):
            longer.append(most(plus(sats[place], dsat), plus(sats[place - 1], sat)))
        sats = [*longer, plus(sats[-1], sat)]
    return sats


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
    if len(subs) > MAX_SUBS:
        beyond = StackTrace(len(subs), len(subs))
        return StackUse(beyond, beyond)
    sats: list[StackTrace | None] = [_EMPTY]
    for index, each in enumerate(subs):
        add = _TAKE if index else _EMPTY
        longer = [then(sats[0], each.dsat, add)]
        for place in range(1, len(sats)):
            both = either(then(sats[place], each.dsat), then(sats[place - 1], each.sat))
            longer.append(then(both, add))
        sats = [*longer, then(sats[-1], each.sat, add)]
    return StackUse(then(sats[number], _PUSH, _TAKE), then(sats[0], _PUSH, _TAKE))
