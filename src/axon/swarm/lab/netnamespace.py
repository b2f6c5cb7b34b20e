"""Network namespaces of Linux: how a process comes into one, and how a socket of one is had.

A socket belongs for ever to the namespace in which its thread was when it was made; so a program
outside talks with one inside, though no way leads in.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from axon.machine import Endpoint

FOLDER: Final = Path("/run/netns")
"""Where the `ip` program keeps namespaces by name."""

_HERE: Final = Path("/proc/thread-self/ns/net")
_CLONE_NEWNET: Final = 0x40000000


def enter(namespace: Path) -> None:
    """Bring the calling thread, and all that it starts, into a namespace.

    Raises:
        OSError: there is none, or it is not for this user.
    """
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _set_namespace(descriptor, namespace)
    finally:
        os.close(descriptor)


@contextmanager
def within(namespace: Path) -> Iterator[None]:
    """Have the calling thread in a namespace for a moment."""
    home = os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(namespace)
        try:
            yield
        finally:
            _set_namespace(home, _HERE)
    finally:
        os.close(home)


def connect(namespace: Path, endpoint: Endpoint, timeout_s: float | None) -> socket.socket:
    """A connection to somebody in a namespace.

    Args:
        endpoint: an address of IPv4 or IPv6.
        timeout_s: how long it may take, and how long each later wait may; None for ever.

    Raises:
        OSError: there is no such namespace, or nobody answers.
    """
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    with within(namespace):
        made = socket.socket(family)
    try:
        made.settimeout(timeout_s)
        made.connect((endpoint.host, endpoint.port))
    except BaseException:
        made.close()
        raise
    return made


def _set_namespace(descriptor: int, namespace: Path) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(descriptor, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(namespace))
