"""Runs as they are looked at, without a process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random

from axon.swarm.dash.runframe import Look
from axon.swarm.lab.axonprocess import LinkView
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.nodeprocess import NodeView, ProcessState
from axon.swarm.lab.plan import RunRequest, plan_run

GENESIS, ONE, TWO = "0" * 64, "1" * 64, "2" * 64


def planned(nodes: int, miners: int = 0, wallets: int = 0, groups: int = 0) -> Manifest:
    """A run that is not up."""
    wanted = RunRequest(nodes, miners=miners, wallets=wallets, groups=groups)
    return plan_run(Path("/nowhere"), wanted, Random(1))


def looked(
    manifest: Manifest,
    at: int = 0,
    states: Mapping[str, ProcessState] | None = None,
    tip: str = GENESIS,
    height: int = 0,
) -> Look:
    """A look at a run whose nodes are a ring, but for those in another state."""
    states = states or {}
    names = [item.name for item in manifest.nodes]
    seen = {}
    for place, name in enumerate(names):
        ends = {names[place - 1], names[(place + 1) % len(names)]} - {name}
        links = tuple(LinkView(other, 0, inbound=other < name) for other in sorted(ends))
        seen[name] = NodeView(name, ProcessState.RUNNING, height, tip, links=links)
    for item in manifest.wallets:
        entry = (LinkView(names[0], 0, inbound=False),)
        seen[item.name] = NodeView(item.name, ProcessState.RUNNING, height, tip, links=entry)
    for name, state in states.items():
        if name in seen:
            seen[name] = NodeView(name, state)
    miners = {
        item.name: states.get(item.name, ProcessState.RUNNING)
        for item in manifest.components.values()
        if item.node
    }
    return Look(at, manifest, seen, miners, {})
