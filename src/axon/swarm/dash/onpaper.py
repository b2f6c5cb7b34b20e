"""A run as a network on paper, so that it can be raised again in virtual time."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Final

from axon.errors import ConfigError
from axon.swarm.blueprint import Blueprint, MinerPlan, NodePlan, WalletPlan
from axon.swarm.lab.manifest import ComponentKind, Manifest, NodeProgram

MAX_NODES: Final = 40
"""A trial of so many takes some ten seconds of a processor."""


def on_paper(manifest: Manifest) -> Blueprint:
    """The plan of a run: who knows, dials and asks whom.

    What comes new in a trial knows what the first node and the first wallet of the run know.

    Raises:
        ConfigError: it cannot be raised in virtual time.
    """
    if any(item.program is NodeProgram.BITCOIND for item in manifest.nodes):
        raise ConfigError("nodes of Bitcoin Core are not simulated; see axon swarm spof --backend")
    if len(manifest.nodes) > MAX_NODES:
        raise ConfigError(f"runs of up to {MAX_NODES} nodes are searched here; see axon swarm spof")
    if not manifest.of_kind(ComponentKind.MINER) or not manifest.wallets:
        raise ConfigError("a run without a miner and a wallet has no clients to be served")
    names = tuple(item.name for item in manifest.nodes)
    nodes = tuple(
        NodePlan(
            item.name,
            item.dials,
            item.knows,
            listens=item.listens,
            filters=item.filters,
            relays=item.relays,
        )
        for item in manifest.nodes
    )
    wallets = tuple(
        WalletPlan(item.name, item.dials, item.knows, listens=item.is_payable)
        for item in manifest.wallets
    )
    miners = manifest.of_kind(ComponentKind.MINER)
    return Blueprint(
        manifest.topology,
        nodes,
        wallets,
        tuple(MinerPlan(item.name, (item.node,)) for item in miners),
        newcomer_node=NodePlan(_free("j", manifest), knows=names),
        newcomer_wallet=replace(wallets[0], name=_free("c", manifest), listens=False),
    )


def _free(letter: str, manifest: Manifest) -> str:
    """A name that nobody has: those of nodes may come from a file."""
    return next(
        name for name in map(f"{letter}{{}}".format, count(1)) if name not in manifest.components
    )
