"""Which coins are chosen."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from axon.primitives.hashes import Txid
from axon.primitives.transaction import outpoint
from axon.wallet.selection import ChangeTerms, SpendableCoin, choose

CHANGE = ChangeTerms(cost_sat=1_000, output_sat=600)


def coin(number: int, value_sat: int, *, depth: int = 10, own: bool = False) -> SpendableCoin:
    point = outpoint(Txid(number.to_bytes(32, "big")), 0)
    return SpendableCoin(point, value_sat + 70, value_sat, depth, own, bytes([number % 3]))


def test_a_set_without_change_is_preferred() -> None:
    coins = [coin(1, 50_000), coin(2, 30_000), coin(3, 20_500), coin(4, 900_000)]
    chosen = choose(coins, 50_400, CHANGE, Random(1))
    assert chosen is not None
    assert sorted(each.value_sat for each in chosen) == [20_500, 30_000]


def test_young_and_foreign_coins_come_last() -> None:
    young = coin(1, 100_000, depth=1)
    old = coin(2, 100_000, depth=6)
    change = coin(3, 100_000, depth=0, own=True)
    for seed in range(10):
        assert choose([young, old, change], 90_000, CHANGE, Random(seed)) == [old]
        assert choose([young, change], 90_000, CHANGE, Random(seed)) == [young]
    assert choose([change], 90_000, CHANGE, Random(1)) == [change]


def test_coins_of_one_script_go_together() -> None:
    coins = [coin(1, 100_000), coin(4, 100_000), coin(2, 100_000)]
    for seed in range(10):
        chosen = choose(coins, 10_000, CHANGE, Random(seed), together=True)
        assert chosen is not None
        scripts = {each.script for each in chosen}
        assert len(chosen) == sum(each.script in scripts for each in coins)


@given(
    st.lists(st.integers(-500, 10**6), max_size=30),
    st.integers(1, 10**7),
    st.integers(0, 1_000),
)
def test_what_is_chosen_suffices(values: list[int], target: int, seed: int) -> None:
    coins = [coin(number, value) for number, value in enumerate(values)]
    chosen = choose(coins, target, CHANGE, Random(seed))
    if chosen is None:
        assert sum(value for value in values if value > 0) < target
    else:
        assert sum(each.value_sat for each in chosen) >= target
        assert len({each.point for each in chosen}) == len(chosen)
