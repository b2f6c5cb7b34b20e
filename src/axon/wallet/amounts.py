"""Amounts as people write them: a number and its unit, never one without the other.

`5` may be five bitcoin or five satoshi, and whoever guesses loses a fortune on the first day it is
wrong. So a bare number is refused unless the caller has said what it counts.

`500.000 sat` is five hundred to some and five hundred thousand to others. So satoshi are digits
only, and a comma is refused everywhere: a point stands in bitcoin, and there for the fraction.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from axon.primitives.transaction import COIN, MAX_MONEY_SAT
from axon.wallet.errors import BadAmount

_DECIMALS: Final = 8
_MAX_TEXT: Final = 40
"""Characters; the longest amount needs 21, and nobody should have us read a million digits."""

_FORM: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?\s*([A-Za-z]*)", re.ASCII)
_MARKED: Final = re.compile(r"-?[0-9](?:[.,'_\u00a0\u202f ]*[0-9])*\s*([A-Za-z]*)")
"""Numbers with marks that people put between thousands, or before a fraction."""


_EXPECTED: Final = "expected an amount such as '0.5 BTC' or '50000 sat'"


class Unit(StrEnum):
    """What the number of an amount counts: bitcoin or satoshi."""

    BTC = "BTC"
    SAT = "sat"


_UNITS: Final = {
    "btc": Unit.BTC,
    "bitcoin": Unit.BTC,
    "sat": Unit.SAT,
    "sats": Unit.SAT,
    "satoshi": Unit.SAT,
    "satoshis": Unit.SAT,
}


def parse_amount(text: str, unit: Unit | None = None) -> int:
    """An amount in satoshi: `0.5 BTC`, `0.5btc`, `50000 sat`.

    Args:
        text: a number without marks for thousands, and a unit behind it; a point only in bitcoin.
        unit: what a bare number counts, where the caller has asked for that unit.

    Raises:
        BadAmount: no number, no unit, finer than a satoshi, negative, or above 21 million BTC.
    """
    shown = text.strip()
    match = _FORM.fullmatch(shown) if len(shown) <= _MAX_TEXT else None
    if match is None:
        raise BadAmount(_marked(shown, unit) or f"{_EXPECTED}, not {text[:40]!r}")
    sign, whole, fraction, name = match[1], match[2], match[3] or "", match[4]
    counted = _UNITS.get(name.lower()) if name else unit
    if counted is None:
        if name:
            raise BadAmount(f"the units are BTC and sat, not {name!r}")
        raise BadAmount(f"{shown} of what? Write '{shown} BTC' or '{shown} sat'")
    if sign:
        raise BadAmount(f"an amount is not negative: {shown}")
    if counted is Unit.SAT and match[3] is not None:
        raise BadAmount(_in_digits(shown))
    decimals = _DECIMALS if counted is Unit.BTC else 0
    digits = fraction.rstrip("0")
    if len(digits) > decimals:
        raise BadAmount(f"{shown} is too precise: the finest there is are 8 decimals, one satoshi")
    sat = int(whole + digits.ljust(decimals, "0"))
    if sat > MAX_MONEY_SAT:
        raise BadAmount(f"{shown} is more than the 21000000 BTC that will ever be")
    return sat


def _marked(shown: str, unit: Unit | None) -> str | None:
    """What is wrong with a number that has marks in it; None if it is no such number."""
    match = _MARKED.fullmatch(shown) if len(shown) <= _MAX_TEXT else None
    if match is None:
        return None
    counted = _UNITS.get(match[1].lower()) if match[1] else unit
    if counted is Unit.SAT:
        return _in_digits(shown)
    return (
        f"{shown} can be read in two ways: write bitcoin with a point before the fraction and"
        " nothing between the thousands, as in '1234.5 BTC'"
    )


def _in_digits(shown: str) -> str:
    return (
        f"{shown} can be read in two ways, as a fraction or as thousands: write satoshi in digits"
        " only, as in '50000 sat'"
    )


def format_amount(sat: int, unit: Unit = Unit.BTC) -> str:
    """An amount with its unit: `0.50000000 BTC` or `50000000 sat`; negative ones with a sign."""
    if unit is Unit.SAT:
        return f"{sat} sat"
    whole, rest = divmod(abs(sat), COIN)
    return f"{'-' if sat < 0 else ''}{whole}.{rest:08d} BTC"
