"""Which way leads to which network: direct, through a SOCKS5 proxy, or through an I2P router.

A way that the operator closed, or never opened, stays closed: what belongs to Tor or I2P never
reaches the system's resolver, and where a proxy for names is set no name does.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from axon.machine import Endpoint

TOR_SUFFIX: Final = ".onion"
I2P_SUFFIX: Final = ".i2p"


class Destination(Enum):
    """What a host is, as far as the way to it depends on that."""

    IPV4 = auto()
    IPV6 = auto()
    CJDNS = auto()
    ONION = auto()
    I2P = auto()
    NAME = auto()


def destination_of(host: str, *, cjdns: bool = False) -> Destination:
    """What a host is.

    Args:
        host: an address in text, without brackets, or a name.
        cjdns: fc00::/8 is CJDNS.
    """
    lowered = host.lower().rstrip(".")
    if lowered.endswith(TOR_SUFFIX):
        return Destination.ONION
    if lowered.endswith(I2P_SUFFIX):
        return Destination.I2P
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return Destination.NAME
    if address.version == 4 or address.ipv4_mapped is not None:
        return Destination.IPV4
    return Destination.CJDNS if cjdns and address.packed[0] == 0xFC else Destination.IPV6


@dataclass(frozen=True, slots=True)
class Proxy:
    """A SOCKS5 proxy (RFC 1928).

    Args:
        place: where it listens: an endpoint, or the path of a Unix socket.
        isolates: it is given other credentials for each connection, so that Tor leads each over
            another circuit.
    """

    place: Endpoint | str
    isolates: bool = True

    def __str__(self) -> str:
        return str(self.place) if isinstance(self.place, Endpoint) else f"unix:{self.place}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The ways of one node or wallet.

    Args:
        ipv4, ipv6, cjdns: proxies to these networks; None to dial them directly.
        onion: the proxy to onion services; None if there is no way to them.
        names: the proxy that looks names up; None if the system does.
        i2p: where an I2P router listens for SAM clients; None if there is no way to I2P.
        dns: the system's resolver may be asked.
    """

    ipv4: Proxy | None = None
    ipv6: Proxy | None = None
    onion: Proxy | None = None
    cjdns: Proxy | None = None
    names: Proxy | None = None
    i2p: Endpoint | None = None
    dns: bool = True

    @property
    def looks_up(self) -> bool:
        """Whether a name may be given to the system's resolver."""
        return self.dns and self.names is None

    @property
    def is_proxied(self) -> bool:
        """Whether IPv4 or IPv6 are dialled through a proxy."""
        return self.ipv4 is not None or self.ipv6 is not None

    def proxy_to(self, destination: Destination) -> Proxy | None:
        """The proxy that leads there; None if none does."""
        match destination:
            case Destination.IPV4:
                return self.ipv4
            case Destination.IPV6:
                return self.ipv6
            case Destination.CJDNS:
                return self.cjdns
            case Destination.ONION:
                return self.onion
            case Destination.NAME:
                return self.names
            case Destination.I2P:
                return None


DIRECT: Final = Routes()
"""No proxy at all."""
