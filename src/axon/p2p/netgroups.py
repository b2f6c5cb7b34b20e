"""What addresses share that one operator gets cheaply: their network's prefix, or their AS.

Buckets of known addresses, the choice of whom to dial and whom to evict are all spread over these
groups, so that whoever wants many of them has to be in many places.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from axon.p2p.asmap import AsMap
from axon.primitives.netaddress import AddressNetwork, NetAddress

NO_MAP_VERSION: Final = bytes(32)
"""Where others have the version of their AS map."""

_AS_GROUP: Final = 2  # Core's number of IPv6: an AS is one group, however it is reached.

SHARED_GROUPS: Final = 4_096
"""Netgroups that are kept to be used again."""

_IPV4_IN_IPV6: Final = bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class AsSpread:
    """Over how many autonomous systems addresses are spread.

    Args:
        addresses: of IPv4 and IPv6.
        systems: that these are in.
        unmapped: of which the map knows none.
    """

    addresses: int
    systems: int
    unmapped: int


class NetGroups:
    """How one node groups addresses.

    Args:
        lab: loopback addresses count as routable, each /16 a netgroup.
        asmap: which autonomous system has which addresses; None if that is not known.
    """

    def __init__(self, lab: bool = False, asmap: AsMap | None = None) -> None:
        self._lab = lab
        self._asmap = asmap

    @property
    def has_map(self) -> bool:
        """Whether there is an AS map."""
        return self._asmap is not None

    @property
    def version(self) -> bytes:
        """32 bytes that name the AS map; zeros without one."""
        return NO_MAP_VERSION if self._asmap is None else self._asmap.version

    def group(self, address: NetAddress) -> bytes:
        """The netgroup of an address: its AS if the map knows it, else as `NetAddress.group`."""
        system = self.mapped_as(address)
        if system:
            return bytes((_AS_GROUP,)) + system.to_bytes(4, "little")
        return _shared(address.group(self._lab))

    def mapped_as(self, address: NetAddress) -> int:
        """The autonomous system of an address; 0 if none is known."""
        if self._asmap is None or not address.is_routable(self._lab):
            return 0
        ipv4 = address.linked_ipv4()
        if ipv4 is not None:
            return self._asmap.find(_IPV4_IN_IPV6 + ipv4)
        if address.network is not AddressNetwork.IPV6:
            return 0
        return self._asmap.find(address.host_bytes)

    def spread(self, addresses: Iterable[NetAddress]) -> AsSpread:
        """Over how many autonomous systems these are spread."""
        systems = [self.mapped_as(address) for address in addresses if address.fits_v1]
        unmapped = systems.count(0)
        return AsSpread(len(systems), len(set(systems) - {0}), unmapped)


@lru_cache(SHARED_GROUPS)
def _shared(group: bytes) -> bytes:
    """The same group, made once: each address that is known holds its own."""
    return group
