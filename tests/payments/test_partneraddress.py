"""KEY@HOST:PORT, as a person types it and as wallets tell it."""

from __future__ import annotations

import pytest

from axon.errors import DecodeError
from axon.machine import Endpoint
from axon.payments.partneraddress import PartnerAddress, PartnerAddressError, partner_id
from axon.primitives.encoding import Reader
from axon.primitives.hashes import sha256
from axon.primitives.hosttext import onion_name
from axon.primitives.keys import x_only_key

KEY = x_only_key((1).to_bytes(32, "big"))
ONION = onion_name(bytes(range(32)))


@pytest.mark.parametrize(
    ("where", "endpoint"),
    [
        ("10.0.0.1:1234", Endpoint("10.0.0.1", 1234)),
        ("10.0.0.1", Endpoint("10.0.0.1", 12_966)),
        ("[2001:db8::1]:7", Endpoint("2001:db8::1", 7)),
        (f"{ONION}:80", Endpoint(ONION, 80)),
    ],
)
def test_it_is_read_and_written(where: str, endpoint: Endpoint) -> None:
    address = PartnerAddress.parse(f"{KEY.hex()}@{where}")
    assert address == PartnerAddress(KEY, endpoint)
    assert PartnerAddress.parse(str(address)) == address
    assert PartnerAddress.decode(Reader(address.encode())) == address
    assert address.endpoints == (endpoint,)
    assert address.id == partner_id(KEY) == sha256(b"axon wallet partner" + KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.1:9735",
        f"{KEY.hex()}",
        f"{KEY.hex()}@",
        f"{KEY.hex()}@bob.example:9735",
        f"{KEY.hex()}@10.0.0.1:0",
        f"{KEY.hex()}@0.0.0.0:9735",
        f"{KEY.hex()[:62]}@10.0.0.1",
        f"{'zz' * 32}@10.0.0.1",
        f"{'ff' * 32}@10.0.0.1",
        f" {KEY.hex()}@10.0.0.1",
    ],
)
def test_what_names_no_partner_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(PartnerAddressError) as refused:
        PartnerAddress.parse(text)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    "data",
    [
        KEY,
        KEY + bytes.fromhex("05" + "20" + "11" * 32 + "0001"),  # I2P: no wallet dials it.
        KEY + bytes.fromhex("01" + "04" + "00000000" + "0001"),
        KEY + bytes.fromhex("01" + "04" + "0a000001" + "0000"),
    ],
)
def test_bytes_that_cannot_be_dialled_are_no_partner(data: bytes) -> None:
    with pytest.raises(DecodeError):
        PartnerAddress.decode(Reader(data))
