"""A small HTTP server for strangers: a few connections, none of which silence can hold.

Beside the server of calls (`rpc/server`) there are ports where anybody may come for one thing. What
they share is here: how many may come, how long they may be silent, and how it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response
from aiohttp.web_server import Server

from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.rpc.httplog import http_log

CLOSING_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class SmallLimits:
    """What one server allows.

    Args:
        connections: at a time; the one that is open for longest gives way to a newcomer.
        idle_s: after so long a connection is closed on which nothing comes.
        lingering_s: so long the rest of a body is read of which nobody wants to know, so that who
            sends it hears the answer.
        cancels: a request of who has left is given up.
        decompresses: bodies may come compressed.
    """

    connections: int
    idle_s: float
    lingering_s: float = 0.0
    cancels: bool = False
    decompresses: bool = True


class SmallServer:
    """Listens between `open` and `close`.

    Args:
        handle: one request and its answer.
        limits: what it allows.
    """

    def __init__(
        self, handle: Callable[[BaseRequest], Awaitable[Response]], limits: SmallLimits
    ) -> None:
        self._handle = handle
        self._limits = limits

    async def open(self, endpoint: Endpoint, purpose: str) -> Endpoint:
        """Listen; where it really is, if port 0 was asked for.

        Args:
            purpose: for an error, with what can be done about it.

        Raises:
            ConfigError: the endpoint cannot be bound.
        """
        self._loop = asyncio.get_running_loop()
        self._web = Server(self._handle, handler_cancellation=self._limits.cancels)
        try:
            self._listener = await self._loop.create_server(
                self._accept,
                endpoint.host,
                endpoint.port,
                reuse_address=True,
                backlog=self._limits.connections,
            )
        except OSError as error:
            raise ConfigError(
                f"Unable to bind {endpoint} for {purpose.format(error.strerror)}"
            ) from error
        return Endpoint(endpoint.host, self._listener.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Close all connections."""
        self._listener.close()
        self._web.pre_shutdown()
        await self._web.shutdown(CLOSING_S)

    def _accept(self) -> _Connection:
        return _Connection(
            self._web,
            self._limits.connections,
            loop=self._loop,
            keepalive_timeout=self._limits.idle_s,
            lingering_time=self._limits.lingering_s,
            access_log=None,
            auto_decompress=self._limits.decompresses,
            logger=http_log,
        )


class _Connection(RequestHandler):
    """One connection; where it is one too many, those give way that are open for longest."""

    def __init__(self, server: Server, most: int, **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        self._most = most

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        super().connection_made(transport)
        for longest in self._server.connections[: -self._most]:
            longest.force_close()
