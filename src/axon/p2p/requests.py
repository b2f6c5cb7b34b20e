"""What this room wants from the world besides messages: connections and names looked up."""

from __future__ import annotations

from dataclasses import dataclass

from axon.machine import Endpoint
from axon.p2p.connectiontype import ConnectionType
from axon.primitives.netaddress import NetAddress


@dataclass(frozen=True, slots=True)
class DialRequest:
    """Open a connection. The request itself names the attempt: it is handed back with the outcome.

    Args:
        endpoint: where; the host may be a name.
        kind: what for.
        v2: begin with the encrypted transport (BIP 324).
        address: the same as an address of the table; None for a name.
    """

    endpoint: Endpoint
    kind: ConnectionType
    v2: bool
    address: NetAddress | None


@dataclass(frozen=True, slots=True)
class ResolveRequest:
    """Look a DNS seed up; what it resolves to is handed back under this host."""

    host: str
    port: int


NetworkRequest = DialRequest | ResolveRequest


def address_of(endpoint: Endpoint, *, cjdns: bool = False) -> NetAddress | None:
    """The endpoint as an address; None if its host is a name.

    Args:
        cjdns: we reach CJDNS, so fc00::/8 is that network and no private IPv6.
    """
    try:
        return NetAddress.from_text(endpoint.host, endpoint.port, cjdns=cjdns)
    except ValueError:
        return None


def endpoint_of(address: NetAddress) -> Endpoint:
    """The address as an endpoint."""
    return Endpoint(address.to_text(), address.port)
