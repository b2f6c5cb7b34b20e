"""Dialling by `Routes`: each destination by the way that leads there, and by no other.

A destination without a way is not dialled at all. Nothing falls back on a direct connection.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Protocol

from axon.drivers.aio.routes import Destination, Routes, destination_of
from axon.drivers.aio.socks5 import connect_through
from axon.drivers.bounds import CONNECT_TIMEOUT
from axon.machine import SECOND, Dial, Endpoint

Dialler = Callable[[Dial, Callable[[], asyncio.BaseProtocol]], Awaitable[object]]
"""Connects to an endpoint and attaches the protocol it is handed to the stream, as
`loop.create_connection` does; raises OSError, also when it takes too long. `direct` is one, those
of `RoutedDialler` lead through proxies."""


def direct(local_host: str | None = None, timeout_us: int = CONNECT_TIMEOUT) -> Dialler:
    """A dialler that connects by itself, and so to nobody privately.

    Args:
        local_host: the address connections go out from; None leaves the choice to the system.
        timeout_us: how long a connection may take.
    """

    async def dial(dial: Dial, link: Callable[[], asyncio.BaseProtocol]) -> object:
        if dial.private:
            raise OSError("no private way leads there")
        try:
            async with asyncio.timeout(timeout_us / SECOND):
                return await asyncio.get_running_loop().create_connection(
                    link,
                    dial.endpoint.host,
                    dial.endpoint.port,
                    local_addr=None if local_host is None else (local_host, 0),
                )
        except TimeoutError as error:
            raise TimeoutError(f"no answer within {timeout_us / SECOND:g} s") from error

    return dial


class I2pRouter(Protocol):
    """The way to I2P (`i2p`)."""

    async def connect(self, destination: Endpoint, *, private: bool) -> socket.socket:
        """A socket that leads to an I2P host.

        Args:
            private: from an address that is used for nothing else.

        Raises:
            OSError: it is not reached, or the router is not.
        """


class RoutedDialler:
    """Makes the outbound connections of one node.

    Args:
        routes: which way leads where.
        i2p: the router; None if there is no way to I2P.
        cjdns: fc00::/8 is CJDNS.
        local_host: the address direct connections go out from; None leaves it to the system.
        timeout_us: how long a TCP connection may take (`-timeout`).

    Attributes:
        routes: may be replaced, as when Tor has said where its proxy is.
    """

    def __init__(
        self,
        routes: Routes,
        *,
        i2p: I2pRouter | None = None,
        cjdns: bool = False,
        local_host: str | None = None,
        timeout_us: int = CONNECT_TIMEOUT,
    ) -> None:
        self.routes = routes
        self._i2p = i2p
        self._cjdns = cjdns
        self._timeout_us = timeout_us
        self._direct = direct(local_host, timeout_us)

    async def __call__(self, dial: Dial, link: Callable[[], asyncio.BaseProtocol]) -> object:
        """Connect, as a `Dialler` does.

        Raises:
            OSError: nobody is reached, or no way leads there.
        """
        host = dial.endpoint.host
        destination = destination_of(host, cjdns=self._cjdns)
        if destination is Destination.I2P:
            return await self._attach(await self._over_i2p(dial), link)
        proxy = self.routes.proxy_to(Destination.ONION if dial.private else destination)
        if proxy is not None:
            sock = await connect_through(proxy, dial.endpoint, self._timeout_us)
            return await self._attach(sock, link)
        if destination is Destination.ONION:
            raise OSError("no proxy leads to Tor (-proxy, -onion)")
        if destination is Destination.NAME and not self.routes.looks_up:
            raise OSError("names are not looked up (-dns=0)")
        return await self._direct(dial, link)

    async def _over_i2p(self, dial: Dial) -> socket.socket:
        if self._i2p is None:
            raise OSError("no router leads to I2P (-i2psam)")
        return await self._i2p.connect(dial.endpoint, private=dial.private)

    @staticmethod
    async def _attach(sock: socket.socket, link: Callable[[], asyncio.BaseProtocol]) -> object:
        return await asyncio.get_running_loop().create_connection(link, sock=sock)
