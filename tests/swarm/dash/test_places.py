"""Places in the picture: all on the sheet, nobody on another, the sides of a cut apart."""

from __future__ import annotations

from itertools import combinations
from math import hypot

import pytest

from axon.swarm.dash.places import MINER_RADIUS, TALL, WIDE, Sheet, place
from axon.swarm.lab.manifest import ComponentKind
from tests.swarm.dash.runs import planned


@pytest.mark.parametrize("sheet", [WIDE, TALL], ids=lambda sheet: sheet.name)
@pytest.mark.parametrize(
    ("nodes", "wallets"), [(1, 0), (2, 1), (3, 2), (10, 3), (26, 5), (60, 10), (200, 50)]
)
@pytest.mark.parametrize("is_cut", [False, True], ids=["whole", "cut"])
def test_nobody_stands_on_another(sheet: Sheet, nodes: int, wallets: int, is_cut: bool) -> None:
    manifest = planned(nodes, miners=min(nodes, 3), wallets=wallets)
    if is_cut:
        names = [item.name for item in manifest.nodes]
        manifest.sides = tuple(map(tuple, filter(None, (names[: nodes // 3], names[nodes // 3 :]))))
    placed = place(manifest, sheet)
    radii = {
        ComponentKind.NODE: placed.radius,
        ComponentKind.WALLET: placed.wallet_radius,
        ComponentKind.MINER: MINER_RADIUS,
    }
    assert set(placed.places) == set(manifest.components)
    for name, (x, y) in placed.places.items():
        radius = radii[manifest.components[name].kind]
        assert radius <= x <= sheet.width - radius, name
        assert radius <= y <= sheet.height - radius, name
    solid = [item for item in manifest.components.values() if item.kind is not ComponentKind.MINER]
    for one, other in combinations(solid, 2):
        (x, y), (u, v) = placed.places[one.name], placed.places[other.name]
        room = radii[one.kind] + radii[other.kind]
        assert hypot(x - u, y - v) > room, f"{one.name} and {other.name}"


def test_a_miner_stands_at_its_node() -> None:
    manifest = planned(8, miners=8)
    placed = place(manifest, WIDE)
    for miner in manifest.of_kind(ComponentKind.MINER):
        (x, y), (u, v) = placed.places[miner.name], placed.places[miner.node]
        assert placed.radius < hypot(x - u, y - v) < 2 * placed.radius


@pytest.mark.parametrize(("sheet", "axis"), [(WIDE, 0), (TALL, 1)])
def test_the_sides_of_a_cut_do_not_mix(sheet: Sheet, axis: int) -> None:
    manifest = planned(9)
    manifest.sides = (("n1", "n4", "n7"), ("n2", "n3", "n5", "n6", "n8", "n9"))
    placed = place(manifest, sheet)
    first, second = ([placed.places[name][axis] for name in side] for side in manifest.sides)
    assert max(first) + 2 * placed.radius < min(second)
