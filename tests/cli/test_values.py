"""Values in options."""

from __future__ import annotations

import ipaddress

import pytest

from axon.cli.values import (
    read_address,
    read_byte_units,
    read_endpoint,
    read_money,
    read_network,
    read_port,
    read_uint256,
)
from axon.errors import ConfigError
from axon.machine import Endpoint


@pytest.mark.parametrize(
    ("text", "sat"),
    [
        ("1", 10**8),
        ("0.00001", 1000),
        (" 0.5 ", 5 * 10**7),
        (".5", 5 * 10**7),
        ("01", 10**8),
        ("1.", 10**8),
        ("0", 0),
        ("0.00000001", 1),
    ],
)
def test_money(text: str, sat: int) -> None:
    assert read_money("x", text) == sat


@pytest.mark.parametrize("text", ["", ".", "-1", "1e-8", "x", "0.000000001", "1 2", "+1", "1,5"])
def test_no_money(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_money("minrelaytxfee", text)
    assert str(caught.value) == f"Invalid amount for -minrelaytxfee=<amount>: '{text}'"


@pytest.mark.parametrize("text", ["", "0", "-1", "65536", "x", "1x", " 1", "١"])
def test_no_port(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_port("port", text)
    assert str(caught.value) == f"Invalid port specified in -port: '{text}'"


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("1.2.3.4", Endpoint("1.2.3.4", 9)),
        ("1.2.3.4:5", Endpoint("1.2.3.4", 5)),
        ("seed.example:5", Endpoint("seed.example", 5)),
        ("::1", Endpoint("::1", 9)),
        ("[::1]", Endpoint("::1", 9)),
        ("[::1]:5", Endpoint("::1", 5)),
        ("abc.onion", Endpoint("abc.onion", 9)),
    ],
)
def test_endpoints(text: str, endpoint: Endpoint) -> None:
    assert read_endpoint("x", text, 9) == endpoint


@pytest.mark.parametrize("text", ["", ":5", "a:", "a:x", "a:0", "[::1", "[::1]5", "[::1]:x", "a b"])
def test_no_endpoints(text: str) -> None:
    with pytest.raises(ConfigError, match="-addnode"):
        read_endpoint("addnode", text, 9)


def test_addresses_are_no_names() -> None:
    assert read_address("bind", "[::1]:7", 9) == Endpoint("::1", 7)
    with pytest.raises(ConfigError, match="Cannot resolve -bind address: 'localhost'"):
        read_address("bind", "localhost", 9)


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("1.2.3.4", "1.2.3.4/32"),
        ("1.2.3.4/24", "1.2.3.0/24"),
        ("1.2.3.4/255.255.0.0", "1.2.0.0/16"),
        ("::/0", "::/0"),
        ("1.2.3", None),
        ("1.2.3.4/33", None),
        ("", None),
    ],
)
def test_networks(text: str, network: str | None) -> None:
    assert read_network(text) == (None if network is None else ipaddress.ip_network(network))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1", 1 << 20),
        ("1k", 1000),
        ("1K", 1024),
        ("2m", 2 * 10**6),
        ("1G", 1 << 30),
        ("1t", 10**12),
        ("", None),
        ("k", None),
        ("-1", None),
        ("1.5G", None),
        ("1x", None),
    ],
)
def test_sizes(text: str, size: int | None) -> None:
    assert read_byte_units(text, "M") == size


@pytest.mark.parametrize(
    ("text", "number"),
    [("0x0a", 10), ("ff", 255), ("", 0), ("f" * 64, (1 << 256) - 1), ("f" * 65, None), ("x", None)],
)
def test_256_bits(text: str, number: int | None) -> None:
    assert read_uint256(text) == number
