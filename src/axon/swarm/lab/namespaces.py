"""The `netns` backend: every component in a network namespace of its own, all on one bridge.

    n1 [eth0 fc00:1::1/8] ---+
    n2 [eth0 fc10:1::1/8] ---+--- br0 in a namespace of its own: no way leads out of it
    w1 [eth0 fc20:1001::1/8] +

Addresses of fc00::/8 are CJDNS to a node that is told so (`-cjdnsreachable`), and CJDNS is
routable: unpatched Bitcoin Core takes them for the world, hears of others by gossip and chooses
its peers by itself. The first 12 bits are the netgroup.

Namespaces are made and removed by the `ip` program, as root; their names carry the run's. A cut
hangs the sides on bridges of their own, so that nothing passes between them. Links are shaped by a
program in the bridge's namespace (`shaping`).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from axon.errors import ConfigError
from axon.primitives.network import REGTEST
from axon.swarm.lab import shaping
from axon.swarm.lab.backend import Backend
from axon.swarm.lab.ipcommand import (
    IP,
    add_bridge,
    add_link,
    add_namespace,
    plug,
    remove_interface,
    remove_namespace,
)
from axon.swarm.lab.manifest import Component, ComponentKind, Manifest
from axon.swarm.lab.netnamespace import FOLDER
from axon.swarm.lab.processes import NodeFailed

MAX_GROUPS: Final = 16
"""Values of the 4 bits behind the first byte, which is 0xfc for all."""

PREFIX_BITS: Final = 8
RPC_HOST: Final = "::1"
"""A bitcoind finds no IPv4 address to listen on where only the loopback interface has one."""

MAX_INTERFACE_NAME: Final = 15
"""Linux has room for so many characters."""

PROC_IS_LEFT: Final = "without --backend netns each node is a process with a loopback address"

_HOST: Final = re.compile(r"fc[0-9a-f]0:[1-9a-f][0-9a-f]{0,3}::1", re.ASCII)
_BRIDGE: Final = "bridge"
_TAKEN: Final = re.compile(rf"{_BRIDGE}|lo|br[0-9]+", re.ASCII)
_SERIES: Final[Mapping[ComponentKind, int]] = MappingProxyType(
    {
        ComponentKind.NODE: 0,
        ComponentKind.WALLET: 0x1000,
        ComponentKind.COLD: 0x2000,
        ComponentKind.JOINER: 0x3000,
    }
)
"""Second 16 bits of addresses count from here on."""


class Namespaces(Backend):
    """Network namespaces of this machine."""

    max_groups = MAX_GROUPS
    mesh_limit_s = 300.0
    seeds = 2  # With one, a newcomer would have no way in while that one is dead.

    def check(self) -> None:
        """See whether namespaces, bridges and links can be made, by making some."""
        if shutil.which(IP) is None:
            raise ConfigError(
                f"--backend netns needs the program ip (iproute2), which is not there; "
                f"{PROC_IS_LEFT}"
            )
        if os.geteuid() != 0:
            raise ConfigError(f"--backend netns needs root; {PROC_IS_LEFT}")
        trial = f"axon-trial-{os.getpid()}"
        try:
            add_namespace(f"{trial}-{_BRIDGE}")
            add_bridge(f"{trial}-{_BRIDGE}", 0)
            add_link(f"{trial}-{_BRIDGE}", trial, "n1", f"fc00:1::1/{PREFIX_BITS}")
        except NodeFailed as error:
            raise ConfigError(
                f"--backend netns cannot work here: {error}; {PROC_IS_LEFT}"
            ) from error
        finally:
            for name in (trial, f"{trial}-{_BRIDGE}"):
                remove_namespace(name)

    def host(self, kind: ComponentKind, group: int, corner: int, number: int) -> str:  # noqa: ARG002
        """`fcG0:NUMBER::1`; runs do not meet, so they need no corners."""
        return f"fc{(group - 1) % MAX_GROUPS:x}0:{_SERIES[kind] + number:x}::1"

    def check_name(self, name: str) -> None:
        """The end of its link at the bridge is called so, beside the bridges."""
        if len(name) > MAX_INTERFACE_NAME or _TAKEN.fullmatch(name) is not None:
            raise ConfigError(
                f"{name} cannot be the name of a node in namespaces, where an interface is called "
                f"so: {MAX_INTERFACE_NAME} characters at most, and not bridge, lo or br0, br1, ..."
            )

    def is_host(self, host: object) -> bool:
        """One that `host` gives, in its only spelling: interfaces are called by it."""
        return isinstance(host, str) and _HOST.fullmatch(host) is not None

    def moved(self, host: str, corner: int) -> str:  # noqa: ARG002
        """The same one."""
        return host

    def rpc_host(self, host: str) -> str:  # noqa: ARG002
        """The loopback address of its namespace."""
        return RPC_HOST

    def port(self, host: str, usual: int) -> int:  # noqa: ARG002
        """The usual one: nobody else is there."""
        return usual

    def joiner_ports(self, host: str) -> tuple[int, int]:  # noqa: ARG002
        """The usual ones."""
        return REGTEST.port, REGTEST.rpc_port

    def provide(self, manifest: Manifest, item: Component) -> None:
        """Make the bridge and the component's namespace, as far as they are missing.

        A miner's is that of its node.
        """
        if item.kind is ComponentKind.MINER:
            item = manifest.components[item.node]
        bridge = _name(manifest, _BRIDGE)
        add_namespace(bridge)
        side = _side_of(manifest, item)
        add_bridge(bridge, side)
        add_link(bridge, _name(manifest, item.name), item.name, f"{item.host}/{PREFIX_BITS}")
        if manifest.links:
            self.shape(manifest)
        else:
            plug(bridge, item.name, side)

    def remove(self, manifest: Manifest, names: Iterable[str]) -> None:
        """Remove their namespaces, and so their ends of the links, and so the other ends."""
        bridge = _name(manifest, _BRIDGE)
        for name in names:
            # A namespace goes when the system finds time; its place at the bridge is free at once.
            remove_interface(bridge, name)
            remove_namespace(_name(manifest, name))

    def dismantle(self, manifest: Manifest) -> None:
        """End the relay, and remove all namespaces whose names a run can have given."""
        shaping.end_relay(manifest)
        self.remove(manifest, [*manifest.components, _BRIDGE])

    def namespace(self, manifest: Manifest, item: Component) -> Path | None:
        """Its own."""
        name = item.node if item.kind is ComponentKind.MINER else item.name
        return FOLDER / _name(manifest, name)

    def cut(self, manifest: Manifest) -> bool:
        """Hang each side on a bridge of its own."""
        self._plug_all(manifest)
        return True

    def heal(self, manifest: Manifest) -> None:
        """Hang all on one bridge again."""
        self._plug_all(manifest)

    def check_shaping(self) -> None:
        """A relay carries what is shaped."""

    def shape(self, manifest: Manifest) -> None:
        """Have the relay carry what is shaped, and plug in all ports as that makes it."""
        items = [item for item in manifest.components.values() if self._has_place(manifest, item)]
        places = [(item, FOLDER / _name(manifest, item.name)) for item in items]
        shaping.carry(manifest, _name(manifest, _BRIDGE), places)
        self._plug_all(manifest)

    def _has_place(self, manifest: Manifest, item: Component) -> bool:
        return (FOLDER / _name(manifest, item.name)).exists()

    def _plug_all(self, manifest: Manifest) -> None:
        bridge = _name(manifest, _BRIDGE)
        if not (FOLDER / bridge).exists():
            return  # Nothing of it has been started yet.
        for number in range(len(manifest.sides)):
            add_bridge(bridge, number)
        for item in manifest.components.values():
            if self._has_place(manifest, item):
                plug(bridge, shaping.port_of(manifest, item), _side_of(manifest, item))


def _name(manifest: Manifest, name: str) -> str:
    """The name of a namespace: that of the run is in it, so no other is ever touched."""
    return f"axon-{manifest.run}-{name}"


def _side_of(manifest: Manifest, item: Component) -> int:
    """On which side of a cut somebody is; who is no node of the plan, where he dials."""
    seen = {item.name}
    while True:
        for number, side in enumerate(manifest.sides):
            if item.name in side:
                return number
        entry = item.dials[0] if item.dials else ""
        if entry in seen or entry not in manifest.components:
            return 0
        seen.add(entry)
        item = manifest.components[entry]
