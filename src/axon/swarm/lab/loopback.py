"""The `proc` backend: every component a process with a loopback address of its own.

Each netgroup is another /16 of 127/8, so it is real to nodes that take loopback for the world
(`-lab`). Nothing has to be made, and nobody need be root. Bitcoin Core takes no loopback address
for one of a peer to be heard of: such nodes dial whom they are given.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path
from typing import Final

from axon.errors import ConfigError
from axon.swarm.lab.backend import Backend
from axon.swarm.lab.manifest import Component, ComponentKind, Manifest
from axon.swarm.lab.processes import free_port, free_ports

MAX_GROUPS: Final = 250
"""Second bytes of 127/8 that the lab uses, from 2 on: the first is everybody's."""

FIRST_WALLET_PLACE: Final = 200
"""Last bytes of the lab's addresses, from here on up, belong to wallets."""

_LOOPBACK: Final = IPv4Network("127.0.0.0/8")


class Loopback(Backend):
    """Loopback addresses of this machine."""

    max_groups = MAX_GROUPS
    mesh_limit_s = 90.0
    seeds = 0

    def check(self) -> None:
        """Nothing is needed that `doctor` does not try."""

    def host(self, kind: ComponentKind, group: int, corner: int, number: int) -> str:
        """`127.GROUP.CORNER.NUMBER`; what checks raise is in a group that no node has."""
        match kind:
            case ComponentKind.JOINER:
                assert number < FIRST_WALLET_PLACE, "so many join at a time"
                return f"127.{1 + MAX_GROUPS + 1}.{corner}.{number}"
            case ComponentKind.COLD:
                return f"127.{1 + MAX_GROUPS + 1}.{corner}.{FIRST_WALLET_PLACE + number}"
            case ComponentKind.WALLET:
                second = 2 + (group - 1) % MAX_GROUPS
                return f"127.{second}.{corner}.{FIRST_WALLET_PLACE + number}"
            case _:
                return f"127.{1 + group}.{corner}.{number}"

    def check_name(self, name: str) -> None:
        """A name is only a name."""

    def is_host(self, host: object) -> bool:
        """Any loopback address of IPv4."""
        try:
            return isinstance(host, str) and IPv4Address(host) in _LOOPBACK
        except AddressValueError:
            return False

    def moved(self, host: str, corner: int) -> str:
        """The corner is the third byte."""
        first, second, _, fourth = host.split(".")
        return f"{first}.{second}.{corner}.{fourth}"

    def rpc_host(self, host: str) -> str:
        """The same."""
        return host

    def port(self, host: str, usual: int) -> int:
        """The usual port, or another one where a program of this machine has it already."""
        return usual_or_free_port(host, usual)

    def joiner_ports(self, host: str) -> tuple[int, int]:
        """Free ones: its address may have been that of another a moment ago."""
        p2p_port, rpc_port = free_ports(2, host)
        return p2p_port, rpc_port

    def provide(self, manifest: Manifest, item: Component) -> None:
        """All loopback addresses are there."""

    def remove(self, manifest: Manifest, names: Iterable[str]) -> None:
        """Nothing was made."""

    def dismantle(self, manifest: Manifest) -> None:
        """Nothing was made."""

    def namespace(self, manifest: Manifest, item: Component) -> Path | None:  # noqa: ARG002
        """All are in that of whoever asks."""
        return None

    def cut(self, manifest: Manifest) -> bool:  # noqa: ARG002
        """Nothing is below the nodes that could be cut."""
        return False

    def heal(self, manifest: Manifest) -> None:
        """Nothing was cut here."""

    def check_shaping(self) -> None:
        """Processes on loopback talk to each other directly."""
        raise ConfigError(
            "links cannot be shaped on loopback, where nothing lies between two processes; "
            "axon swarm up N --backend netns (Linux, root) raises a run where they can"
        )

    def shape(self, manifest: Manifest) -> None:
        """Nothing was shaped here."""


def usual_or_free_port(host: str, usual: int) -> int:
    """The usual port, or another one where a program of this machine has it already."""
    with socket.socket() as listener, suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, usual))
        return usual
    return free_port(host)
