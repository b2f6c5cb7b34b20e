"""Who may be connected: so many in all, and so many from one place.

A place is taken when a connection is accepted, before TLS and before anything is said. Nobody who
is connected gives way to a newcomer, for wallets are quiet while they wait for payments. So that
nobody takes all places, one address has few, and who asks nothing leaves soon.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from typing import Final

from axon.electrum.shares import Holder

MAX_CLIENTS: Final = 256
"""Connections at a time; each costs a file."""

MAX_FROM_ONE: Final = 24
"""Of these, from one address: wallets behind one router."""

RESERVED_LOCAL: Final = 64
"""Of these, so many are for this machine: its owner's wallets, and what comes through Tor."""

RESERVED_STRANGERS: Final = 64
"""And so many for all others: what comes through Tor cannot take them all."""

LOCAL: Final = "local"


def origin_of(host: str) -> str:
    """Where a client comes from: an IPv4 address, a network /64 of IPv6, or this machine."""
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    address = address if mapped is None else mapped
    if address.is_loopback:
        return LOCAL
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def holder_of(origin: str, number: int) -> Holder:
    """Whose share a connection takes from.

    Args:
        origin: as `origin_of` gave it.
        number: of the connection.
    """
    if origin == LOCAL:
        return Holder(f"{LOCAL} {number}", is_local=True)
    return Holder(origin, is_local=False)


class ClientPlaces:
    """The places that are taken."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def take(self, origin: str) -> bool:
        """Take a place; False if there is none."""
        count, local = self._taken.total(), self._taken[LOCAL]
        if count >= MAX_CLIENTS:
            return False
        if origin == LOCAL:
            if local >= MAX_CLIENTS - RESERVED_STRANGERS:
                return False
        elif count - local >= MAX_CLIENTS - RESERVED_LOCAL or self._taken[origin] >= MAX_FROM_ONE:
            return False
        self._taken[origin] += 1
        return True

    def leave(self, origin: str) -> None:
        """A client has left that had a place."""
        self._taken[origin] -= 1
        if not self._taken[origin]:
            del self._taken[origin]
