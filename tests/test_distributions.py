"""The distance of two samples: known cases, and what must always be true."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.distributions import gap, quantile

SAMPLES = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("one", "other", "distance", "at"),
    [
        ([1, 2, 3], [1, 2, 3], 0.0, 1),
        ([1, 2], [3, 4], 1.0, 2),
        ([1, 2, 3, 4], [3, 4, 5, 6], 0.5, 2),
        ([1, 1, 1, 9], [1, 9, 9, 9], 0.5, 1),
        ([5], [5, 5, 6], 1 / 3, 5),
    ],
)
def test_known_distances(one: list[float], other: list[float], distance: float, at: float) -> None:
    found = gap(one, other)
    assert found.distance == pytest.approx(distance)
    assert found.at == at


def test_the_limit_of_chance_is_that_of_the_tables() -> None:
    found = gap([1.0] * 100, [1.0] * 100)
    assert found.chance == pytest.approx(1.358 * (2 / 100) ** 0.5, abs=1e-3)


@given(SAMPLES, SAMPLES)
def test_it_is_a_distance(one: list[float], other: list[float]) -> None:
    found = gap(one, other)
    assert 0 <= found.distance <= 1
    assert found == gap(other, one) or found.chance == gap(other, one).chance
    assert found.distance == gap(other, one).distance
    assert gap(one, one * 2).distance == pytest.approx(0)


@given(SAMPLES, SAMPLES)
def test_it_agrees_with_counting(one: list[float], other: list[float]) -> None:
    def share(sample: list[float], at: float) -> float:
        return sum(value <= at for value in sample) / len(sample)

    counted = max(abs(share(one, at) - share(other, at)) for at in (*one, *other))
    assert gap(one, other).distance == pytest.approx(counted)


def test_equal_sources_are_seldom_told_apart_and_others_are() -> None:
    rng = Random(1)
    seen = sum(
        gap([rng.gauss(0, 1) for _ in range(60)], [rng.gauss(0, 1) for _ in range(80)]).is_seen
        for _ in range(200)
    )
    assert seen <= 20
    assert gap([rng.gauss(0, 1) for _ in range(60)], [rng.gauss(2, 1) for _ in range(80)]).is_seen


def test_quantiles_are_values_of_the_sample() -> None:
    assert [quantile([4, 1, 3, 2], share) for share in (0, 0.5, 0.9, 1)] == [1, 3, 4, 4]
