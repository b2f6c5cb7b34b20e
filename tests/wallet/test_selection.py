"""Which coins are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.primitives.hashes import Txid
from axon.primitives.transaction import outpoint
from axon.wallet.coinsearch import SpendableCoin
from axon.wallet.descriptorbook import AddressType
from axon.wallet.errors import PaymentRefused
from axon.wallet.selection import ChangeTerms, Goal, choose

CHANGE = ChangeTerms(
    cost_sat=1_000, output_sat=600, least_sat=700, wanted_sat=60_000, weight_wu=124
)
INPUT_WU = 272
FEE = 1_360  # Of an input at 20 sat/vB; one day it will be half of that.


def goal(target_sat: int, **more: object) -> Goal:
    usual = Goal(target_sat, CHANGE, 20_000, 10_000, 399_000, 399_000)
    return replace(usual, **more)  # type: ignore[arg-type]


def coin(
    number: int,
    value_sat: int,
    *,
    depth: int = 10,
    own: bool = False,
    kind: AddressType = AddressType.BECH32,
    cluster: int = 0,
) -> SpendableCoin:
    return SpendableCoin(
        outpoint(Txid(number.to_bytes(32, "big")), 0),
        value_sat + FEE,
        value_sat,
        FEE,
        FEE // 2,
        INPUT_WU,
        depth,
        own,
        bytes([number % 3]),
        kind,
        cluster,
        cluster,
    )


def values(coins: Sequence[SpendableCoin] | None) -> list[int]:
    assert coins is not None
    return sorted(each.value_sat for each in coins)


def test_a_set_without_change_is_preferred() -> None:
    coins = [coin(1, 50_000), coin(2, 30_000), coin(3, 20_500), coin(4, 900_000)]
    assert values(choose(coins, goal(50_400), Random(1))) == [20_500, 30_000]


def test_one_coin_is_spent_where_hundreds_would_do() -> None:
    dust = [coin(number, 90_000) for number in range(300)]
    for seed in range(2):
        chosen = choose([*dust, coin(999, 90_000_000)], goal(20_000_000), Random(seed))
        assert values(chosen) == [90_000_000]


def test_where_fees_are_low_more_coins_are_spent_than_must_be() -> None:
    cheap = [replace(coin(number, 40_000), fee_sat=100, later_sat=900) for number in range(9)]
    low = goal(60_000, feerate_sat_kvb=1_500)
    counts = [len(values(choose(cheap, low, Random(seed)))) for seed in range(10)]
    assert max(counts) > 2, "change costs no more than what is saved later"


def test_young_and_foreign_coins_come_last() -> None:
    young = coin(1, 100_000, depth=1)
    old = coin(2, 100_000, depth=6)
    change = coin(3, 100_000, depth=0, own=True, cluster=1)
    for seed in range(10):
        assert choose([young, old, change], goal(90_000), Random(seed)) == [old]
        assert choose([young, change], goal(90_000), Random(seed)) == [young]
    assert choose([change], goal(90_000), Random(1)) == [change]
    assert choose([change], goal(90_000, spends_change=False), Random(1)) is None


def test_what_waits_behind_many_others_comes_last_and_a_chain_never_gets_too_long() -> None:
    short = coin(1, 100_000, depth=0, own=True, cluster=2)
    long = coin(2, 100_000, depth=0, own=True, cluster=24)
    endless = coin(3, 100_000, depth=0, own=True, cluster=25)
    for seed in range(5):
        assert choose([long, short, endless], goal(90_000), Random(seed)) == [short]
        assert choose([long, endless], goal(90_000), Random(seed)) == [long]
    with pytest.raises(PaymentRefused, match="creates a chain of transactions that will be"):
        choose([endless], goal(90_000), Random(1))
    assert choose([endless], goal(90_000, long_chains=True), Random(1)) == [endless]


def test_coins_of_several_types_are_mixed_only_where_one_type_does_not_suffice() -> None:
    old = [coin(number, 50_000, depth=3, kind=AddressType.LEGACY) for number in range(3)]
    new = [coin(number, 50_000, depth=3, kind=AddressType.BECH32M) for number in range(3, 6)]
    for seed in range(10):
        chosen = choose([*old, *new], goal(120_000), Random(seed))
        assert chosen is not None
        assert len({each.kind for each in chosen}) == 1
    assert len(values(choose([*old, *new], goal(240_000), Random(1)))) > 3


def test_coins_of_one_script_go_together() -> None:
    coins = [coin(1, 100_000), coin(4, 100_000), coin(2, 100_000)]
    for seed in range(10):
        chosen = choose(coins, goal(10_000, together=True), Random(seed))
        assert chosen is not None
        scripts = {each.script for each in chosen}
        assert len(chosen) == sum(each.script in scripts for each in coins)


def test_of_many_coins_of_one_script_a_hundred_go_together() -> None:
    coins = [coin(3 * number, 100_000) for number in range(250)]
    for seed in range(5):
        chosen = choose(coins, goal(10_000, together=True), Random(seed))
        assert len(values(chosen)) == 100, "no rest where there are whole groups"


def test_a_payment_is_not_heavier_than_nodes_relay() -> None:
    coins = [coin(number, 10_000) for number in range(40)]
    heavy = goal(300_000, max_weight_wu=20 * INPUT_WU, child_weight_wu=20 * INPUT_WU)
    with pytest.raises(PaymentRefused, match="The inputs size exceeds the maximum weight"):
        choose(coins, heavy, Random(1))
    light = replace(heavy, target_sat=150_000)
    assert len(values(choose(coins, light, Random(1)))) <= 20
    with pytest.raises(PaymentRefused, match="less than transaction weight without inputs"):
        choose(coins, goal(1_000, max_weight_wu=0), Random(1))


@given(
    st.lists(st.integers(-500, 10**6), max_size=30),
    st.integers(1, 10**7),
    st.integers(0, 1_000),
)
def test_what_is_chosen_suffices(amounts: list[int], target: int, seed: int) -> None:
    coins = [coin(number, value) for number, value in enumerate(amounts)]
    chosen = choose(coins, goal(target), Random(seed))
    if chosen is None:
        assert sum(value for value in amounts if value > 0) < target
    else:
        assert sum(each.value_sat for each in chosen) >= target
        assert all(each.value_sat > 0 for each in chosen)
        assert len({each.point for each in chosen}) == len(chosen)
