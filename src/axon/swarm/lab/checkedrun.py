"""What a check asks of the network it judges, and what it may do to it.

The checks know a network by these protocols alone: `liverun` fills them with the processes of a
run, a test with a network in memory some of whose members give false answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from axon.machine import Instant
from axon.swarm.lab.manifest import Component, Manifest
from axon.swarm.lab.nodeprocess import NodeView

_T = TypeVar("_T")
_R = TypeVar("_R")


class RpcTarget(Protocol):
    """Somebody who can be asked by RPC."""

    @property
    def name(self) -> str:
        """As in the manifest."""

    def rpc(self, method: str, /, *args: object, **named: object) -> Any:
        """Call a method.

        Raises:
            RpcError: its own error.
            Unreachable: it does not answer.
        """

    def batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Several calls at once, with parameters by place; for each its result or its `RpcError`.

        Raises:
            Unreachable: it does not answer.
        """


class CheckedNode(RpcTarget, Protocol):
    """A full node."""

    def has_block(self, name: str) -> bool:
        """Whether a block is in its active chain."""

    def log_lines(self) -> Iterator[str]:
        """The lines of its log so far."""

    def footprint(self) -> tuple[int, int]:
        """Its resident memory in kB, and how many files it has open; 0 where that is unknown."""

    def connected(self) -> AbstractContextManager[object]:
        """Keep one connection for all calls within, which are of one thread."""


class CheckedWallet(RpcTarget, Protocol):
    """A wallet."""

    def scanned(self) -> tuple[int, str]:
        """The last block up to which it has looked: its height and name; -1 before the first."""


class CheckedRun(Protocol):
    """A network of nodes, miners and wallets."""

    @property
    def manifest(self) -> Manifest:
        """Its components and its plan."""

    # Who there is.

    def nodes(self) -> Sequence[CheckedNode]:
        """The nodes that live and are not paused."""

    def wallets(self) -> Sequence[CheckedWallet]:
        """The wallets that live and are not paused."""

    def node(self, name: str, timeout_s: float | None = None) -> CheckedNode:
        """A node, whether it lives or not.

        Args:
            name: in the manifest.
            timeout_s: how long an answer may take; as usual if it is left out.
        """

    def wallet(self, name: str) -> CheckedWallet:
        """A wallet, whether it lives or not."""

    def views(self) -> Sequence[NodeView]:
        """What all nodes say of themselves."""

    def is_running(self, name: str) -> bool:
        """Whether a component lives and is not paused."""

    def first_address(self, name: str) -> str:
        """Where a wallet of the manifest is paid first; it need not have been started yet."""

    def passphrase(self) -> str:
        """Of all wallets."""

    # Time.

    def now(self) -> Instant:
        """The time of day."""

    def wait(self, condition: Callable[[], bool], limit_s: float, what: str) -> float:
        """Wait until something holds; seconds that it took.

        Raises:
            TooLate: it did not hold within the limit.
        """

    def each(self, items: Sequence[_T], ask: Callable[[_T], _R]) -> list[_R]:
        """Ask several side by side; the answers in order."""

    # Damage and repair.

    def kill(self, names: Sequence[str]) -> None:
        """End nodes at once (SIGKILL); they are to be started again."""

    def wipe(self, names: Sequence[str]) -> None:
        """Give nodes that are down an empty disk."""

    def start(self, names: Iterable[str]) -> None:
        """Start components that are down, and wait until they answer.

        Raises:
            NodeFailed: one left at its start, or does not answer in time.
        """

    def settle(self, limit_s: float) -> float:
        """Wait until all nodes are linked and on one block; seconds that it took.

        Raises:
            TooLate: they are not.
        """

    def add(self, item: Component) -> None:
        """Take a temporary node or wallet into the manifest; it is not started yet."""

    def remove(self, name: str) -> None:
        """End a temporary node or wallet, and remove it."""
