"""A program of axon as a process of this machine: started, asked by RPC, looked at, killed.

A process is started here as a child, or by the fork server of the lab and then known by its
identity; what can be asked of it is the same. Nothing is used but its command line, its RPC,
`/proc` and signals, and a signal goes to the very process that was started, never to another one.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from axon.drivers.aio.privatefiles import make_folder, open_file
from axon.rpc.client import Connect, RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.forkserver import ERRORS
from axon.swarm.lab.processes import START_LIMIT_S, STOP_LIMIT_S, NodeFailed, wait_until
from axon.swarm.lab.processidentity import (
    ProcessIdentity,
    identity_of,
    is_alive,
    memory_kb,
    open_files,
    send_signal,
    wait_gone,
)

AXON: Final = (sys.executable, "-m", "axon")
"""How `axon` is started."""

CHILD_CALL_LIMIT_S: Final = 120.0
"""How long an answer of a child may take: it may be asked for a thousand blocks."""

CALL_LIMIT_S: Final = 20.0
"""How long an answer may take in the lab; a node that is paused never gives one."""

ERROR_CHARACTERS: Final = 2_000
"""So much of the end of what a process wrote to standard error is told."""

_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NAME: Final = re.compile(r"\((?!wallet\))([^()]+)\)/$")
"""The comment at the end of a node's user agent is its name; a wallet's says only what it is."""

_R = TypeVar("_R")


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


@dataclass(frozen=True, slots=True)
class LinkView:
    """One connection with a finished handshake.

    Args:
        name: of the node at the other end as its user agent tells it; empty for a stranger.
        peer: the connection's number on this side.
        inbound: whether the other end dialled.
    """

    name: str
    peer: int
    inbound: bool


class AxonProcess(ABC):
    """One process of `axon` with a folder and an RPC server: a node, or a wallet that is served.

    Calls of a child share one connection, for one thread. In the lab every call has a connection of
    its own, so there is nothing to close, but within `connected`.

    Args:
        name: for messages.
        folder: its data directory; made if it is missing.
        command: how `axon` is started.
        identity: of the process, if it is no child of this program.
        timeout_s: how long an answer may take.
        connect: how connections to it are opened; None as usual.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        command: Sequence[str] = AXON,
        *,
        identity: ProcessIdentity | None = None,
        timeout_s: float = CHILD_CALL_LIMIT_S,
        connect: Connect | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.identity = identity
        self._command = tuple(command)
        self._timeout_s = timeout_s
        self._connect = connect
        self._child: subprocess.Popen[bytes] | None = None
        self._client: RpcClient | None = None
        self._keeps_connection = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @abstractmethod
    def arguments(self, extra: Iterable[str] = ()) -> list[str]:
        """The command line."""

    @abstractmethod
    def dial(self, timeout_s: float, numbers: Callable[[str], object] = Decimal) -> RpcClient:
        """A connection of its own to its RPC, for one thread; the caller closes it.

        Args:
            timeout_s: how long an answer may take.
            numbers: what numbers with a fraction become, from their text.

        Raises:
            Unreachable: it has not said yet where it answers.
        """

    @abstractmethod
    def _has_started(self) -> bool:
        """Whether it answers everything by now; raises as `rpc` does."""

    # The process.

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self.identity.pid if self.is_running and self.identity is not None else None

    @property
    def is_running(self) -> bool:
        """Whether its process lives, paused or not."""
        alive = is_alive(self.identity)
        if self._child is not None:  # Asked afterwards, so that one that just ended is reaped.
            return self._child.poll() is None and alive
        return alive

    def memory_kb(self) -> tuple[int, int]:
        """Resident memory, and its own share of it (PSS), in kB; 0 if unknown."""
        return (0, 0) if self.identity is None else memory_kb(self.identity)

    def footprint(self) -> tuple[int, int]:
        """Its resident memory in kB, and how many files it has open; 0 where that is unknown."""
        if self.identity is None or not is_alive(self.identity):
            return 0, 0
        return memory_kb(self.identity)[0], open_files(self.identity)

    def errors(self) -> str:
        """The end of what it wrote to standard error since its start."""
        return last_errors(self.folder)

    def start(self, *extra: str, wait: bool = True) -> Self:
        """Start it as a child, and wait until it answers; it is ended if it does not.

        Raises:
            NodeFailed, TooLate: see `wait_ready`.
        """
        assert not self.is_running, f"{self.name} runs already"
        make_folder(self.folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        errors = os.fdopen(open_file(self.folder / ERRORS, flags), "wb")
        with errors, _undisturbed():
            self._child = subprocess.Popen(
                self.arguments(extra), stdout=subprocess.DEVNULL, stderr=errors
            )
            self.identity = identity_of(self._child.pid)
        self._keeps_connection = True
        if wait:
            self._wait_or_end()
        return self

    def _wait_or_end(self) -> None:
        """Wait until it answers; end what never will, for nobody else has it in hand."""
        try:
            self.wait_ready()
        except BaseException:
            if self.is_running:
                self.kill()
            raise

    def wait_ready(self, limit_s: float = START_LIMIT_S) -> float:
        """Wait until it answers; seconds that it took.

        Raises:
            NodeFailed: it left.
            TooLate: it does not answer in time.
        """
        return wait_until(self.check_ready, limit_s, f"{self.name} answers")

    def check_ready(self) -> bool:
        """Whether it answers everything.

        Raises:
            NodeFailed: its process has ended.
        """
        if not self.is_running:
            raise NodeFailed(f"{self.name} left at its start: {self.errors() or 'without a word'}")
        try:
            return self._has_started()
        except (Unreachable, Unauthorized):
            return False
        except RpcError as error:
            if error.code != Code.WARMUP:
                raise
            return False

    def kill(self) -> None:
        """End it at once (SIGKILL): it gets no chance to write anything."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        self._close()
        send_signal(self.identity, number)
        wait_gone(self.identity, STOP_LIMIT_S)
        if self._child is not None:
            self._child.wait(STOP_LIMIT_S)

    def stop(self) -> int:
        """Ask a child to stop by RPC; its exit code."""
        self.rpc("stop")
        return self.left()

    def interrupt(self) -> int:
        """Ask a child to stop as ctrl-C does; its exit code."""
        self._end(signal.SIGINT)
        return self.left()

    def terminate(self) -> int:
        """Ask a child to stop as a system that shuts down does (SIGTERM); its exit code."""
        self._end(signal.SIGTERM)
        return self.left()

    def left(self) -> int:
        """Wait until a child has left by itself; its exit code.

        Raises:
            NodeFailed: it still runs after `STOP_LIMIT_S`.
        """
        assert self._child is not None, f"{self.name} was never started here"
        try:
            code = self._child.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired as late:
            raise NodeFailed(f"{self.name} did not leave within {STOP_LIMIT_S:g} s") from late
        self._close()
        return code

    def wipe(self) -> None:
        """Forget everything: an empty data directory."""
        assert not self.is_running, f"{self.name} still runs"
        shutil.rmtree(self.folder, ignore_errors=True)

    # Its RPC.

    @property
    def client(self) -> RpcClient:
        """The kept connection to its RPC."""
        assert self._keeps_connection, "a child, or a process within `connected`"
        if self._client is None:
            self._client = self.dial(self._timeout_s)
        return self._client

    @contextlib.contextmanager
    def connected(self) -> Iterator[Self]:
        """Keep one connection for all calls within, which are of one thread."""
        self._keeps_connection = True
        try:
            yield self
        finally:
            self._keeps_connection = False
            self._close()

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def rpc(self, method: str, /, *args: object, **named: object) -> Any:
        """Call a method of its RPC.

        Raises:
            NodeFailed: it is a child, and has ended.
            RpcError: its own error.
            Unreachable: it does not answer.
        """
        return self._ask(lambda client: client.call(method, *args, **named))

    def batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Several calls at once, with parameters by place; for each its result or its `RpcError`.

        Raises:
            NodeFailed, Unreachable: as `rpc`.
        """
        return self._ask(lambda client: client.batch(calls))

    def _ask(self, ask: Callable[[RpcClient], _R]) -> _R:
        try:
            if self._keeps_connection:
                return ask(self.client)
            with self.dial(self._timeout_s) as client:
                return ask(client)
        except Unreachable as error:
            code = None if self._child is None else self._child.poll()
            if code is None:
                raise
            said = self.errors() or "without a word"
            raise NodeFailed(f"{self.name} has left with exit code {code}: {said}") from error

    def peers(self) -> list[dict[str, Any]]:
        """Its connections, as `getpeerinfo` tells them."""
        peers: list[dict[str, Any]] = self.rpc("getpeerinfo")
        return peers

    def links(self) -> tuple[LinkView, ...]:
        """Its connections with a finished handshake."""
        return links_of(self.peers())

    def links_to(self, node: AxonProcess) -> list[LinkView]:
        """Its connections to a node, with a finished handshake."""
        return [link for link in self.links() if link.name == node.name]

    def is_linked_to(self, node: AxonProcess) -> bool:
        """Whether a connection with a finished handshake leads to a node."""
        return bool(self.links_to(node))

    def height(self) -> int:
        """Of its tip."""
        return int(self.rpc("getblockcount"))

    def tip(self) -> str:
        """The hash of its tip, hex."""
        return str(self.rpc("getbestblockhash"))


def links_of(peers: Iterable[dict[str, Any]]) -> tuple[LinkView, ...]:
    """The connections in `getpeerinfo` whose handshake is complete; a wallet's are all outbound."""
    found = []
    for peer in peers:
        if peer["version"]:
            name = _NAME.search(peer["subver"])
            found.append(LinkView(name[1] if name else "", peer["id"], peer.get("inbound", False)))
    return tuple(found)


def last_errors(folder: Path) -> str:
    """The end of what the process of a folder wrote to standard error; empty if it said nothing."""
    path = folder / ERRORS
    if not path.exists():
        return ""
    return path.read_text(errors="replace").strip()[-ERROR_CHARACTERS:]
