"""Cuts between components on loopback: those at their ends refuse each other until healed.

As in `lab/partition`, a node is told by its operator whom not to talk to, and what it was told
stands in the manifest first. A wallet cannot be told; but it has an address of its own, which nodes
can refuse. Nothing is swallowed: both ends see their connection end, and each new one closed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.manifest import Component, ComponentKind, Manifest
from axon.swarm.lab.members import each, node_of
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processidentity import is_alive
from axon.swarm.lab.startup import add_node, drop_node, refuse

FULL_NODES = (ComponentKind.NODE, ComponentKind.JOINER)
_SETTLED = frozenset({Code.NODE_ALREADY_ADDED, Code.SUBNET})
"""It refuses the address already, or no longer."""


def cut(manifest: Manifest, near: Collection[str], far: Collection[str] | None) -> None:
    """Have all who are on one side refuse all who are on the other.

    Args:
        manifest: of the run.
        near, far: names of components; None for all others.

    Raises:
        Unreachable: a node lives and does not answer.
    """
    parted = [item for item in manifest.components.values() if item.kind is not ComponentKind.MINER]
    one = [item for item in parted if item.name in near]
    other = [
        item for item in parted if (item.name not in near if far is None else item.name in far)
    ]
    for side, across in ((one, other), (other, one)):
        hosts = [item.host for item in across]
        for item in side:
            if item.kind in FULL_NODES:
                manifest.change(item.name, bans=tuple(dict.fromkeys((*item.bans, *hosts))))
    manifest.save()
    _tell(manifest, [item.name for item in (*one, *other)])


def heal(manifest: Manifest, guards: Mapping[str, tuple[str, ...]]) -> None:
    """Take back all that nodes were told.

    Args:
        manifest: of the run.
        guards: hosts that a node refuses all the time, by its name.

    Raises:
        Unreachable: a node lives and does not answer.
    """
    refusing = [
        replace(item, bans=tuple(host for host in item.bans if host not in guards[item.name]))
        for item in _nodes(manifest)
    ]
    refusing = [item for item in refusing if item.bans]
    for item in refusing:
        if not is_alive(item.process):
            refuse(manifest.folder_of(item.name), (), item.bans)
    alive = [item for item in refusing if is_alive(item.process)]
    each(alive, lambda item: _untell(manifest, item))
    for item in refusing:
        manifest.change(item.name, bans=guards[item.name])
    manifest.save()


def _nodes(manifest: Manifest, names: Iterable[str] | None = None) -> list[Component]:
    chosen = None if names is None else set(names)
    return [item for item in manifest.of_kind(*FULL_NODES) if chosen is None or item.name in chosen]


def _tell(manifest: Manifest, names: Iterable[str]) -> None:
    nodes = [item for item in _nodes(manifest, names) if item.bans]
    for item in nodes:
        if not is_alive(item.process):
            refuse(manifest.folder_of(item.name), item.bans)
    each([item for item in nodes if is_alive(item.process)], lambda item: _refuse(manifest, item))


def _refuse(manifest: Manifest, item: Component) -> None:
    with node_of(manifest, item.name).connected() as node:
        for name in item.dials or ():
            if manifest.components[name].host in item.bans:
                drop_node(node, manifest.components[name])
        _set_bans(node, item, "add")


def _untell(manifest: Manifest, item: Component) -> None:
    with node_of(manifest, item.name).connected() as node:
        _set_bans(node, item, "remove")
        for name in item.dials or ():
            if manifest.components[name].host in item.bans:
                add_node(node, manifest.components[name])


def _set_bans(node: NodeProcess, item: Component, command: str) -> None:
    """Ban or unban hosts; who is banned is hung up on as well."""
    for answer in node.batch([("setban", [host, command]) for host in item.bans]):
        if isinstance(answer, RpcError) and answer.code not in _SETTLED:
            raise answer
