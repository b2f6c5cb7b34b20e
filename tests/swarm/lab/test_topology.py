"""The plans of networks, and the single points that some of them have on purpose."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import ConfigError
from axon.swarm.lab.topology import (
    KNOWN_AT_START,
    RunTopology,
    clients,
    current_name,
    dials,
    known_nodes,
    read_topology,
    splitters,
    with_one_entry,
)


def named(count: int) -> list[str]:
    return [f"n{number}" for number in range(1, count + 1)]


def test_names() -> None:
    assert [read_topology(name) for name in RunTopology] == list(RunTopology)
    with pytest.raises(
        ConfigError, match="organic, ring, star, one-server, fixed-address, wallets"
    ):
        read_topology("mesh")


@pytest.mark.parametrize(
    ("former", "now"),
    [("web", RunTopology.ONE_SERVER), ("fixed-spv", RunTopology.FIXED_ADDRESS)],
)
def test_former_names_are_understood(former: str, now: RunTopology) -> None:
    assert read_topology(former) is now
    assert current_name(former) == now
    assert former not in list(RunTopology)


def test_who_dials_whom() -> None:
    names = named(4)
    assert dials(RunTopology.ORGANIC, names) == dict.fromkeys(names)
    assert dials(RunTopology.RING, names) == {
        "n1": ("n2",),
        "n2": ("n3",),
        "n3": ("n4",),
        "n4": ("n1",),
    }
    assert dials(RunTopology.STAR, names) == {"n1": (), "n2": ("n1",), "n3": ("n1",), "n4": ("n1",)}
    assert dials(RunTopology.RING, ["n1"]) == {"n1": ()}


@given(st.integers(1, 40), st.integers(0, 1000))
def test_acquaintances_make_one_network_and_leave_nobody_alone(count: int, seed: int) -> None:
    names = named(count)
    known = known_nodes(names, Random(seed))
    for place, name in enumerate(names):
        assert name not in known[name]
        assert len(set(known[name])) == len(known[name]) == min(count - 1, KNOWN_AT_START)
        if count > 1:
            assert names[(place + 1) % count] in known[name]


@pytest.mark.parametrize("count", range(1, 8))
def test_a_star_has_one_single_point_and_a_ring_none(count: int) -> None:
    names = named(count)
    hub = ["n1"] if count > 2 else []
    assert splitters(dials(RunTopology.STAR, names)) == hub
    assert splitters(dials(RunTopology.RING, names)) == []
    assert splitters(dials(RunTopology.ORGANIC, names)) == []


PLANS = st.integers(1, 7).flatmap(
    lambda count: st.fixed_dictionaries(
        {
            name: st.lists(st.sampled_from(named(count)), max_size=3, unique=True).map(tuple)
            for name in named(count)
        }
    )
)


def spread(start: str, among: set[str], plan: dict[str, tuple[str, ...]]) -> set[str]:
    """Whom a rumour reaches, told along links in both directions until nobody new hears it."""
    heard = {start}
    while True:
        more = {
            b
            for a, b in [*combinations(sorted(among), 2), *combinations(sorted(among)[::-1], 2)]
            if a in heard and (b in plan[a] or a in plan[b])
        }
        if more <= heard:
            return heard
        heard |= more


@given(PLANS)
def test_splitters_agree_with_rumours(plan: dict[str, tuple[str, ...]]) -> None:
    expected = []
    for gone in plan:
        rest = set(plan) - {gone}
        if rest and spread(min(rest), rest, plan) != rest:
            expected.append(gone)
    assert splitters(dict(plan)) == expected


def test_clients_that_depend_on_one_node() -> None:
    names = named(3)
    assert with_one_entry(clients(RunTopology.ORGANIC, names)) == {}
    assert with_one_entry(clients(RunTopology.ONE_SERVER, names)) == {"n1": ["a web client"]}
    assert list(with_one_entry(clients(RunTopology.FIXED_ADDRESS, names))) == names
