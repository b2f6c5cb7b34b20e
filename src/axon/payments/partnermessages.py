"""How wallets tell each other of wallets that serve wallets. Forms as in `messages`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from axon.payments.partneraddress import LEAST_ADDRESS_BYTES, PartnerAddress
from axon.primitives.encoding import Reader, compact_size
from axon.wire.messages.limits import read_count

MAX_TOLD: Final = 16
"""Partners of one message: enough to find others, few enough that nobody learns a whole table."""


@dataclass(frozen=True, slots=True)
class GetPartners:
    """`getpartners`: asks which wallets serve wallets. No bytes."""

    command: ClassVar[str] = "getpartners"

    def encode(self) -> bytes:
        """The payload: nothing."""
        return b""

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A request from an empty payload.

        Raises:
            DecodeError: it is not empty.
        """
        Reader(payload).finish()
        return cls()


@dataclass(frozen=True, slots=True)
class Partners:
    """`partners`: the answer to it.

    Bytes: count, addresses (each a key of 32 bytes, network, length of the host, host, port).

    Args:
        addresses: at most 16.
    """

    command: ClassVar[str] = "partners"

    addresses: tuple[PartnerAddress, ...] = ()

    def encode(self) -> bytes:
        """The payload."""
        told = [address.encode() for address in self.addresses]
        return b"".join((compact_size(len(told)), *told))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Addresses from exactly this payload.

        Raises:
            DecodeError: more than 16, one that cannot be dialled, or anything else.
        """
        reader = Reader(payload)
        count = read_count(reader, MAX_TOLD, LEAST_ADDRESS_BYTES, "partners", source="axon")
        addresses = tuple([PartnerAddress.decode(reader) for _ in range(count)])
        reader.finish()
        return cls(addresses)
