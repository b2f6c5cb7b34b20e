"""Where everybody stands in the picture: nodes on rings, miners beside theirs, wallets below.

Whoever is on one side of a cut stands on a ring of its own. There are two sheets, one for wide
screens and one for narrow ones; places are in units of the sheet.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin
from typing import Final

from axon.swarm.lab.manifest import ComponentKind, Manifest

RADII: Final = (22.0, 18.0, 15.0, 12.0, 9.0, 7.0, 5.0, 3.5)
"""Of a node: the largest with which all have room."""

WALLET_RADIUS: Final = 15.0
SMALL_WALLET_RADIUS: Final = 10.0
"""Where there are many, and no room for words under them."""

MINER_RADIUS: Final = 8.0

_STEP: Final = 2.7
"""From node to node on a ring, and from ring to ring, in radii: no two touch."""

_SAMPLES: Final = 360
_SHOULDER: Final = pi / 5
_BELOW: Final = 18.0
"""Room under a wallet for what it holds."""

_APART: Final = 6.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is drawn on.

    Args:
        name: `wide` or `tall`.
        width, height: of the whole.
        is_row: the sides of a cut stand beside each other, not one above the other.
    """

    name: str
    width: float
    height: float
    is_row: bool


WIDE: Final = Sheet("wide", 860.0, 560.0, True)
TALL: Final = Sheet("tall", 360.0, 470.0, False)


@dataclass(frozen=True, slots=True)
class PlacedRun:
    """A run on a sheet.

    Args:
        places: of everybody, by name.
        radius: of a node.
        wallet_radius: of a wallet.
    """

    places: Mapping[str, tuple[float, float]]
    radius: float
    wallet_radius: float


@dataclass(frozen=True, slots=True)
class _Cell:
    """A part of the sheet, for one side: its middle, and half of its extent."""

    x: float
    y: float
    half_width: float
    half_height: float


def place(manifest: Manifest, sheet: Sheet) -> PlacedRun:
    """Everybody's place on a sheet."""
    names = [item.name for item in manifest.nodes]
    sides = [side for side in manifest.sides if side] or [tuple(names)]
    rows = _wallet_rows(len(manifest.wallets), sheet)
    is_crowded = len(rows) > 2
    wallet_radius = SMALL_WALLET_RADIUS if is_crowded else WALLET_RADIUS
    row_height = 2 * wallet_radius + (_APART if is_crowded else _BELOW)
    cells = _cells(sheet, len(sides), sheet.height - row_height * len(rows))
    radius, rings = _fitting(cells, [len(side) for side in sides])
    places: dict[str, tuple[float, float]] = {}
    for cell, side, found in zip(cells, sides, rings, strict=True):
        places |= zip(side, _on_rings(cell, found), strict=True)
        places |= _miners(manifest, cell, side, places, radius)
    wallets = [item.name for item in manifest.wallets]
    for number, count in enumerate(rows):
        y = sheet.height - row_height * (len(rows) - number) + wallet_radius
        for spot in range(count):
            places[wallets.pop(0)] = (sheet.width * (spot + 0.5) / count, y)
    return PlacedRun(places, radius, wallet_radius)


def _wallet_rows(count: int, sheet: Sheet) -> list[int]:
    """How many wallets stand in each row."""
    most = int(sheet.width // (2 * WALLET_RADIUS + 12))
    rows = -(-count // most)
    return [count // rows + (row < count % rows) for row in range(rows)]


def _cells(sheet: Sheet, count: int, height: float) -> list[_Cell]:
    if sheet.is_row:
        width = sheet.width / count
        return [
            _Cell(width * (turn + 0.5), height / 2, width / 2, height / 2) for turn in range(count)
        ]
    part = height / count
    return [
        _Cell(sheet.width / 2, part * (turn + 0.5), sheet.width / 2, part / 2)
        for turn in range(count)
    ]


Ring = tuple[float, float, int]
"""Both half axes, and how many stand on it."""


def _fitting(cells: Sequence[_Cell], counts: Sequence[int]) -> tuple[float, list[list[Ring]]]:
    """The largest radius with which all sides have room, and the rings of each."""
    for radius in RADII:
        found = [_rings(cell, count, radius) for cell, count in zip(cells, counts, strict=True)]
        if all(
            sum(ring[2] for ring in rings) == count
            for rings, count in zip(found, counts, strict=True)
        ):
            return radius, found
    smallest = RADII[-1]  # They overlap then; there is no run with so many.
    return smallest, [
        [(cell.half_width * 0.9, cell.half_height * 0.9, count)]
        for cell, count in zip(cells, counts, strict=True)
    ]


def _rings(cell: _Cell, count: int, radius: float) -> list[Ring]:
    """From the outer one to the inner ones, until all have a place or there is no room."""
    margin = radius + 2 * MINER_RADIUS + 10
    wide, high = cell.half_width - margin, cell.half_height - margin
    rings: list[Ring] = []
    left = count
    while left and wide >= 0 and high >= 0:
        # On a ring that is too flat the two long sides would touch; one has room in its middle.
        is_flat = min(wide, high) < _STEP * radius / 2
        room = 1 if is_flat else int(_length(wide, high) // (_STEP * radius))
        rings.append((wide, high, min(left, room)))
        left -= min(left, room)
        wide, high = wide - _STEP * radius, high - _STEP * radius
    if rings and rings[-1][2] == 1:
        rings[-1] = (0.0, 0.0, 1)
    return rings


def _length(wide: float, high: float) -> float:
    return _along(wide, high)[-1]


def _along(wide: float, high: float) -> list[float]:
    """The way along an ellipse to each of its `_SAMPLES` points, from the top on."""
    total, ways = 0.0, [0.0]
    last = (0.0, -high)
    for step in range(1, _SAMPLES + 1):
        angle = 2 * pi * step / _SAMPLES - pi / 2
        here = (wide * cos(angle), high * sin(angle))
        total += hypot(here[0] - last[0], here[1] - last[1])
        ways.append(total)
        last = here
    return ways


def _on_rings(cell: _Cell, rings: Sequence[Ring]) -> list[tuple[float, float]]:
    """Places at equal distances along each ring, as one walks it."""
    found = []
    for turn, (wide, high, count) in enumerate(rings):
        ways = _along(wide, high)
        for number in range(count):
            way = ways[-1] * (number + turn % 2 / 2) / count
            step = max(1, bisect_left(ways, way))
            part = (way - ways[step - 1]) / ((ways[step] - ways[step - 1]) or 1.0)
            angle = 2 * pi * (step - 1 + part) / _SAMPLES - pi / 2
            found.append((cell.x + wide * cos(angle), cell.y + high * sin(angle)))
    return found


def _miners(
    manifest: Manifest,
    cell: _Cell,
    side: Sequence[str],
    places: Mapping[str, tuple[float, float]],
    radius: float,
) -> dict[str, tuple[float, float]]:
    """Each miner at a shoulder of its node, the outer one first: below stand words."""
    found: dict[str, tuple[float, float]] = {}
    seated: dict[str, int] = {}
    reach = radius + MINER_RADIUS + 3
    for item in manifest.of_kind(ComponentKind.MINER):
        if item.node not in side:
            continue
        x, y = places[item.node]
        turn = seated[item.node] = seated.get(item.node, -1) + 1
        out = 1 if x >= cell.x else -1
        way = out if turn % 2 == 0 else -out
        found[item.name] = (x + way * reach * cos(_SHOULDER), y - reach * sin(_SHOULDER))
    return found
