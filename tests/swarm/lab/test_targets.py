"""What targets mean, and that what means nothing says what there is."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import ConfigError
from axon.swarm.lab.manifest import Component, ComponentKind
from axon.swarm.lab.targets import Targets, listed


def run(nodes: int, miners: int = 2, wallets: int = 3) -> dict[str, Component]:
    found = {}
    for number in range(1, nodes + 1):
        name = f"n{number}"
        found[name] = Component(name, ComponentKind.NODE, f"127.{number}.1.1", group=1 + number % 3)
    for number in range(1, miners + 1):
        found[f"m{number}"] = Component(f"m{number}", ComponentKind.MINER, "127.1.1.1", node="n1")
    for number in range(1, wallets + 1):
        found[f"w{number}"] = Component(
            f"w{number}", ComponentKind.WALLET, f"127.99.1.{number}", group=1
        )
    return found


def read(text: str, nodes: int = 6, seed: int = 1) -> list[str]:
    return Targets(run(nodes), Random(seed)).read(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("n3", "n3"),
        ("3", "n3"),
        ("2-4", "n2 n3 n4"),
        ("n2-n4", "n2 n3 n4"),
        ("4-4", "n4"),
        ("all-but:3", "n1 n2 n4 n5 n6"),
        ("all-but:2-6", "n1"),
        ("all", "n1 n2 n3 n4 n5 n6 m1 m2 w1 w2 w3"),
        ("m2", "m2"),
        ("miner:*", "m1 m2"),
        ("miner:1", "m1"),
        ("miner:m1", "m1"),
        ("w2", "w2"),
        ("w1-w2", "w1 w2"),
        ("wallet:*", "w1 w2 w3"),
        ("wallet:3", "w3"),
        ("node:*", "n1 n2 n3 n4 n5 n6"),
        ("group:1", "n3 n6"),
        ("5, 1,m1,1", "n1 n5 m1"),
    ],
)
def test_a_target_means(text: str, meant: str) -> None:
    assert read(text) == meant.split()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("n9", "there are n1 to n6, m1 to m2, w1 to w3"),
        ("0", "n1 to n6"),
        ("", "n1 to n6"),
        ("4-2", "no range"),
        ("2-m1", "no range"),
        ("all-but:9", "n1 to n6"),
        ("all-but:m1", "m1 is a miner, not a node"),
        ("random:0", "1 to 6"),
        ("random:7", "1 to 6"),
        ("random:x", "1 to 6"),
        ("group:9", "groups 1 to 3"),
        ("miner:3", "m1 to m2"),
        ("wallet:4", "w1 to w3"),
        ("all-but:w1", "w1 is a wallet, not a node"),
        ("m1-w1", "no range"),
        ("planet:1", "n1 to n6"),
        ("../etc", "n1 to n6"),
        ("³", "n1 to n6"),
    ],
)
def test_what_means_nothing_is_said(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(text)


@given(st.integers(1, 30), st.data())
def test_a_draw_is_of_so_many_and_follows_the_seed(nodes: int, data: st.DataObject) -> None:
    count, seed = data.draw(st.integers(1, nodes)), data.draw(st.integers(0, 99))
    drawn = read(f"random:{count}", nodes, seed)
    assert len(set(drawn)) == count
    assert drawn == read(f"random:{count}", nodes, seed)


@given(st.integers(1, 30), st.data())
def test_all_but_is_the_rest(nodes: int, data: st.DataObject) -> None:
    without = data.draw(st.integers(1, nodes))
    rest = Targets(run(nodes), Random(1)).nodes(f"all-but:{without}")
    assert sorted([*rest, f"n{without}"]) == sorted(f"n{number}" for number in range(1, nodes + 1))


def test_what_there_is_in_a_few_words() -> None:
    assert listed(run(1, 1, 0)) == "n1, m1"
    assert listed({}) == "none"
