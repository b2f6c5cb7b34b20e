"""How links are shaped where a run is in namespaces: its relay, and the ports that lead to it.

Whoever sends on a link that is shaped is taken off the bridge, and the relay (`linkrelay`) carries
his packets to it and back. The relay is a process like all others: it is found by its identity in
the run's folder, whoever started it.
"""

from __future__ import annotations

import ctypes
import fcntl
import shutil
import signal
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from axon.drivers.aio.privatefiles import make_folder
from axon.swarm.lab.axonprocess import last_errors
from axon.swarm.lab.ipcommand import add_pair, remove_interface, unplug
from axon.swarm.lab.linkrelay import APPLIED, CALL, RelayPlan, RelayPort
from axon.swarm.lab.manifest import Component, Manifest
from axon.swarm.lab.netnamespace import FOLDER, within
from axon.swarm.lab.processes import NodeFailed, wait_until
from axon.swarm.lab.processidentity import (
    identity_of,
    is_alive,
    read_identity,
    send_signal,
    wait_gone,
)
from axon.swarm.lab.programs import RELAY
from axon.swarm.lab.shapedlinks import is_source

RELAY_FOLDER: Final = "link.relay"
"""In a run's folder; no component has a dot in its name."""

APPLY_LIMIT_S: Final = 20.0
GONE_LIMIT_S: Final = 10.0

_SIOCETHTOOL: Final = 0x8946
_OFFLOADS: Final = (0x17, 0x1F, 0x24)
"""ETHTOOL_STXCSUM, _STSO and _SGSO: checksums and cutting into packets, left to a later device."""


def has_relay(manifest: Manifest) -> bool:
    """Whether the relay of a run lives."""
    return is_alive(read_identity(manifest.folder / RELAY_FOLDER))


def port_of(manifest: Manifest, item: Component) -> str:
    """By which interface a component hangs on the bridge."""
    return _outer(item) if is_source(manifest.links, item.name) else item.name


def carry(manifest: Manifest, bridge: str, places: Sequence[tuple[Component, Path]]) -> None:
    """Have the relay carry what the manifest's links say, and nothing else.

    Afterwards whoever it carries hangs on no bridge by his own port, and the port of `port_of` is
    there to be plugged in.

    Args:
        manifest: of the run.
        bridge: the namespace with its bridges.
        places: the components that have a namespace of their own, with it.

    Raises:
        NodeFailed: the system refuses, or the relay does not come.
    """
    carried = [item for item, _ in places if is_source(manifest.links, item.name)]
    for item, _ in places:
        if item not in carried:
            remove_interface(bridge, _outer(item))
    if not carried:
        end_relay(manifest)
        return
    for _, place in places:
        switch_offloads_off(place)
    for item in carried:
        add_pair(bridge, _outer(item), _inner(item))
    _instruct(manifest, bridge, [item for item, _ in places], carried)
    for item in carried:
        unplug(bridge, item.name)


def _instruct(
    manifest: Manifest, bridge: str, items: Sequence[Component], carried: Sequence[Component]
) -> None:
    """Start the relay or tell it anew, and wait until it goes by that."""
    plan = RelayPlan(
        manifest.seed,
        tuple(RelayPort(item.name, item.name, _inner(item)) for item in carried),
        {item.name: item.host for item in items},
        manifest.links,
    )
    folder = manifest.folder / RELAY_FOLDER
    make_folder(folder)
    plan.write(folder)
    relay = read_identity(folder)
    if is_alive(relay):
        if plan.is_applied(folder):
            return
        send_signal(relay, CALL)
    else:
        assert manifest.run_lock is not None, "who starts something holds the run"
        (folder / APPLIED).unlink(missing_ok=True)
        pid = manifest.run_lock.spawn(RELAY, folder, [str(folder)], FOLDER / bridge)
        relay = identity_of(pid)

    def is_applied() -> bool:
        if not is_alive(relay):
            raise NodeFailed(f"the relay of links left: {last_errors(folder) or 'without a word'}")
        return plan.is_applied(folder)

    wait_until(is_applied, APPLY_LIMIT_S, "the relay carries the links")


def end_relay(manifest: Manifest) -> None:
    """End the relay, if there is one, and forget what it was told.

    Raises:
        NodeFailed: the system holds it.
    """
    folder = manifest.folder / RELAY_FOLDER
    identity = read_identity(folder)
    send_signal(identity, signal.SIGKILL)
    if not wait_gone(identity, GONE_LIMIT_S):
        raise NodeFailed("the relay of links cannot be ended; the system holds its process")
    shutil.rmtree(folder, ignore_errors=True)


def switch_offloads_off(namespace: Path) -> None:
    """Have a component's packets leave as they would on a wire: small, and with their checksums.

    Raises:
        NodeFailed: the system refuses.
    """
    try:
        with within(namespace), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as any_socket:
            for command in _OFFLOADS:
                value = ctypes.create_string_buffer(struct.pack("II", command, 0))
                asked = struct.pack("16sP", b"eth0", ctypes.addressof(value))
                fcntl.ioctl(any_socket, _SIOCETHTOOL, asked)
    except OSError as error:
        raise NodeFailed(f"{namespace.name}: offloads cannot be switched off: {error}") from error


def _outer(item: Component) -> str:
    """The end that hangs on the bridge in a component's place."""
    return f"b.{_label(item)}"


def _inner(item: Component) -> str:
    """The other end, where the relay is."""
    return f"r.{_label(item)}"


def _label(item: Component) -> str:
    """Of `fc10:1::1` it is `10.1`, which nobody else is in a run."""
    group, number, *_ = item.host.removeprefix("fc").split(":")
    return f"{group}.{number}"
