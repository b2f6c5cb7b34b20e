"""The wait until components that answer are one network: linked, and on one block.

An answer takes processor time from a node that has enough to do, and a look at three hundred takes
seconds. So most looks ask only those that were not there at the one before; when nobody is left,
and now and then besides, all are asked at one time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from axon.swarm.lab.backends import backend_of
from axon.swarm.lab.blockprompt import BlockPrompt
from axon.swarm.lab.manifest import Component, Manifest
from axon.swarm.lab.members import views, wallet_views
from axon.swarm.lab.nodeprocess import NodeView, ProcessState
from axon.swarm.lab.processes import wait_until
from axon.swarm.lab.startup import Say

MESHED: Final = 8
"""Outbound peers that a node keeps for everything, if there are so many."""

SERVED_BY: Final = 3
"""Nodes that a wallet is connected to, if it knows so many."""

_LOOK_AGAIN_S: Final = 0.2
_ALL_EVERY: Final = 10
"""Every tenth look asks all: a block that comes meanwhile leaves behind who is asked no more."""


def settle(manifest: Manifest, say: Say, limit_s: float | None = None) -> float:
    """Wait until all running nodes are linked and stand on one block, and wallets have seen it.

    Args:
        manifest: of the run.
        say: told how it goes.
        limit_s: how long that may take; None for what the backend allows, for each 100 nodes.

    Returns:
        Seconds that it took.

    Raises:
        TooLate: they do not.
    """
    network, prompt = _Network(manifest), BlockPrompt(manifest)

    def settled() -> bool:
        all_asked = network.look()
        prompt.look(network.nodes)
        say(network.sentence())
        return all_asked and not network.left

    if limit_s is None:
        limit_s = backend_of(manifest).mesh_limit_s * max(1.0, len(manifest.nodes) / 100)
    return wait_until(settled, limit_s, "all nodes linked and on one block", _LOOK_AGAIN_S)


class _Network:
    """What the components of a run said when they were asked last."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._nodes: dict[str, NodeView] = {}
        self._wallets: dict[str, NodeView] = {}
        self._looks = 0
        self._unlinked: frozenset[str] = frozenset()
        self._unserved: frozenset[str] = frozenset()
        self.left: frozenset[str] = frozenset()
        """Those that live and are not where all should be."""

    @property
    def nodes(self) -> list[NodeView]:
        """The nodes that live and are not paused."""
        return _lively(self._nodes.values())

    @property
    def wallets(self) -> list[NodeView]:
        """The wallets, likewise."""
        return _lively(self._wallets.values())

    def look(self) -> bool:
        """Ask those that were left, or all; whether it was all."""
        manifest = self._manifest
        names = self.left if self._looks % _ALL_EVERY else frozenset[str]()
        self._looks += 1
        self._nodes.update({item.name: item for item in views(manifest, names)})
        self._wallets.update({item.name: item for item in wallet_views(manifest, names)})
        running = frozenset([item.name for item in self.nodes])
        tips = {item.tip for item in self.nodes if item.answers}
        linked = [
            item.name for item in self.nodes if item.answers and is_meshed(manifest, item, running)
        ]
        served = [
            item.name
            for item in self.wallets
            if item.answers and is_served(manifest, item, tips, running)
        ]
        self._unlinked = running - frozenset(linked)
        self._unserved = frozenset([item.name for item in self.wallets]) - frozenset(served)
        self.left = self._unlinked | strays(manifest, self.nodes) | self._unserved
        return not names

    def sentence(self) -> str:
        """How it goes."""
        nodes, wallets = self.nodes, self.wallets
        linked, served = len(nodes) - len(self._unlinked), len(wallets) - len(self._unserved)
        linked_wallets = f", {served} of {len(wallets)} wallets" * bool(wallets)
        return (
            f"{linked} of {len(nodes)} nodes{linked_wallets} are linked; "
            f"different last blocks: {max(tips_by_side(self._manifest, nodes))}"
        )


def _lively(seen: Iterable[NodeView]) -> list[NodeView]:
    """Those that live and are not paused, whether they answer or not."""
    return [item for item in seen if item.state in (ProcessState.RUNNING, ProcessState.SILENT)]


def reachable(manifest: Manifest, item: Component, running: Collection[str]) -> list[Component]:
    """The other nodes that run and that no partition hides from this one.

    Args:
        manifest: of the run.
        item: the node.
        running: the names of all that run.
    """
    return [
        other
        for other in manifest.nodes
        if other.name in running
        and other.name != item.name
        and not are_cut(manifest, item.name, other.name)
    ]


def are_cut(manifest: Manifest, one: str, other: str) -> bool:
    """Whether two nodes are on different sides of a partition."""
    found = [side for side in manifest.sides if one in side or other in side]
    return len(found) > 1


def is_meshed(manifest: Manifest, seen: NodeView, running: Collection[str]) -> bool:
    """Whether a node has the peers it should have: enough of them, or those it is to dial.

    Args:
        manifest: of the run.
        seen: what the node says.
        running: the names of all nodes that run.
    """
    item = manifest.components[seen.name]
    others = reachable(manifest, item, running)
    names = {other.name for other in others}
    if item.dials is not None:
        return names & set(item.dials) <= seen.linked
    enough = min(MESHED, len({other.group for other in others}))
    return len(seen.outbound) >= enough or names <= seen.linked


def strays(manifest: Manifest, seen: Sequence[NodeView]) -> frozenset[str]:
    """Nodes that do not stand on the block with most work that others of their side stand on."""
    found: list[str] = []
    for side in _sides(manifest):
        members = [item for item in seen if item.answers and item.name in side]
        best = max(members, key=lambda item: item.work, default=None)
        found += [item.name for item in members if best is not None and item.tip != best.tip]
    return frozenset(found)


def tips_by_side(manifest: Manifest, seen: Sequence[NodeView]) -> list[int]:
    """For each side of a partition, or for the one network, how many tips its nodes stand on."""
    return [
        len({each.tip for each in seen if each.answers and each.name in side})
        for side in _sides(manifest)
    ]


def _sides(manifest: Manifest) -> list[frozenset[str]]:
    whole = tuple([item.name for item in manifest.nodes])
    return [frozenset(side) for side in manifest.sides or (whole,)]


def is_served(
    manifest: Manifest, seen: NodeView, tips: Collection[str], running: Collection[str]
) -> bool:
    """Whether a wallet has seen a last block of nodes and is connected to enough of them.

    Args:
        manifest: of the run.
        seen: what the wallet says.
        tips: last blocks of nodes.
        running: the names of all nodes that run.
    """
    alive = sum(name in running for name in manifest.components[seen.name].entries)
    return not alive or (seen.tip in tips and len(seen.outbound) >= min(SERVED_BY, alive))
