"""A node as a process of this machine, and what it says of itself at one moment."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final

from axon.machine import Endpoint
from axon.rpc.client import Connect, RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.axonprocess import (
    AXON,
    CHILD_CALL_LIMIT_S,
    AxonProcess,
    LinkView,
    links_of,
)
from axon.swarm.lab.processes import START_LIMIT_S, STOP_LIMIT_S, free_ports, wait_until
from axon.swarm.lab.processidentity import ProcessIdentity

_VIEW: Final = (("getblockchaininfo", ()), ("getpeerinfo", ()), ("getmempoolinfo", ()))


class ProcessState(StrEnum):
    """What has become of a component."""

    RUNNING = "running"
    SILENT = "silent"  # It lives and does not answer.
    PAUSED = "paused"
    ENDED = "ended"  # As it was asked to.
    DIED = "DIED"  # By itself.


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


class NodeProcess(AxonProcess):
    """One node.

    Args:
        name: for messages, and in its user agent.
        folder: its data directory; made if it is missing.
        host: the loopback address of its ports.
        chain: `regtest`, or another network's name.
        options: further command line options.
        command: how `axon` is started.
        trusted_door: whether it also listens where only its operator's own nodes are told to dial:
            who comes in there, and whom it is told to dial, gets announcements without the delay
            that hides their origin from strangers (`noban`).
        p2p, rpc_endpoint: where it listens; a free port of the host if left out.
        identity: of its process, if it is no child of this program.
        timeout_s: how long an answer may take.
        connect: how connections to it are opened; None as usual.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        host: str = "127.0.0.1",
        *,
        chain: str = "regtest",
        options: Sequence[str] = (),
        command: Sequence[str] = AXON,
        trusted_door: bool = False,
        p2p: Endpoint | None = None,
        rpc_endpoint: Endpoint | None = None,
        identity: ProcessIdentity | None = None,
        timeout_s: float = CHILD_CALL_LIMIT_S,
        connect: Connect | None = None,
    ) -> None:
        super().__init__(
            name, folder, command, identity=identity, timeout_s=timeout_s, connect=connect
        )
        self.chain = chain
        missing = (p2p, rpc_endpoint).count(None) + trusted_door
        free = iter(free_ports(missing, host) if missing else ())  # Most nodes of a lab need none.
        self.p2p = p2p or Endpoint(host, next(free))
        self.rpc_endpoint = rpc_endpoint or Endpoint(host, next(free))
        self.door = Endpoint(host, next(free)) if trusted_door else self.p2p
        self.options = tuple(options)
        if trusted_door:
            self.options += (f"-whitebind=noban@{self.door}", "-whitelist=out,noban@127.0.0.0/8")

    @property
    def network_folder(self) -> Path:
        """Where this network's files are, below the data directory."""
        return self.folder if self.chain == "main" else self.folder / self.chain

    @property
    def log(self) -> Path:
        """What it writes down as it goes."""
        return self.network_folder / "debug.log"

    def log_lines(self) -> Iterator[str]:
        """The lines of its log so far."""
        if self.log.exists():
            with self.log.open(errors="replace") as lines:
                yield from lines

    def arguments(self, extra: Iterable[str] = ()) -> list[str]:
        """The command line."""
        return [
            *self._command,
            "node",
            f"-chain={self.chain}",
            f"-datadir={self.folder}",
            f"-bind={self.p2p.host}:{self.p2p.port}",
            f"-rpcbind={self.rpc_endpoint.host}:{self.rpc_endpoint.port}",
            f"-rpcport={self.rpc_endpoint.port}",
            "-rpcallowip=127.0.0.0/8",
            "-listen=1",
            "-dnsseed=0",
            "-fixedseeds=0",
            "-printtoconsole=0",
            f"-uacomment={self.name}",
            *self.options,
            *extra,
        ]

    def dial(self, timeout_s: float, numbers: Callable[[str], object] = Decimal) -> RpcClient:
        """A connection of its own to its RPC."""
        return RpcClient(
            f"http://{self.rpc_endpoint}",
            cookie=self.network_folder / ".cookie",
            timeout_s=timeout_s,
            numbers=numbers,
            connect=self._connect,
        )

    def _has_started(self) -> bool:
        return bool(self.rpc("getmempoolinfo")["loaded"])

    def connect(self, other: NodeProcess) -> None:
        """Dial another node once and wait until the handshake is complete on both sides."""
        self.rpc("addnode", str(other.door), "onetry")
        wait_until(
            lambda: self.is_linked_to(other) and other.is_linked_to(self),
            START_LIMIT_S,
            f"{self.name} and {other.name} complete the handshake",
        )

    def disconnect(self, other: NodeProcess) -> None:
        """End every connection to another node, whoever dialled, and wait until both see it."""
        for peer in self.links_to(other):
            with contextlib.suppress(RpcError):  # It may have gone meanwhile.
                self.rpc("disconnectnode", nodeid=peer.peer)
        wait_until(
            lambda: not self.is_linked_to(other) and not other.is_linked_to(self),
            STOP_LIMIT_S,
            f"{self.name} and {other.name} part",
        )

    def has_block(self, name: str) -> bool:
        """Whether a block is in its active chain."""
        try:
            return int(self.rpc("getblockheader", name)["confirmations"]) > 0
        except RpcError as error:
            if error.code != Code.NOT_FOUND:
                raise
            return False

    def view(self, state: ProcessState) -> NodeView:
        """What it says now; never raises, for not to answer is an answer here.

        Args:
            state: of its process; it is asked if it is running.
        """
        rss_kb, pss_kb = self.memory_kb()
        if state is not ProcessState.RUNNING:
            return NodeView(self.name, state, rss_kb=rss_kb, pss_kb=pss_kb)
        try:
            answers = self.batch(_VIEW)
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


def equal_tips(nodes: Sequence[NodeProcess]) -> bool:
    """Whether all stand on the same block."""
    return len({node.tip() for node in nodes}) == 1


def equal_pools(nodes: Sequence[NodeProcess]) -> bool:
    """Whether all hold the same unconfirmed transactions."""
    return len({frozenset(node.rpc("getrawmempool")) for node in nodes}) == 1
