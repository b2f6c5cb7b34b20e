"""The `netns` backend: every component in a network namespace of its own, all on one bridge.

    n1 [eth0 fc00:1::1/8] ---+
    n2 [eth0 fc10:1::1/8] ---+--- br0 in a namespace of its own: no way leads out of it
    w1 [eth0 fc20:1001::1/8] +

Addresses of fc00::/8 are CJDNS to a node that is told so (`-cjdnsreachable`), and CJDNS is
routable: unpatched Bitcoin Core takes them for the world, hears of others by gossip and chooses
its peers by itself. The first 12 bits are the netgroup.

Namespaces are made and removed by the `ip` program, as root; their names carry the run's. A cut
hangs the sides on bridges of their own, so that nothing passes between them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from axon.errors import ConfigError
from axon.primitives.network import REGTEST
from axon.swarm.lab.backend import Backend
from axon.swarm.lab.manifest import Component, ComponentKind, Manifest
from axon.swarm.lab.netnamespace import FOLDER
from axon.swarm.lab.processes import NodeFailed

MAX_GROUPS: Final = 16
"""Values of the 4 bits behind the first byte, which is 0xfc for all."""

PREFIX_BITS: Final = 8
RPC_HOST: Final = "::1"
"""A bitcoind finds no IPv4 address to listen on where only the loopback interface has one."""

PROC_IS_LEFT: Final = "without --backend netns each node is a process with a loopback address"

_IP: Final = "ip"
_SECONDS: Final = 20.0
_BRIDGE: Final = "bridge"  # No component has this name.
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
        if shutil.which(_IP) is None:
            raise ConfigError(
                f"--backend netns needs the program ip (iproute2), which is not there; "
                f"{PROC_IS_LEFT}"
            )
        if os.geteuid() != 0:
            raise ConfigError(f"--backend netns needs root; {PROC_IS_LEFT}")
        trial = f"axon-trial-{os.getpid()}"
        try:
            _add_namespace(f"{trial}-{_BRIDGE}")
            _add_bridge(f"{trial}-{_BRIDGE}", 0)
            _add_link(f"{trial}-{_BRIDGE}", trial, "n1", f"fc00:1::1/{PREFIX_BITS}")
        except NodeFailed as error:
            raise ConfigError(
                f"--backend netns cannot work here: {error}; {PROC_IS_LEFT}"
            ) from error
        finally:
            for name in (trial, f"{trial}-{_BRIDGE}"):
                _remove_namespace(name)

    def host(self, kind: ComponentKind, group: int, corner: int, number: int) -> str:  # noqa: ARG002
        """`fcG0:NUMBER::1`; runs do not meet, so they need no corners."""
        return f"fc{(group - 1) % MAX_GROUPS:x}0:{_SERIES[kind] + number:x}::1"

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
        _add_namespace(bridge)
        side = _side_of(manifest, item)
        _add_bridge(bridge, side)
        _add_link(bridge, _name(manifest, item.name), item.name, f"{item.host}/{PREFIX_BITS}")
        _plug(bridge, item.name, side)

    def remove(self, manifest: Manifest, names: Iterable[str]) -> None:
        """Remove their namespaces, and so their ends of the links, and so the other ends."""
        bridge = _name(manifest, _BRIDGE)
        for name in names:
            # A namespace goes when the system finds time; its place at the bridge is free at once.
            if (FOLDER / bridge).exists() and _has_interface(bridge, name):
                _ip("-n", bridge, "link", "delete", name)
            _remove_namespace(_name(manifest, name))

    def dismantle(self, manifest: Manifest) -> None:
        """Remove all namespaces whose names a run can have given."""
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

    def _plug_all(self, manifest: Manifest) -> None:
        bridge = _name(manifest, _BRIDGE)
        for number in range(len(manifest.sides)):
            _add_bridge(bridge, number)
        for item in manifest.components.values():
            if (FOLDER / _name(manifest, item.name)).exists():
                _plug(bridge, item.name, _side_of(manifest, item))


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


def _add_namespace(name: str) -> None:
    if not (FOLDER / name).exists():
        _ip("netns", "add", name)


def _remove_namespace(name: str) -> None:
    if (FOLDER / name).exists():
        _ip("netns", "delete", name)


def _add_bridge(namespace: str, number: int) -> None:
    bridge = f"br{number}"
    if not _has_interface(namespace, bridge):
        _ip("-n", namespace, "link", "add", bridge, "type", "bridge")
        _ip("-n", namespace, "link", "set", bridge, "up")


def _add_link(bridge_namespace: str, namespace: str, port: str, address: str) -> None:
    """Make a namespace with one link to that of the bridge, where its end is a port."""
    _add_namespace(namespace)
    if not _has_interface(namespace, "eth0"):
        ends = ("netns", bridge_namespace, "type", "veth", "peer", "name", "eth0")
        _ip("link", "add", port, *ends, "netns", namespace)
    _ip("-n", namespace, "link", "set", "lo", "up")
    _ip("-n", namespace, "link", "set", "eth0", "up")
    # Nobody else has the address, so there is no need to wait whether somebody objects.
    _ip("-n", namespace, "-6", "addr", "replace", address, "dev", "eth0", "nodad")


def _plug(bridge_namespace: str, port: str, number: int) -> None:
    _ip("-n", bridge_namespace, "link", "set", port, "master", f"br{number}", "up")


def _has_interface(namespace: str, name: str) -> bool:
    command = (_IP, "-n", namespace, "link", "show", name)
    return not subprocess.run(command, capture_output=True, timeout=_SECONDS).returncode


def _ip(*arguments: str) -> None:
    """Run one command of the `ip` program.

    Raises:
        NodeFailed: it does not do it.
    """
    try:
        done = subprocess.run(
            (_IP, *arguments), capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NodeFailed(f"ip {' '.join(arguments)}: {error}") from error
    if done.returncode:
        raise NodeFailed(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
