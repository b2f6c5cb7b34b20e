"""How many bytes of witness a miniscript takes, at most, over all ways to satisfy it.

Bitcoin Core's figures, by which its wallet knows a fee before it signs: a signature of ECDSA takes
72 bytes, one of Schnorr 65, and each element has one byte for its length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from axon.primitives.miniscript.fragments import Node, ScriptContext, fold
from axon.primitives.miniscript.resources import Most, most, plus
from axon.primitives.miniscript.types import Fragment

_PREIMAGE: Final = 33
_ONE: Final = 2
_EMPTY: Final = 1
_HASHES: Final = (Fragment.SHA256, Fragment.HASH256, Fragment.RIPEMD160, Fragment.HASH160)


@dataclass(frozen=True, slots=True)
class WitnessSize:
    """Bytes that satisfying and dissatisfying take; None where that is impossible."""

    sat: Most
    dsat: Most


def witness_size(root: Node) -> int | None:
    """Bytes of all elements that satisfy it, each with its length; None if nothing does."""
    return fold(root, _size).sat


def _size(node: Node, parts: list[WitnessSize]) -> WitnessSize:
    is_tapscript = node.context is ScriptContext.TAPSCRIPT
    signature, key = (66, 33) if is_tapscript else (73, 34)
    match node.fragment:
        case Fragment.JUST_0:
            return WitnessSize(None, 0)
        case Fragment.JUST_1 | Fragment.OLDER | Fragment.AFTER:
            return WitnessSize(0, None)
        case Fragment.PK_K:
            return WitnessSize(signature, _EMPTY)
        case Fragment.PK_H:
            return WitnessSize(signature + key, _EMPTY + key)
        case Fragment.MULTI:
            return WitnessSize(_EMPTY + node.number * signature, _EMPTY + node.number)
        case Fragment.MULTI_A:
            count = len(node.keys)
            return WitnessSize(node.number * signature + count - node.number, count)
        case Fragment.THRESH:
            return _threshold(parts, node.number)
    if node.fragment in _HASHES:
        return WitnessSize(_PREIMAGE, None)
    return _wrapped(node.fragment, parts[0]) if len(parts) == 1 else _joined(node.fragment, parts)


def _wrapped(fragment: Fragment, x: WitnessSize) -> WitnessSize:
    match fragment:
        case Fragment.WRAP_D:
            return WitnessSize(plus(_ONE, x.sat), _EMPTY)
        case Fragment.WRAP_J:
            return WitnessSize(x.sat, _EMPTY)
        case Fragment.WRAP_V:
            return WitnessSize(x.sat, None)
    return x


def _joined(fragment: Fragment, parts: Sequence[WitnessSize]) -> WitnessSize:
    x, y = parts[:2]
    both_dsat = plus(x.dsat, y.dsat)
    match fragment:
        case Fragment.AND_V:
            return WitnessSize(plus(x.sat, y.sat), None)
        case Fragment.AND_B:
            return WitnessSize(plus(x.sat, y.sat), both_dsat)
        case Fragment.OR_B:
            return WitnessSize(most(plus(x.dsat, y.sat), plus(x.sat, y.dsat)), both_dsat)
        case Fragment.OR_C:
            return WitnessSize(most(x.sat, plus(x.dsat, y.sat)), None)
        case Fragment.OR_D:
            return WitnessSize(most(x.sat, plus(x.dsat, y.sat)), both_dsat)
        case Fragment.OR_I:
            return WitnessSize(
                most(plus(x.sat, _ONE), plus(y.sat, _EMPTY)),
                most(plus(x.dsat, _ONE), plus(y.dsat, _EMPTY)),
            )
    z = parts[2]  # ANDOR is left.
    return WitnessSize(most(plus(x.sat, y.sat), plus(x.dsat, z.sat)), plus(x.dsat, z.dsat))


def _threshold(parts: Sequence[WitnessSize], number: int) -> WitnessSize:
    sats: list[Most] = [0]  # For each number of satisfied parts what they and the others take.
    for each in parts:
        longer: list[Most] = [plus(sats[0], each.dsat)]
        for place in range(1, len(sats)):
            longer.append(most(plus(sats[place], each.dsat), plus(sats[place - 1], each.sat)))
        sats = [*longer, plus(sats[-1], each.sat)]
    return WitnessSize(sats[number], sats[0])
