"""The bounded memory: what it must remember, and how much it may hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from axon.p2p.rollingset import RollingSet


@given(st.integers(1, 6), st.lists(st.integers(0, 20)))
def test_the_latest_are_remembered_and_the_bound_holds(capacity: int, entries: list[int]) -> None:
    rolling: RollingSet[int] = RollingSet(capacity)
    for count, entry in enumerate(entries, start=1):
        rolling.add(entry)
        latest = list(dict.fromkeys(reversed(entries[:count])))[:capacity]
        assert entry in rolling
        assert len(rolling) <= 2 * capacity
        assert all(each in rolling for each in latest)


def test_what_was_never_added_is_not_in_it() -> None:
    rolling: RollingSet[int] = RollingSet(3)
    rolling.add(1)
    assert 2 not in rolling


def test_the_oldest_are_forgotten() -> None:
    rolling: RollingSet[int] = RollingSet(2)
    for entry in range(5):
        rolling.add(entry)
    assert 0 not in rolling
    assert 1 not in rolling


def test_clear_forgets_everything() -> None:
    rolling: RollingSet[int] = RollingSet(1)
    rolling.add(1)
    rolling.add(2)
    rolling.clear()
    assert len(rolling) == 0
    assert 1 not in rolling
    assert 2 not in rolling
