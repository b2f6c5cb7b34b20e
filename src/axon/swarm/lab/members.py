"""The components of a run as the controller meets them: their state, and their processes to ask."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from axon.rpc.client import Connect
from axon.swarm.lab import netnamespace
from axon.swarm.lab.axonprocess import CALL_LIMIT_S
from axon.swarm.lab.backends import backend_of
from axon.swarm.lab.manifest import Component, DesiredState, Manifest
from axon.swarm.lab.nodeprocess import NodeProcess, NodeView, ProcessState
from axon.swarm.lab.processidentity import is_alive, is_paused
from axon.swarm.lab.walletprocess import WalletProcess

LOOK_LIMIT_S: Final = 3.0
"""How long an answer may take where somebody looks on and would rather be told that none came."""

SIDE_BY_SIDE: Final = 32
"""Processes asked at a time: the answers come from others, so waiting is most of it."""

_T = TypeVar("_T")
_R = TypeVar("_R")


def state_of(component: Component) -> ProcessState:
    """What has become of a component's process; whether it answers is not asked."""
    if not is_alive(component.process):
        return ProcessState.ENDED if component.desired is DesiredState.END else ProcessState.DIED
    return ProcessState.PAUSED if is_paused(component.process) else ProcessState.RUNNING


def node_of(manifest: Manifest, name: str, timeout_s: float = CALL_LIMIT_S) -> NodeProcess:
    """A node of a run."""
    item = manifest.components[name]
    return NodeProcess(
        name,
        manifest.folder_of(name),
        p2p=item.p2p,
        rpc_endpoint=item.rpc,
        identity=item.process,
        timeout_s=timeout_s,
        connect=_connect_to(manifest, item),
    )


def wallet_of(manifest: Manifest, name: str, timeout_s: float = CALL_LIMIT_S) -> WalletProcess:
    """A wallet of a run."""
    item = manifest.components[name]
    return WalletProcess(
        name,
        manifest.folder_of(name),
        identity=item.process,
        timeout_s=timeout_s,
        connect=_connect_to(manifest, item),
    )


def _connect_to(manifest: Manifest, item: Component) -> Connect | None:
    """How a component is reached, if not by the network of this process."""
    namespace = backend_of(manifest).namespace(manifest, item)
    return None if namespace is None else partial(netnamespace.connect, namespace)


def nodes_of(manifest: Manifest, names: Iterable[str] | None = None) -> list[NodeProcess]:
    """Nodes of a run by name, all of them if none are named."""
    chosen = [item.name for item in manifest.nodes] if names is None else names
    return [node_of(manifest, name) for name in chosen]


def wallets_of(manifest: Manifest, names: Iterable[str] | None = None) -> list[WalletProcess]:
    """Wallets of a run by name, all of them if none are named."""
    chosen = [item.name for item in manifest.wallets] if names is None else names
    return [wallet_of(manifest, name) for name in chosen]


def _running(items: Iterable[Component]) -> list[str]:
    return [item.name for item in items if state_of(item) is ProcessState.RUNNING]


def living(manifest: Manifest) -> list[NodeProcess]:
    """The nodes that live and are not paused."""
    return nodes_of(manifest, _running(manifest.nodes))


def living_wallets(manifest: Manifest) -> list[WalletProcess]:
    """The wallets that live and are not paused."""
    return wallets_of(manifest, _running(manifest.wallets))


def each(items: Sequence[_T], ask: Callable[[_T], _R]) -> list[_R]:
    """Ask several side by side; the answers in order."""
    if not items:
        return []
    with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(items))) as pool:
        return list(pool.map(ask, items))


def views(manifest: Manifest, names: Collection[str] = ()) -> list[NodeView]:
    """What nodes of a run say of themselves: those of these names, or all if none is given."""
    return each(
        _asked(manifest.nodes, names),
        lambda item: node_of(manifest, item.name, LOOK_LIMIT_S).view(state_of(item)),
    )


def wallet_views(manifest: Manifest, names: Collection[str] = ()) -> list[NodeView]:
    """What wallets of a run say of themselves, likewise."""
    return each(
        _asked(manifest.wallets, names),
        lambda item: wallet_of(manifest, item.name, LOOK_LIMIT_S).view(state_of(item)),
    )


def _asked(items: Sequence[Component], names: Collection[str]) -> list[Component]:
    return [item for item in items if not names or item.name in names]


def mean_pss_mb(seen: Sequence[NodeView]) -> float:
    """The mean share of memory of those that live, in units of 1,024 x 1,024 bytes."""
    shares = [item.pss_kb for item in seen if item.pss_kb]
    return sum(shares) / len(shares) / 1024 if shares else 0.0
