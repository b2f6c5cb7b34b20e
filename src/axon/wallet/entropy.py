"""The chance behind a mnemonic (BIP 39): how much each number of words takes, and chance that a
person brings, by rolling a die or in hex.

What a person brings is not mixed with chance of this machine, so that other programs can work the
same words out of it: rolls are hashed as Coldcard does, by SHA-256 of their digits.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from axon.wallet.errors import BadEntropy

ENTROPY_SIZES: Final = {12: 16, 15: 20, 18: 24, 21: 28, 24: 32}
"""Bytes behind so many words (BIP 39)."""

ROLLS_NEEDED: Final = {12: 50, 15: 62, 18: 75, 21: 87, 24: 99}
"""Rolls of a die with six sides, 2.585 bits each, that hold as much chance as the words; 99 make
255.9 bits, and are what other programs ask for, too."""

MAX_ROLLS: Final = 10_000

MAX_UNEVENNESS: Final = 35.0
"""Of how often each side came up (chi square, five degrees of freedom): a fair die exceeds it once
in half a million times."""

_BETWEEN: Final = re.compile(r"[\s,;-]+")
_HEX: Final = re.compile(r"[0-9a-fA-F]*")
_FEWEST_DISTINCT: Final = 8
"""Different bytes among 16 random ones; fewer come up once in 10 million times."""


def entropy_of_rolls(text: str, word_count: int) -> bytes:
    """The entropy that rolls of a die stand for: the beginning of SHA-256 of their digits.

    Args:
        text: digits 1 to 6, in their order; spaces, commas and line breaks do not count.
        word_count: of the mnemonic that is to be made of it.

    Raises:
        BadEntropy: another sign, too few rolls, or rolls that no fair die gives; none is quoted.
    """
    rolls = _BETWEEN.sub("", text)
    for place, sign in enumerate(rolls, 1):
        if sign not in "123456":
            raise BadEntropy(f"roll {place} is none: type the digits 1 to 6")
    needed = ROLLS_NEEDED[word_count]
    if len(rolls) < needed:
        raise BadEntropy(
            f"{len(rolls)} rolls are too few for {word_count} words: it takes {needed}, so roll"
            f" {needed - len(rolls)} more"
        )
    if len(rolls) > MAX_ROLLS:
        raise BadEntropy(f"more than {MAX_ROLLS:,} rolls: is it the right file?")
    _check_fair(rolls)
    return sha256(rolls.encode()).digest()[: ENTROPY_SIZES[word_count]]


def entropy_of_hex(text: str) -> bytes:
    """The entropy that somebody brings in hex, as it is.

    Raises:
        BadEntropy: it is no hex, of another size than BIP 39 has, or plainly no chance.
    """
    digits = _BETWEEN.sub("", text)
    if not _HEX.fullmatch(digits):
        raise BadEntropy("entropy is given in hex: digits 0 to 9 and letters a to f")
    sizes = {2 * size: count for count, size in ENTROPY_SIZES.items()}
    if len(digits) not in sizes:
        listed = ", ".join(f"{size} ({count} words)" for size, count in sizes.items())
        raise BadEntropy(f"entropy has one of these numbers of hex digits: {listed}")
    data = bytes.fromhex(digits)
    if len(set(data)) < _FEWEST_DISTINCT or _repeats(digits):
        raise BadEntropy("these digits repeat and are no chance: throw coins, or leave it to axon")
    return data


def _check_fair(rolls: str) -> None:
    expected = len(rolls) / 6
    unevenness = sum((rolls.count(side) - expected) ** 2 for side in "123456") / expected
    if unevenness > MAX_UNEVENNESS:
        raise BadEntropy(
            "some sides came up so much more often than others that the die is not fair: roll"
            " another one"
        )
    if _repeats(rolls):
        raise BadEntropy("these rolls repeat themselves, so nobody rolled them: roll a die")


def _repeats(text: str) -> bool:
    """Whether it is a shorter text again and again."""
    return any(text[step:] == text[:-step] for step in range(1, len(text) // 2 + 1))
