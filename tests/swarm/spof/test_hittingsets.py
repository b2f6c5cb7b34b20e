"""Minimal hitting sets, against counting all sets."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from axon.swarm.spof.hittingsets import Names, minimal_hitting_sets, smallest

NAMES = "abcdef"
supports = st.lists(st.frozensets(st.sampled_from(NAMES)), max_size=8)
sizes = st.integers(0, len(NAMES))


def sets(*texts: str) -> list[Names]:
    return [frozenset(text) for text in texts]


@given(supports, sizes)
def test_they_are_all_and_only_those_that_counting_finds(given_: list[Names], size: int) -> None:
    hitting = [
        frozenset(chosen)
        for count in range(size + 1)
        for chosen in combinations(NAMES, count)
        if all(set(chosen) & support for support in given_)
    ]
    minimal = [each for each in hitting if not any(part < each for part in hitting)]
    assert minimal_hitting_sets(given_, size) == sorted(
        minimal, key=lambda each: (len(each), sorted(each))
    )


def test_two_ways_are_stopped_by_what_they_share_or_by_one_of_each() -> None:
    assert minimal_hitting_sets(sets("abc", "cd"), 2) == sets("c", "ad", "bd")
    assert minimal_hitting_sets(sets("abc", "cd"), 1) == sets("c")


def test_what_hangs_on_nothing_is_stopped_by_nothing() -> None:
    assert minimal_hitting_sets(sets("ab", ""), 2) == []
    assert minimal_hitting_sets([], 2) == sets("")


def test_what_holds_a_smaller_one_is_dropped() -> None:
    assert smallest(sets("abc", "ab", "ab", "c")) == sets("c", "ab")
