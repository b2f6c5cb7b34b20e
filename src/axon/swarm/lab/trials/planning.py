"""A blueprint as a run of the lab: every component with an address, before anything exists.

Names are the blueprint's. The nodes and wallets that come new in each trial are in the manifest
from the start, so whoever has to end a run finds them too; they are down until they are to come.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from random import Random
from typing import Final

from axon.primitives.network import REGTEST
from axon.swarm.blueprint import Blueprint, NodePlan, WalletPlan
from axon.swarm.lab.backend import Backend
from axon.swarm.lab.backends import BACKENDS
from axon.swarm.lab.manifest import (
    BackendName,
    Component,
    ComponentKind,
    DesiredState,
    Manifest,
    NodeProgram,
)
from axon.swarm.lab.plan import listening

PACE: Final = 60
"""All clocks of a trial's network run so many times as fast as this machine's. What nodes wait for
on purpose (to hide who paid: seconds; until another peer is asked for a block: ten minutes) would
else be nearly all of a trial. What they compute and send takes the time that it takes, so by their
clocks it takes sixty times as long: links here are as slow as slow links of the real network."""

MIXED_INTERVAL_S: Final = 3.0
"""Mean time between blocks where a bitcoind is among the nodes, whose clock is this machine's."""

BLOCK_INTERVAL_S: Final = 30
"""Mean time between blocks by the network's clocks, all miners together, as in the simulator."""

_BITS: Final = 32


def pace_of(blueprint: Blueprint) -> int:
    """How many times as fast as this machine's the clocks of a network run: no bitcoind hurries."""
    return 1 if blueprint.is_mixed else PACE


def plan_network(
    folder: Path,
    blueprint: Blueprint,
    seed: int,
    lots: Random,
    corner: int,
    backend_name: BackendName = BackendName.PROC,
    bitcoind: str = "",
) -> Manifest:
    """Draw up a run for a blueprint that the backend can raise.

    Args:
        folder: of the run.
        blueprint: of the network.
        seed: of the times between blocks.
        lots: for its name.
        corner: the third byte of its addresses (`runregistry`).
        backend_name: where it is raised.
        bitcoind: the file of Bitcoin Core's program, if a node is one.
    """
    interval_s = MIXED_INTERVAL_S if blueprint.is_mixed else BLOCK_INTERVAL_S / PACE
    name = f"{lots.getrandbits(_BITS):08x}"
    manifest = Manifest(
        folder, name, seed, blueprint.name, interval_s, backend_name, corner, bitcoind
    )
    backend = BACKENDS[backend_name]
    plans = [(plan, ComponentKind.NODE) for plan in blueprint.nodes]
    if blueprint.newcomer_node is not None:
        plans.append((blueprint.newcomer_node, ComponentKind.JOINER))
    for place, (plan, kind) in enumerate(plans):
        manifest.components[plan.name] = _node(backend, plan, kind, place, corner)
    wallets = [(plan, ComponentKind.WALLET) for plan in blueprint.wallets]
    if blueprint.newcomer_wallet is not None:
        wallets.append((blueprint.newcomer_wallet, ComponentKind.COLD))
    for place, (wallet, kind) in enumerate(wallets, len(plans)):
        manifest.components[wallet.name] = _wallet(backend, wallet, kind, place, corner)
    rng = Random(f"{seed}|miners")
    for miner in blueprint.miners:
        manifest.components[miner.name] = Component(
            miner.name,
            ComponentKind.MINER,
            manifest.components[miner.nodes[0]].host,
            dials=miner.nodes,
            node=miner.nodes[0],
            seed=rng.getrandbits(_BITS),
        )
    for plan, _ in plans:
        if plan.admits is not None:
            manifest.change(plan.name, bans=_strangers(manifest, plan.name, plan.admits))
    for name in (item.name for item in manifest.of_kind(ComponentKind.JOINER, ComponentKind.COLD)):
        manifest.change(name, desired=DesiredState.END)
    return manifest


def _strangers(manifest: Manifest, name: str, admitted: Collection[str]) -> tuple[str, ...]:
    """The hosts of those whom a node does not let in."""
    return tuple(
        item.host
        for item in manifest.components.values()
        if item.kind is not ComponentKind.MINER and item.name not in (name, *admitted)
    )


def _node(
    backend: Backend, plan: NodePlan, kind: ComponentKind, place: int, corner: int
) -> Component:
    group = 1 + place % backend.max_groups
    host = backend.host(kind, group, corner, 1 + place // backend.max_groups)
    knows = plan.knows[: backend.seeds] if backend.seeds else plan.knows
    return Component(
        plan.name,
        kind,
        host,
        backend.port(host, REGTEST.port),
        backend.port(host, REGTEST.rpc_port),
        group,
        plan.dials,
        knows,
        listens=plan.listens,
        relays=plan.relays,
        filters=plan.filters,
        rpc_host=backend.rpc_host(host),
        program=NodeProgram.BITCOIND if plan.bitcoind else NodeProgram.AXON,
    )


def _wallet(
    backend: Backend, plan: WalletPlan, kind: ComponentKind, place: int, corner: int
) -> Component:
    group = 1 + place % backend.max_groups
    item = Component(
        plan.name,
        kind,
        backend.host(kind, group, corner, 1 + place // backend.max_groups),
        group=group,
        dials=plan.dials,
        knows=plan.knows,
    )
    return listening(item, backend.port) if plan.listens else item
