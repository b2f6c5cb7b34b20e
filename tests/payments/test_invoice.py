"""Invoices: what is signed, what a changed one comes to, and who is at the other end of a link."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.errors import WalletError
from axon.machine import Endpoint
from axon.payments.invoice import (
    CLOCK_TOLERANCE_S,
    invoice_from_uri,
    link_digest,
    prove_link,
    proves_link,
    recorded_invoice,
    sign,
    verify,
)
from axon.payments.terms import BadInvoice
from axon.primitives.address import encode_address
from axon.primitives.hashes import sha256
from axon.primitives.keys import sign_schnorr, x_only_key
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.primitives.network import MAINNET, NETWORKS, REGTEST, SIGNET, TESTNET4, Network
from axon.primitives.transaction import MAX_MONEY_SAT
from axon.wallet.errors import BadAddress, BadAmount
from axon.wallet.paymenturi import PaymentUri, one_line, parse_payment_uri
from tests.payments.invoices import (
    ENDPOINTS,
    EXPIRES_S,
    INVOICE,
    MADE_S,
    ONION,
    SECRET,
    URI,
    unsigned,
)


def packed(uri: str) -> bytes:
    text = parse_payment_uri(uri).invoice
    return b64decode(text + "=" * (-len(text) % 4), b"-_")


def with_packed(data: bytes) -> str:
    text = urlsafe_b64encode(data).decode().rstrip("=")
    return URI.replace(parse_payment_uri(URI).invoice, text)


# The vectors of docs/payments.md.


def test_the_vector_of_the_page() -> None:
    assert URI == (
        "bitcoin:tb1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysnl25zw8?amount=0.5&label=Bob%27s%20caf%C3%A9"
        "&message=2%20coffees%20%26%20cake"
        "&axon=AfwBowM4o-Rj6rnqXMJJURKN7vzM9deevEfmJb6s6IsEICIsaRAOAAADAQTLAHEHIQICECABDbgAAAAA"
        "AAAAAAAAAAchAgQgAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8hAry4NaRMXHd_HSz6rWjt"
        "WZDEXRFdszQ3Z9wlf1whCOhcQhNnPWA1hAA5hYzRe-nHR4Ukf9VE8jVUCmbHqRfI0bY"
    )
    assert INVOICE.id.hex() == "3fb6d5883f49bf19b8123e3b2917b9b93980ebdb477ac64721ff9d31dbcede41"


# There and back.


def test_it_comes_back_from_its_uri() -> None:
    assert invoice_from_uri(URI, SIGNET) == INVOICE
    verify(INVOICE, MADE_S)


TEXTS = st.text(max_size=40).map(one_line)
ADDRESSES = st.one_of(
    st.builds(
        NetAddress, st.just(AddressNetwork.IPV4), st.binary(min_size=4, max_size=4), st.just(1)
    ),
    st.builds(
        NetAddress,
        st.just(AddressNetwork.TORV3),
        st.binary(min_size=32, max_size=32),
        st.just(65_535),
    ),
).filter(lambda address: any(address.host_bytes))


@given(
    st.sampled_from(list(NETWORKS.values())),
    st.none() | st.integers(1, MAX_MONEY_SAT),
    TEXTS,
    TEXTS,
    st.integers(0, 2**32 - 1),
    st.integers(1, 366 * 86_400),
    st.lists(ADDRESSES, max_size=4),
)
@settings(max_examples=60)
def test_any_invoice_comes_back(
    network: Network,
    amount_sat: int | None,
    label: str,
    message: str,
    created_s: int,
    lifetime_s: int,
    addresses: list[NetAddress],
) -> None:
    made = sign(
        unsigned(
            network,
            amount_sat=amount_sat,
            label=label,
            message=message,
            created_s=created_s,
            expires_s=created_s + lifetime_s,
            endpoints=tuple(Endpoint(each.to_text(), each.port) for each in addresses),
        ),
        SECRET,
    )
    assert invoice_from_uri(made.to_uri(), network) == made


def test_a_record_of_our_own_is_read_without_a_look_at_its_signature() -> None:
    assert recorded_invoice(URI, SIGNET) == INVOICE
    changed = with_packed(packed(URI)[:-1] + b"\x00")
    with pytest.raises(BadInvoice):
        invoice_from_uri(changed, SIGNET)
    assert recorded_invoice(changed, SIGNET).id == INVOICE.id
    for damaged in (with_packed(packed(URI)[:-1]), INVOICE.address):
        with pytest.raises(BadInvoice):
            recorded_invoice(damaged, SIGNET)


def test_names_of_parameters_are_in_any_case_and_unknown_ones_do_not_matter() -> None:
    shouted = URI.replace("?amount=", "?AMOUNT=").replace("&axon=", "&pj=https://x&Axon=")
    assert invoice_from_uri(shouted, SIGNET) == INVOICE


def test_without_our_parameter_it_is_a_plain_payment() -> None:
    plain = URI.partition("&axon=")[0]
    found = invoice_from_uri(plain, SIGNET)
    assert found == PaymentUri(INVOICE.address, 50_000_000, "Bob's café", "2 coffees & cake")
    assert invoice_from_uri(INVOICE.address, SIGNET) == PaymentUri(INVOICE.address)


def test_for_a_wallet_without_this_feature_it_asks_for_the_same() -> None:
    uri = parse_payment_uri(URI)
    assert (uri.address, uri.amount_sat, uri.label) == (INVOICE.address, 50_000_000, "Bob's café")


def test_a_qr_code_holds_it() -> None:
    assert len(URI) < 400


# What is changed on the way.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("amount=0.5", "amount=0.05"),
        ("amount=0.5&", ""),
        ("Bob", "Rob"),
        ("coffees", "coffins"),
        (INVOICE.address, encode_address(b"\x00\x14" + bytes(20), SIGNET) or ""),
    ],
)
def test_what_is_changed_beside_the_parameter_is_noticed(before: str, after: str) -> None:
    assert before in URI
    with pytest.raises(BadInvoice, match="signature of this invoice does not fit"):
        invoice_from_uri(URI.replace(before, after), SIGNET)


@given(st.data())
@settings(max_examples=200)
def test_no_byte_of_the_parameter_can_be_changed(data: st.DataObject) -> None:
    whole = bytearray(packed(URI))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadInvoice):
        invoice_from_uri(with_packed(bytes(whole)), SIGNET)


FIELDS: list[dict[str, Any]] = [
    {"amount_sat": 1},
    {"amount_sat": None},
    {"label": "Rob"},
    {"message": ""},
    {"created_s": MADE_S + 1},
    {"expires_s": EXPIRES_S + 86_400},
    {"endpoints": ENDPOINTS[:2]},
    {"endpoints": (Endpoint("203.0.113.8", 8450), *ENDPOINTS[1:])},
    {"endpoints": ENDPOINTS[::-1]},
    {"public_key": x_only_key(sha256(b"Mallory"))},
    {"signature": sign_schnorr(sha256(b"Mallory"), INVOICE.id)},
    {"signature": bytes(64)},
]


@pytest.mark.parametrize("changes", FIELDS, ids=[next(iter(each)) for each in FIELDS])
def test_no_field_can_be_changed(changes: dict[str, Any]) -> None:
    changed = replace(INVOICE, **changes)
    with pytest.raises(BadInvoice, match="does not fit"):
        invoice_from_uri(changed.to_uri(), SIGNET)
    with pytest.raises(BadInvoice, match="does not fit"):
        verify(changed, MADE_S)
    if "signature" not in changes:
        assert changed.id != INVOICE.id


def test_script_and_address_belong_together() -> None:
    with pytest.raises(BadInvoice, match="not that of its script"):
        verify(replace(INVOICE, script_pubkey=b"\x00\x14" + bytes(20)), MADE_S)


# Networks.


def test_a_network_with_the_same_addresses_is_named() -> None:
    with pytest.raises(BadInvoice, match="one of signet, not of testnet4"):
        invoice_from_uri(URI, TESTNET4)
    with pytest.raises(BadInvoice, match="one of signet, not of testnet4"):
        verify(replace(INVOICE, network=TESTNET4), MADE_S)


@pytest.mark.parametrize("network", [MAINNET, REGTEST])
def test_an_address_of_another_network_is_refused(network: Network) -> None:
    with pytest.raises(BadAddress, match="not of"):
        invoice_from_uri(URI, network)


# Time.


def test_it_expires() -> None:
    verify(INVOICE, EXPIRES_S - 1)
    with pytest.raises(BadInvoice, match="expired 0 s ago"):
        verify(INVOICE, EXPIRES_S)
    assert INVOICE.is_expired(EXPIRES_S)
    assert not INVOICE.is_expired(EXPIRES_S - 1)


def test_it_is_not_made_in_the_future() -> None:
    verify(INVOICE, MADE_S - CLOCK_TOLERANCE_S)
    with pytest.raises(BadInvoice, match="made in the future"):
        verify(INVOICE, MADE_S - CLOCK_TOLERANCE_S - 1)


# What is damaged, or never was one.


@pytest.mark.parametrize(
    ("parameter", "says"),
    [
        ("!!!", "damaged"),
        ("AQ", "damaged or cut short"),
        ("AR", "damaged"),  # The bits that no byte takes are not zero.
        ("Ag", "another version"),
    ],
)
def test_what_is_no_parameter(parameter: str, says: str) -> None:
    with pytest.raises(BadInvoice, match=says):
        invoice_from_uri(f"bitcoin:{INVOICE.address}?axon={parameter}", SIGNET)


def test_it_has_nothing_behind_its_end() -> None:
    with pytest.raises(BadInvoice, match="damaged"):
        invoice_from_uri(with_packed(packed(URI) + b"\0"), SIGNET)
    with pytest.raises(BadInvoice, match="damaged"):
        invoice_from_uri(with_packed(packed(URI)[:-1]), SIGNET)


def test_two_are_none() -> None:
    with pytest.raises(BadAddress, match="two values for axon"):
        invoice_from_uri(f"{URI}&axon=AQ", SIGNET)


def test_an_endpoint_of_another_network_is_refused() -> None:
    onion = NetAddress.from_text(ONION, 8450).encode_v2()
    assert onion in packed(URI)
    foreign = packed(URI).replace(onion, bytes((AddressNetwork.I2P,)) + onion[1:])
    with pytest.raises(BadInvoice, match="damaged"):
        invoice_from_uri(with_packed(foreign), SIGNET)


@given(st.binary(max_size=250))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(WalletError):
        invoice_from_uri(with_packed(data or b"\0"), SIGNET)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"amount_sat": 0}, "no amount"),
    ({"amount_sat": MAX_MONEY_SAT + 1}, "no amount"),
    ({"label": "two\nlines"}, "one line"),
    ({"message": " spaces"}, "one line"),
    ({"label": "x" * 256}, "one line"),
    ({"expires_s": MADE_S}, "expires after"),
    ({"expires_s": MADE_S + 400 * 86_400}, "expires after"),
    ({"created_s": -1}, "expires after"),
    ({"endpoints": (Endpoint("bob.example", 8450),)}, "no endpoint of an invoice"),
    ({"endpoints": (Endpoint("203.0.113.7", 0),)}, "no endpoint of an invoice"),
    ({"endpoints": (Endpoint("203.0.113.7", 65_536),)}, "no endpoint of an invoice"),
    ({"endpoints": (Endpoint("0.0.0.0", 8450),)}, "no endpoint of an invoice"),
    ({"endpoints": (Endpoint("2001:DB8::7", 8450),)}, "no endpoint of an invoice"),
    ({"endpoints": ENDPOINTS + ENDPOINTS}, "at most 4"),
    ({"script_pubkey": b"\x51"}, "that of its script"),
    ({"label": "\u6f22" * 255, "message": "\u6f22" * 255}, "too long"),
]


@pytest.mark.parametrize(("changes", "says"), WRONG)
def test_what_could_not_be_read_back_is_not_signed(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInvoice, match=says):
        sign(unsigned(**changes), SECRET)


def test_a_bad_amount_is_told_as_one() -> None:
    with pytest.raises(BadAmount):
        invoice_from_uri(URI.replace("amount=0.5", "amount=0,5"), SIGNET)


# The link.


def test_who_is_at_the_other_end_of_a_link() -> None:
    session, key = sha256(b"session"), INVOICE.public_key
    proof = prove_link(SECRET, session, INVOICE.id)
    assert proves_link(key, session, INVOICE.id, proof)
    assert not proves_link(key, sha256(b"a link of Mallory's"), INVOICE.id, proof)
    assert not proves_link(key, session, sha256(b"another invoice"), proof)
    assert not proves_link(x_only_key(sha256(b"Mallory")), session, INVOICE.id, proof)
    assert not proves_link(key, session, INVOICE.id, proof[:-1])


def test_what_is_signed_on_a_link() -> None:
    session = bytes(range(32))
    expected = sha256(b"axon wallet link" + session + INVOICE.id)
    assert link_digest(session, INVOICE.id) == expected


def test_the_signature_of_an_invoice_is_no_proof_of_a_link() -> None:
    session = sha256(b"session")
    assert not proves_link(INVOICE.public_key, session, INVOICE.id, INVOICE.signature)


def test_the_vectors_stand_on_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "payments.md").read_text()
    session = bytes(range(32))
    told = (
        SECRET.hex(),
        URI,
        INVOICE.id.hex(),
        link_digest(session, INVOICE.id).hex(),
        prove_link(SECRET, session, INVOICE.id).hex(),
    )
    assert all(each in page for each in told)
