"""Whom we do not talk to: banned by the operator, or discouraged by what they did.

A *ban* covers a subnet until a moment, survives a restart in `banlist.json`, and ends connections.
A *discouraged* address broke a rule once: we do not dial it and give its inbound slot away first.
Since anyone can make addresses misbehave, that memory is bounded and forgets the oldest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Self

from axon.errors import DecodeError
from axon.machine import DAY, SECOND, Instant
from axon.p2p.rollingset import RollingSet
from axon.primitives.netaddress import AddressNetwork, NetAddress

MAX_DISCOURAGED: Final = 50_000
"""Addresses are cheap to burn; so many are remembered for certain, as in Bitcoin Core."""

DEFAULT_BAN_S: Final = DAY // SECOND
"""How long a ban lasts unless the operator says otherwise (`-bantime`)."""

MAX_SUBNET_SIZE: Final = 100
"""Characters of a subnet in writing; two IPv6 hosts and a stroke have less."""

_FILE_VERSION: Final = 1
_WRITTEN_AS_IPV6: Final = (AddressNetwork.IPV6, AddressNetwork.CJDNS)
"""In writing they are alike: who bans fc00::1 means that host, whether we reach CJDNS or not."""


@dataclass(frozen=True, slots=True)
class Subnet:
    """A range of hosts: an IPv4 or IPv6 network, or a single host of another network.

    Args:
        network: on which of BIP 155's networks.
        first: the first host's bytes.
        prefix_bits: how many leading bits all its hosts share.
    """

    network: AddressNetwork
    first: bytes
    prefix_bits: int

    @classmethod
    def from_text(cls, text: str) -> Self:
        """`1.2.3.4`, `1.2.3.0/24`, `1.2.3.0/255.255.255.0`, `2001:db8::/32`, or a name.onion.

        Bits below the prefix are cleared.

        Raises:
            DecodeError: it is none of these.
        """
        if len(text) > MAX_SUBNET_SIZE:
            raise DecodeError(f"a subnet of at most {MAX_SUBNET_SIZE} characters")
        if "/" not in text:
            return cls.of(NetAddress.from_text(text, 0))
        try:
            parsed: IPv4Network | IPv6Network = ip_network(text, strict=False)
        except ValueError:
            raise DecodeError(f"an address or subnet, not {text[:80]!r}") from None
        network = AddressNetwork.IPV4 if parsed.version == 4 else AddressNetwork.IPV6
        return cls(network, parsed.network_address.packed, parsed.prefixlen)

    @classmethod
    def of(cls, address: NetAddress) -> Self:
        """The one host of an address, whatever its port."""
        return cls(address.network, address.host_bytes, len(address.host_bytes) * 8)

    def __contains__(self, address: NetAddress) -> bool:
        is_ipv6 = address.network in _WRITTEN_AS_IPV6 and self.network in _WRITTEN_AS_IPV6
        if address.network is not self.network and not is_ipv6:
            return False
        shift = len(self.first) * 8 - self.prefix_bits
        host, first = int.from_bytes(address.host_bytes, "big"), int.from_bytes(self.first, "big")
        return host >> shift == first >> shift

    def __str__(self) -> str:
        host = NetAddress(self.network, self.first, 0).to_text()
        if self.network in (AddressNetwork.IPV4, AddressNetwork.IPV6):
            return f"{host}/{self.prefix_bits}"
        return host


@dataclass(frozen=True, slots=True)
class Ban:
    """One entry of `listbanned`; both times in seconds since 1970."""

    subnet: Subnet
    created_s: int
    until_s: int


class BanList:
    """Bans and discouraged addresses. Only the operator adds bans, so they need no bound."""

    def __init__(self) -> None:
        self._bans: dict[Subnet, Ban] = {}
        self._discouraged: RollingSet[tuple[AddressNetwork, bytes]] = RollingSet(MAX_DISCOURAGED)

    def ban(self, subnet: Subnet, now: Instant, until_s: int) -> bool:
        """Refuse a subnet.

        Args:
            subnet: whom.
            now: when this was decided.
            until_s: the end, in seconds since 1970.

        Returns:
            False if it is banned for at least as long already, which stays as it is.
        """
        standing = self._bans.get(subnet)
        if standing is not None and standing.until_s >= until_s:
            return False
        self._bans[subnet] = Ban(subnet, now // SECOND, until_s)
        return True

    def unban(self, subnet: Subnet) -> bool:
        """Take a ban back; False if there is none of exactly this subnet."""
        return self._bans.pop(subnet, None) is not None

    def clear(self) -> None:
        """Take all bans back; discouraged addresses stay so."""
        self._bans.clear()

    def is_banned(self, address: NetAddress, now: Instant) -> bool:
        """Whether a ban that has not ended covers the address."""
        if not self._bans:
            return False
        now_s = now // SECOND
        return any(now_s < ban.until_s and address in ban.subnet for ban in self._bans.values())

    def has_ban(self, subnet: Subnet, now: Instant) -> bool:
        """Whether exactly this subnet is banned now."""
        ban = self._bans.get(subnet)
        return ban is not None and now // SECOND < ban.until_s

    def listed(self, now: Instant) -> list[Ban]:
        """The bans that have not ended, in the order of their subnets; ended ones are forgotten."""
        now_s = now // SECOND
        self._bans = {subnet: ban for subnet, ban in self._bans.items() if now_s < ban.until_s}
        order = sorted(self._bans, key=lambda s: (s.network, s.first, s.prefix_bits))
        return [self._bans[subnet] for subnet in order]

    def discourage(self, address: NetAddress) -> None:
        """Remember that a peer at this host broke a rule."""
        self._discouraged.add((address.network, address.host_bytes))

    def is_discouraged(self, address: NetAddress) -> bool:
        """Whether a peer at this host broke a rule lately."""
        return (address.network, address.host_bytes) in self._discouraged

    def is_refused(self, address: NetAddress, now: Instant) -> bool:
        """Banned or discouraged: not to be dialled, nor to be passed on."""
        return self.is_discouraged(address) or self.is_banned(address, now)

    def encode(self, now: Instant) -> bytes:
        """`banlist.json` in Bitcoin Core's form."""
        bans = [
            {
                "version": _FILE_VERSION,
                "ban_created": ban.created_s,
                "banned_until": ban.until_s,
                "address": str(ban.subnet),
            }
            for ban in self.listed(now)
        ]
        return json.dumps({"banned_nets": bans}, indent=4).encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The bans in `banlist.json`, with nobody discouraged.

        Raises:
            DecodeError: it is not such a file; it says what to do.
        """
        bans = cls()
        try:
            for entry in json.loads(data)["banned_nets"]:
                if entry["version"] != _FILE_VERSION:
                    continue  # Bitcoin Core passes over what it does not know, so do we.
                created, until, text = entry["ban_created"], entry["banned_until"], entry["address"]
                if not (isinstance(created, int) and isinstance(until, int)):
                    raise TypeError
                subnet = Subnet.from_text(text)
                bans._bans[subnet] = Ban(subnet, created, until)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise DecodeError("a banlist.json as bans are written (mend or delete it)") from None
        return bans
