"""A network cut into sides: nothing passes from one to another, until healed.

Where links can be cut (`Backend.cut`) they are, and connections over them are ended, as their nodes
would do after minutes. Elsewhere each node is told by its operator, as any bitcoind can be, whom
not to talk to (`setban`), whom not to dial (`addnode remove`), and with whom to end at once
(`disconnectnode`). What each node was told stands in the manifest before it is told, so healing
takes back exactly that, whoever heals; a node that is down has it in its ban list when it starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Final

from axon.errors import ConfigError
from axon.rpc.client import Unreachable
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.backends import backend_of
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.members import each, node_of, nodes_of
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.lab.processidentity import is_alive, is_paused
from axon.swarm.lab.settling import are_cut
from axon.swarm.lab.slowlinks import unshape
from axon.swarm.lab.startup import add_node, drop_node, refuse, refused, tell_addresses
from axon.swarm.lab.targets import Targets

CUT_LIMIT_S: Final = 20.0
"""How long until no connection leads across: dials that were under way come to their end."""

_POLL_S: Final = 0.05


def read_sides(text: str, targets: Targets, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The sides that a text like `1-3|4-6` means.

    Args:
        text: targets, with bars between the sides.
        targets: of the run.
        names: of all its nodes; each must be on one side.

    Raises:
        ConfigError: it does not divide the nodes.
    """
    parts = text.split("|")
    sides = tuple(tuple(targets.nodes(part)) for part in parts)
    if len(sides) < 2 or not all(sides):
        raise ConfigError(f"a partition has two sides or more, as in '1-3|4-6', not {text!r}")
    placed = [name for side in sides for name in side]
    for name in names:
        count = placed.count(name)
        if count != 1:
            where = "on no side" if count == 0 else f"on {count} sides"
            raise ConfigError(f"{name} is {where} of {text!r}; each node belongs to one")
    return sides


def partition(manifest: Manifest, sides: tuple[tuple[str, ...], ...]) -> None:
    """Cut the network, and wait until no connection leads across.

    Raises:
        ConfigError: it is cut already, or a node is paused and cannot be told.
        TooLate: a connection stays.
    """
    if manifest.sides:
        raise ConfigError(f"the network is cut already: {shown(manifest)}; axon swarm heal first")
    _refuse_paused(manifest)
    manifest.sides = sides
    manifest.save()
    nodes = _answering(manifest)
    if not backend_of(manifest).cut(manifest):
        _have_them_refuse(manifest, nodes)
    wait_until(
        lambda: not any(each(nodes, lambda node: _cut(manifest, node))),
        CUT_LIMIT_S,
        "no connection leads across the cut",
        _POLL_S,
    )


def _have_them_refuse(manifest: Manifest, nodes: Sequence[NodeProcess]) -> None:
    """Tell every node whom not to talk to; one that is down has it in its ban list."""
    for side in manifest.sides:
        for name in side:
            own = _banned(manifest, name)  # What a person banned is not ours to lift.
            hosts = [item.host for item in manifest.nodes if item.name not in side]
            manifest.change(name, bans=tuple(host for host in hosts if host not in own))
    manifest.save()
    for item in manifest.nodes:
        if not is_alive(item.process):
            refuse(manifest.folder_of(item.name), item.bans)
    each(nodes, lambda node: _tell(manifest, node))


def heal(manifest: Manifest) -> None:
    """Take back what every node was told, let them dial each other again, and shape no link.

    Raises:
        ConfigError: the network is whole and its links as ever, or a node is paused and cannot be
            told.
    """
    if not (manifest.sides or manifest.links):
        raise ConfigError("the network is whole; there is nothing to heal")
    if manifest.sides:
        _refuse_paused(manifest)
    if manifest.links:
        unshape(manifest)
    if manifest.sides:
        _mend(manifest)


def _mend(manifest: Manifest) -> None:
    for item in manifest.nodes:
        if not is_alive(item.process):
            refuse(manifest.folder_of(item.name), (), item.bans)
    nodes = _answering(manifest)
    each(nodes, lambda node: _untell(manifest, node))
    tell_addresses(manifest, [node.name for node in nodes])
    sides, manifest.sides = manifest.sides, ()
    backend_of(manifest).heal(manifest)
    _bridge(manifest, sides, {node.name: node for node in nodes})
    for item in manifest.nodes:
        manifest.change(item.name, bans=())
    manifest.save()


def _bridge(
    manifest: Manifest, sides: Sequence[Sequence[str]], nodes: Mapping[str, NodeProcess]
) -> None:
    """Have one node of each side call one of the next, if they find peers by themselves.

    Where a side is large, all its nodes have found enough peers there and look for no others; the
    first call across would be left to the rare probing of a stranger, minutes away.
    """
    ends = [next((name for name in side if name in nodes), None) for side in sides]
    called = [name for name in ends if name is not None]
    for caller, other in pairwise(called):
        if manifest.components[caller].dials is None:
            nodes[caller].rpc("addnode", str(manifest.components[other].p2p), "onetry")


def shown(manifest: Manifest) -> str:
    """The sides in words: `n1 n2 | n3`."""
    return " | ".join(" ".join(side) for side in manifest.sides) or "whole"


def _refuse_paused(manifest: Manifest) -> None:
    for item in manifest.nodes:
        if is_paused(item.process):
            raise ConfigError(
                f"{item.name} is paused and cannot be told; axon swarm cont {item.name} first"
            )


def _answering(manifest: Manifest) -> list[NodeProcess]:
    return nodes_of(manifest, [item.name for item in manifest.nodes if is_alive(item.process)])


def _banned(manifest: Manifest, name: str) -> frozenset[str]:
    """The hosts that a node refuses already."""
    if not is_alive(manifest.components[name].process):
        return refused(manifest.folder_of(name))
    with node_of(manifest, name).connected() as node:
        return frozenset(str(ban["address"]).partition("/")[0] for ban in node.rpc("listbanned"))


def _tell(manifest: Manifest, node: NodeProcess) -> None:
    item = manifest.components[node.name]
    for name in item.dials or ():
        other = manifest.components[name]
        if other.host in item.bans:
            drop_node(node, other)
    for host in item.bans:
        try:
            node.rpc("setban", host, "add")
        except RpcError as error:
            if error.code != Code.NODE_ALREADY_ADDED:
                raise


def _cut(manifest: Manifest, node: NodeProcess) -> int:
    """End what still leads across: over links that are cut, or dialled when we were told."""
    crossing = [link for link in node.links() if are_cut(manifest, node.name, link.name)]
    for link in crossing:
        with suppress(RpcError):  # It may have gone meanwhile.
            node.rpc("disconnectnode", nodeid=link.peer)
    return len(crossing)


def _untell(manifest: Manifest, node: NodeProcess) -> None:
    item = manifest.components[node.name]
    try:
        for host in item.bans:
            try:
                node.rpc("setban", host, "remove")
            except RpcError as error:
                if error.code != Code.SUBNET:  # Somebody has lifted it already.
                    raise
        for name in item.dials or ():
            if manifest.components[name].host in item.bans:
                add_node(node, manifest.components[name])
    except Unreachable:
        if is_alive(item.process):
            raise
