"""The metrics port (`-metrics`): `/metrics` for Prometheus, `/healthz` for whoever watches.

Whoever reaches it may read it, and can change nothing; it is on this machine unless the operator
says otherwise. What it answers is made anew once a second at most, however often it is asked for.

    starting --ready()--> answering --stopping()--> stopping
"""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Final, Self

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from axon.machine import Endpoint
from axon.node.facts import Fact
from axon.rpc.daemon import Daemon
from axon.rpc.metrics.counted import FactCounters
from axon.rpc.metrics.health import ailment
from axon.rpc.metrics.looked import NodeLook
from axon.rpc.smallserver import SmallLimits, SmallServer

MAX_CONNECTIONS: Final = 16
"""A few programs look at a node."""

KEPT_S: Final = 1.0
"""An answer is good for so long: making one takes some milliseconds of the node's loop."""

IDLE_S: Final = 60.0
"""After so long a connection is closed on which nothing comes. Prometheus asks each 15 s or so."""

LAG_STEP_S: Final = 0.25
LAG_BUCKETS_S: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)

_log: Final = logging.getLogger("axon")


class MetricsServer:
    """Serves metrics; it listens inside `async with`.

    Args:
        endpoint: where; port 0 is any free one.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        """Where it listens, once it does."""
        self._server = SmallServer(self._handle, SmallLimits(MAX_CONNECTIONS, IDLE_S))
        self._registry = CollectorRegistry()
        self._counters = FactCounters(self._registry)
        self._lag = Histogram(
            "axon_loop_lag_seconds",
            "By how much timers of the event loop are late.",
            registry=self._registry,
            buckets=LAG_BUCKETS_S,
        )
        ProcessCollector(registry=self._registry)
        self._daemon: Daemon | None = None
        self._status = "starting"
        self._made_at, self._made = -KEPT_S, b""

    def warming(self, status: str) -> None:
        """The node starts, and is not well yet; why, in a few words."""
        self._status = status

    def ready(self, daemon: Daemon) -> None:
        """The node runs."""
        self._daemon = daemon
        self._registry.register(NodeLook(daemon))

    def stopping(self) -> None:
        """The node is about to stop, and is not looked at any more."""
        self._daemon, self._status = None, "stopping"

    def saw(self, fact: Fact) -> None:
        """Count a fact."""
        self._counters.saw(fact)

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigError: the endpoint cannot be bound.
        """
        loop = self._loop = asyncio.get_running_loop()
        purpose = "metrics: {}; name another with -metrics=ADDR:PORT"
        self.endpoint = await self._server.open(self.endpoint, purpose)
        self._due = loop.time() + LAG_STEP_S
        self._timer = loop.call_at(self._due, self._tick)
        _log.info("Metrics at http://%s/metrics", self.endpoint)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close all connections."""
        self._timer.cancel()
        await self._server.close()

    def _tick(self) -> None:
        """Note how late this timer is; the next one is as far from now as this was to be."""
        now = self._loop.time()
        self._lag.observe(max(0.0, now - self._due))
        self._due = now + LAG_STEP_S
        self._timer = self._loop.call_at(self._due, self._tick)

    async def _handle(self, request: BaseRequest) -> Response:
        """One request and its answer."""
        if request.method not in ("GET", "HEAD"):
            return Response(status=405, headers={"Allow": "GET, HEAD"})
        match request.path:
            case "/metrics":
                return self._metrics()
            case "/healthz":
                return self._health()
            case _:
                return Response(status=404, text="There are /metrics and /healthz here.\n")

    def _health(self) -> Response:
        daemon = self._daemon
        if daemon is None:
            return Response(status=503, text=f"The node does not run: {self._status}\n")
        wrong = ailment(daemon.node, daemon.clock.now())
        if wrong is not None:
            return Response(status=503, text=f"{wrong}\n")
        return Response(text=f"ok, block {daemon.node.active.height}\n")

    def _metrics(self) -> Response:
        if self._daemon is None:
            return Response(status=503, text=f"The node does not run: {self._status}\n")
        now = self._loop.time()
        if now - self._made_at >= KEPT_S:
            self._made_at, self._made = now, generate_latest(self._registry)
        return Response(body=self._made, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
