"""The first manifest of a run: names, addresses, ports, seeds and plans of all components."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from axon.errors import ConfigError
from axon.primitives.network import REGTEST
from axon.swarm.lab.manifest import Component, ComponentKind, Manifest
from axon.swarm.lab.processes import free_port, free_ports
from axon.swarm.lab.runregistry import corner_of, draw_corner
from axon.swarm.lab.topology import (
    AnyTopology,
    RunTopology,
    dials,
    fixed_entry,
    known_nodes,
    node_names,
)

MAX_NODES: Final = 200
MAX_GROUPS: Final = 250
"""Second bytes of 127/8 that the lab uses, from 2 on: the first is everybody's."""

MAX_WALLETS: Final = 50
"""The first new coins of a run are shared out among them."""

FIRST_WALLET_PLACE: Final = 200
"""Last bytes of the lab's addresses, from here on up, belong to wallets."""

INTERVAL_S: Final = 10.0
"""The mean time from block to block unless told otherwise."""

_BITS: Final = 32


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What `axon swarm up` is asked for.

    Args:
        nodes: how many full nodes.
        miners: how many miners; each mines at a node of its own.
        wallets: how many wallets.
        groups: how many netgroups the nodes share; 0 for one each.
        topology: who may dial whom.
        seed: of all chance; None to draw one.
        interval_s: the mean time from block to block, all miners together.
    """

    nodes: int
    miners: int = 0
    groups: int = 0
    topology: AnyTopology = RunTopology.ORGANIC
    seed: int | None = None
    interval_s: float = INTERVAL_S
    wallets: int = 0

    def check(self) -> None:
        """See whether it can be.

        Raises:
            ConfigError: it cannot; the text says what could.
        """
        if not 1 <= self.nodes <= MAX_NODES:
            raise ConfigError(f"a run has 1 to {MAX_NODES} nodes, not {self.nodes}")
        if not 0 <= self.miners <= self.nodes:
            raise ConfigError(
                f"each miner mines at a node of its own: 0 to {self.nodes} miners, "
                f"not {self.miners}"
            )
        if not 0 <= self.wallets <= MAX_WALLETS:
            raise ConfigError(f"a run has 0 to {MAX_WALLETS} wallets, not {self.wallets}")
        if not 0 <= self.groups <= min(self.nodes, MAX_GROUPS):
            raise ConfigError(f"{self.nodes} nodes make 1 to {self.nodes} groups")
        if not 0 < self.interval_s < 86_400:
            raise ConfigError(f"a block every {self.interval_s:g} s cannot be")


def usual_or_free_port(host: str, usual: int) -> int:
    """The usual port, or another one where a program of this machine has it already."""
    with socket.socket() as listener, suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, usual))
        return usual
    return free_port(host)


PickPort = Callable[[str, int], int]
"""A port for a host on which the second port is usual."""


def plan_run(
    folder: Path,
    wanted: RunRequest,
    lots: Random,
    pick_port: PickPort = usual_or_free_port,
    taken: Collection[int] = (),
) -> Manifest:
    """Draw up a run; nothing of it exists yet.

    All but the ports follows from the arguments. With one seed, two runs side by side differ in
    their own names and in the third byte of all addresses, and in nothing else.

    Args:
        folder: of the run.
        wanted: checked already.
        lots: the name of the run, and its seed where none is given.
        pick_port: for each port of a node.
        taken: corners of other runs.

    Raises:
        ConfigError: all corners are taken.
    """
    run, drawn = f"{lots.getrandbits(_BITS):08x}", lots.getrandbits(_BITS)
    seed = drawn if wanted.seed is None else wanted.seed
    manifest = Manifest(folder, run, seed, str(wanted.topology), wanted.interval_s)
    names = node_names(wanted.topology, wanted.nodes)
    plan = dials(wanted.topology, names)
    known = known_nodes(names, _stream(seed, "acquaintances"))
    corner = draw_corner(seed, taken)
    groups = wanted.groups or min(wanted.nodes, MAX_GROUPS)
    for place, name in enumerate(names):
        group = 1 + place % groups
        host = f"127.{1 + group}.{corner}.{1 + place // groups}"
        manifest.components[name] = Component(
            name,
            ComponentKind.NODE,
            host,
            pick_port(host, REGTEST.port),
            pick_port(host, REGTEST.rpc_port),
            group,
            plan[name],
            known[name] if plan[name] is None else (),
        )
    rng = _stream(seed, "miners")
    for number in range(1, wanted.miners + 1):
        node = manifest.components[names[(number - 1) * wanted.nodes // wanted.miners]]
        name = f"m{number}"
        manifest.components[name] = Component(
            name, ComponentKind.MINER, node.host, node=node.name, seed=rng.getrandbits(_BITS)
        )
    for number in range(1, wanted.wallets + 1):
        item = plan_wallet(
            manifest, ComponentKind.WALLET, number, fixed_entry(wanted.topology, names, number)
        )
        manifest.components[item.name] = item
    return manifest


def plan_wallet(
    manifest: Manifest, kind: ComponentKind, number: int, entry: str | None
) -> Component:
    """A wallet, or one with an empty disk that a check raises for itself (`ComponentKind.COLD`).

    Args:
        manifest: with all its nodes.
        kind: which of both.
        number: of the wallet among its kind, from 1.
        entry: the only node it knows; None if it is told of all.
    """
    corner = corner_of(manifest)
    group = len({item.group for item in manifest.nodes}) + number
    cold = kind is ComponentKind.COLD
    second = 1 + MAX_GROUPS + 1 if cold else 2 + (group - 1) % MAX_GROUPS
    return Component(
        f"{kind[0]}{number}",
        kind,
        f"127.{second}.{corner}.{FIRST_WALLET_PLACE + number}",
        group=second - 1,
        dials=None if entry is None else (entry,),
        knows=tuple(item.name for item in manifest.nodes) if entry is None else (),
    )


def plan_joiner(manifest: Manifest, number: int, dialled: tuple[str, ...]) -> Component:
    """A node that a check raises for itself: it dials only these."""
    assert number < FIRST_WALLET_PLACE, "so many join at a time"
    host = f"127.{1 + MAX_GROUPS + 1}.{corner_of(manifest)}.{number}"
    p2p_port, rpc_port = free_ports(2, host)
    return Component(
        f"p{number}",
        ComponentKind.JOINER,
        host,
        p2p_port,
        rpc_port,
        MAX_GROUPS + 1,
        dialled,
        seed=manifest.seed,
    )


def _stream(seed: int, purpose: str) -> Random:
    """Chance for one purpose, so that a new purpose does not change what the others draw."""
    return Random(f"{seed}|{purpose}")
