"""A run at one moment, as the page draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from axon.machine import Instant
from axon.swarm.dash.places import TALL, WIDE, PlacedRun, Sheet, place
from axon.swarm.dash.travel import Sighting
from axon.swarm.lab.lifecycle import described
from axon.swarm.lab.manifest import Component, ComponentKind, Manifest
from axon.swarm.lab.nodeprocess import NodeView, ProcessState
from axon.swarm.story.participants import amount_sat, in_coins

SHEETS: Final = (WIDE, TALL)

_DRAWN: Final = (ComponentKind.NODE, ComponentKind.MINER, ComponentKind.WALLET)
"""What the picture shows; what a check raises for itself comes and goes too quickly."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a run at one moment.

    Args:
        at: when it began.
        manifest: of the run.
        seen: what nodes and wallets say, by name.
        miners: what has become of the miners.
        died: the last words of those that died by themselves.
    """

    at: Instant
    manifest: Manifest
    seen: Mapping[str, NodeView]
    miners: Mapping[str, ProcessState]
    died: Mapping[str, str]

    def state(self, name: str) -> ProcessState:
        """What has become of a component."""
        view = self.seen.get(name)
        return self.miners[name] if view is None else view.state

    @property
    def drawn(self) -> list[Component]:
        """The components in the picture."""
        return self.manifest.of_kind(*_DRAWN)

    @property
    def answering(self) -> list[str]:
        """The nodes that do."""
        return [item.name for item in self.manifest.nodes if self.seen[item.name].answers]

    @property
    def links(self) -> list[tuple[str, str]]:
        """Connections with a finished handshake: who dialled, and whom, each pair once."""
        found: dict[frozenset[str], tuple[str, str]] = {}
        for name, view in self.seen.items():
            for link in view.links:
                if link.name in self.manifest.components:
                    ends = (link.name, name) if link.inbound else (name, link.name)
                    found.setdefault(frozenset(ends), ends)
        return list(found.values())


@dataclass(frozen=True, slots=True)
class LastSeen:
    """Where a node or a wallet stands, and what waits in its pool.

    Args:
        tip: its last block, hex.
        height: of it.
        pooled: how many transactions.
    """

    tip: str
    height: int
    pooled: int


def standings(look: Look, last: Mapping[str, Sighting]) -> dict[str, LastSeen]:
    """Where all that answer stand, by name.

    Args:
        look: at the run.
        last: what was seen of some since; it is newer.
    """
    found = {}
    for name, view in look.seen.items():
        if not view.answers:
            continue
        found[name] = LastSeen(view.tip, view.height, view.pooled)
        sighting = last.get(name)
        if sighting is not None and sighting.at >= look.at:
            pooled = view.pooled if sighting.pool is None else len(sighting.pool)
            found[name] = LastSeen(sighting.tip, sighting.height, pooled)
    return found


def frame_json(
    look: Look, standing: Mapping[str, LastSeen], colours: Mapping[str, int]
) -> dict[str, object]:
    """A run for the page.

    Args:
        look: at the run.
        standing: of those that answer.
        colours: of last blocks; one that is missing has none.
    """
    placed = {sheet.name: place(look.manifest, sheet) for sheet in SHEETS}
    return {
        "run": described(look.manifest),
        "folder": str(look.manifest.folder),
        "seed": look.manifest.seed,
        "sheets": {sheet.name: _sheet_json(sheet, placed[sheet.name]) for sheet in SHEETS},
        "components": [_component_json(item, look, standing, colours) for item in look.drawn],
        "links": look.links,
        "sides": look.manifest.sides,
    }


def _sheet_json(sheet: Sheet, placed: PlacedRun) -> dict[str, object]:
    places = {name: (round(x, 1), round(y, 1)) for name, (x, y) in placed.places.items()}
    return {
        "width": sheet.width,
        "height": sheet.height,
        "radius": placed.radius,
        "wallet_radius": placed.wallet_radius,
        "places": places,
    }


def _component_json(
    item: Component, look: Look, standing: Mapping[str, LastSeen], colours: Mapping[str, int]
) -> dict[str, object]:
    view, stands = look.seen.get(item.name), standing.get(item.name)
    told: dict[str, object] = {
        "name": item.name,
        "kind": str(item.kind),
        "program": str(item.program),
        "state": str(look.state(item.name)),
        "group": item.group,
        "node": item.node,
        "said": look.died.get(item.name, ""),
    }
    if view is not None and stands is not None:
        told |= {
            "height": stands.height,
            "tip": stands.tip,
            "colour": colours.get(stands.tip),
            "pool": stands.pooled,
            "links": len(view.links),
            "holds": None if view.holds is None else in_coins(amount_sat(view.holds)),
        }
    return told
