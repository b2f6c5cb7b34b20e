"""The ways of a full node to other networks while it runs, and theirs to it.

Proxies are there from the start. Tor's control port and an I2P router may come and go: each has a
task of its own that tells the machine what is reached, and under which address we are.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from axon.drivers.aio.dialling import RoutedDialler
from axon.drivers.aio.driver import AsyncioDriver, Stopped
from axon.drivers.aio.i2p import I2p
from axon.drivers.aio.interfaces import own_hosts
from axon.drivers.aio.routes import Proxy
from axon.drivers.aio.torcontrol import FIRST_PAUSE_S, MAX_PAUSE_S, PAUSE_GROWTH, TorRefused
from axon.host.onion import add_service, controlled
from axon.host.reaching import TorControl, is_allowed, proxy_of, with_addresses
from axon.host.settings import PeerSettings
from axon.machine import Endpoint
from axon.node.commands import ReachNetwork, TellOwnAddress
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.primitives.network import Network

I2P_KEY: Final = "i2p_private_key"
"""A file in the network's folder, named as Core's."""

SOCKS: Final = Endpoint("127.0.0.1", 9050)
"""Where Tor's proxy is if Tor does not say."""

I2P_PAUSE_MAX_S: Final = 300.0
"""The longest pause before an I2P router is looked for again; it doubles from one second (Core)."""

Ask = Callable[[object], Awaitable[object]]

_tor = logging.getLogger("axon.tor")
_i2p = logging.getLogger("axon.i2p")


class NetworkWays:
    """How one full node reaches others, and is reached.

    Args:
        peers: what the operator wants, proxies by address.
        network: whose chain.
        folder: the network's, for keys.
    """

    def __init__(self, peers: PeerSettings, network: Network, folder: Path) -> None:
        self._peers = peers
        self._network = network
        self._folder = folder
        routes = peers.routes
        self.i2p = None
        if routes.i2p is not None:
            self.i2p = I2p(routes.i2p, folder / I2P_KEY if peers.i2p_accept else None)
        self.dialler = RoutedDialler(
            routes,
            i2p=self.i2p,
            cjdns=peers.cjdns_reachable,
            # In the lab from the node's own address, so that it has a netgroup of its own.
            local_host=peers.binds[0].endpoint.host if peers.lab and peers.binds else None,
            timeout_us=peers.timeout_us,
        )

    def proxy_of(self, network: AddressNetwork) -> Proxy | None:
        """The proxy that leads to a network at present."""
        return proxy_of(self.dialler.routes, network)

    def interfaces(self) -> tuple[NetAddress, ...]:
        """This machine's own addresses that peers may hear of (`-discover`)."""
        peers = self._peers
        anywhere = [bind for bind in peers.binds if bind.endpoint.host in ("::", "0.0.0.0")]
        if not peers.discovers or not anywhere:
            return ()
        port = self._network.port if peers.port is None else peers.port
        found = [NetAddress.from_text(host, port) for host in own_hosts()]
        return tuple([address for address in found if address.is_routable()])

    def tasks(self, driver: AsyncioDriver) -> list[Coroutine[Any, Any, None]]:
        """What has to run beside the machine's driver."""
        tasks = []
        if self._peers.tor is not None:
            tasks.append(self._keep_onion(self._peers.tor, driver.ask))
        if self.i2p is not None and self._peers.i2p_accept:
            tasks.append(self._keep_i2p(self.i2p, driver))
        return tasks

    # Tor.

    async def _keep_onion(self, tor: TorControl, ask: Ask) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                await self._serve_onion(tor, ask)
                pause = FIRST_PAUSE_S
            except TorRefused as refused:
                _tor.debug("No onion service: %s; trying again in %.1f s", refused, pause)
            except Stopped:
                return
            await asyncio.sleep(pause)
            pause = min(pause * PAUSE_GROWTH, MAX_PAUSE_S)

    async def _serve_onion(self, tor: TorControl, ask: Ask) -> None:
        """One connection to the control port, for as long as it stands."""
        control = await controlled(tor.access)
        try:
            if tor.finds_proxy:
                await self._reach_onion(await control.socks_place() or SOCKS, ask)
            host = await add_service(control, self._folder, self._network.port, tor.target)
            own = NetAddress.from_text(host, self._network.port)
            _tor.info("Got tor service ID %s, advertising service %s", host[:-6], own)
            await ask(TellOwnAddress(own))
            await control.wait_closed()
            await ask(TellOwnAddress(own, ours=False))
        finally:
            control.close()

    async def _reach_onion(self, place: Endpoint, ask: Ask) -> None:
        routes = self.dialler.routes
        self.dialler.routes = replace(routes, onion=Proxy(place))
        if is_allowed(self._peers.onlynet, "onion"):
            await ask(ReachNetwork(AddressNetwork.TORV3))

    # I2P.

    async def _keep_i2p(self, router: I2p, driver: AsyncioDriver) -> None:
        pause = FIRST_PAUSE_S
        known: list[NetAddress] = []

        async def tell(host: str) -> None:
            own = NetAddress.from_text(host, 0)
            if known != [own]:
                _i2p.info("I2P session created, my address=%s", own)
                known[:] = [own]
                await driver.ask(TellOwnAddress(own))

        try:
            while True:
                try:
                    await router.serve(driver.accept, tell)
                except OSError as refused:
                    _i2p.debug("No connections over I2P: %s", refused)
                pause = min(pause * 2, I2P_PAUSE_MAX_S) if not known else FIRST_PAUSE_S
                for own in known:
                    await driver.ask(TellOwnAddress(own, ours=False))
                known.clear()
                await asyncio.sleep(pause)
        except Stopped:
            return
        finally:
            router.close()


async def open_ways(peers: PeerSettings, network: Network, folder: Path) -> NetworkWays:
    """The ways of a node, with the addresses of its proxies.

    Raises:
        ConfigError: a proxy has none.
    """
    routes = await with_addresses(peers.routes)
    return NetworkWays(replace(peers, routes=routes), network, folder)
