"""Netaddresses: where a node can be dialled, on each network that BIP 155 names.

A `NetAddress` is a network, the host's bytes on it, and a port. It has two forms on the wire: the
16 bytes of the first protocol, in which IPv4 hides inside IPv6 (`..._v1`), and that of BIP 155
(`..._v2`); its form in writing is that of primitives/hosttext. This module also says which
addresses the world can reach (`is_routable`) and which are likely to be in one operator's hands
(`group`); both follow Bitcoin Core without an AS map.

Bytes from a peer may make an address that names no host, such as `::`. Those decode, and
`is_valid()` is False: one of them must not cost a peer the other 999 of its message.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address
from struct import Struct
from typing import Final, Self

from axon.errors import DecodeError
from axon.primitives.encoding import Reader, compact_size
from axon.primitives.hosttext import (
    I2P_SUFFIX,
    ONION_SUFFIX,
    i2p_hash,
    i2p_name,
    ipv4_bytes,
    ipv4_text,
    ipv6_bytes,
    ipv6_text,
    onion_key,
    onion_name,
)


class AddressNetwork(IntEnum):
    """The networks of BIP 155, by their ids on the wire. Id 3, Tor version 2, is no more."""

    IPV4 = 1
    IPV6 = 2
    TORV3 = 4
    I2P = 5
    CJDNS = 6


MAX_HOST_SIZE: Final = 512
"""Longest host of an unknown network that is skipped rather than refused, in bytes (BIP 155)."""

MAX_HOST_TEXT_SIZE: Final = 100
"""Characters of a host in writing; the longest are onion names, with 62."""

SHARED_ADDRESSES: Final = 16_384
"""Decoded addresses that are kept to be used again: 4 MB at most."""

_HOST_SIZES: Final = {
    AddressNetwork.IPV4: 4,
    AddressNetwork.IPV6: 16,
    AddressNetwork.TORV3: 32,
    AddressNetwork.I2P: 32,
    AddressNetwork.CJDNS: 16,
}
_NETWORKS: Final = {int(network): network for network in AddressNetwork}

_IPV4_IN_IPV6: Final = bytes(10) + b"\xff\xff"
_TORV2_IN_IPV6: Final = bytes.fromhex("fd87d87eeb43")
INTERNAL_IN_IPV6: Final = bytes.fromhex("fd6b88c08724")
"""Bitcoin Core's corner of IPv6 for what is a name and no address: how IPv6 hosts of it begin."""
_UNSPECIFIED_IPV6: Final = bytes(16)
_LOOPBACK_IPV6: Final = bytes(15) + b"\x01"

_PORT: Final = Struct(">H")
_V1: Final = Struct(">16sH")
_MAX_SERVICES: Final = 2**64 - 1

_UNROUTABLE_GROUP: Final = b"\x00"
_GROUP_CLASS: Final = {
    AddressNetwork.IPV4: 1,
    AddressNetwork.IPV6: 2,
    AddressNetwork.TORV3: 3,
    AddressNetwork.I2P: 4,
    AddressNetwork.CJDNS: 5,
}
"""First byte of a group: Bitcoin Core's numbers, which are not those of BIP 155."""

_UNROUTABLE_IPV4: Final = (
    # (first address, prefix length): private, benchmark, link-local, shared, documentation.
    ("10.0.0.0", 8),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("198.18.0.0", 15),
    ("169.254.0.0", 16),
    ("100.64.0.0", 10),
    ("192.0.2.0", 24),
    ("198.51.100.0", 24),
    ("203.0.113.0", 24),
)
_UNROUTABLE_IPV4_MASKS: Final = tuple(
    (int(IPv4Address(first)), 32 - length) for first, length in _UNROUTABLE_IPV4
)
_LINK_LOCAL_IPV6: Final = bytes.fromhex("fe80000000000000")
_DOCUMENTATION_IPV6: Final = bytes.fromhex("20010db8")

_TRANSLATED_IPV6: Final = bytes(8) + b"\xff\xff\x00\x00"  # RFC 6145
_NAT64_IPV6: Final = bytes.fromhex("0064ff9b") + bytes(8)  # RFC 6052
_6TO4_IPV6: Final = bytes.fromhex("2002")  # RFC 3964
_TEREDO_IPV6: Final = bytes.fromhex("20010000")  # RFC 4380
_HE_NET_IPV6: Final = bytes.fromhex("20010470")


@dataclass(frozen=True, slots=True)
class NetAddress:
    """One host and port on one network.

    Args:
        network: on which of BIP 155's networks.
        host_bytes: 4 bytes for IPv4, 16 for IPv6 and CJDNS, 32 for Tor (a public key) and I2P (a
            hash); in the order in which they are written.
        port: from 0 to 65535.
    """

    network: AddressNetwork
    host_bytes: bytes
    port: int

    def __hash__(self) -> int:
        return hash((self.host_bytes, self.port))  # Networks seldom have a host in common.

    # Text.

    @classmethod
    def from_text(cls, host: str, port: int, *, cjdns: bool = False) -> Self:
        """An address from its host in writing; names that need DNS are not among them.

        Args:
            host: dotted IPv4, IPv6 without brackets or zone, or an .onion or .b32.i2p name. IPv4
                written as IPv6 (`::ffff:1.2.3.4`) is IPv4.
            port: the TCP port.
            cjdns: read fc00::/8 as CJDNS, as a node does that reaches it; else it is private IPv6.

        Raises:
            DecodeError: the text is none of these, its checksum is wrong, or the port is none.
        """
        if not 0 <= port <= 0xFFFF:
            raise DecodeError(f"a port from 0 to 65535, not {port}")
        if len(host) > MAX_HOST_TEXT_SIZE:
            raise DecodeError(f"a host of at most {MAX_HOST_TEXT_SIZE} characters")
        lowered = host.lower()
        if lowered.endswith(ONION_SUFFIX):
            return cls(AddressNetwork.TORV3, onion_key(lowered), port)
        if lowered.endswith(I2P_SUFFIX):
            return cls(AddressNetwork.I2P, i2p_hash(lowered), port)
        if ":" in host:
            return cls(*_behind_ipv6(ipv6_bytes(host), cjdns), port)
        return cls(AddressNetwork.IPV4, ipv4_bytes(host), port)

    def to_text(self) -> str:
        """The host in writing, what `from_text` reads; `str()` adds the port."""
        match self.network:
            case AddressNetwork.IPV4:
                return ipv4_text(self.host_bytes)
            case AddressNetwork.TORV3:
                return onion_name(self.host_bytes)
            case AddressNetwork.I2P:
                return i2p_name(self.host_bytes)
            case AddressNetwork.IPV6 | AddressNetwork.CJDNS:
                return ipv6_text(self.host_bytes)

    def __str__(self) -> str:
        text = self.to_text()
        return f"[{text}]:{self.port}" if ":" in text else f"{text}:{self.port}"

    # Bytes.

    @property
    def fits_v1(self) -> bool:
        """Whether the 16-byte form can say it: IPv4 and IPv6 only."""
        return self.network in (AddressNetwork.IPV4, AddressNetwork.IPV6)

    def encode_v1(self) -> bytes:
        """18 bytes: IPv6, or IPv4 mapped into it, and the port, big-endian.

        An address of another network becomes `::`, as Bitcoin Core sends it.
        """
        match self.network:
            case AddressNetwork.IPV4:
                return _V1.pack(_IPV4_IN_IPV6 + self.host_bytes, self.port)
            case AddressNetwork.IPV6:
                return _V1.pack(self.host_bytes, self.port)
        return _V1.pack(_UNSPECIFIED_IPV6, self.port)

    @staticmethod
    def decode_v1(reader: Reader) -> NetAddress:
        """An address from its next 18 bytes.

        What once was Tor version 2 inside IPv6 becomes `::`, which is not valid.

        Raises:
            DecodeError: fewer bytes are left.
        """
        host, port = _V1.unpack(reader.take(_V1.size))
        if host.startswith(_TORV2_IN_IPV6):
            host = _UNSPECIFIED_IPV6
        return _shared(*_behind_ipv6(host, cjdns=False), port)

    def encode_v2(self) -> bytes:
        """BIP 155: network id, length and host, port big-endian."""
        host = self.host_bytes
        return b"%c%c%b%b" % (self.network, len(host), host, _PORT.pack(self.port))

    @staticmethod
    def decode_v2(reader: Reader) -> NetAddress | None:
        """An address in BIP 155's form.

        Returns:
            None for what BIP 155 says to ignore: unknown networks, and IPv4 or Tor version 2
            inside IPv6.

        Raises:
            DecodeError: it is cut short, the host is longer than 512 bytes or not as long as its
                network has them.
        """
        start = reader.offset
        network = _NETWORKS.get(reader.u8())
        host = reader.var_bytes(MAX_HOST_SIZE)
        port = reader.u16_be()
        if network is None:
            return None
        if len(host) != _HOST_SIZES[network]:
            raise DecodeError(f"{network.name} with {_HOST_SIZES[network]} bytes of host", start)
        if network is AddressNetwork.IPV6 and host.startswith((_IPV4_IN_IPV6, _TORV2_IN_IPV6)):
            return None
        return _shared(network, host, port)

    # Judgement.

    def is_valid(self) -> bool:
        """Whether it could name a host at all (Bitcoin Core's IsValid)."""
        host = self.host_bytes
        match self.network:
            case AddressNetwork.IPV4:
                return host not in (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff")
            case AddressNetwork.IPV6:
                unusable = (_DOCUMENTATION_IPV6, INTERNAL_IN_IPV6)
                return host != _UNSPECIFIED_IPV6 and not host.startswith(unusable)
            case AddressNetwork.CJDNS:
                return host[0] == 0xFC
        return True

    def is_local(self) -> bool:
        """Whether it never leaves the machine: 127/8, 0/8, `::1`."""
        if self.network is AddressNetwork.IPV4:
            return self.host_bytes[0] in (0, 127)
        return self.network is AddressNetwork.IPV6 and self.host_bytes == _LOOPBACK_IPV6

    def is_routable(self, lab: bool = False) -> bool:
        """Whether anyone on its network can dial it (Bitcoin Core's IsRoutable).

        Args:
            lab: count 127/8 as routable: a network of nodes on one machine.
        """
        if not self.is_valid():
            return False
        host = self.host_bytes
        match self.network:
            case AddressNetwork.IPV4:
                if self.is_local():
                    return lab and host[0] == 127
                number = int.from_bytes(host, "big")
                return all(number >> s != first >> s for first, s in _UNROUTABLE_IPV4_MASKS)
            case AddressNetwork.IPV6:
                private = host[0] & 0xFE == 0xFC or host.startswith(_LINK_LOCAL_IPV6)
                orchid = host.startswith(b"\x20\x01\x00") and host[3] & 0xF0 in (0x10, 0x20)
                return not (private or orchid or host == _LOOPBACK_IPV6)
        return True

    def linked_ipv4(self) -> bytes | None:
        """The 4 bytes of the IPv4 host behind it, also through the common tunnels in IPv6."""
        host = self.host_bytes
        if self.network is AddressNetwork.IPV4:
            return host
        if self.network is not AddressNetwork.IPV6:
            return None
        if host.startswith((_TRANSLATED_IPV6, _NAT64_IPV6)):
            return host[12:]
        if host.startswith(_6TO4_IPV6):
            return host[2:6]
        if host.startswith(_TEREDO_IPV6):
            return bytes(byte ^ 0xFF for byte in host[12:])
        return None

    def group(self, lab: bool = False) -> bytes:
        """What it shares with the addresses that one operator gets cheaply: the netgroup.

        /16 for IPv4, also behind a tunnel; /32 for IPv6, but /36 at he.net; 4 bits of an onion or
        I2P host, 12 of a CJDNS one, the first 8 of which never vary. All unroutable ones share one
        group. Byte for byte what Bitcoin Core without an AS map computes.

        Args:
            lab: as for `is_routable`.
        """
        if not self.is_routable(lab):
            return _UNROUTABLE_GROUP
        ipv4 = self.linked_ipv4()
        if ipv4 is not None:
            return b"%c%b" % (_GROUP_CLASS[AddressNetwork.IPV4], ipv4[:2])
        match self.network:
            case AddressNetwork.TORV3 | AddressNetwork.I2P:
                bits = 4
            case AddressNetwork.CJDNS:
                bits = 12
            case _:
                bits = 36 if self.host_bytes.startswith(_HE_NET_IPV6) else 32
        whole, rest = divmod(bits, 8)
        prefix = b"%c%b" % (_GROUP_CLASS[self.network], self.host_bytes[:whole])
        # The bits of the last byte that do not count are ones.
        return prefix + bytes((self.host_bytes[whole] | 0xFF >> rest,)) if rest else prefix


def _behind_ipv6(host: bytes, cjdns: bool) -> tuple[AddressNetwork, bytes]:
    """What 16 bytes say: an IPv6 host, an IPv4 one in its form, or a CJDNS one."""
    if host.startswith(_IPV4_IN_IPV6):
        return AddressNetwork.IPV4, host[12:]
    if cjdns and host[0] == 0xFC:
        return AddressNetwork.CJDNS, host
    return AddressNetwork.IPV6, host


@lru_cache(SHARED_ADDRESSES)
def _shared(network: AddressNetwork, host: bytes, port: int) -> NetAddress:
    """The address, made once: many peers tell of it, and each that knows it is remembered."""
    return NetAddress(network, host, port)


UNSPECIFIED: Final = NetAddress(AddressNetwork.IPV6, _UNSPECIFIED_IPV6, 0)
"""`[::]:0`: what stands in a message where there is no address to tell."""


@dataclass(frozen=True, slots=True)
class TimedAddress:
    """An address as gossip passes it on.

    Args:
        time: when it was last heard of, in seconds since 1970, 32 bits.
        services: what the node there is said to offer, 64 bits.
        address: where.
    """

    time: int
    services: int
    address: NetAddress

    def encode_v1(self) -> bytes:
        """30 bytes, an entry of `addr`: time, services, 16-byte host, port."""
        return _TIMED.pack(self.time, self.services) + self.address.encode_v1()

    @classmethod
    def decode_v1(cls, reader: Reader) -> Self:
        """An entry of `addr`.

        Raises:
            DecodeError: it is cut short.
        """
        time, services = _TIMED.unpack(reader.take(_TIMED.size))
        return cls(time, services, NetAddress.decode_v1(reader))

    def encode_v2(self) -> bytes:
        """An entry of `addrv2` (BIP 155): time, services as a compact size, address."""
        services = compact_size(self.services)
        return self.time.to_bytes(4, "little") + services + self.address.encode_v2()

    @classmethod
    def decode_v2(cls, reader: Reader) -> Self | None:
        """An entry of `addrv2`; None where `NetAddress.decode_v2` says so.

        Raises:
            DecodeError: it is cut short or not what its network id says.
        """
        time, services = reader.u32(), reader.compact_size(_MAX_SERVICES)
        address = NetAddress.decode_v2(reader)
        return None if address is None else cls(time, services, address)


_TIMED: Final = Struct("<IQ")
