"""Witnesses that satisfy a miniscript (BIP 379).

For each part the best ways to satisfy and to dissatisfy it are worked out, from the leaves up. Of
two ways the one is taken that needs no signature, if only one does: others could take it too. Then
the one that others cannot change, then the shorter one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Final

from axon.primitives.miniscript.fragments import Fragment, Node, fold

_PREIMAGE_TYPES: Final = {
    Fragment.RIPEMD160: 0x0A,
    Fragment.SHA256: 0x0B,
    Fragment.HASH160: 0x0C,
    Fragment.HASH256: 0x0D,
}
"""By which a preimage is looked up: the types that PSBTs have for them (BIP 174)."""


@dataclass(frozen=True, slots=True)
class Satisfier:
    """What is at hand.

    Args:
        sign: a signature for a key; empty if there is none.
        reaches: whether an absolute lock is open.
        waits: whether a relative lock is open.
        preimages: by type of hash and hash.
    """

    sign: Callable[[bytes], bytes]
    reaches: Callable[[int], bool]
    waits: Callable[[int], bool]
    preimages: Mapping[tuple[int, bytes], bytes]


@dataclass(frozen=True, slots=True)
class _Way:
    """Elements of a witness, the last one on top; or that there is no way."""

    items: tuple[bytes, ...] = ()
    exists: bool = True
    signed: bool = False
    malleable: bool = False

    @property
    def size(self) -> int:
        return sum(map(len, self.items)) + len(self.items)

    def __add__(self, upper: _Way) -> _Way:
        if not self.exists or not upper.exists:
            return _NO_WAY
        return _Way(
            self.items + upper.items,
            True,
            self.signed or upper.signed,
            self.malleable or upper.malleable,
        )

    def __or__(self, other: _Way) -> _Way:
        if not self.exists or not other.exists:
            return other if not self.exists else self
        if self.signed is not other.signed:
            return other if self.signed else self
        first, second = self, other
        if not self.signed:
            first, second = replace(self, malleable=True), replace(other, malleable=True)
        elif self.malleable is not other.malleable:
            return other if self.malleable else self
        return first if first.size <= second.size else second


_NO_WAY: Final = _Way(exists=False)
_EMPTY: Final = _Way()
_ZERO: Final = _Way((b"",))
_ONE: Final = _Way((b"\x01",))
_NO_PREIMAGE: Final = _Way((bytes(32),), malleable=True)

_Ways = tuple[_Way, _Way]
"""To dissatisfy, and to satisfy."""


def satisfy(root: Node, satisfier: Satisfier) -> list[bytes] | None:
    """What satisfies an expression and nobody else can change; None if there is none.

    Its keys are bytes.
    """
    _, best = fold(root, lambda node, parts: _ways(node, parts, satisfier))
    if not best.exists or best.malleable or not best.signed:
        return None
    return list(best.items)


def _ways(node: Node, parts: list[_Ways], satisfier: Satisfier) -> _Ways:
    fragment = node.fragment
    match fragment:
        case Fragment.JUST_0:
            return _EMPTY, _NO_WAY
        case Fragment.JUST_1:
            return _NO_WAY, _EMPTY
        case Fragment.PK_K:
            return _ZERO, _signature(node.keys[0], satisfier)
        case Fragment.PK_H:
            key = _Way((_bytes(node.keys[0]),))
            return _ZERO + key, _signature(node.keys[0], satisfier) + key
        case Fragment.OLDER:
            return _NO_WAY, _EMPTY if satisfier.waits(node.number) else _NO_WAY
        case Fragment.AFTER:
            return _NO_WAY, _EMPTY if satisfier.reaches(node.number) else _NO_WAY
        case Fragment.MULTI | Fragment.MULTI_A:
            return _multi(node, satisfier)
        case Fragment.THRESH:
            return _threshold(parts, node.number)
    if fragment in _PREIMAGE_TYPES:
        preimage = satisfier.preimages.get((_PREIMAGE_TYPES[fragment], node.data))
        return _NO_PREIMAGE, _NO_WAY if preimage is None else _Way((preimage,))
    return _wrapped(fragment, parts[0]) if len(parts) == 1 else _joined(fragment, parts)


def _bytes(key: object) -> bytes:
    assert isinstance(key, bytes)
    return key


def _signature(key: object, satisfier: Satisfier) -> _Way:
    signature = satisfier.sign(_bytes(key))
    return _Way((signature,), signed=True) if signature else _NO_WAY


def _multi(node: Node, satisfier: Satisfier) -> _Ways:
    """By dynamic programming: for each number the best way to have so many signatures."""
    is_tapscript = node.fragment is Fragment.MULTI_A
    skip = _ZERO if is_tapscript else _EMPTY
    best = [_EMPTY if is_tapscript else _ZERO]
    for key in reversed(node.keys) if is_tapscript else node.keys:
        signed = _signature(key, satisfier)
        longer = [best[0] + skip]
        for place in range(1, len(best)):
            longer.append((best[place] + skip) | (best[place - 1] + signed))
        best = [*longer, best[-1] + signed][: node.number + 1]
    none = best[0] if is_tapscript else _Way((b"",) * (node.number + 1))
    return none, best[node.number]


def _threshold(parts: list[_Ways], number: int) -> _Ways:
    best = [_EMPTY]
    for dissatisfied, satisfied in reversed(parts):
        longer = [best[0] + dissatisfied]
        for place in range(1, len(best)):
            longer.append((best[place] + dissatisfied) | (best[place - 1] + satisfied))
        best = [*longer, best[-1] + satisfied]
    # Too many or too few satisfied: others can turn one such way into another.
    odd = [
        replace(way, malleable=True) if place and way.exists else way
        for place, way in enumerate(best)
        if place != number
    ]
    return reduce(lambda first, second: first | second, odd, _NO_WAY), best[number]


def _wrapped(fragment: Fragment, part: _Ways) -> _Ways:
    dissatisfied, satisfied = part
    match fragment:
        case Fragment.WRAP_D:
            return _ZERO, satisfied + _ONE
        case Fragment.WRAP_J:
            # There may be another way that does not begin with zero.
            weak = dissatisfied.exists and not dissatisfied.signed
            return replace(_ZERO, malleable=weak), satisfied
        case Fragment.WRAP_V:
            return _NO_WAY, satisfied
    return part


def _joined(fragment: Fragment, parts: list[_Ways]) -> _Ways:
    (x_no, x), (y_no, y) = parts[0], parts[1]
    match fragment:
        case Fragment.AND_V:
            return y_no + x, y + x
        case Fragment.AND_B:
            odd = _changeable(y + x_no) | _changeable(y_no + x)
            return (y_no + x_no) | odd, y + x
        case Fragment.OR_B:
            return y_no + x_no, (y_no + x) | (y + x_no) | _changeable(y + x)
        case Fragment.OR_C:
            return _NO_WAY, x | (y + x_no)
        case Fragment.OR_D:
            return y_no + x_no, x | (y + x_no)
        case Fragment.OR_I:
            return (x_no + _ONE) | (y_no + _ZERO), (x + _ONE) | (y + _ZERO)
    z_no, z = parts[2]
    return (y_no + x) | (z_no + x_no), (y + x) | (z + x_no)


def _changeable(way: _Way) -> _Way:
    return replace(way, malleable=True) if way.exists else way
