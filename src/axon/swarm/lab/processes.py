"""Real nodes as processes of this machine: started, asked, killed, started again.

Each node has its own folder and its own loopback address; it is an `axon node` like any other, and
whoever runs it here uses nothing but its command line, its RPC and signals. Only processes that
were started here are ever signalled.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from random import SystemRandom
from typing import Any, Final, Self

from axon.errors import AxonError
from axon.machine import Endpoint
from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError

START_LIMIT_S: Final = 60.0
"""How long a node may take until it answers; a machine with many nodes to start is slow."""

STOP_LIMIT_S: Final = 30.0
"""How long it may take to leave in order."""

PORTS: Final = range(20_000, 32_000)
"""Where ports of nodes are looked for: below those that systems give to outgoing connections, so
that a port stays free while its node is down."""

AXON: Final = (sys.executable, "-m", "axon")
"""How `axon` is started."""

_PORTS_TRIED: Final = 100
_POLL_S: Final = 0.02
_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class NodeFailed(AxonError):
    """A node process did not do what was asked of it; the text has the end of what it said."""


class TooLate(NodeFailed):
    """Something did not come to hold within its limit."""


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port of this host on which nobody listens now.

    Raises:
        NodeFailed: none was found.
    """
    rng = SystemRandom()
    for _ in range(_PORTS_TRIED):
        port = PORTS[int(rng.random() * len(PORTS))]
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
    raise NodeFailed(f"no free port on {host}")


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Delay requests to end for a moment, so that no process is started and then forgotten."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {number: signal.getsignal(number) for number in _ENDINGS}
    for number, handler in before.items():
        if callable(handler):
            signal.signal(number, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            if callable(handler):
                signal.signal(number, handler)
        for each in held[:1]:
            signal.raise_signal(each)


def wait_until(
    condition: Callable[[], bool], limit_s: float, what: str, poll_s: float = _POLL_S
) -> float:
    """Wait until something holds, looking again and again.

    Returns:
        Seconds that it took.

    Raises:
        TooLate: it did not hold within the limit.
    """
    start = time.monotonic()
    while True:
        if condition():
            return time.monotonic() - start
        if time.monotonic() - start > limit_s:
            raise TooLate(f"{what}: not within {limit_s:g} s")
        time.sleep(poll_s)


class AxonProcess(ABC):
    """One process of `axon` with a folder and an RPC server: a node, or a wallet that is served.

    Args:
        name: for messages.
        folder: its data directory; made if it is missing.
        command: how `axon` is started.
    """

    def __init__(self, name: str, folder: Path, command: Sequence[str]) -> None:
        self.name = name
        self.folder = folder
        self._command = tuple(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._client: RpcClient | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @abstractmethod
    def arguments(self, extra: Iterable[str] = ()) -> list[str]:
        """The command line."""

    @abstractmethod
    def dial(self, timeout_s: float) -> RpcClient:
        """A connection of its own to its RPC, for one thread; whoever asks closes it.

        Raises:
            Unreachable: it has not said yet where it answers.
        """

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether it has begun to do its work; raises as `rpc` does."""

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self.is_running and self._process is not None else None

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self, *extra: str, wait: bool = True) -> Self:
        """Start it, and wait until it answers."""
        assert not self.is_running, f"{self.name} runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        errors = (self.folder / "stderr.txt").open("wb")
        with errors, _undisturbed():
            self._process = subprocess.Popen(
                self.arguments(extra), stdout=subprocess.DEVNULL, stderr=errors
            )
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, limit_s: float = START_LIMIT_S) -> float:
        """Wait until it answers; seconds that it took.

        Raises:
            NodeFailed: it left, or does not answer in time.
        """
        return wait_until(self._answers, limit_s, f"{self.name} answers")

    def _answers(self) -> bool:
        if not self.is_running:
            raise NodeFailed(f"{self.name} left at its start: {self.errors() or 'without a word'}")
        try:
            return self._is_ready()
        except (Unreachable, Unauthorized):
            return False
        except RpcError as error:
            if error.code != Code.WARMUP:
                raise
            return False

    def errors(self) -> str:
        """What it wrote to standard error."""
        path = self.folder / "stderr.txt"
        return path.read_text(errors="replace").strip()[-2000:] if path.exists() else ""

    @property
    def client(self) -> RpcClient:
        """Its RPC."""
        if self._client is None:
            self._client = self.dial(STOP_LIMIT_S * 4)
        return self._client

    def rpc(self, method: str, *args: object, **named: object) -> Any:
        """Call a method of its RPC.

        Raises:
            NodeFailed: its process has ended.
            RpcError: its own error.
            Unreachable: it runs and does not answer.
        """
        try:
            return self.client.call(method, *args, **named)
        except Unreachable as error:
            code = None if self._process is None else self._process.poll()
            if code is None:
                raise
            said = self.errors() or "without a word"
            raise NodeFailed(f"{self.name} has left with exit code {code}: {said}") from error

    def peers(self) -> list[dict[str, Any]]:
        """Its connections, as `getpeerinfo` tells them."""
        peers: list[dict[str, Any]] = self.rpc("getpeerinfo")
        return peers

    def links_to(self, node: NodeProcess) -> list[dict[str, Any]]:
        """Its connection with a finished handshakes to a node."""
        mark = f"({node.name})"
        return [peer for peer in self.peers() if mark in peer["subver"]]

    def is_linked_to(self, node: NodeProcess) -> bool:
        """Whether a connection with a finished handshake of ours leads to a node."""
        return bool(self.links_to(node))

    def height(self) -> int:
        """Of its tip."""
        return int(self.rpc("getblockcount"))

    def tip(self) -> str:
        """The hash of its tip, hex."""
        return str(self.rpc("getbestblockhash"))

    def kill(self) -> None:
        """End it at once (SIGKILL): it gets no chance to write anything."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(number)
            process.wait(STOP_LIMIT_S)

    def stop(self) -> int:
        """Ask it to stop by RPC; its exit code."""
        assert self._process is not None, f"{self.name} was never started"
        self.rpc("stop")
        return self.left()

    def interrupt(self) -> int:
        """Ask it to stop as ctrl-C does; its exit code."""
        assert self._process is not None, f"{self.name} was never started"
        self._end(signal.SIGINT)
        return self.left()

    def terminate(self) -> int:
        """Ask it to stop as a system that shuts down does (SIGTERM); its exit code."""
        assert self._process is not None, f"{self.name} was never started"
        self._end(signal.SIGTERM)
        return self.left()

    def left(self) -> int:
        """Wait until it has left by itself; its exit code.

        Raises:
            NodeFailed: it still runs after `STOP_LIMIT_S`.
        """
        assert self._process is not None, f"{self.name} was never started"
        try:
            code = self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired as late:
            raise NodeFailed(f"{self.name} did not leave within {STOP_LIMIT_S:g} s") from late
        self._end(signal.SIGKILL)
        return code

    def wipe(self) -> None:
        """Forget everything: an empty data directory."""
        assert not self.is_running, f"{self.name} still runs"
        shutil.rmtree(self.folder, ignore_errors=True)


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
    ) -> None:
        super().__init__(name, folder, command)
        self.chain = chain
        self.p2p = Endpoint(host, free_port(host))
        self.rpc_endpoint = Endpoint(host, free_port(host))
        self.door = Endpoint(host, free_port(host)) if trusted_door else self.p2p
        self.options = tuple(options)
        if trusted_door:
            self.options += (f"-whitebind=noban@{self.door}", "-whitelist=out,noban@127.0.0.0/8")

    @property
    def network_folder(self) -> Path:
        """Where this network's files are, below the data directory."""
        return self.folder if self.chain == "main" else self.folder / self.chain

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

    def dial(self, timeout_s: float) -> RpcClient:
        """A connection of its own to its RPC."""
        return RpcClient(
            f"http://{self.rpc_endpoint}",
            cookie=self.network_folder / ".cookie",
            timeout_s=timeout_s,
        )

    def _is_ready(self) -> bool:
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
                self.rpc("disconnectnode", nodeid=peer["id"])
        wait_until(
            lambda: not self.is_linked_to(other) and not other.is_linked_to(self),
            STOP_LIMIT_S,
            f"{self.name} and {other.name} part",
        )


def equal_tips(nodes: Sequence[NodeProcess]) -> bool:
    """Whether all stand on the same block."""
    return len({node.tip() for node in nodes}) == 1


def equal_pools(nodes: Sequence[NodeProcess]) -> bool:
    """Whether all hold the same unconfirmed transactions."""
    return len({frozenset(node.rpc("getrawmempool")) for node in nodes}) == 1
