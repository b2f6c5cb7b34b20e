"""File descriptors: enough of them before a node starts, so that no peer can use them up later.

Each connection is one, and so is each open file of a store. A node that runs out of them cannot
write its next block. So the system's limit is raised as far as it lets us, and what strangers may
take leaves enough for everything else.
"""

from __future__ import annotations

import resource
from typing import Final

from axon.drivers.aio.sockets import BACKLOG, MAX_LEAVING
from axon.drivers.aio.stores import MAX_OPEN_FILES
from axon.electrum.places import MAX_CLIENTS
from axon.errors import ConfigError

KERNEL_FILES: Final = 150
"""Of libbitcoinkernel's databases and block files: what Bitcoin Core reserves for the same."""

RPC_CONNECTIONS: Final = 256
"""Callers of the RPC server, idle ones included."""

ELECTRUM_FILES: Final = MAX_OPEN_FILES + MAX_CLIENTS + 32
"""Of an Electrum server: its index, its clients, and some whose connections just begin or end."""

OTHER_FILES: Final = 64
"""Log, locks, listeners, threads' pipes, files being saved, and what a program around us has."""

RESERVED: Final = KERNEL_FILES + 2 * MAX_OPEN_FILES + RPC_CONNECTIONS + OTHER_FILES
"""Of a full node beside its peers: the kernel, the stores of coins and filters, callers, others."""


def max_accepted(max_connections: int) -> int:
    """Connections that peers may have opened to us at a time, those that leave included.

    Args:
        max_connections: of peers, in both directions (`-maxconnections`).
    """
    return max_connections + MAX_LEAVING


def ensure(max_connections: int, *, serves_wallets: bool = False) -> None:
    """Raise this process's limit to what a full node may need.

    Args:
        max_connections: of peers (`-maxconnections`).
        serves_wallets: whether it is an Electrum server, too.

    Raises:
        ConfigError: the system allows fewer.
    """
    # One by one they are counted, but a burst is accepted before the first of it is refused.
    needed = RESERVED + BACKLOG + max_accepted(max_connections)
    if serves_wallets:
        needed += ELECTRUM_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):
        allowed = soft
    if allowed >= needed:
        return
    fitting = max_connections - (needed - allowed)
    advice = f", or start with -maxconnections={fitting} or less" if fitting >= 0 else ""
    raise ConfigError(
        f"-maxconnections={max_connections} needs {needed} file descriptors and this system allows"
        f" {allowed}: raise the limit (ulimit -n {needed}){advice}."
    )
