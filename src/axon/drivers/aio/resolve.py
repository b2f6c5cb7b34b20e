"""Names to endpoints, by the system's resolver, bounded in time and in number."""

from __future__ import annotations

import asyncio
import socket

from axon.drivers.bounds import RESOLVE_MAX_ENDPOINTS, RESOLVE_TIMEOUT
from axon.machine import SECOND, Endpoint


async def resolve(host: str, port: int) -> tuple[Endpoint, ...]:
    """The addresses of a name, in the resolver's order, each once.

    Args:
        host: a name, or an address in text, which comes back as it is.
        port: put into every endpoint.

    Returns:
        At most `RESOLVE_MAX_ENDPOINTS`; empty if the name is unknown, malformed, or was not
        answered within `RESOLVE_TIMEOUT`.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT / SECOND):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # TimeoutError is an OSError; a label too long is the latter.
        return ()
    hosts = dict.fromkeys(str(address[0]) for *_, address in found)
    return tuple(Endpoint(host, port) for host in list(hosts)[:RESOLVE_MAX_ENDPOINTS])
