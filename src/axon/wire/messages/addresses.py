"""Messages by which nodes tell each other of nodes: getaddr, addr, addrv2 (BIP 155)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from axon.primitives.encoding import Reader, compact_size
from axon.primitives.netaddress import TimedAddress
from axon.wire.messages.empty import EmptyMessage
from axon.wire.messages.limits import read_count

MAX_ADDRESSES: Final = 1000
"""Most entries of an `addr` or `addrv2`; more is misbehaviour."""

_V1_ENTRY_SIZE: Final = 30
_SMALLEST_V2_ENTRY: Final = 9


@dataclass(frozen=True, slots=True)
class GetAddr(EmptyMessage):
    """`getaddr`: asks for addresses of other nodes."""

    command: ClassVar[str] = "getaddr"


@dataclass(frozen=True, slots=True)
class Addr:
    """`addr`: addresses in the 16-byte form; only IPv4 and IPv6 fit.

    Args:
        addresses: at most 1000. Not each need be valid.
    """

    command: ClassVar[str] = "addr"

    addresses: tuple[TimedAddress, ...]

    def encode(self) -> bytes:
        """The payload: count, then 30 bytes each."""
        entries = [entry.encode_v1() for entry in self.addresses]
        return compact_size(len(entries)) + b"".join(entries)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Addresses from a payload.

        Raises:
            OverLimit: more than 1000.
            DecodeError: it is cut short.
        """
        reader = Reader(payload)
        count = read_count(
            reader, MAX_ADDRESSES, _V1_ENTRY_SIZE, "addresses", source="Bitcoin Core"
        )
        return cls(tuple([TimedAddress.decode_v1(reader) for _ in range(count)]))


@dataclass(frozen=True, slots=True)
class AddrV2:
    """`addrv2`: addresses of any network (BIP 155).

    Args:
        addresses: at most 1000. Not each need be valid.
    """

    command: ClassVar[str] = "addrv2"

    addresses: tuple[TimedAddress, ...]

    def encode(self) -> bytes:
        """The payload: count, then entries of 13 to 55 bytes."""
        entries = [entry.encode_v2() for entry in self.addresses]
        return compact_size(len(entries)) + b"".join(entries)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Addresses from a payload; those of unknown networks are left out, as BIP 155 asks.

        Raises:
            OverLimit: more than 1000, those that are left out included.
            DecodeError: it is cut short, or a host has not its network's size.
        """
        reader = Reader(payload)
        count = read_count(reader, MAX_ADDRESSES, _SMALLEST_V2_ENTRY, "addresses", source="BIP 155")
        entries = [TimedAddress.decode_v2(reader) for _ in range(count)]
        return cls(tuple([entry for entry in entries if entry is not None]))
