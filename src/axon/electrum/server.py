"""The Electrum server: it listens once the index of scripts is at the tip.

    bound --run()--> index catches up --> listening --the node stops--> closed
    listening --the index is damaged--> bound, and the index is built anew

Its ports are bound at the start, so that one in use is told at once; until there is something to
answer a client is refused, as if nobody were there.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from axon.electrum.budget import Budgets
from axon.electrum.certificate import server_context
from axon.electrum.connection import MAX_SENT_BYTES
from axon.electrum.following import FOLDER
from axon.electrum.lines import MAX_RECEIVED_BYTES
from axon.electrum.listening import listen
from axon.electrum.places import ClientPlaces
from axon.electrum.service import ElectrumService
from axon.electrum.settings import ElectrumSettings
from axon.electrum.shared import Shared
from axon.electrum.shares import Shares
from axon.errors import AxonError, ConfigError, DamageError, StorageError, real_fault
from axon.machine import SECOND, Endpoint
from axon.node.facts import Fact
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Registry
from axon.rpc.jsoncodec import JsonCodec

_log: Final = logging.getLogger("axon")


class ElectrumServer:
    """The server; its ports are bound inside `async with`.

    Args:
        settings: where it listens.
        folder: of the node's network; the index and a certificate of its own are in it.
        software: what clients are told this server is.
        anew: the index is built anew.
    """

    def __init__(
        self, settings: ElectrumSettings, folder: Path, software: str, *, anew: bool
    ) -> None:
        self._anew = anew
        self._settings = settings
        self._folder = folder
        self._software = software
        self._sockets: list[tuple[socket.socket, ssl.SSLContext | None]] = []

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where it listens: those without TLS, then those with it."""
        names = [bound.getsockname() for bound, _ in self._sockets]
        return tuple(Endpoint(name[0], name[1]) for name in names)

    async def __aenter__(self) -> Self:
        """Bind the ports.

        Raises:
            ConfigError: one cannot be bound, or the certificate cannot be read.
        """
        try:
            context = None
            if self._settings.tls:
                context = await asyncio.to_thread(server_context, self._settings, self._folder)
            for endpoint in self._settings.plain:
                self._sockets.append((_bound(endpoint), None))
            for endpoint in self._settings.tls:
                self._sockets.append((_bound(endpoint), context))
        except BaseException:
            self._close_sockets()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of the ports."""
        self._close_sockets()

    def _close_sockets(self) -> None:
        for bound, _ in self._sockets:
            bound.close()
        self._sockets.clear()

    async def run(
        self,
        daemon: Daemon,
        registry: Registry,
        hand_facts_to: Callable[[Callable[[Fact], None]], None],
    ) -> None:
        """Serve until cancelled.

        Args:
            daemon: the node.
            registry: its RPC methods.
            hand_facts_to: has a function called with each fact that the node states.

        Raises:
            StorageError: the disk failed.
        """
        services: list[ElectrumService] = []

        def saw(fact: Fact) -> None:
            for service in services:
                service.saw(fact)

        hand_facts_to(saw)
        anew = self._anew
        folder = self._folder / "indexes" / FOLDER
        while True:
            services[:] = [ElectrumService(daemon, registry, folder, self._software)]
            try:
                await self._serve(services[0], anew=anew)
            except DamageError as damage:
                if damage.of != FOLDER:
                    raise
                if anew:  # It was built in this run; the disk gives back what it likes.
                    raise StorageError(f"{damage}, and was built anew before") from damage
                _log.warning("The index of scripts is built anew: %s", damage)
                anew = True

    async def _serve(self, service: ElectrumService, *, anew: bool) -> None:
        """Serve until cancelled, or until something fails: that comes out, in no group."""
        try:
            await service.prepare(anew=anew)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(service.following.follow(service.moved))
                tasks.create_task(service.pool.follow())
                tasks.create_task(service.tell())
                tasks.create_task(self._listen(service))
        except Exception as error:
            with suppress(AxonError):  # The first failure is the one to tell.
                await service.close()
            if isinstance(error, ExceptionGroup):
                raise real_fault(error) from error
            raise
        except asyncio.CancelledError:
            await service.close()
            raise

    async def _listen(self, service: ElectrumService) -> None:
        async with asyncio.TaskGroup() as tasks:
            shared = Shared(
                service,
                JsonCodec(),
                ClientPlaces(),
                Budgets(int(asyncio.get_running_loop().time() * SECOND)),
                Shares(MAX_RECEIVED_BYTES),
                Shares(MAX_SENT_BYTES),
                tasks,
            )
            try:
                async with asyncio.TaskGroup() as listeners:
                    for bound, context in self._sockets:
                        listeners.create_task(listen(bound, context, shared))
            finally:
                for connection in list(shared.connections.values()):
                    connection.close()
                shared.codec.close()


def _bound(endpoint: Endpoint) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    bound = socket.socket(family)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((endpoint.host, endpoint.port))
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"Unable to bind {endpoint} for the Electrum server: {error.strerror or error}; name"
            " another with -electrum=ADDR:PORT"
        ) from error
    return bound
