"""A run of real processes as the checks see it (`checkedrun`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from axon.drivers.aio.clock import Clock
from axon.machine import Instant
from axon.swarm.lab import lifecycle, members, settling, startup
from axon.swarm.lab.axonprocess import CALL_LIMIT_S
from axon.swarm.lab.manifest import PASSPHRASE, Component, DesiredState, Manifest
from axon.swarm.lab.nodeprocess import NodeProcess, NodeView, ProcessState
from axon.swarm.lab.processes import wait_until
from axon.swarm.lab.walletprocess import WalletProcess

POLL_S: Final = 0.05
"""From one look to the next while something is waited for."""

_T = TypeVar("_T")
_R = TypeVar("_R")


class LiveRun:
    """The processes of a run.

    Args:
        manifest: of the run, locked by the caller.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._clock = Clock()

    def nodes(self) -> list[NodeProcess]:
        """The nodes that live and are not paused."""
        return members.living(self.manifest)

    def wallets(self) -> list[WalletProcess]:
        """The wallets that live and are not paused."""
        return members.living_wallets(self.manifest)

    def node(self, name: str, timeout_s: float | None = None) -> NodeProcess:
        """A node, whether it lives or not."""
        return members.node_of(self.manifest, name, timeout_s or CALL_LIMIT_S)

    def wallet(self, name: str) -> WalletProcess:
        """A wallet, whether it lives or not."""
        return members.wallet_of(self.manifest, name)

    def views(self) -> list[NodeView]:
        """What all nodes say of themselves."""
        return members.views(self.manifest)

    def is_running(self, name: str) -> bool:
        """Whether a component lives and is not paused."""
        return members.state_of(self.manifest.components[name]) is ProcessState.RUNNING

    def first_address(self, name: str) -> str:
        """Where a wallet is paid first; its words are made if there are none."""
        # Of all that is called here, only this needs the wallet's library.
        from axon.swarm.lab.walletkeys import first_address, provide_words

        return first_address(provide_words(self.manifest.folder_of(name)))

    def passphrase(self) -> str:
        """Of all wallets."""
        return (self.manifest.folder / PASSPHRASE).read_text()

    def now(self) -> Instant:
        """The time of day."""
        return self._clock.now()

    def wait(self, condition: Callable[[], bool], limit_s: float, what: str) -> float:
        """Wait until something holds; seconds that it took."""
        return wait_until(condition, limit_s, what, POLL_S)

    def each(self, items: Sequence[_T], ask: Callable[[_T], _R]) -> list[_R]:
        """Ask several side by side; the answers in order."""
        return members.each(items, ask)

    def kill(self, names: Sequence[str]) -> None:
        """End nodes at once; a controller that dies now leaves them to `axon swarm up`."""
        lifecycle.kill(self.manifest, names)
        for name in names:
            self.manifest.change(name, desired=DesiredState.RUN)
        self.manifest.save()

    def wipe(self, names: Sequence[str]) -> None:
        """Give nodes that are down an empty disk."""
        lifecycle.wipe(self.manifest, names)

    def start(self, names: Iterable[str]) -> None:
        """Start components that are down, and wait until they answer."""
        startup.start(self.manifest, names, lambda _: None)

    def settle(self, limit_s: float) -> float:
        """Wait until all nodes are linked and on one block; seconds that it took."""
        return settling.settle(self.manifest, lambda _: None, limit_s)

    def add(self, item: Component) -> None:
        """Take a temporary node or wallet into the manifest; it is not started yet."""
        self.manifest.components[item.name] = item
        self.manifest.save()

    def remove(self, name: str) -> None:
        """End a temporary node or wallet, and remove it."""
        lifecycle.remove_temporary(self.manifest, name)
