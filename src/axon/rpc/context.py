"""What methods are given of the program that runs behind the server, be it a node or a wallet."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from axon.drivers.aio.clock import Clock
from axon.machine import SECOND, Instant, PeerId
from axon.node.session import Session
from axon.node.settings import LinkSettings
from axon.rpc.waiters import Waiters


class ConnectedNode(Protocol):
    """A full node or a light client, as far as both are alike."""

    @property
    def sessions(self) -> Mapping[PeerId, Session]:
        """The connections, by peer."""

    @property
    def settings(self) -> LinkSettings:
        """The operator's."""


@dataclass(eq=False, kw_only=True)
class Context:
    """What the context of every method has; `Daemon` and `WalletDaemon` add their own.

    Args:
        node: the machine; read on the loop only.
        clock: the machine's.
        folder: where the program keeps its files, and its `debug.log`.
        command: puts one of `node.commands` to the machine; its answer. `Stopped` if there is none.
        stop: begins an orderly stop.
        traffic: bytes received from peers, and sent to them, since the start.
        started_at: by the clock.
        calls: the calls under way: their methods, and microseconds since they began.
    """

    node: ConnectedNode
    clock: Clock
    folder: Path
    command: Callable[[object], Coroutine[Any, Any, Any]]
    stop: Callable[[], None]
    traffic: Callable[[], tuple[int, int]]
    started_at: Instant = 0
    calls: Callable[[], Sequence[tuple[str, int]]] = tuple
    _waiters: Waiters = field(default_factory=Waiters)

    @property
    def now_s(self) -> int:
        """The time of day in seconds since 1970, by the machine's clock."""
        return self.clock.now() // SECOND

    def reported(self, fact: object) -> None:  # noqa: ARG002
        """Take in a fact that the machine reported; waiting callers test their conditions again."""
        self._waiters.wake()

    async def wait_for(self, predicate: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until a condition holds; it is tested after each fact that the machine reports.

        See `Waiters.wait_for`.
        """
        return await self._waiters.wait_for(predicate, timeout_s)

    def interrupt(self) -> None:
        """The program stops: waiting callers get `Stopped`."""
        self._waiters.close()
