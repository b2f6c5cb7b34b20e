"""Values that many tests of this room begin with."""

from __future__ import annotations

from typing import Final

from axon.machine import SECOND, Endpoint, Instant
from axon.p2p.handshake import Negotiated, OwnVersion
from axon.primitives.netaddress import UNSPECIFIED, NetAddress, TimedAddress
from axon.wire.messages import Services, Version

NOW: Final[Instant] = 1_700_000_000 * SECOND
FULL: Final = int(Services.NETWORK | Services.WITNESS | Services.NETWORK_LIMITED)

OWN: Final = OwnVersion(services=FULL, user_agent="/axon:0.1.0/", start_height=100)


def ip(text: str, port: int = 8333) -> NetAddress:
    """An address."""
    return NetAddress.from_text(text, port)


def endpoint(text: str, port: int = 8333) -> Endpoint:
    """An endpoint."""
    return Endpoint(text, port)


def told(address: NetAddress, at: Instant = NOW, services: int = FULL) -> TimedAddress:
    """An address as a peer tells it."""
    return TimedAddress(at // SECOND, services, address)


def spread(number: int, port: int = 8333) -> NetAddress:
    """The address of this number: each in a netgroup of its own, up to 16,384."""
    return NetAddress.from_text(f"{1 + number % 8}.{number // 8 % 256}.{number // 2048}.7", port)


def their_version(
    version: int = 70017,
    services: int = FULL,
    nonce: int = 7,
    user_agent: str = "/Satoshi:31.0.0/",
    relay: bool = True,
    time: int = NOW // SECOND,
) -> Version:
    """What a peer says of itself."""
    return Version(version, services, time, ip("8.8.4.4"), nonce, user_agent, 5, relay)


def negotiated(
    addrv2: bool = True, services: int = FULL, our_address: NetAddress = UNSPECIFIED
) -> Negotiated:
    """What a handshake with an ordinary peer leads to."""
    return Negotiated(70017, services, "/Satoshi:31.0.0/", 5, True, True, addrv2, 0, our_address)
