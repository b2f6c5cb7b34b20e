"""The servers of a full node: RPC, and REST, metrics, a page, Electrum's and ZeroMQ where asked
for.

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
from axon.node.notifications import Notification
from axon.rpc.auth import COOKIE_USER
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Registry

if TYPE_CHECKING:
    from axon.dash.nodepage import NodePage
    from axon.electrum.server import ElectrumServer
    from axon.rpc.metrics.server import MetricsServer
    from axon.rpc.rest.service import RestService
    from axon.rpc.server import RpcServer
    from axon.rpc.zmqpub.publisher import ZmqPublisher


class Servers:
    """The servers of one node.

    Args:
        rpc: None if there is none; likewise the others.
        rest: answers at the endpoints of `rpc`.
        metrics: where the node can be watched.
        electrum: where wallets of the Electrum kind ask.
        publisher: tells subscribers of blocks and transactions.
        page: shows the node to a browser.
    """

    def __init__(
        self,
        rpc: RpcServer | None,
        rest: RestService | None,
        metrics: MetricsServer | None,
        electrum: ElectrumServer | None,
        publisher: ZmqPublisher | None,
        page: NodePage | None,
    ) -> None:
        self.rpc = rpc
        self.page = page
        self._rest = rest
        self.metrics = metrics
        self.electrum = electrum
        self._publisher = publisher

    def warming(self, status: str) -> None:
        """Say what the start is doing."""
        for server in (self.rpc, self._rest, self.metrics, self.page):
            if server is not None:
                server.warming(status)

    def notify(self, notification: Notification) -> None:
        """Tell subscribers."""
        if self._publisher is not None:
            self._publisher.take(notification)

    def ready(self, daemon: Daemon, stream: FactStream) -> None:
        """Answer from now on.

        Args:
            daemon: what RPC methods are given.
            stream: of the node's facts.
        """
        if self.metrics is not None:
            stream.hand_to(self.metrics.saw)
            self.metrics.ready(daemon)
        if self.page is not None:
            self.page.ready(daemon)
        if self._rest is not None:
            self._rest.ready(daemon)
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
        if self.page is not None:
            self.page.stopping()
        if self.rpc is not None:
            await self.rpc.stop()


@asynccontextmanager
async def listening(settings: FullNodeSettings, registry: Registry) -> AsyncIterator[Servers]:
    """The servers of a node, which say for now that it is starting.

    Args:
        settings: of the node; its RPC is placed.
        registry: the RPC methods.

    Raises:
        ConfigError: an endpoint, or an address of ZeroMQ, cannot be bound.
    """
    async with AsyncExitStack() as stack:
        rpc = rest = metrics = electrum = publisher = page = None
        if settings.rpc is not None:
            if settings.rpc.rest:
                from axon.rpc.rest.service import RestService

                rest = RestService()
            rpc = await stack.enter_async_context(_rpc_server(settings.rpc, registry, rest))
        if settings.metrics is not None:
            from axon.rpc.metrics.server import MetricsServer

            metrics = await stack.enter_async_context(MetricsServer(settings.metrics))
        if settings.electrum is not None:
            from axon.electrum.server import ElectrumServer

            software = f"axon {VERSION}"
            anew = settings.reindex or settings.reindex_chainstate
            server = ElectrumServer(settings.electrum, settings.folder, software, anew=anew)
            electrum = await stack.enter_async_context(server)
        if settings.zmq:
            from axon.rpc.zmqpub.publisher import ZmqPublisher

            publisher = await stack.enter_async_context(ZmqPublisher(settings.zmq))
        if settings.dash_port is not None:
            from axon.dash.nodepage import NodePage

            page = await stack.enter_async_context(
                NodePage(settings.dash_port, settings.folder, registry)
            )
        yield Servers(rpc, rest, metrics, electrum, publisher, page)


@asynccontextmanager
async def _rpc_server(
    rpc: RpcSettings, registry: Registry, rest: RestService | None
) -> AsyncIterator[RpcServer]:
    from axon.rpc.server import RpcServer  # An HTTP server needs memory.

    cookie, credentials = rpc.make_cookie(), rpc.make_credentials()
    try:
        async with RpcServer(
            registry, rpc.server, credentials, rpc.make_whitelist(), rest
        ) as server:
            if cookie is not None:
                # Whoever finds the file finds the server, and no other node has the port.
                credentials.add(COOKIE_USER, cookie.write())
            yield server
    finally:
        if cookie is not None:
            cookie.remove()
