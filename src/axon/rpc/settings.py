"""How the RPC server listens; apart from the server, for programs that only configure one."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from axon.machine import Endpoint

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the server listens and how much it takes on.

    Args:
        endpoints: where it listens; the unbindable are skipped, if one can be bound. Port 0: any.
            Empty for the usual port of a node's network, on this machine.
        allowed: networks that may call, besides this machine itself (`-rpcallowip`).
        max_calls: calls under way at once, waiting ones too; more are answered 503 (`-rpcthreads`
            and `-rpcworkqueue` together). A batch is one of them, as its calls follow each other.
        timeout_s: how long a request may take to come in, from when its connection is there or the
            request before is answered (`-rpcservertimeout`).
    """

    endpoints: tuple[Endpoint, ...] = ()
    allowed: tuple[IpNetwork, ...] = ()
    max_calls: int = 80
    timeout_s: float = 30.0
