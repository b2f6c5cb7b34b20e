"""Searches for coins, against all sets that there are."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from random import Random

import pytest

from axon.primitives.hashes import Txid
from axon.primitives.transaction import outpoint
from axon.wallet.coinsearch import (
    Found,
    SpendableCoin,
    SpendGroup,
    closest,
    drawn,
    lightest,
    without_change,
)

Sets = list[tuple[SpendGroup, ...]]


def group(
    number: int, value_sat: int, *, fee_sat: int = 200, later_sat: int = 100, weight_wu: int = 272
) -> SpendGroup:
    point = outpoint(Txid(number.to_bytes(32, "big")), 0)
    amount_sat = value_sat + fee_sat
    return SpendGroup.of(
        [SpendableCoin(point, amount_sat, value_sat, fee_sat, later_sat, weight_wu, 10, False, b"")]
    )


def value(groups: tuple[SpendGroup, ...]) -> int:
    return sum(each.value_sat for each in groups)


def weight(groups: tuple[SpendGroup, ...]) -> int:
    return sum(each.weight_wu for each in groups)


def waste(groups: tuple[SpendGroup, ...], target_sat: int) -> int:
    return sum(each.extra_sat for each in groups) + value(groups) - target_sat


class Scene:
    """A few groups, what they are to reach, and all sets of them."""

    def __init__(self, seed: int) -> None:
        rng = self.rng = Random(seed)
        dear = rng.random() < 0.5
        self.groups = [
            group(
                number,
                100 * rng.randrange(1, 60),
                fee_sat=rng.choice([100, 200]) if dear else 40,
                later_sat=50,
                weight_wu=rng.choice([4, 8, 12]),
            )
            for number in range(rng.randrange(1, 9))
        ]
        self.target = rng.randrange(100, 8_000)
        self.spare = rng.randrange(500)
        self.most_wu = rng.randrange(4, 60)
        self.sets: Sets = [
            chosen
            for count in range(1, len(self.groups) + 1)
            for chosen in combinations(self.groups, count)
        ]

    def reaching(self) -> Sets:
        """The sets that are good enough and light enough."""
        light = [each for each in self.sets if weight(each) <= self.most_wu]
        return [each for each in light if value(each) >= self.target]


@pytest.mark.parametrize("seed", range(150))
def test_the_searches_through_all_sets_find_the_best(seed: int) -> None:
    scene = Scene(seed)
    close = [each for each in scene.reaching() if value(each) <= scene.target + scene.spare]
    found = without_change(scene.groups, scene.target, scene.spare, scene.most_wu).groups
    if scene.groups[0].extra_sat > 0 and close:
        assert found is not None
        least = min(waste(each, scene.target) for each in close)
        assert waste(found, scene.target) == least
    else:
        assert (found is not None) == bool(close)
        assert found is None or found in close or value(found) - scene.target <= scene.spare
    found = lightest(scene.groups, scene.target, scene.most_wu).groups
    reaching = [(weight(each), value(each)) for each in scene.reaching()]
    assert (found and (weight(found), value(found))) == min(reaching, default=None)


@pytest.mark.parametrize("seed", range(150))
def test_what_chance_finds_suffices_and_is_not_too_heavy(seed: int) -> None:
    scene = Scene(seed)
    for found in (
        closest(scene.groups, scene.target, 50, scene.most_wu, scene.rng).groups,
        drawn(scene.groups, scene.target, 10, scene.most_wu, scene.rng).groups,
    ):
        if found is not None:
            assert value(found) >= scene.target
            assert weight(found) <= scene.most_wu
            assert len({each.coins[0].point for each in found}) == len(found)


def test_a_single_coin_is_closest_where_small_ones_do_not_suffice() -> None:
    groups = [group(1, 3_000), group(2, 2_000), group(3, 90_000), group(4, 70_000)]
    assert closest(groups, 10_000, 50_000, 10_000, Random(1)).groups == (groups[3],)
    assert closest(groups, 3_000, 50_000, 10_000, Random(1)).groups == (groups[0],), "exactly"
    assert closest(groups, 5_000, 50_000, 10_000, Random(1)).groups == tuple(groups[:2]), "all"


def test_what_is_drawn_leaves_change_that_is_worthwhile() -> None:
    groups = [group(number, 30_000) for number in range(10)]
    for seed in range(10):
        found = drawn(groups, 10_000, 600, 10_000, Random(seed)).groups
        assert found is not None
        assert value(found) == 90_000
    assert drawn(groups[:2], 10_000, 600, 10_000, Random(1)) == Found(None)


@pytest.mark.parametrize(
    "search",
    [
        lambda groups, most: without_change(groups, 1_000_000, 20_000_000, most),
        lambda groups, most: lightest(groups, 1_000_000, most),
        lambda groups, most: closest(groups, 1_000_000, 50_000, most, Random(1)),
        lambda groups, most: drawn(groups, 1_000_000, 600, most, Random(1)),
    ],
)
def test_sets_that_weigh_too_much_are_told_of(
    search: Callable[[list[SpendGroup], int], Found],
) -> None:
    groups = [group(number, 30_000) for number in range(60)]
    found = search(groups, 20 * 272)
    assert (found.groups, found.too_heavy) == (None, True)
    assert search(groups, 60 * 272).groups is not None
