"""What the `ip` program does for the lab: namespaces, bridges, and links between them."""

from __future__ import annotations

import subprocess
from typing import Final

from axon.swarm.lab.netnamespace import FOLDER
from axon.swarm.lab.processes import NodeFailed

IP: Final = "ip"
_SECONDS: Final = 20.0


def ip(*arguments: str) -> None:
    """Run one command of the `ip` program.

    Raises:
        NodeFailed: it does not do it.
    """
    try:
        done = subprocess.run(
            (IP, *arguments), capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NodeFailed(f"ip {' '.join(arguments)}: {error}") from error
    if done.returncode:
        raise NodeFailed(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def add_namespace(name: str) -> None:
    """Make a namespace; one that is there stays."""
    if not (FOLDER / name).exists():
        ip("netns", "add", name)


def remove_namespace(name: str) -> None:
    """Remove a namespace, if there is one."""
    if (FOLDER / name).exists():
        ip("netns", "delete", name)


def has_interface(namespace: str, name: str) -> bool:
    """Whether a namespace has an interface."""
    command = (IP, "-n", namespace, "link", "show", name)
    return not subprocess.run(command, capture_output=True, timeout=_SECONDS).returncode


def remove_interface(namespace: str, name: str) -> None:
    """Remove an interface, if there is one, and with it the other end of its link."""
    if (FOLDER / namespace).exists() and has_interface(namespace, name):
        ip("-n", namespace, "link", "delete", name)


def add_bridge(namespace: str, number: int) -> None:
    """Make a bridge; one that is there stays."""
    bridge = f"br{number}"
    if not has_interface(namespace, bridge):
        ip("-n", namespace, "link", "add", bridge, "type", "bridge")
        ip("-n", namespace, "link", "set", bridge, "up")


def add_link(bridge_namespace: str, namespace: str, port: str, address: str) -> None:
    """Make a namespace with one link to that of the bridge, where its end is a port."""
    add_namespace(namespace)
    if not has_interface(namespace, "eth0"):
        ends = ("netns", bridge_namespace, "type", "veth", "peer", "name", "eth0")
        ip("link", "add", port, *ends, "netns", namespace)
    ip("-n", namespace, "link", "set", "lo", "up")
    ip("-n", namespace, "link", "set", "eth0", "up")
    # Nobody else has the address, so there is no need to wait whether somebody objects.
    ip("-n", namespace, "-6", "addr", "replace", address, "dev", "eth0", "nodad")


def add_pair(namespace: str, one: str, other: str) -> None:
    """Make a link between two interfaces of one namespace; one that is there stays."""
    if not has_interface(namespace, one):
        ip("-n", namespace, "link", "add", one, "type", "veth", "peer", "name", other)
    ip("-n", namespace, "link", "set", other, "up")


def plug(namespace: str, port: str, number: int) -> None:
    """Hang an interface on a bridge, and take it off any other."""
    ip("-n", namespace, "link", "set", port, "master", f"br{number}", "up")


def unplug(namespace: str, port: str) -> None:
    """Take an interface off its bridge."""
    ip("-n", namespace, "link", "set", port, "nomaster", "up")
