"""Who may be connected: so many in all, from one address, and from the networks around it.

A place is taken when a connection is accepted, before TLS and before anything is said. Nobody who
is connected gives way to a newcomer, for wallets are quiet while they wait for payments. So that
nobody takes all places, one address has few, networks that one person gets cheaply have a part, and
who asks nothing leaves soon.
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

MAX_FROM_NETWORK: Final = 48
"""Of these, from one network of a customer: /24 of IPv4, /48 of IPv6, which has 65,536 of /64."""

MAX_FROM_PROVIDER: Final = 96
"""Of these, from one netgroup: /16 of IPv4, /32 of IPv6; half of what there is for strangers."""

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


def networks_of(origin: str) -> tuple[str, str]:
    """The networks around an origin: of a customer, and of a provider; this machine has none.

    Args:
        origin: as `origin_of` gave it.
    """
    if origin == LOCAL:
        return LOCAL, LOCAL
    network = ipaddress.ip_network(origin)
    near, far = (24, 16) if network.version == 4 else (48, 32)
    return str(network.supernet(new_prefix=near)), str(network.supernet(new_prefix=far))


def holder_of(origin: str, number: int) -> Holder:
    """Whose share a connection takes from: its network's, and on this machine its own.

    Args:
        origin: as `origin_of` gave it.
        number: of the connection.
    """
    if origin == LOCAL:
        return Holder(f"{LOCAL} {number}", is_local=True)
    return Holder(networks_of(origin)[0], is_local=False)


class ClientPlaces:
    """The places that are taken."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()  # By origin.
        self._near: Counter[str] = Counter()  # By network of a customer, this machine apart.
        self._far: Counter[str] = Counter()  # By network of a provider, likewise.

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
        else:
            near, far = networks_of(origin)
            if self._near[near] >= MAX_FROM_NETWORK or self._far[far] >= MAX_FROM_PROVIDER:
                return False
            self._near[near] += 1
            self._far[far] += 1
        self._taken[origin] += 1
        return True

    def leave(self, origin: str) -> None:
        """A client has left that had a place."""
        _less(self._taken, origin)
        if origin != LOCAL:
            near, far = networks_of(origin)
            _less(self._near, near)
            _less(self._far, far)


def _less(counts: Counter[str], name: str) -> None:
    counts[name] -= 1
    if not counts[name]:
        del counts[name]
