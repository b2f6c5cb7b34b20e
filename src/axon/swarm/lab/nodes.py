"""The lab's nodes as the controller meets them: asked by RPC, seen through `/proc`.

A node is the process that its identity names; a controller that comes later finds the same nodes as
the one that started them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.forkserver import ERRORS
from axon.swarm.lab.manifest import Component, DesiredState, Manifest
from axon.swarm.lab.processidentity import is_alive, is_paused, memory_kb

CALL_LIMIT_S: Final = 20.0
"""How long any answer may take; a node that is paused never gives one."""

LOOK_LIMIT_S: Final = 3.0
"""The same where somebody looks on and would rather be told that nothing came."""

SIDE_BY_SIDE: Final = 32
"""Nodes asked at a time: the answers come from other processes, so waiting is most of it."""

TAIL_CHARACTERS: Final = 2_000
NETWORK_FOLDER: Final = "regtest"

_NAME: Final = re.compile(r"\(([a-z]\d+)\)")

_T = TypeVar("_T")
_R = TypeVar("_R")


class ProcessState(StrEnum):
    """What has become of a component."""

    RUNNING = "running"
    SILENT = "silent"  # It lives and does not answer.
    PAUSED = "paused"
    ENDED = "ended"  # As it was asked to.
    DIED = "DIED"  # By itself.


@dataclass(frozen=True, slots=True)
class LinkView:
    """One connection with a finished handshake of a node.

    Args:
        name: of the node at the other end; empty for a stranger.
        peer: the connection's number at this node.
        inbound: whether the other end dialled.
    """

    name: str
    peer: int
    inbound: bool


@dataclass(frozen=True, slots=True)
class NodeView:
    """What one node or wallet says of itself, or why it says nothing.

    Args:
        name: its own.
        state: whether it lives and answers.
        height, tip, work: of its chain; -1, empty and 0 where it does not answer.
        links: its connection with a finished handshakes.
        pooled: transactions that wait there.
        rss_kb, pss_kb: its memory, and its own share of it.
        holds: what a wallet may spend, in coins.
    """

    name: str
    state: ProcessState
    height: int = -1
    tip: str = ""
    work: int = 0
    links: tuple[LinkView, ...] = ()
    pooled: int = 0
    rss_kb: int = 0
    pss_kb: int = 0
    holds: Decimal | None = None

    @property
    def answers(self) -> bool:
        """Whether it does."""
        return self.state is ProcessState.RUNNING

    @property
    def outbound(self) -> frozenset[str]:
        """The nodes that it has dialled."""
        return frozenset(link.name for link in self.links if not link.inbound and link.name)

    @property
    def linked(self) -> frozenset[str]:
        """The nodes it is connected to, whoever dialled."""
        return frozenset(link.name for link in self.links if link.name)


class LabNode:
    """One node of a run.

    Within `with` its connection is kept, and only one thread may ask; without, every call has a
    connection of its own, so there is nothing to close.

    Args:
        component: which.
        folder: its data directory.
        timeout_s: how long an answer may take.
    """

    def __init__(self, component: Component, folder: Path, timeout_s: float = CALL_LIMIT_S) -> None:
        self.component = component
        self.folder = folder
        self._kept = False
        self.client = RpcClient(
            f"http://{component.rpc}", cookie=self.network_folder / ".cookie", timeout_s=timeout_s
        )

    @property
    def name(self) -> str:
        """As in the manifest."""
        return self.component.name

    @property
    def network_folder(self) -> Path:
        """Where this network's files are, below the data directory."""
        return self.folder / NETWORK_FOLDER

    @property
    def log(self) -> Path:
        """What it writes down as it goes."""
        return self.network_folder / "debug.log"

    def rpc(self, method: str, *args: object, **named: object) -> Any:
        """Call a method.

        Raises:
            RpcError: its own error.
            Unreachable: it does not answer.
        """
        try:
            return self.client.call(method, *args, **named)
        finally:
            self._let_go()

    def batch(self, calls: list[tuple[str, list[object]]]) -> list[Any]:
        """Several calls at once, with parameters by place; for each its result or its `RpcError`.

        Raises:
            Unreachable: it does not answer.
        """
        try:
            return self.client.batch(calls)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        if not self._kept:
            self.client.close()

    def is_ready(self) -> bool:
        """Whether it has started so far that it answers everything."""
        try:
            return bool(self.rpc("getmempoolinfo")["loaded"])
        except (Unreachable, Unauthorized):
            return False
        except RpcError as error:
            if error.code != Code.WARMUP:
                raise
            return False

    def links(self) -> tuple[LinkView, ...]:
        """Its connection with a finished handshakes."""
        return links_of(self.rpc("getpeerinfo"))

    def has_block(self, name: str) -> bool:
        """Whether a block is in its active chain."""
        try:
            return int(self.rpc("getblockheader", name)["confirmations"]) > 0
        except RpcError as error:
            if error.code != Code.NOT_FOUND:
                raise
            return False

    def view(self) -> NodeView:
        """What it says now; never raises, for not to answer is an answer here."""
        state = state_of(self.component)
        rss_kb, pss_kb = (
            (0, 0) if self.component.process is None else memory_kb(self.component.process)
        )
        if state is not ProcessState.RUNNING:
            return NodeView(self.name, state, rss_kb=rss_kb, pss_kb=pss_kb)
        calls: list[tuple[str, list[object]]] = [
            ("getblockchaininfo", []),
            ("getpeerinfo", []),
            ("getmempoolinfo", []),
        ]
        try:
            answers = self.batch(calls)
        except (Unreachable, Unauthorized):
            answers = [None]
        if not all(isinstance(answer, dict | list) for answer in answers):
            return NodeView(self.name, ProcessState.SILENT, rss_kb=rss_kb, pss_kb=pss_kb)
        chain, peers, pool = answers
        return NodeView(
            self.name,
            state,
            int(chain["blocks"]),
            str(chain["bestblockhash"]),
            int(chain["chainwork"], 16),
            links_of(peers),
            int(pool["size"]),
            rss_kb,
            pss_kb,
        )

    def __enter__(self) -> Self:
        self._kept = True
        return self

    def __exit__(self, *_: object) -> None:
        self._kept = False
        self.client.close()


def links_of(peers: Iterable[dict[str, Any]]) -> tuple[LinkView, ...]:
    """The connections in `getpeerinfo` whose handshake is complete; a wallet's are all outbound."""
    found = []
    for peer in peers:
        if peer["version"]:
            name = _NAME.search(peer["subver"])
            found.append(LinkView(name[1] if name else "", peer["id"], peer.get("inbound", False)))
    return tuple(found)


def state_of(component: Component) -> ProcessState:
    """What has become of a component's process; whether it answers is not asked."""
    if not is_alive(component.process):
        return ProcessState.ENDED if component.desired is DesiredState.END else ProcessState.DIED
    return ProcessState.PAUSED if is_paused(component.process) else ProcessState.RUNNING


def last_errors(folder: Path) -> str:
    """The end of what a component wrote to standard error; empty if it said nothing."""
    path = folder / ERRORS
    if not path.exists():
        return ""
    return path.read_text(errors="replace").strip()[-TAIL_CHARACTERS:]


def nodes_of(
    manifest: Manifest, names: Iterable[str] | None = None, timeout_s: float = CALL_LIMIT_S
) -> list[LabNode]:
    """Nodes of a run by name, all of them if none are named."""
    chosen = [item.name for item in manifest.nodes] if names is None else list(names)
    return [
        LabNode(manifest.components[name], manifest.folder_of(name), timeout_s) for name in chosen
    ]


def living(manifest: Manifest) -> list[LabNode]:
    """The nodes that live and are not paused."""
    names = [item.name for item in manifest.nodes if state_of(item) is ProcessState.RUNNING]
    return nodes_of(manifest, names)


def each(items: Sequence[_T], ask: Callable[[_T], _R]) -> list[_R]:
    """Ask several side by side; the answers in order."""
    if not items:
        return []
    with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(items))) as pool:
        return list(pool.map(ask, items))


def views(manifest: Manifest) -> list[NodeView]:
    """What all nodes of a run say of themselves."""
    return each(nodes_of(manifest, timeout_s=LOOK_LIMIT_S), LabNode.view)


def mean_pss_mb(seen: Sequence[NodeView]) -> float:
    """The mean share of memory of those that live, in units of 1,024 x 1,024 bytes."""
    shares = [item.pss_kb for item in seen if item.pss_kb]
    return sum(shares) / len(shares) / 1024 if shares else 0.0
