"""The derived chances, where they can be known otherwise."""

from __future__ import annotations

from math import comb
from random import Random

import pytest

from bench.eclipseodds import (
    after_feelers,
    few_groups,
    few_sources,
    one_bucket_each,
    poisoned_newcomer,
    poisson,
    two_tables,
    with_anchors,
)


def test_one_table_is_the_hypergeometric() -> None:
    assert two_tables(10, (320, 80)) == pytest.approx(comb(320, 10) / comb(400, 10))
    assert two_tables(4, (3, 5)) == 0


def test_two_tables_are_drawn_evenly() -> None:
    """Against thousands of throws of dice."""
    rng, throws, alone = Random(1), 4_000, 0
    for _ in range(throws):
        new = [("new", n, n < 18) for n in range(24)]
        tried = [("tried", n, n < 6) for n in range(12)]
        met: list[tuple[str, int, bool]] = []
        while len(met) < 3:
            drawn = rng.choice(rng.choice((new, tried)))
            if drawn not in met:
                met.append(drawn)
                if drawn in new:
                    new.remove(drawn)
                    tried.append(drawn)
        alone += all(hers for _, _, hers in met)
    assert two_tables(3, (18, 6), (6, 6)) == pytest.approx(alone / throws, abs=0.02)


def test_a_netgroup_is_dialled_once() -> None:
    assert few_groups(4, 90, 10, 3) == 0
    assert few_groups(2, 90, 10, 3) == pytest.approx(0.9 * 60 / 70)
    assert one_bucket_each(4, 900, 10, 3) == 0
    assert one_bucket_each(2, 900, 10, 20) == pytest.approx(20 / 30 * 19 / 29, rel=0.02)


def test_sources_reach_a_part_of_the_table() -> None:
    assert few_sources(1, 10_000, 1_000, 1) < 64 / 600
    shares = [few_sources(4, 3_000, 600, sources) for sources in (1, 4, 16, 64, 500)]
    assert shares == sorted(shares)
    # With very many it makes no difference any more who told of what.
    assert shares[-1] == pytest.approx((3_000 / 3_600) ** 4, rel=0.04)


def test_hers_that_tell_of_hers_are_met_more_often() -> None:
    chances = [poisoned_newcomer(dials, 0.131, 9, 32) for dials in (1, 2, 3)]
    assert chances[0] == pytest.approx(0.131)
    assert chances[1] > 2 * 0.131**2
    assert chances[2] > 4 * 0.131**3
    assert poisoned_newcomer(10, 0.0, 9, 32) == 0


def test_anchors_and_feelers() -> None:
    assert with_anchors(10, 380, 20, 0.0) == 0
    assert with_anchors(10, 380, 20, 1.0) == two_tables(10, (380, 20))
    assert after_feelers(4, (270, 30), 15, 0, 0.0) == pytest.approx(
        two_tables(4, (270, 30), (0, 15))
    )
    assert after_feelers(4, (270, 30), 15, 5, 60.0) > after_feelers(4, (270, 30), 15, 5, 10.0)
    assert sum(poisson(n, 3.0) for n in range(40)) == pytest.approx(1)
