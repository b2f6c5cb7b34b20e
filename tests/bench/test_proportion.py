"""Intervals that are exact."""

from __future__ import annotations

import pytest

from bench.proportion import binomial, interval


def test_the_interval_of_clopper_and_pearson() -> None:
    assert interval(0, 100) == pytest.approx((0, 1 - 0.025 ** (1 / 100)))
    assert interval(100, 100) == pytest.approx((0.025 ** (1 / 100), 1))
    assert interval(5, 10) == pytest.approx((0.1871, 0.8129), abs=1e-4)


def test_chances_sum_up() -> None:
    assert sum(binomial(n, 20, 0.3) for n in range(21)) == pytest.approx(1)
    assert (binomial(0, 5, 0.0), binomial(5, 5, 1.0), binomial(1, 5, 0.0)) == (1, 1, 0)
