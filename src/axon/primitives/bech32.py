"""The code behind witness addresses (BIP 173, BIP 350): its signs, its checksum, and what it tells
of a text that was mistyped.

Any two valid texts of an address's length differ in five signs at least, so one or two wrong ones
can be located. They are never put right here: BIP 173 asks that a person looks at the source again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SIGNS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
VALUES: Final = {sign: value for value, sign in enumerate(SIGNS)}
BECH32_CONST: Final = 1
BECH32M_CONST: Final = 0x2BC830A3
MAX_SIZE: Final = 90
"""Characters at most."""

_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_SIZE: Final = 6
_MAX_VERSION: Final = 16


def _reduction(top: int) -> int:
    total = 0
    for bit, generator in enumerate(_GENERATOR):
        if top >> bit & 1:
            total ^= generator
    return total


_REDUCTIONS = tuple(_reduction(top) for top in range(32))


def polymod(values: Iterable[int], checksum: int = 1) -> int:
    """The checksum of 5-bit values, 30 bits; a constant of the code where they end in their own.

    Args:
        checksum: of the values before, if there are any.
    """
    for value in values:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ _REDUCTIONS[checksum >> 25]
    return checksum


def expand(prefix: str) -> list[int]:
    """The part before the separator, as the checksum covers it."""
    return [ord(sign) >> 5 for sign in prefix] + [0] + [ord(sign) & 31 for sign in prefix]


def checked(text: str) -> tuple[str, list[int], int] | None:
    """Prefix, values without checksum, and the constant that the checksum ends in.

    Returns:
        None if the text is not of the code, is longer than `MAX_SIZE`, or has another checksum.
    """
    prefix, separator, signs = text.lower().rpartition("1")
    if len(text) > MAX_SIZE or not separator or not prefix or len(signs) < _CHECKSUM_SIZE:
        return None
    if _odd_signs(text) or any(sign not in VALUES for sign in signs):
        return None
    data = [VALUES[sign] for sign in signs]
    constant = polymod([*expand(prefix), *data])
    if constant not in (BECH32_CONST, BECH32M_CONST):
        return None
    return prefix, data[:-_CHECKSUM_SIZE], constant


def locate_errors(text: str) -> tuple[str, list[int]]:
    """Why `checked` refuses a text, in Bitcoin Core's words, and at which bytes."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_SIZE:
        return "Bech32 string too long", list(range(MAX_SIZE, size))
    odd = _odd_signs(text)
    if odd:
        return "Invalid character or mixed case", odd
    prefix, separator, signs = text.lower().rpartition("1")
    if not separator:
        return "Missing separator", []
    if not prefix or len(signs) < _CHECKSUM_SIZE:
        return "Invalid separator position", [len(prefix)]
    for place, sign in enumerate(signs, len(prefix) + 1):
        if sign not in VALUES:
            return "Invalid Base 32 character", [place]
    data = [VALUES[sign] for sign in signs]
    best: tuple[str, list[int]] = ("Invalid checksum", [])
    for constant, name in ((BECH32_CONST, "Bech32"), (BECH32M_CONST, "Bech32m")):
        wrong = _errors(polymod([*expand(prefix), *data]) ^ constant, len(data))
        if wrong and (not best[1] or len(wrong) < len(best[1])):
            places = sorted(place + len(prefix) + 1 for place in wrong)
            best = (f"Invalid {name} checksum", places)
    return best


def _odd_signs(text: str) -> list[int]:
    """The bytes that no text of the code has: of another case than the first, or not printable."""
    odd: list[int] = []
    lower = upper = False
    for place, code in enumerate(text.encode("utf-8", "surrogatepass")):
        sign = chr(code)
        if "a" <= sign <= "z":
            lower = lower or not upper
            if upper:
                odd.append(place)
        elif "A" <= sign <= "Z":
            upper = upper or not lower
            if lower:
                odd.append(place)
        elif not 33 <= code <= 126:
            odd.append(place)
    return odd


def find_substitutions(text: str, prefix: str) -> tuple[int, ...]:
    """Which signs of a witness address were mistyped, if they are one or two.

    Args:
        text: in lower case, `prefix` and `1` first, with signs of the code only behind them.

    Returns:
        Their places from 0, in order. Empty if none is wrong, if more are, or if some are missing.
    """
    data = [VALUES[sign] for sign in text[len(prefix) + 1 :]]
    if len(text) > MAX_SIZE or len(data) <= _CHECKSUM_SIZE:
        return ()
    found = []
    for constant in (BECH32_CONST, BECH32M_CONST):
        wrong = _errors(polymod([*expand(prefix), *data]) ^ constant, len(data))
        version = data[0] ^ wrong.get(0, 0)
        if wrong and version <= _MAX_VERSION and (version == 0) == (constant == BECH32_CONST):
            found.append(tuple(sorted(place + len(prefix) + 1 for place in wrong)))
    fewest = min(map(len, found), default=0)
    best = [places for places in found if len(places) == fewest]
    return best[0] if len(best) == 1 else ()


def _errors(difference: int, size: int) -> dict[int, int]:
    """The one or two errors that change a checksum so: what is added to a value, by its place."""
    effects: dict[int, tuple[int, int]] = {}
    for added in range(1, 32):
        effect = added
        for place in reversed(range(size)):
            effects[effect] = (place, added)
            effect = (effect & 0x1FFFFFF) << 5 ^ _REDUCTIONS[effect >> 25]
    if difference in effects:
        return dict([effects[difference]])
    for effect, error in effects.items():
        other = effects.get(difference ^ effect)
        if other is not None and other[0] != error[0]:
            return dict([error, other])
    return {}
