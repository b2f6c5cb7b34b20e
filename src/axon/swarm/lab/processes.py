"""What whoever starts processes needs: ports that are free, and waits that have a limit."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from random import SystemRandom
from typing import Final

from axon.errors import AxonError

START_LIMIT_S: Final = 60.0
"""How long a node may take until it answers; a machine with many nodes to start is slow."""

STOP_LIMIT_S: Final = 30.0
"""How long it may take to leave in order."""

PORTS: Final = range(20_000, 32_000)
"""Where ports of nodes are looked for: below those that systems give to outgoing connections, so
that a port stays free while its node is down."""

_PORTS_TRIED: Final = 100
_POLL_S: Final = 0.02


class NodeFailed(AxonError):
    """A node process did not do what was asked of it; the text has the end of what it said."""


class TooLate(NodeFailed):
    """Something did not come to hold within its limit."""


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port of this host on which nobody listens now; raises as `free_ports`."""
    return free_ports(1, host)[0]


def free_ports(count: int, host: str = "127.0.0.1") -> tuple[int, ...]:
    """As many different TCP ports of this host, on which nobody listens now.

    Raises:
        NodeFailed: too few were found.
    """
    rng = SystemRandom()
    found: list[int] = []
    with contextlib.ExitStack() as probes:  # All are held until the last is found.
        for _ in range(_PORTS_TRIED * count):
            port = PORTS[int(rng.random() * len(PORTS))]
            probe = probes.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind((host, port))
                found.append(port)
                if len(found) == count:
                    return tuple(found)
    raise NodeFailed(f"{count} free ports were not found on {host}")


def wait_until(
    condition: Callable[[], bool], limit_s: float, what: str, poll_s: float = _POLL_S
) -> float:
    """Wait until something holds, looking again and again.

    Returns:
        Seconds that it took.

    Raises:
        TooLate: it did not hold within the limit.
    """
    start = time.monotonic()
    while True:
        if condition():
            return time.monotonic() - start
        if time.monotonic() - start > limit_s:
            raise TooLate(f"{what}: not within {limit_s:g} s")
        time.sleep(poll_s)
