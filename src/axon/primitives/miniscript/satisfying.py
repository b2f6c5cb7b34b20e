"""Witnesses that satisfy a miniscript (BIP 379).

For each part the best ways to satisfy and to dissatisfy it are worked out, from the leaves up. Of
two ways the one is taken that needs no signature, if only one does: others could take it too. Then
the one that others cannot change, then the shorter one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add, or_
from typing import Final

from axon.primitives.miniscript.fragments import Fragment, Node, fold
from axon.primitives.miniscript.resources import by_number

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


_Parts = bytes | tuple["_Parts", "_Parts"] | None
"""One element of a witness; or a lower and an upper part of it; or none."""


@dataclass(frozen=True, slots=True)
class _Way:
    """Elements of a witness, the last one on top; or that there is no way.

    They are put together when one way has been chosen: it takes the same time to add a long part
    to another as a short one.
    """

    parts: _Parts = None
    size: int = 0  # Bytes, with one for the length of each element.
    exists: bool = True
    signed: bool = False
    malleable: bool = False

    def __add__(self, upper: _Way) -> _Way:
        if not self.exists or not upper.exists:
            return _NO_WAY
        return _Way(
            (self.parts, upper.parts),
            self.size + upper.size,
            True,
            self.signed or upper.signed,
            self.malleable or upper.malleable,
        )

    def __or__(self, other: _Way) -> _Way:
        if not self.exists or not other.exists:
            return other if not self.exists else self
        if self.signed is not other.signed:
            return other if self.signed else self
        if self.signed and self.malleable is not other.malleable:
            return other if self.malleable else self
        best = self if self.size <= other.size else other
        return best if self.signed else _changeable(best)

    def items(self) -> list[bytes]:
        """Its elements from below."""
        found: list[bytes] = []
        pending: list[_Parts] = [self.parts]
        while pending:
            part = pending.pop()
            if isinstance(part, tuple):
                lower, upper = part
                pending += (upper, lower)
            elif part is not None:
                found.append(part)
        return found


def _element(data: bytes, *, signed: bool = False, malleable: bool = False) -> _Way:
    return _Way(data, len(data) + 1, True, signed, malleable)


def _changeable(way: _Way) -> _Way:
    """The same way, which others can change; none stays none."""
    return replace(way, malleable=True) if way.exists and not way.malleable else way


_NO_WAY: Final = _Way(exists=False)
_EMPTY: Final = _Way()
_ZERO: Final = _element(b"")
_ONE: Final = _element(b"\x01")
_NO_PREIMAGE: Final = _element(bytes(32), malleable=True)

_Ways = tuple[_Way, _Way]
"""To dissatisfy, and to satisfy."""


def satisfy(root: Node, satisfier: Satisfier) -> list[bytes] | None:
    """What satisfies an expression and nobody else can change; None if there is none.

    Its keys are bytes.
    """
    _, best = fold(root, lambda node, parts: _ways(node, parts, satisfier))
    if not best.exists or best.malleable or not best.signed:
        return None
    return best.items()


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
            key = _element(_bytes(node.keys[0]))
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
        return _NO_PREIMAGE, _NO_WAY if preimage is None else _element(preimage)
    return _wrapped(fragment, parts[0]) if len(parts) == 1 else _joined(fragment, parts)


def _bytes(key: object) -> bytes:
    assert isinstance(key, bytes)
    return key


def _signature(key: object, satisfier: Satisfier) -> _Way:
    signature = satisfier.sign(_bytes(key))
    return _element(signature, signed=True) if signature else _NO_WAY


def _multi(node: Node, satisfier: Satisfier) -> _Ways:
    is_tapscript = node.fragment is Fragment.MULTI_A
    skip, lowest = (_ZERO, _EMPTY) if is_tapscript else (_EMPTY, _ZERO)
    keys = reversed(node.keys) if is_tapscript else node.keys
    best = _by_number([(skip, _signature(key, satisfier)) for key in keys], node.number)
    zeros = len(node.keys) if is_tapscript else node.number + 1
    return reduce(add, [_ZERO] * zeros), lowest + _at(best, node.number)


def _threshold(parts: list[_Ways], number: int) -> _Ways:
    best = _by_number(parts[::-1], len(parts))
    # Too many or too few satisfied: others can turn one such way into another.
    odd = [_changeable(way) if place else way for place, way in enumerate(best) if place != number]
    return reduce(or_, odd, _NO_WAY), _at(best, number)


def _by_number(parts: Sequence[_Ways], number: int) -> list[_Way]:
    """For each number of satisfied parts the best way; no ways where no witness has the room."""
    return by_number(parts, add, or_, _EMPTY, _NO_WAY, number) or []


def _at(best: list[_Way], number: int) -> _Way:
    return best[number] if number < len(best) else _NO_WAY


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
