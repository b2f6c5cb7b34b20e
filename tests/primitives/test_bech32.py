"""The code behind witness addresses: where a text was mistyped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from axon.primitives.address import witness_address
from axon.primitives.bech32 import SIGNS, find_substitutions

SIZES = st.sampled_from([20, 32])


@given(st.sampled_from(["bc", "tb", "bcrt"]), st.sampled_from([0, 1, 16]), st.data())
def test_one_or_two_wrong_signs_are_found(prefix: str, version: int, data: st.DataObject) -> None:
    size = data.draw(SIZES)
    text = witness_address(version, data.draw(st.binary(min_size=size, max_size=size)), prefix)
    assert find_substitutions(text, prefix) == ()
    first = len(prefix) + 2  # The version decides which of two codes it is: see below.
    places = data.draw(
        st.lists(st.integers(first, len(text) - 1), min_size=1, max_size=2, unique=True)
    )
    typed = list(text)
    for place in places:
        typed[place] = data.draw(st.sampled_from([sign for sign in SIGNS if sign != text[place]]))
    assert find_substitutions("".join(typed), prefix) == tuple(sorted(places))


def test_a_wrong_version_is_found() -> None:
    text = witness_address(0, bytes(20), "bc")
    assert find_substitutions(text.replace("bc1q", "bc1p"), "bc") == (3,)
    text = witness_address(1, bytes(32), "bc")
    assert find_substitutions(text.replace("bc1p", "bc1q"), "bc") == (3,)


def test_more_than_two_are_not_guessed() -> None:
    text = witness_address(0, bytes(range(20)), "bc")
    assert find_substitutions("bc1q" + "p" * 3 + text[7:], "bc") == ()
    for text in ("bc1", "bc1q", "bc1qqqqqq", "bc1" + "q" * 100):
        assert find_substitutions(text, "bc") == ()


@given(st.text(SIGNS, max_size=87))
def test_any_text_has_two_wrong_signs_at_most(text: str) -> None:
    places = find_substitutions(f"bc1{text}", "bc")
    assert len(places) <= 2
    assert all(3 <= place < len(text) + 3 for place in places)
