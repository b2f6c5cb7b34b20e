"""The servers of a full node: RPC, and metrics and Electrum's where they are asked for.

They listen before anything else is opened, and say that the node is starting. What only they need
is loaded with them: a node without them does without its memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from axon.host.rpcsettings import RpcSettings
from axon.host.running import FactStream
from axon.host.settings import FullNodeSettings
from axon.host.version import VERSION
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Registry

if TYPE_CHECKING:
    from axon.electrum.server import ElectrumServer
    from axon.rpc.metrics.server import MetricsServer
    from axon.rpc.server import RpcServer


class Servers:
    """The servers of one node.

    Args:
        rpc: None if there is none; likewise the other.
        metrics: where the node can be watched.
        electrum: where wallets of the Electrum kind ask.
    """

    def __init__(
        self,
        rpc: RpcServer | None,
        metrics: MetricsServer | None,
        electrum: ElectrumServer | None,
    ) -> None:
        self.rpc = rpc
        self.metrics = metrics
        self.electrum = electrum

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

    def beside(
        self, daemon: Daemon, registry: Registry, stream: FactStream
    ) -> tuple[Coroutine[Any, Any, None], ...]:
        """What runs beside the machine, until it is cancelled.

        Args:
            daemon: what RPC methods are given.
            registry: the RPC methods.
            stream: of the node's facts.
        """
        if self.electrum is None:
            return ()
        return (self.electrum.run(daemon, registry, stream.hand_to),)

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
        rpc = metrics = electrum = None
        if settings.rpc is not None:
            rpc = await stack.enter_async_context(_rpc_server(settings.rpc, registry))
        if settings.metrics is not None:
            from axon.rpc.metrics.server import MetricsServer

            metrics = await stack.enter_async_context(MetricsServer(settings.metrics))
        if settings.electrum is not None:
            from axon.electrum.server import ElectrumServer

            software = f"axon {VERSION}"
            anew = settings.reindex or settings.reindex_chainstate
            server = ElectrumServer(settings.electrum, settings.folder, software, anew=anew)
            electrum = await stack.enter_async_context(server)
        yield Servers(rpc, metrics, electrum)


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
