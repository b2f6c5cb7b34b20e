"""The networks with a weak point: all of them, each with the component that must be named."""

from __future__ import annotations

import pytest

from axon.errors import ConfigError
from axon.swarm.spof.plants import PLANTS


def test_none_is_left_out() -> None:
    assert sorted(plant.number for plant in PLANTS.values()) == list(range(1, 23))


@pytest.mark.parametrize("nodes", [6, 7, 10])
@pytest.mark.parametrize("name", sorted(PLANTS))
def test_each_has_what_must_be_named(name: str, nodes: int) -> None:
    blueprint = PLANTS[name].make(nodes)
    assert blueprint.name == name
    assert len(blueprint.nodes) == nodes
    assert PLANTS[name].culprit in blueprint.components()


@pytest.mark.parametrize("nodes", [6, 7, 10])
@pytest.mark.parametrize("name", ["star", "only-connect"])
def test_no_leaf_hangs_on_one_link(name: str, nodes: int) -> None:
    links = PLANTS[name].make(nodes).links()
    for number in range(2, nodes + 1):
        assert sum(f"n{number}" in link.split("-") for link in links) >= 2


@pytest.mark.parametrize("name", sorted(PLANTS))
def test_of_too_few_nodes_none_is_drawn(name: str) -> None:
    plant = PLANTS[name]
    assert plant.culprit in plant.drawn(plant.least).components()
    with pytest.raises(ConfigError, match=f"{name} takes {plant.least} nodes: of 2 not "):
        plant.drawn(2)
