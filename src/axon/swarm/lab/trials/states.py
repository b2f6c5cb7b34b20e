"""How the components of a network are: asked again and again, by connections that are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Final, Self

from axon.rpc.client import Unauthorized, Unreachable
from axon.rpc.errors import RpcError
from axon.swarm.lab import members
from axon.swarm.lab.manifest import Component, ComponentKind, Manifest
from axon.swarm.lab.nodeprocess import NodeProcess, NodeView, ProcessState
from axon.swarm.lab.probes import ENOUGH_SAT
from axon.swarm.lab.settling import MESHED
from axon.swarm.lab.walletprocess import WalletProcess
from axon.swarm.story.participants import amount_sat

LOOK_LIMIT_S: Final = 2.0
"""How long an answer may take; whoever has given none is asked again at the next look."""

NO_ANSWER: Final = (RpcError, Unreachable, Unauthorized)
_TIP: Final = (("getblockcount", ()), ("getbestblockhash", ()))

Tip = tuple[int, str]
"""Height and hash."""


class States:
    """What all nodes and wallets of a network say of themselves; for one thread.

    Args:
        manifest: of the run.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._pool = ThreadPoolExecutor(max(1, len(manifest.nodes)), "states")
        self._nodes: dict[str, NodeProcess] = {}
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        self._ends.close()

    def tips(self, names: Sequence[str]) -> dict[str, Tip]:
        """On which block nodes are; those that say nothing are left out."""
        for name in names:
            if name not in self._nodes:
                node = members.node_of(self._manifest, name, LOOK_LIMIT_S)
                self._nodes[name] = self._ends.enter_context(node.connected())
        found = self._pool.map(self._tip, names)
        return {name: tip for name, tip in zip(names, found, strict=True) if tip is not None}

    def _tip(self, name: str) -> Tip | None:
        item = self._manifest.components[name]
        if members.state_of(item) is not ProcessState.RUNNING:
            return None
        height, tip = self._ask(self._nodes[name])
        return None if tip is None else (height, tip)

    def _ask(self, node: NodeProcess) -> Sequence[Any]:
        try:
            answers = node.batch(_TIP)
        except NO_ANSWER:
            return 0, None
        return (0, None) if any(isinstance(each, RpcError) for each in answers) else answers

    def missing(self) -> str:
        """What keeps the network from being ready to be harmed; empty if nothing does.

        All nodes are on one block and have the links that they should have; all wallets have seen
        that block, and have money that is confirmed.
        """
        manifest = self._manifest
        names = [item.name for item in manifest.nodes]
        tips = self.tips(names)
        silent = [name for name in names if name not in tips]
        if silent:
            return f"{', '.join(silent)} does not answer"
        if len({tip for _, tip in tips.values()}) > 1:
            return apart(tips)
        views = members.views(manifest)
        loose = [view.name for view in views if not _is_linked(manifest, view)]
        if loose:
            return f"{', '.join(loose)} has not found its peers"
        poor = [
            wallet.name
            for wallet in members.wallets_of(manifest)
            if not _is_served(wallet, next(iter(tips.values())))
        ]
        return f"{', '.join(poor)} has not seen its coins" if poor else ""


def _is_linked(manifest: Manifest, seen: NodeView) -> bool:
    """Whether a node has the peers it should have: enough of them, or those it is to dial."""
    item = manifest.components[seen.name]
    others = {each.name for each in manifest.nodes if each.listens and each.name != item.name}
    if item.dials is not None:
        return others & set(item.dials) <= seen.linked
    return len(seen.outbound) >= min(MESHED, len(others)) or others <= seen.linked


def _is_served(wallet: WalletProcess, tip: Tip) -> bool:
    try:
        scanned = wallet.scanned()
        return scanned[0] >= tip[0] and amount_sat(wallet.rpc("getbalance")) >= ENOUGH_SAT
    except NO_ANSWER:
        return False


def apart(tips: Mapping[str, Tip]) -> str:
    """Who is where, in words."""
    places: dict[Tip, list[str]] = {}
    for name, tip in tips.items():
        places.setdefault(tip, []).append(name)
    shown = "; ".join(
        f"{' '.join(names)} at {height} ..{tip[-4:]}" for (height, tip), names in places.items()
    )
    return f"nodes are not on one block: {shown}"


def best_height(tips: Mapping[str, Tip]) -> int:
    """Of the highest of them; 0 where there is none."""
    return max((height for height, _ in tips.values()), default=0)


def full_nodes(manifest: Manifest, spared: Iterable[str] = ()) -> list[Component]:
    """The nodes of the network but some."""
    left_out = set(spared)
    return [item for item in manifest.of_kind(ComponentKind.NODE) if item.name not in left_out]
