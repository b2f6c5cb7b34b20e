"""The types of miniscript (BIP 379): what an expression is, and what is known of its witnesses.

B, V, K and W say what it leaves on the stack. The others: z, o, n (how many elements it takes), d,
u, e, f, s, m (how it can be dissatisfied, what satisfying it needs, whether others can change a
witness), x (its last opcode has no VERIFY form), g, h, i, j (relative and absolute locks by time
and by height), k (no path needs locks of two kinds).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import cache
from typing import Final

Type = int
"""A set of properties, a bit for each."""

_LETTERS: Final = "BVKWzonduefsmxghijk"

RELATIVE_TIME: Final = 1 << 22
"""The bit of a relative lock that counts time (BIP 68)."""

ABSOLUTE_TIME: Final = 500_000_000
"""From here on an absolute lock is a time."""

NO_TYPE: Final[Type] = 0


class Fragment(Enum):
    """What an expression does; named as in the BIP."""

    JUST_0 = "0"
    JUST_1 = "1"
    PK_K = "pk_k"
    PK_H = "pk_h"
    OLDER = "older"
    AFTER = "after"
    SHA256 = "sha256"
    HASH256 = "hash256"
    RIPEMD160 = "ripemd160"
    HASH160 = "hash160"
    WRAP_A = "a"
    WRAP_S = "s"
    WRAP_C = "c"
    WRAP_D = "d"
    WRAP_V = "v"
    WRAP_J = "j"
    WRAP_N = "n"
    AND_V = "and_v"
    AND_B = "and_b"
    OR_B = "or_b"
    OR_C = "or_c"
    OR_D = "or_d"
    OR_I = "or_i"
    ANDOR = "andor"
    THRESH = "thresh"
    MULTI = "multi"
    MULTI_A = "multi_a"


class ScriptContext(Enum):
    """Where a script stands."""

    P2WSH = "P2WSH"
    TAPSCRIPT = "Tapscript"


@cache
def of(letters: str) -> Type:
    """The type with these properties."""
    return sum(1 << _LETTERS.index(letter) for letter in letters)


def has(kind: Type, letters: str) -> bool:
    """Whether a type has all of these properties."""
    wanted = of(letters)
    return kind & wanted == wanted


def _when(condition: bool, letters: str) -> Type:
    return of(letters) if condition else NO_TYPE


_LOCKS: Final = of("ghij")
_FIXED: Final = {
    Fragment.JUST_0: of("Bzudemsxk"),
    Fragment.JUST_1: of("Bzufmxk"),
    Fragment.PK_K: of("Konudemsxk"),
    Fragment.PK_H: of("Knudemsxk"),
    Fragment.SHA256: of("Bonudmk"),
    Fragment.HASH256: of("Bonudmk"),
    Fragment.RIPEMD160: of("Bonudmk"),
    Fragment.HASH160: of("Bonudmk"),
    Fragment.MULTI: of("Bnudemsk"),
    Fragment.MULTI_A: of("Budemsk"),
}


def type_of(fragment: Fragment, subs: Sequence[Type], number: int, context: ScriptContext) -> Type:
    """The type of an expression; `NO_TYPE` if its parts do not fit.

    Args:
        subs: the types of its parts.
        number: of a lock, or of a threshold.
        context: where it stands.
    """
    fixed = _FIXED.get(fragment)
    if fixed is not None:
        return fixed
    if fragment is Fragment.OLDER:
        return of("Bzfmxk") | of("g" if number & RELATIVE_TIME else "h")
    if fragment is Fragment.AFTER:
        return of("Bzfmxk") | of("i" if number >= ABSOLUTE_TIME else "j")
    if fragment is Fragment.THRESH:
        found = _threshold(subs, number)
    elif len(subs) == 1:
        found = _wrapped(fragment, subs[0], context)
    elif fragment is Fragment.ANDOR:
        found = _andor(*subs)
    elif fragment in (Fragment.AND_V, Fragment.AND_B):
        found = _both(fragment, *subs)
    else:
        found = _either(fragment, *subs)
    # Exactly one of the four says what it leaves on the stack; with none it is no expression.
    return found if found & of("BVKW") else NO_TYPE


def _wrapped(fragment: Fragment, x: Type, context: ScriptContext) -> Type:
    locks = x & (_LOCKS | of("k"))
    match fragment:
        case Fragment.WRAP_A:
            return _when(has(x, "B"), "W") | locks | x & of("udfems") | of("x")
        case Fragment.WRAP_S:
            return _when(has(x, "Bo"), "W") | locks | x & of("udfemsx")
        case Fragment.WRAP_C:
            return _when(has(x, "K"), "B") | locks | x & of("ondfem") | of("us")
        case Fragment.WRAP_D:
            found = _when(has(x, "Vz"), "B") | _when(has(x, "z"), "o") | _when(has(x, "f"), "e")
            # MINIMALIF is a rule of consensus in tapscript alone.
            found |= _when(context is ScriptContext.TAPSCRIPT, "u")
            return found | locks | x & of("ms") | of("ndx")
        case Fragment.WRAP_V:
            return _when(has(x, "B"), "V") | locks | x & of("zonms") | of("fx")
        case Fragment.WRAP_J:
            found = _when(has(x, "Bn"), "B") | _when(has(x, "f"), "e")
            return found | locks | x & of("oums") | of("ndx")
    return locks | x & of("Bzondfems") | of("ux")


def _mixes(x: Type, y: Type) -> bool:
    """Whether two parts together need locks of two kinds."""
    return any(has(x, first) and has(y, second) for first, second in ("gh", "hg", "ij", "ji"))


def _one_input(x: Type, y: Type) -> Type:
    """`o` where one of the two takes one element and the other none."""
    either = x | y
    return either & of("o") if has(either, "z") else NO_TYPE


def _both(fragment: Fragment, x: Type, y: Type) -> Type:
    either, both = x | y, x & y
    shared = (
        _one_input(x, y)
        | x & of("n")
        | (y & of("n") if has(x, "z") else NO_TYPE)
        | either & (_LOCKS | of("s"))
        | _when(has(both, "k") and not _mixes(x, y), "k")
    )
    if fragment is Fragment.AND_V:
        return (
            shared
            | (y & of("KVB") if has(x, "V") else NO_TYPE)
            | both & of("mz")
            | _when(has(y, "f") or has(x, "s"), "f")
            | y & of("ux")
        )
    return (
        shared
        | (x & of("B") if has(y, "W") else NO_TYPE)
        | (both & of("e") if has(both, "s") else NO_TYPE)
        | both & of("dzm")
        | _when(has(both, "f") or has(x, "sf") or has(y, "sf"), "f")
        | of("ux")
    )


def _either(fragment: Fragment, x: Type, y: Type) -> Type:
    either, both = x | y, x & y
    shared = either & _LOCKS | both & of("k")
    if fragment is Fragment.OR_B:
        return (
            shared
            | _when(has(x, "Bd") and has(y, "Wd"), "B")
            | _one_input(x, y)
            | (both & of("m") if has(either, "s") and has(both, "e") else NO_TYPE)
            | both & of("zse")
            | of("dux")
        )
    if fragment is Fragment.OR_I:
        return (
            shared
            | both & of("VBKufs")
            | _when(has(both, "z"), "o")
            | (either & of("e") if has(either, "f") else NO_TYPE)
            | (both & of("m") if has(either, "s") else NO_TYPE)
            | either & of("d")
            | of("x")
        )
    cascade = (
        shared
        | (x & of("o") if has(y, "z") else NO_TYPE)
        | (both & of("m") if has(x, "e") and has(either, "s") else NO_TYPE)
        | both & of("zs")
    )
    fits = has(x, "Bdu")
    if fragment is Fragment.OR_C:
        return cascade | (y & of("V") if fits else NO_TYPE) | of("fx")
    return cascade | (y & of("B") if fits else NO_TYPE) | y & of("ufde") | of("x")


def _andor(x: Type, y: Type, z: Type) -> Type:
    branch = x | y & z
    surely = has(x, "s") or has(y, "f")
    every = x & y & z
    return (
        (y & z & of("BKV") if has(x, "Bdu") else NO_TYPE)
        | every & of("z")
        | (branch & of("o") if has(branch, "z") else NO_TYPE)
        | y & z & of("u")
        | (z & of("fe") if surely else NO_TYPE)
        | z & of("d")
        | (every & of("m") if has(x, "e") and has(x | y | z, "s") else NO_TYPE)
        | z & (x | y) & of("s")
        | of("x")
        | (x | y | z) & _LOCKS
        | _when(has(every, "k") and not _mixes(x, y), "k")
    )


def _threshold(subs: Sequence[Type], number: int) -> Type:
    inputs, signed, locks = 0, 0, of("k")
    for place, each in enumerate(subs):
        if not has(each, "Wdu" if place else "Bdu"):
            return NO_TYPE
        signed += has(each, "s")
        inputs += 0 if has(each, "z") else 1 if has(each, "o") else 2
        unmixed = has(locks & each, "k") and (number <= 1 or not _mixes(locks, each))
        locks = (locks | each) & _LOCKS | _when(unmixed, "k")
    all_e = all(has(each, "e") for each in subs)
    all_m = all(has(each, "m") for each in subs)
    count = len(subs)
    return (
        of("Bdu")
        | _when(inputs == 0, "z")
        | _when(inputs == 1, "o")
        | _when(all_e and signed == count, "e")
        | _when(all_e and all_m and signed >= count - number, "m")
        | _when(signed >= count - number + 1, "s")
        | locks
    )
