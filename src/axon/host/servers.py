"""The servers of a full node: RPC, and metrics where they are asked for.

They listen before anything else is opened, and say that the node is starting. What only they need
is loaded with them: a node without them does without its memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from axon.host.rpcsettings import RpcSettings
from axon.host.running import FactStream
from axon.host.settings import FullNodeSettings
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Registry

if TYPE_CHECKING:
    from axon.rpc.metrics.server import MetricsServer
    from axon.rpc.server import RpcServer


class Servers:
    """The servers of one node.

    Args:
        rpc: None if there is none; likewise the other.
        metrics: where the node can be watched.
    """

    def __init__(self, rpc: RpcServer | None, metrics: MetricsServer | None) -> None:
        self.rpc = rpc
        self.metrics = metrics

    def warming(self, status: str) -> None:
        """Say what the start is doing."""
        for server in (self.rpc, self.metrics):
            if server is not None:
                server.warming(status)

    def ready(self, daemon: Daemon, stream: FactStream) -> None:
        """Answer from now on.

        Args:
            daemon: what RPC methods are given.
            stream: of the node's facts.
        """
        if self.metrics is not None:
            stream.hand_to(self.metrics.saw)
            self.metrics.ready(daemon)
        if self.rpc is not None:
            daemon.calls = self.rpc.registry.active
            self.rpc.ready(daemon)

    async def stop(self) -> None:
        """The machine has stopped: let callers go."""
        if self.metrics is not None:
            self.metrics.stopping()
        if self.rpc is not None:
            await self.rpc.stop()


@asynccontextmanager
async def listening(settings: FullNodeSettings, registry: Registry) -> AsyncIterator[Servers]:
    """The servers of a node, which say for now that it is starting.

    Args:
        settings: of the node; its RPC is placed.
        registry: the RPC methods.

    Raises:
        ConfigError: an endpoint cannot be bound.
    """
    async with AsyncExitStack() as stack:
        rpc = metrics = None
        if settings.rpc is not None:
            rpc = await stack.enter_async_context(_rpc_server(settings.rpc, registry))
        if settings.metrics is not None:
            from axon.rpc.metrics.server import MetricsServer

            metrics = await stack.enter_async_context(MetricsServer(settings.metrics))
        yield Servers(rpc, metrics)


@asynccontextmanager
async def _rpc_server(rpc: RpcSettings, registry: Registry) -> AsyncIterator[RpcServer]:
    from axon.rpc.server import RpcServer  # An HTTP server needs memory.

    cookie = rpc.make_cookie()
    password = None if cookie is None else cookie.write()
    try:
        credentials, whitelist = rpc.make_credentials(password), rpc.make_whitelist()
        async with RpcServer(registry, rpc.server, credentials, whitelist) as server:
            yield server
    finally:
        if cookie is not None:
            cookie.remove()
