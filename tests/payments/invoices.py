"""An invoice of Bob's, as the vectors of docs/payments.md have it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from axon.machine import Endpoint
from axon.payments.invoice import Invoice, sign
from axon.primitives.address import encode_address
from axon.primitives.hashes import sha256
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.primitives.network import SIGNET, Network

SECRET = sha256(b"Bob's invoice")
SCRIPT = b"\x00\x14" + bytes(range(20))
ONION = NetAddress(AddressNetwork.TORV3, bytes(range(32)), 8450).to_text()
ENDPOINTS = (
    Endpoint("203.0.113.7", 8450),
    Endpoint("2001:db8::7", 8450),
    Endpoint(ONION, 8450),
)
MADE_S = 1_764_500_000
EXPIRES_S = MADE_S + 3_600


def unsigned(network: Network = SIGNET, **changes: Any) -> Invoice:
    """The invoice before it is signed, with other fields if wanted."""
    address = encode_address(SCRIPT, network)
    assert address is not None
    plain = Invoice(
        network,
        address,
        SCRIPT,
        50_000_000,
        "Bob's café",
        "2 coffees & cake",
        MADE_S,
        EXPIRES_S,
        ENDPOINTS,
        bytes(32),
        bytes(64),
    )
    return replace(plain, **changes)


INVOICE = sign(unsigned(), SECRET)
URI = INVOICE.to_uri()
