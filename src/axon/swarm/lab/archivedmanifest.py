"""The manifest in an archive: what must be true of it, and what becomes of it where it arrives."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

from axon.errors import ConfigError
from axon.swarm.lab.backends import BACKENDS
from axon.swarm.lab.bitcoind import find_bitcoind
from axon.swarm.lab.manifest import (
    PASSPHRASE,
    BackendName,
    Component,
    ComponentKind,
    DesiredState,
    Manifest,
    NodeProgram,
)
from axon.swarm.lab.plan import MAX_NODES, MAX_WALLETS, PickPort
from axon.swarm.lab.runregistry import draw_corner

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,15}", re.ASCII)
_MAX_TEXT: Final = 100
_BITS: Final = 32


def check_archived(manifest: Manifest, path: Path) -> None:
    """See that a manifest from somewhere names nothing but a run on addresses of its backend.

    Args:
        manifest: what it says; components that a check raised for itself are taken out.
        path: of the archive, for the message.

    Raises:
        ConfigError: it names something else, or contradicts itself.
    """
    for name, item in list(manifest.components.items()):
        if item.kind in (ComponentKind.JOINER, ComponentKind.COLD):
            del manifest.components[name]
    try:
        _check(manifest)
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} holds no run that can be here: {error}") from error


def _check(manifest: Manifest) -> None:
    nodes = [item.name for item in manifest.nodes]
    if not 1 <= len(nodes) <= MAX_NODES or len(manifest.wallets) > MAX_WALLETS:
        raise ValueError(f"it has {len(nodes)} nodes and {len(manifest.wallets)} wallets")
    if len(manifest.components) > 2 * MAX_NODES + MAX_WALLETS:
        raise ValueError(f"it has {len(manifest.components)} components")
    if manifest.links and manifest.backend is BackendName.PROC:
        raise ValueError("it has links that are shaped, which a run of proc has not")
    for link in manifest.links:
        _known((*link.sources, *link.targets), manifest.components)
    if not isinstance(manifest.topology, str) or len(manifest.topology) > _MAX_TEXT:
        raise ValueError("its topology has no name")
    if not 0 < float(manifest.interval_s) < 86_400:
        raise ValueError(f"a block every {manifest.interval_s:g} s cannot be")
    for number in (manifest.seed, manifest.draws):
        _whole(number, "a seed")
    for item in manifest.components.values():
        _check_component(item, nodes, manifest.backend)
    others = [each for each in manifest.components.values() if each.kind is not ComponentKind.MINER]
    backend = BACKENDS[manifest.backend]
    hosts = [backend.moved(item.host, 0) for item in others]
    if len(set(hosts)) < len(hosts):
        raise ValueError("two components have one address")
    for side in manifest.sides:
        _known(side, nodes)


def _check_component(item: Component, nodes: Collection[str], where: BackendName) -> None:
    if not isinstance(item.name, str) or not _NAME.fullmatch(item.name) or item.name == PASSPHRASE:
        raise ValueError(f"{item.name!r} is no name of a component")
    backend = BACKENDS[where]
    backend.check_name(item.name)
    for host in (item.host, *item.bans):
        if not backend.is_host(host):
            raise ValueError(f"{host!r} is no address that a run of {where} has")
    if item.rpc_host not in ("", backend.rpc_host(item.host)):
        raise ValueError(f"{item.rpc_host!r} is not where {item.name} is asked")
    for port in (item.p2p_port, item.rpc_port):
        if not 0 <= _whole(port, "a port") < 1 << 16:
            raise ValueError(f"{port} is no port")
    _whole(item.seed, "a seed")
    _whole(item.group, "a group")
    _known((*(item.dials or ()), *item.knows, *((item.node,) if item.node else ())), nodes)
    if item.kind is ComponentKind.MINER and not item.node:
        raise ValueError(f"{item.name} mines at no node")


def _whole(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no number of {what}")
    return value


def _known(names: Collection[str], nodes: Collection[str]) -> None:
    for name in names:
        if name not in nodes:
            raise ValueError(f"there is no {name!r}")


def moved(
    manifest: Manifest, lots: Random, taken: Collection[int], pick_port: PickPort | None = None
) -> Manifest:
    """The run with a name that no other run here has, and addresses that no other can see.

    Args:
        manifest: as it was where it comes from.
        lots: draws its name.
        taken: corners of other runs.
        pick_port: for each port of a node; as the backend does it if left out.

    Raises:
        ConfigError: all corners are taken, or its backend or Bitcoin Core is needed and not there.
    """
    backend = BACKENDS[manifest.backend]
    backend.check()
    pick_port = pick_port or backend.port
    # Which program to start is nothing that a stranger says.
    foreign = any(item.program is NodeProgram.BITCOIND for item in manifest.nodes)
    manifest.bitcoind = str(find_bitcoind("").path) if foreign else ""
    corner = manifest.corner = draw_corner(manifest.seed, taken)
    for item in list(manifest.components.values()):
        host = backend.moved(item.host, corner)
        manifest.components[item.name] = replace(
            item,
            host=host,
            rpc_host=backend.rpc_host(host) if item.rpc_host else "",
            p2p_port=pick_port(host, item.p2p_port) if item.p2p_port else 0,
            rpc_port=pick_port(host, item.rpc_port) if item.rpc_port else 0,
            bans=tuple(backend.moved(each, corner) for each in item.bans),
            desired=DesiredState.RUN,
            process=None,
        )
    manifest.run = f"{lots.getrandbits(_BITS):08x}"
    return manifest
