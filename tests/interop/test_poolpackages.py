"""What takes the place of what, and what comes in together: judged by axon and by bitcoind.

Replacement, clusters, version 3 (BIP 431), packages and ephemeral dust, at the edges of each rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from axon.primitives.transaction import Transaction, TxOut
from tests.interop.poolpair import (
    ANYONE,
    TRUE,
    Coin,
    PoolPair,
    output_of,
    pool_pair,
    settled,
    spend,
    txid_hex,
)

pytestmark = [pytest.mark.interop, pytest.mark.process, pytest.mark.timeout(300)]

DUST = TxOut(0, ANYONE)


@pytest.fixture(name="pair", scope="module")
def pair_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoolPair]:
    with pool_pair(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


@pytest.fixture(autouse=True)
def settled_fixture(pair: PoolPair) -> Iterator[None]:
    """Each test ends with equal pools, and leaves none behind."""
    yield
    settled(pair)


def chain(coin: Coin, count: int, fee: int = 1_000, vsize: int = 0) -> list[Transaction]:
    """Each spends the one before it."""
    made: list[Transaction] = []
    for _ in range(count):
        made.append(spend([coin], fee=fee, vsize=vsize))
        coin = output_of(made[-1])
    return made


def split(coin: Coin, count: int, fee: int = 2_000, version: int = 2) -> Transaction:
    """One with so many outputs of the same amount, and its change."""
    share = coin.amount_sat // (count + 1)
    return spend([coin], *[TxOut(share, ANYONE)] * (count - 1), fee=fee, version=version)


# Replacement.


def test_fees_of_a_replacement(pair: PoolPair) -> None:
    coins = iter(pair.coins(40))
    for vsize in (200, 205):
        step = -(-vsize * 100 // 1_000)
        coin = next(coins)
        pair.send(spend([coin], fee=1_000, vsize=200))
        for fee in (999, 1_000, 1_001, 1_000 + step - 1, 1_000 + step):
            pair.send(spend([coin], fee=fee, vsize=vsize), f"{fee} for {vsize}")
    coin = next(coins)
    pair.send(spend([coin], fee=1_000, vsize=200))
    pair.send(spend([coin], fee=1_900, vsize=1_000), "a lower feerate")
    pair.send(spend([coin], fee=5_000, vsize=1_000), "the same feerate")
    pair.send(spend([coin], fee=5_105, vsize=1_000), "a higher one")
    coin = next(coins)
    for each in chain(coin, 3):
        pair.send(each)
    for fee in (2_999, 3_000, 3_012, 3_013, 3_020):
        pair.send(spend([coin], fee=fee, vsize=124), f"{fee} for three")
    final = replace(next(coins), sequence=0xFFFFFFFF)
    pair.send(spend([final]))
    pair.send(spend([final], fee=3_000), "of what does not signal")
    coin = next(coins)
    poor = spend([coin], fee=1_000, vsize=200)
    pair.send(poor)
    pair.same("prioritisetransaction", txid_hex(poor), 0, 500)
    for fee in (1_499, 1_519, 1_520):
        pair.send(spend([coin], fee=fee, vsize=200), f"{fee} over a prioritised one")
    one, two = next(coins), next(coins)
    pair.send(spend([one], fee=1_000, vsize=200))
    pair.send(spend([two], fee=1_000, vsize=200))
    pair.send(spend([one, two], fee=2_019, vsize=200), "two at once, too little")
    pair.send(spend([one, two], fee=2_020, vsize=200), "two at once")


def test_what_a_replacement_may_not_spend(pair: PoolPair) -> None:
    coin, other = pair.coins(2)
    parent = spend([coin], fee=1_000, vsize=200)
    child = spend([output_of(parent)], fee=1_000)
    pair.send(parent)
    pair.send(child)
    pair.send(spend([coin, output_of(parent)], fee=9_000), "its own conflict")
    pair.send(spend([coin, output_of(child)], fee=9_000), "what comes with its conflict")
    pair.send(spend([other, output_of(parent)], fee=9_000), "with a new unconfirmed parent")


def test_many_clusters_of_a_replacement(pair: PoolPair) -> None:
    coins = pair.coins(101, amount_sat=100_000)
    for coin in coins:
        pair.same("sendrawtransaction", spend([coin], fee=200).raw.hex(), 0)
    pair.send(spend(coins, fee=90_000), "101 clusters")
    pair.send(spend(coins[:100], fee=80_000), "100 clusters")


# Clusters.


def test_limits_of_a_cluster(pair: PoolPair) -> None:
    coins = iter(pair.coins(8))
    links = chain(next(coins), 65, fee=300)
    for each in links[:-1]:
        pair.same("sendrawtransaction", each.raw.hex(), 0)
    pair.send(links[-1], "the 65th of a chain")
    pair.send(spend([output_of(links[-2]), next(coins)], fee=2_000), "the 65th with another coin")
    pair.send(spend([output_of(links[-3])], fee=2_000), "instead of the last")
    pair.same("getmempoolcluster", txid_hex(links[0]))
    for total in (101_000, 101_001):
        coin = next(coins)
        parent = spend([coin], fee=100_000, vsize=50_000)
        pair.send(parent)
        child = spend([output_of(parent)], fee=100_000, vsize=total - 50_000)
        pair.send(child, f"a cluster of {total}")
        pair.same("getmempoolcluster", txid_hex(parent))
    wide = split(next(coins), 70)
    pair.send(wide)
    for index in range(64):
        child = spend([output_of(wide, index)], fee=400 + 10 * index, change=ANYONE)
        pair.same("sendrawtransaction", child.raw.hex(), 0, note=f"child {index}")
    pair.same("getmempoolcluster", txid_hex(wide))
    pair.same("getmempoolentry", txid_hex(wide))


def test_clusters_that_are_joined(pair: PoolPair) -> None:
    coins = iter(pair.coins(6))
    left, right = chain(next(coins), 32, fee=300), chain(next(coins), 32, fee=300)
    for each in (*left, *right):
        pair.same("sendrawtransaction", each.raw.hex(), 0)
    ends = [output_of(left[-1]), output_of(right[-1])]
    pair.send(spend(ends), "32 and 32 and one")
    pair.send(spend([output_of(left[-2]), ends[1]], fee=5_000), "31 and 32 and one")
    pair.same("getmempoolcluster", txid_hex(left[0]))


# Version 3.


def test_version_3(pair: PoolPair) -> None:
    coins = iter(pair.coins(40))
    for vsize in (9_999, 10_000, 10_001):
        pair.send(spend([next(coins)], version=3, fee=20_000, vsize=vsize), f"{vsize}")
    parents = {version: split(next(coins), 6, version=version, fee=2_000) for version in (2, 3)}
    for version, parent in parents.items():
        pair.send(parent)
        other = 5 - version
        pair.send(spend([output_of(parent)], version=other), f"{other} over {version}")
    for vsize in (1_000, 1_001):
        parent = spend([next(coins)], version=3)
        pair.send(parent)
        child = spend([output_of(parent)], version=3, fee=3_000, vsize=vsize)
        pair.send(child, f"a child of {vsize}")
        if vsize == 1_000:
            third = spend([output_of(child)], version=3)
            pair.send(third, "a grandchild")
    one, two = (spend([next(coins)], version=3) for _ in range(2))
    pair.send(one)
    pair.send(two)
    pair.send(spend([output_of(one), output_of(two)], version=3), "two parents")


def test_siblings(pair: PoolPair) -> None:
    coins = iter(pair.coins(12))
    parent = split(next(coins), 4, version=3)
    pair.send(parent)
    first = spend([output_of(parent)], version=3, fee=1_000, vsize=200)
    pair.send(first)
    for fee in (900, 1_000, 1_019, 1_020):
        sibling = spend([output_of(parent, 1)], version=3, fee=fee, vsize=200)
        pair.send(sibling, f"a sibling with {fee}")
    sibling = spend([output_of(parent, 2)], version=3, fee=3_000, vsize=200)
    pair.package(sibling, note="a sibling alone in a package")
    again = spend([output_of(parent, 1)], version=3, fee=6_000, vsize=200)
    pair.package(parent, again, note="a sibling with its parent that is here")
    fresh = spend([next(coins)], version=3, fee=1_000)
    both = spend([output_of(parent, 0), output_of(fresh)], version=3, fee=20_000)
    pair.package(fresh, both, note="one parent here, one new")


def test_version_3_in_packages(pair: PoolPair) -> None:
    coins = iter(pair.coins(60))
    for parent_version, child_version in ((2, 3), (3, 2), (3, 3)):
        parent = spend([next(coins)], version=parent_version, fee=0)
        child = spend([output_of(parent)], version=child_version, fee=2_000)
        pair.package(parent, child, note=f"{child_version} over {parent_version}")
    for vsize in (1_000, 1_001):
        parent = spend([next(coins)], version=3, fee=0)
        child = spend([output_of(parent)], version=3, fee=4_000, vsize=vsize)
        pair.package(parent, child, note=f"a child of {vsize}")
    parents = [spend([next(coins)], version=3, fee=0) for _ in range(2)]
    child = spend(list(map(output_of, parents)), version=3, fee=4_000)
    pair.package(*parents, child, note="two parents")
    large = spend([next(coins)], version=3, fee=0, vsize=10_001)
    pair.package(large, spend([output_of(large)], version=3, fee=9_000), note="a large parent")
    wide = split(next(coins), 3, version=3, fee=0)
    first, second = (spend([output_of(wide, i)], version=3, fee=2_000) for i in range(2))
    raw = [each.raw.hex() for each in (wide, first, second)]
    pair.same("testmempoolaccept", raw, note="two children")
    grand = spend([output_of(first)], version=3, fee=2_000)
    raw = [each.raw.hex() for each in (wide, first, grand)]
    pair.same("testmempoolaccept", raw, note="three generations")
    pair.package(wide, first)
    pair.package(wide, second, note="another child of a parent that is here")


# Packages.


def test_fees_of_packages(pair: PoolPair) -> None:
    coins = iter(pair.coins(40))
    for fee in (39, 40):
        parent = spend([next(coins)], fee=0, vsize=200)
        child = spend([output_of(parent)], fee=fee, vsize=200)
        pair.package(parent, child, note=f"{fee} for both")
    parent = spend([next(coins)], fee=1_000, vsize=200)
    pair.package(parent, spend([output_of(parent)], fee=19, vsize=200), note="a poor child")
    parent = spend([next(coins)], fee=20, vsize=200)
    pair.package(parent, spend([output_of(parent)], fee=20, vsize=200), note="each by itself")
    parents = [spend([next(coins)], fee=fee, vsize=200) for fee in (0, 5_000, 10)]
    child = spend(list(map(output_of, parents)), fee=600, vsize=400)
    pair.package(*parents, child, note="three parents")
    pair.package(*parents, child, note="again")
    parents = [spend([next(coins)], fee=0, vsize=200) for _ in range(3)]
    child = spend(list(map(output_of, parents)), fee=9_000_000 // 100)
    raw = [each.raw.hex() for each in (*parents, child)]
    for most in ("0.0001", "0.1", "0.9999", "1", 0):
        pair.same("submitpackage", raw, most, note=f"at most {most}")
    one = spend([next(coins)], fee=0)
    pair.package(one, note="one without a fee")
    pair.package(spend([next(coins)]), note="one")
    poor = spend([next(coins)], fee=0)
    bad = spend([replace(output_of(poor), witness=(b"\x52",))], fee=2_000)
    pair.package(poor, bad, note="a child with another script")
    bad = spend([replace(next(coins), witness=(b"\x52",))], fee=0)
    pair.package(bad, spend([output_of(bad)], fee=2_000), note="a parent with another script")
    good = spend([next(coins)], fee=500)
    bad = spend([replace(output_of(good), witness=(b"\x52",))], fee=2_000)
    pair.package(good, bad, note="a good parent, a bad child")
    odd = spend([next(coins)], fee=0, version=5)
    pair.package(odd, spend([output_of(odd)], fee=2_000), note="a parent of version 5")


def test_forms_of_packages(pair: PoolPair) -> None:
    coins = iter(pair.coins(60))
    parent = spend([next(coins)], fee=0)
    child = spend([output_of(parent)], fee=2_000)
    grand = spend([output_of(child)], fee=2_000)
    other = spend([next(coins)])
    for note, members in {
        "turned around": (child, parent),
        "the same twice": (parent, parent),
        "three generations": (parent, child, grand),
        "strangers": (parent, other),
        "a child alone": (child,),
        "a stranger between": (parent, other, child),
    }.items():
        pair.package(*members, note=note)
    shared = next(coins)
    one, two = spend([shared]), spend([shared], fee=5_000)
    pair.package(one, two, note="rivals")
    both = spend([output_of(one), output_of(two)])
    pair.package(one, two, both, note="a child of rivals")
    parents = [spend([next(coins)], fee=0) for _ in range(26)]
    for count in (24, 25, 26):
        last = spend(list(map(output_of, parents[:count])), fee=20_000)
        raw = [each.raw.hex() for each in (*parents[:count], last)]
        pair.same("testmempoolaccept", raw, note=f"{count} parents")
        pair.same("submitpackage", raw, note=f"{count} parents")
    for size in (99_000, 98_000):
        heavy = spend([next(coins)], fee=0, vsize=size)
        light = spend([output_of(heavy)], fee=200_000, vsize=2_500)
        pair.package(heavy, light, note=f"{size} and 2,500")
    kin = split(next(coins), 3, fee=0)
    nephew = spend([output_of(kin)], fee=0)
    last = spend([output_of(kin, 1), output_of(nephew)], fee=9_000)
    pair.package(kin, nephew, last, note="parents of each other")


def test_members_that_are_known(pair: PoolPair) -> None:
    coins = iter(pair.coins(10))
    parent = spend([next(coins)], fee=500)
    pair.send(parent)
    child = spend([output_of(parent)], fee=2_000)
    inputs = [replace(each, witness=(b"", TRUE)) for each in (next(coins),)]
    pair.package(parent, child, note="the parent is here")
    pair.package(parent, child, note="both are here")
    pair.package(spend(inputs), note="an unclean stack")
    confirmed = spend([next(coins)], fee=500)
    pair.send(confirmed)
    pair.mine()
    pair.package(confirmed, spend([output_of(confirmed)]), note="the parent is confirmed")


def test_replacement_by_packages(pair: PoolPair) -> None:
    coins = iter(pair.coins(60))
    for fee in (999, 1_000, 1_039, 1_040, 2_000):
        coin = next(coins)
        pair.send(spend([coin], fee=1_000, vsize=200))
        parent = spend([coin], fee=0, vsize=200)
        child = spend([output_of(parent)], fee=fee, vsize=200)
        pair.package(parent, child, note=f"{fee} instead of 1,000")
    coin = next(coins)
    pair.send(spend([coin], fee=1_000, vsize=200))
    parent = spend([coin], fee=900, vsize=200)
    pair.package(parent, spend([output_of(parent)], fee=900, vsize=200), note="not a better chunk")
    pair.package(parent, spend([output_of(parent)], fee=901, vsize=200), note="a better chunk")
    coin, mate = next(coins), next(coins)
    pair.send(spend([coin], fee=1_000, vsize=200))
    pair.send(mated := spend([mate], fee=500))
    parent = spend([coin, output_of(mated)], fee=0, vsize=300)
    child = spend([output_of(parent)], fee=9_000, vsize=200)
    pair.package(parent, child, note="with a parent in the pool")
    rivals = [next(coins) for _ in range(3)]
    for coin in rivals:
        pair.send(spend([coin], fee=1_000, vsize=200))
    parents = [spend([coin], fee=0, vsize=200) for coin in rivals[:2]]
    child = spend(list(map(output_of, parents)), fee=9_000)
    pair.package(*parents, child, note="two parents")
    parent = spend([rivals[0]], fee=0, vsize=200)
    child = spend([output_of(parent), rivals[1], rivals[2]], fee=9_000)
    pair.package(parent, child, note="parent and child replace")
    coin = next(coins)
    old_parent = spend([coin], fee=0, version=3)
    old_child = spend([output_of(old_parent)], fee=1_500, version=3)
    pair.package(old_parent, old_child)
    new_parent = spend([coin], TxOut(1_000, ANYONE), fee=0, version=3)
    for fee in (1_500, 1_600, 3_000):
        new_child = spend([output_of(new_parent)], fee=fee, version=3)
        pair.package(new_parent, new_child, note=f"version 3 with {fee}")


# Ephemeral dust.


def test_ephemeral_dust(pair: PoolPair) -> None:
    coins = iter(pair.coins(60))
    for version in (2, 3):
        parent = spend([next(coins)], DUST, fee=0, version=version)
        both = [output_of(parent), output_of(parent, 1)]
        pair.offer(parent, "alone")
        only = spend(both[:1], fee=2_000, version=version)
        pair.package(parent, only, note="its dust is left")
        pair.package(parent, spend(both, fee=20, version=version), note="too little")
        child = spend(both, fee=2_000, version=version)
        pair.package(parent, child, note="its dust is spent")
        again = spend(both, fee=4_000, version=version)
        pair.send(again, "a replacement that spends the dust")
        pair.send(spend(both[:1], fee=9_000, version=version), "one that does not")
        pair.package(parent, again, note="both are here")
    paid = spend([next(coins)], DUST, fee=100)
    pair.package(paid, spend([output_of(paid), output_of(paid, 1)], fee=2_000), note="with a fee")
    two = spend([next(coins)], DUST, DUST, fee=0)
    spent = [output_of(two, i) for i in range(3)]
    pair.package(two, spend(spent, fee=2_000), note="two of dust")
    parents = [spend([next(coins)], DUST, fee=0) for _ in range(3)]
    spent = [output_of(each, i) for each in parents for i in range(2)]
    pair.package(*parents, spend(spent[:-1], fee=4_000), note="the dust of the last is left")
    pair.package(*parents, spend(spent, fee=4_000), note="three with dust")
    lonely = spend([next(coins)], DUST, fee=0)
    pair.same("prioritisetransaction", txid_hex(lonely), 0, 1_000)
    pair.send(lonely, "prioritised")
    pair.same("prioritisetransaction", txid_hex(lonely), 0, -1_000)
    confirmed = spend([next(coins)], DUST, fee=0)
    pair.mine_with(confirmed)
    pair.send(spend([output_of(confirmed)]), "its parent is confirmed")
