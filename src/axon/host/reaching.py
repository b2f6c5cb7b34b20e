"""How a node or a wallet reaches the networks of its peers: which there are, and by which ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from axon.drivers.aio.routes import Destination, Proxy, Routes, destination_of
from axon.drivers.aio.socks5 import look_up
from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.primitives.netaddress import AddressNetwork

NETWORKS: Final = {
    "ipv4": AddressNetwork.IPV4,
    "ipv6": AddressNetwork.IPV6,
    "onion": AddressNetwork.TORV3,
    "i2p": AddressNetwork.I2P,
    "cjdns": AddressNetwork.CJDNS,
}
"""By the names of `-onlynet`, in the order in which they are shown."""

_DESTINATIONS: Final = {
    AddressNetwork.IPV4: Destination.IPV4,
    AddressNetwork.IPV6: Destination.IPV6,
    AddressNetwork.TORV3: Destination.ONION,
    AddressNetwork.CJDNS: Destination.CJDNS,
}


TOR_CONTROL: Final = Endpoint("127.0.0.1", 9051)
"""Where Tor's control port is usually."""


@dataclass(frozen=True, slots=True)
class TorAccess:
    """How Tor's control port is reached.

    Args:
        control: where it is.
        password: for it; empty to prove ourselves by its cookie, or not at all.
    """

    control: Endpoint = TOR_CONTROL
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TorControl:
    """How Tor is asked for an onion service of a node (`-listenonion`).

    Args:
        access: to Tor's control port.
        target: where Tor brings who dials the service: one of our binds.
        finds_proxy: Tor is asked where its SOCKS5 proxy is, for no `-onion` says so.
    """

    access: TorAccess
    target: Endpoint
    finds_proxy: bool = True


def is_allowed(onlynet: Sequence[str], network: str) -> bool:
    """Whether `-onlynet` lets this network be dialled of our own accord."""
    return not onlynet or network in onlynet


def networks_reached(
    routes: Routes, onlynet: Sequence[str], *, cjdns: bool
) -> frozenset[AddressNetwork]:
    """The networks that are dialled of our own accord: those that are allowed and have a way.

    Args:
        onlynet: the only ones allowed; empty for all.
        cjdns: this machine has an address there.
    """
    ways = {"onion": routes.onion is not None, "i2p": routes.i2p is not None, "cjdns": cjdns}
    return frozenset(
        network
        for name, network in NETWORKS.items()
        if is_allowed(onlynet, name) and ways.get(name, True)
    )


def proxy_of(routes: Routes, network: AddressNetwork) -> Proxy | None:
    """The proxy that leads to a network; of I2P the router, which has no credentials."""
    if network is AddressNetwork.I2P:
        return None if routes.i2p is None else Proxy(routes.i2p, isolates=False)
    return routes.proxy_to(_DESTINATIONS[network])


async def with_addresses(routes: Routes) -> Routes:
    """The same with the addresses of proxies that were named: they are looked up once.

    Raises:
        ConfigError: one has none, or names may not be looked up.
    """
    own_onion = routes.onion != routes.names
    found = {
        name: Proxy(
            await _settle(
                proxy.place, "onion" if name == "onion" and own_onion else "proxy", routes.dns
            ),
            proxy.isolates,
        )
        for name in ("ipv4", "ipv6", "onion", "cjdns", "names")
        if isinstance(proxy := getattr(routes, name), Proxy) and isinstance(proxy.place, Endpoint)
    }
    i2p = None if routes.i2p is None else await _settle(routes.i2p, "i2psam", routes.dns)
    return replace(
        routes,
        i2p=i2p,
        ipv4=found.get("ipv4", routes.ipv4),
        ipv6=found.get("ipv6", routes.ipv6),
        onion=found.get("onion", routes.onion),
        cjdns=found.get("cjdns", routes.cjdns),
        names=found.get("names", routes.names),
    )


async def _settle(place: Endpoint, option: str, dns: bool) -> Endpoint:
    if destination_of(place.host) is not Destination.NAME:
        return place
    host = await look_up(place.host) if dns else None
    if host is None:
        raise ConfigError(f"Invalid -{option} address or hostname: '{place}'")
    return Endpoint(host, place.port)
