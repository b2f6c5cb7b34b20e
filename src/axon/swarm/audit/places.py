"""Where a host is, as far as its address tells: which netgroup, which autonomous system.

An address of a network that hides its hosts (Tor, I2P), a private one and a name tell nothing of
that, and that is what is said of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address

from axon.errors import DecodeError
from axon.p2p.asmap import AsMap
from axon.p2p.netgroups import NetGroups
from axon.primitives.netaddress import AddressNetwork, NetAddress

Placed = Callable[[str], str | None]
"""From a host to what it shares with others; None if that is not known."""


def address_of(host: str) -> NetAddress | None:
    """The address that a host's text is; None for a name. `fc00::/8` is taken for CJDNS."""
    try:
        return NetAddress.from_text(host, 0, cjdns=True)
    except DecodeError:
        return None


@dataclass(frozen=True, slots=True)
class Places:
    """How addresses are read.

    Args:
        lab: addresses of 127/8 stand for hosts of their own, as `axon swarm up` gives them out.
        asmap: which autonomous system has which addresses; None if that is not known.
    """

    lab: bool = False
    asmap: AsMap | None = None

    def is_routable(self, host: str) -> bool:
        """Whether the address means the same host to everybody."""
        address = address_of(host)
        return address is not None and address.is_routable(self.lab)

    def machine(self, host: str) -> str:
        """The host, all of loopback as one, unless it stands for hosts of their own."""
        address = address_of(host)
        if address is not None and address.is_local() and not self.lab:
            return "loopback"
        return host

    def netgroup(self, host: str) -> str | None:
        """As Bitcoin Core without an AS map groups addresses, /16 of IPv4 and /32 of IPv6."""
        address = address_of(host)
        if address is None or not address.is_routable(self.lab):
            return None
        group = address.group(self.lab)
        ipv4 = address.linked_ipv4()
        if ipv4 is not None:
            return f"{ipv4[0]}.{ipv4[1]}.0.0/16"
        match address.network:
            case AddressNetwork.TORV3 | AddressNetwork.I2P:
                return f"{address.network.name.lower()} {group[1:].hex()}"
            case AddressNetwork.CJDNS:
                bits = 12
            case _:
                bits = 32 if len(group) == 5 else 36
        start = int.from_bytes(address.host_bytes, "big") >> 128 - bits << 128 - bits
        return f"{IPv6Address(start)}/{bits}"

    def autonomous_system(self, host: str) -> str | None:
        """As `AS64496`, by the map."""
        address = address_of(host)
        number = 0 if address is None else NetGroups(self.lab, self.asmap).mapped_as(address)
        return f"AS{number}" if number else None
