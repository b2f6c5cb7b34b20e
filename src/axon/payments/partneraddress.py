"""Where a wallet that serves wallets is found, and the key by which it proves itself there.

In writing `KEY@HOST:PORT`: the key in 64 hex digits, an IPv4 or IPv6 address or an onion, no name,
so that nobody is asked where it is. It has nothing to do with any invoice of that wallet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from axon.errors import AxonError, DecodeError
from axon.machine import Endpoint, EndpointError
from axon.primitives.encoding import Reader
from axon.primitives.hashes import sha256
from axon.primitives.keys import X_ONLY_SIZE, is_x_only_key
from axon.primitives.netaddress import AddressNetwork, NetAddress

DEFAULT_PORT: Final = 12_966
"""Where a wallet listens for others if no port is named: no service is registered for it (IANA), no
common one uses it, and no system hands it out. On a telephone's keys it is 1-AXON."""

LEAST_ADDRESS_BYTES: Final = X_ONLY_SIZE + 1 + 1 + 4 + 2
"""Of the shortest address in a message, which is one on IPv4."""

_NETWORKS: Final = (AddressNetwork.IPV4, AddressNetwork.IPV6, AddressNetwork.TORV3)


class PartnerAddressError(AxonError, ValueError):
    """A text that names no partner; it says what is wrong."""


@dataclass(frozen=True, slots=True)
class PartnerAddress:
    """A wallet that serves wallets: a `LinkTarget`.

    Args:
        public_key: 32 bytes, x-only.
        endpoint: where it listens.
    """

    public_key: bytes
    endpoint: Endpoint

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `KEY@HOST:PORT` or `KEY@HOST`.

        Raises:
            PartnerAddressError: it is none.
        """
        key_text, at, where = text.partition("@")
        try:
            key = bytes.fromhex(key_text)
            endpoint = Endpoint.parse(where, DEFAULT_PORT)
            address = NetAddress.from_text(endpoint.host, endpoint.port)
        except (EndpointError, ValueError):
            at = ""
        if not at or len(key_text) != 2 * X_ONLY_SIZE or not is_x_only_key(key):
            raise PartnerAddressError(
                f"{text[:200]!r} is no KEY@HOST:PORT of a wallet, with an IP address or an onion"
            )
        if not _can_be_dialled(address):
            raise PartnerAddressError(f"{where[:100]!r} cannot be dialled")
        return cls(key, Endpoint(address.to_text(), address.port))

    @property
    def id(self) -> bytes:
        """By which a link is about this wallet, 32 bytes."""
        return partner_id(self.public_key)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The one endpoint."""
        return (self.endpoint,)

    @property
    def netaddress(self) -> NetAddress:
        """The endpoint as an address."""
        return NetAddress.from_text(self.endpoint.host, self.endpoint.port)

    def __str__(self) -> str:
        return f"{self.public_key.hex()}@{self.endpoint}"

    def encode(self) -> bytes:
        """The key, 32 bytes, then network, length, host and port as in `addrv2` (BIP 155)."""
        return self.public_key + self.netaddress.encode_v2()

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """From the next bytes; whether anybody has that key is not looked at.

        Raises:
            DecodeError: it is none that could be dialled.
        """
        key, at = reader.take(X_ONLY_SIZE), reader.offset
        address = NetAddress.decode_v2(reader)
        if address is None or not _can_be_dialled(address):
            raise DecodeError("an endpoint on IPv4, IPv6 or Tor", at)
        return cls(key, Endpoint(address.to_text(), address.port))


def partner_id(public_key: bytes) -> bytes:
    """What stands on a link to a partner where the id of an invoice stands on others, 32 bytes."""
    return sha256(b"axon wallet partner" + public_key)


def _can_be_dialled(address: NetAddress) -> bool:
    return address.network in _NETWORKS and address.port > 0 and any(address.host_bytes)
