"""Where the components of a run are on this machine, and what lies between them.

A backend gives each component an address, makes the place in which it runs, and can cut the ways
between places. `loopback` has them all on loopback addresses of this machine, `namespaces` each in
a network of its own; nothing else in the lab knows which of the two it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

from axon.swarm.lab.manifest import Component, ComponentKind, Manifest


class Backend(ABC):
    """One kind of place to run in."""

    @property
    @abstractmethod
    def max_groups(self) -> int:
        """How many netgroups its addresses can have."""

    @property
    @abstractmethod
    def mesh_limit_s(self) -> float:
        """How long 100 nodes may take until all are linked and stand on one block."""

    @property
    @abstractmethod
    def seeds(self) -> int:
        """How many nodes all others are given to dial, and hear of the rest by gossip alone; 0
        where each is told many addresses instead."""

    @abstractmethod
    def check(self) -> None:
        """See whether this machine can do it.

        Raises:
            ConfigError: it cannot; the text says what is left.
        """

    @abstractmethod
    def host(self, kind: ComponentKind, group: int, corner: int, number: int) -> str:
        """The address of a component.

        Args:
            kind: what it is.
            group: its netgroup, from 1.
            corner: 1 to 250, the same for all of a run: two runs of one machine hardly meet.
            number: of it among those of its kind and group, from 1.
        """

    @abstractmethod
    def check_name(self, name: str) -> None:
        """See whether a node can be called so.

        Raises:
            ConfigError: it cannot; the text says why.
        """

    @abstractmethod
    def is_host(self, host: object) -> bool:
        """Whether something can be the address of a component of one of its runs."""

    @abstractmethod
    def moved(self, host: str, corner: int) -> str:
        """The address that a component has in a run with another corner."""

    @abstractmethod
    def rpc_host(self, host: str) -> str:
        """Where a node with this address is asked."""

    @abstractmethod
    def port(self, host: str, usual: int) -> int:
        """The usual port there, or another one where that is taken."""

    @abstractmethod
    def joiner_ports(self, host: str) -> tuple[int, int]:
        """The ports of a node that a check raises for itself: for peers, and to be asked."""

    @abstractmethod
    def provide(self, manifest: Manifest, item: Component) -> None:
        """Make the place of a component; what is there of it stays as it is.

        Raises:
            NodeFailed: the system refuses.
        """

    @abstractmethod
    def remove(self, manifest: Manifest, names: Iterable[str]) -> None:
        """Remove the places of components that have ended."""

    @abstractmethod
    def dismantle(self, manifest: Manifest) -> None:
        """Remove all that was made for a run; all its components have ended."""

    @abstractmethod
    def namespace(self, manifest: Manifest, item: Component) -> Path | None:
        """The network namespace in which a component's sockets are; None for that of this process.

        A miner is where its node is.
        """

    @abstractmethod
    def cut(self, manifest: Manifest) -> bool:
        """Let nothing pass between the sides of the manifest, and wallets stay with the first one.

        Returns:
            False where only the nodes themselves can refuse each other.
        """

    @abstractmethod
    def heal(self, manifest: Manifest) -> None:
        """Let everything pass again that `cut` has cut."""

    @abstractmethod
    def check_shaping(self) -> None:
        """See whether links can be made slow and lossy.

        Raises:
            ConfigError: they cannot; the text says where they can.
        """

    @abstractmethod
    def shape(self, manifest: Manifest) -> None:
        """Have links be as the manifest says, and all others as ever.

        Raises:
            NodeFailed: the system refuses.
        """
