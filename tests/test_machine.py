"""The values that machines and drivers share."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.machine import Endpoint, EndpointError

ADDRESSES = st.ip_addresses().map(str)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,40}", fullmatch=True)
PORTS = st.integers(1, 65_535)


@given(ADDRESSES | NAMES, PORTS)
def test_an_endpoint_is_read_back_from_its_text(host: str, port: int) -> None:
    endpoint = Endpoint(host, port)
    assert Endpoint.parse(str(endpoint), 9) == endpoint


@given(ADDRESSES | NAMES, st.integers(0, 65_535))
def test_a_host_alone_has_the_default_port(host: str, port: int) -> None:
    assert Endpoint.parse(host, port) == Endpoint(host, port)
    if ":" in host:
        assert Endpoint.parse(f"[{host}]", port) == Endpoint(host, port)


@given(st.text(max_size=30) | st.from_regex(r"[\[\]:a0 ]{0,8}", fullmatch=True))
def test_any_text_names_an_endpoint_or_none(text: str) -> None:
    try:
        endpoint = Endpoint.parse(text, 9)
    except EndpointError as error:
        assert repr(text) in str(error)  # noqa: PT017 Both outcomes are right.
        return
    assert endpoint.host
    assert not any(sign.isspace() for sign in endpoint.host)
    assert 0 < endpoint.port < 1 << 16


@pytest.mark.parametrize(
    ("text", "bad_port"),
    [
        ("", False), (":5", False), ("[]:5", False), ("a b", False), ("a\n:5", False),
        ("a:", True), ("a:x", True), ("a:0", True), ("a:65536", True), ("a:+5", True),
        ("9" * 301, False), ("a:" + "9" * 5_000, False),
        ("a:٥", True), ("[::1", True), ("[::1]5", True), ("[::1]:", True), ("[::1]:0", True),
    ],
)  # fmt: skip
def test_texts_that_name_no_endpoint(text: str, bad_port: bool) -> None:
    with pytest.raises(EndpointError) as caught:
        Endpoint.parse(text, 9)
    assert caught.value.bad_port is bad_port


def test_the_longest_name_has_an_endpoint() -> None:
    name = "a" * 253
    assert Endpoint.parse(f"{name}:65535", 9) == Endpoint(name, 65_535)


def test_an_address_without_brackets_is_no_host_and_port() -> None:
    assert Endpoint.parse("fe80::1:8333", 9) == Endpoint("fe80::1:8333", 9)
    assert ipaddress.ip_address("fe80::1:8333")


def test_peers_on_i2p_have_no_ports() -> None:
    host = "x" * 52 + ".b32.i2p"
    assert Endpoint.parse(host, 8333) == Endpoint.parse(f"{host}:0", 8333) == Endpoint(host, 0)
    with pytest.raises(EndpointError):
        Endpoint.parse("1.2.3.4:0", 8333)
