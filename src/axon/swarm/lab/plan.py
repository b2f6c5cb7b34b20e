"""The first manifest of a run: names, addresses, ports, seeds and plans of all components."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

from axon.errors import ConfigError
from axon.primitives.network import REGTEST
from axon.swarm.lab.backends import BACKENDS, backend_of
from axon.swarm.lab.bitcoind import MAX_ADDED
from axon.swarm.lab.manifest import (
    BackendName,
    Component,
    ComponentKind,
    Manifest,
    NodeProgram,
)
from axon.swarm.lab.runregistry import draw_corner
from axon.swarm.lab.topology import (
    AnyTopology,
    GivenTopology,
    RunTopology,
    dials,
    fixed_entry,
    have_wallets_listen,
    known_nodes,
    node_names,
    seed_nodes,
)

MAX_NODES: Final = 500
MAX_IN_GROUP: Final = 200
"""Nodes of one netgroup: on loopback the last byte of an address says which of them it is."""

MAX_WALLETS: Final = 50
"""The first new coins of a run are shared out among them."""

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
        backend: where they run.
        mix: how many nodes are of which program, in this order; empty if all are axon's.
        bitcoind: the file of Bitcoin Core's program, if one is named.
    """

    nodes: int
    miners: int = 0
    groups: int = 0
    topology: AnyTopology = RunTopology.ORGANIC
    seed: int | None = None
    interval_s: float = INTERVAL_S
    wallets: int = 0
    backend: BackendName = BackendName.PROC
    mix: tuple[tuple[NodeProgram, int], ...] = ()
    bitcoind: str = ""

    @property
    def programs(self) -> list[NodeProgram]:
        """Whose program each node is."""
        mixed = [program for program, count in self.mix for _ in range(count)]
        return mixed or [NodeProgram.AXON] * self.nodes

    @property
    def group_count(self) -> int:
        """How many netgroups there will be."""
        return self.groups or min(self.nodes, BACKENDS[self.backend].max_groups)

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
        if have_wallets_listen(self.topology) and self.wallets < 2:
            raise ConfigError(f"with {self.topology} they pay each other: two wallets or more")
        most = min(self.nodes, BACKENDS[self.backend].max_groups)
        if not 0 <= self.groups <= most:
            raise ConfigError(f"{self.nodes} nodes make 1 to {most} groups")
        if self.nodes > self.group_count * MAX_IN_GROUP:
            raise ConfigError(f"a group has at most {MAX_IN_GROUP} nodes; name more --groups")
        if len(self.programs) != self.nodes:
            raise ConfigError(
                f"--mix names {len(self.programs)} nodes, and the run is to have {self.nodes}"
            )
        if isinstance(self.topology, GivenTopology):
            for name in self.topology.dials:
                BACKENDS[self.backend].check_name(name)
        if not 0 < self.interval_s < 86_400:
            raise ConfigError(f"a block every {self.interval_s:g} s cannot be")


def read_mix(text: str) -> tuple[tuple[NodeProgram, int], ...]:
    """How many nodes are of which program, from a text like `bitcoind:4,axon:8`.

    Raises:
        ConfigError: it is none.
    """
    found = []
    for part in text.split(","):
        name, _, count = part.strip().partition(":")
        if name not in tuple(NodeProgram) or not (count.isascii() and count.isdecimal()):
            raise ConfigError(
                f"--mix says how many nodes are of which program, as in bitcoind:4,axon:8, "
                f"not {text!r}"
            )
        found.append((NodeProgram(name), int(count)))
    return tuple(found)


PickPort = Callable[[str, int], int]
"""A port for a host on which the second port is usual."""


def plan_run(
    folder: Path,
    wanted: RunRequest,
    lots: Random,
    pick_port: PickPort | None = None,
    taken: Collection[int] = (),
) -> Manifest:
    """Draw up a run; nothing of it exists yet.

    All but the ports follows from the arguments. With one seed, two runs side by side differ in
    their own names and in the third byte of all addresses, and in nothing else.

    Args:
        folder: of the run.
        wanted: checked already; `bitcoind` is the file that will be run.
        lots: the name of the run, and its seed where none is given.
        pick_port: for each port of a node; as the backend does it if left out.
        taken: corners of other runs.

    Raises:
        ConfigError: all corners are taken.
    """
    run, drawn = f"{lots.getrandbits(_BITS):08x}", lots.getrandbits(_BITS)
    seed = drawn if wanted.seed is None else wanted.seed
    manifest = Manifest(
        folder,
        run,
        seed,
        str(wanted.topology),
        wanted.interval_s,
        wanted.backend,
        draw_corner(seed, taken),
        wanted.bitcoind,
    )
    pick_port = pick_port or backend_of(manifest).port
    _plan_nodes(manifest, wanted, pick_port)
    names = [item.name for item in manifest.nodes]
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
        if have_wallets_listen(wanted.topology):
            item = listening(item, pick_port)
        manifest.components[item.name] = item
    return manifest


def _plan_nodes(manifest: Manifest, wanted: RunRequest, pick_port: PickPort) -> None:
    backend = backend_of(manifest)
    names = list(node_names(wanted.topology, wanted.nodes))
    plan = dials(wanted.topology, names)
    known = known_nodes(names, _stream(manifest.seed, "acquaintances"))
    if backend.seeds:
        known = seed_nodes(names, backend.seeds)
    for place, (name, program) in enumerate(zip(names, wanted.programs, strict=True)):
        group = 1 + place % wanted.group_count
        number = 1 + place // wanted.group_count
        host = backend.host(ComponentKind.NODE, group, manifest.corner, number)
        named = plan[name]
        if named is None and program is NodeProgram.BITCOIND and not backend.seeds:
            named = known[name][:MAX_ADDED]  # Loopback addresses are none to it.
        manifest.components[name] = Component(
            name,
            ComponentKind.NODE,
            host,
            pick_port(host, REGTEST.port),
            pick_port(host, REGTEST.rpc_port),
            group,
            named,
            known[name] if named is None else (),
            rpc_host=backend.rpc_host(host),
            program=program,
        )


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
    backend = backend_of(manifest)
    group = len({item.group for item in manifest.nodes}) + number
    if kind is ComponentKind.COLD:
        group = backend.max_groups + 1
    return Component(
        f"{kind[0]}{number}",
        kind,
        backend.host(kind, group, manifest.corner, number),
        group=1 + (group - 1) % (backend.max_groups + 1),
        dials=None if entry is None else (entry,),
        knows=tuple(item.name for item in manifest.nodes) if entry is None else (),
    )


def listening(item: Component, pick_port: PickPort) -> Component:
    """A wallet as one that others pay directly."""
    # Of all that is called here, only this needs the wallet's room.
    from axon.payments.partneraddress import DEFAULT_PORT

    return replace(item, p2p_port=pick_port(item.host, DEFAULT_PORT))


def plan_joiner(manifest: Manifest, number: int, dialled: tuple[str, ...]) -> Component:
    """A node that a check raises for itself: it dials only these."""
    backend = backend_of(manifest)
    group = backend.max_groups + 1
    host = backend.host(ComponentKind.JOINER, group, manifest.corner, number)
    p2p_port, rpc_port = backend.joiner_ports(host)
    return Component(
        f"p{number}",
        ComponentKind.JOINER,
        host,
        p2p_port,
        rpc_port,
        group,
        dialled,
        seed=manifest.seed,
        rpc_host=backend.rpc_host(host),
    )


def _stream(seed: int, purpose: str) -> Random:
    """Chance for one purpose, so that a new purpose does not change what the others draw."""
    return Random(f"{seed}|{purpose}")
