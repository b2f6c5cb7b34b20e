"""Chance that people bring: rolls of a die, digits in hex."""

from __future__ import annotations

from hashlib import sha256
from random import Random

import pytest

from axon.wallet.entropy import ROLLS_NEEDED, entropy_of_hex, entropy_of_rolls
from axon.wallet.errors import BadEntropy
from axon.wallet.keys import new_words


def rolls(count: int, seed: int = 1) -> str:
    return "".join(Random(seed).choices("123456", k=count))


@pytest.mark.parametrize("count", sorted(ROLLS_NEEDED))
def test_rolls_make_words_that_others_can_check(count: int) -> None:
    text = rolls(ROLLS_NEEDED[count])
    entropy = entropy_of_rolls(text, count)
    assert sha256(text.encode()).digest().startswith(entropy)
    assert len(new_words(entropy).split()) == count
    spaced = "\n".join(text[start : start + 5] for start in range(0, len(text), 5))
    assert entropy_of_rolls(spaced, count) == entropy
    with pytest.raises(BadEntropy, match="roll 1 more"):
        entropy_of_rolls(text[1:], count)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("7" + rolls(60), "roll 1 is none"),
        (rolls(60).replace("6", "0"), "is none"),
        ("1" * 60, "not fair"),
        (rolls(60).replace("6", "1").replace("5", "1").replace("4", "1"), "not fair"),
        ("123456" * 10, "repeat"),
        (rolls(10_001), "right file"),
        ("", "roll 50 more"),
    ],
)
def test_rolls_that_are_no_chance(text: str, told: str) -> None:
    with pytest.raises(BadEntropy, match=told) as refused:
        entropy_of_rolls(text, 12)
    assert not text or text[:20] not in str(refused.value)


def test_fair_dice_are_not_called_unfair() -> None:
    for seed in range(200):
        entropy_of_rolls(rolls(50, seed), 12)


def test_entropy_in_hex_is_taken_as_it_is() -> None:
    data = Random(1).randbytes(32)
    assert entropy_of_hex(data.hex()) == data
    assert entropy_of_hex(f"{data[:16].hex()[:16]} {data[:16].hex()[16:].upper()}\n") == data[:16]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0" * 32, "repeat"),
        ("00112233" * 4, "repeat"),
        ("00" * 15 + "01", "repeat"),
        ("ab" * 17, "one of these numbers"),
        ("xyz", "in hex"),
    ],
)
def test_digits_that_are_no_chance(text: str, told: str) -> None:
    with pytest.raises(BadEntropy, match=told):
        entropy_of_hex(text)
