"""Values that stand in options: amounts, ports, endpoints, networks, sizes.

Each reader refuses with one sentence that names the option, in Core's words where Core has some.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from axon.errors import ConfigError
from axon.machine import Endpoint, EndpointError
from axon.rpc.amounts import parse_fixed_point
from axon.rpc.settings import IpNetwork

_MONEY: Final = re.compile(r"[0-9]*(\.[0-9]*)?")
_UNITS: Final = {
    "k": 10**3, "K": 2**10, "m": 10**6, "M": 2**20,
    "g": 10**9, "G": 2**30, "t": 10**12, "T": 2**40,
}  # fmt: skip
_HEX: Final = re.compile(r"(0x)?([0-9a-fA-F]{0,64})")


def read_money(name: str, text: str) -> int:
    """An amount in bitcoin, as satoshis.

    Raises:
        ConfigError: it is no amount, or finer than a satoshi.
    """
    stripped = text.strip()
    sat = None
    if _MONEY.fullmatch(stripped) and stripped.strip("."):
        whole, _, fraction = stripped.partition(".")
        sat = parse_fixed_point(f"{whole.lstrip('0') or '0'}.{fraction or '0'}")
    if sat is None:
        raise ConfigError(f"Invalid amount for -{name}=<amount>: '{text}'")
    return sat


def read_port(name: str, text: str) -> int:
    """A TCP port.

    Raises:
        ConfigError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 1 << 16):
        raise ConfigError(f"Invalid port specified in -{name}: '{text}'")
    return int(text)


def read_endpoint(name: str, text: str, default_port: int) -> Endpoint:
    """`host`, `host:port`, `[IPv6]:port` or an IPv6 address.

    Raises:
        ConfigError: there is no host, or the port is none.
    """
    try:
        return Endpoint.parse(text, default_port)
    except EndpointError as error:
        if error.bad_port:
            raise ConfigError(f"Invalid port specified in -{name}: '{text}'") from error
        raise ConfigError(f"Cannot resolve -{name} address: '{text}'") from error


def read_address(name: str, text: str, default_port: int) -> Endpoint:
    """An endpoint whose host is an IP address.

    Raises:
        ConfigError: it is a name, or nothing at all.
    """
    endpoint = read_endpoint(name, text, default_port)
    try:
        host = ipaddress.ip_address(endpoint.host)
    except ValueError as error:
        raise ConfigError(f"Cannot resolve -{name} address: '{text}'") from error
    return Endpoint(str(host), endpoint.port)


def read_network(text: str) -> IpNetwork | None:
    """An IP address, in brackets too, or a network as `IP/bits` or `IP/mask`; None if none."""
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def read_byte_units(text: str, default_unit: str) -> int | None:
    """A size in bytes: a number with a unit of `_UNITS` or the default one; None if it is none."""
    digits, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, default_unit)
    if not (digits.isascii() and digits.isdecimal()):
        return None
    return int(digits) * _UNITS[unit]


def read_uint256(text: str) -> int | None:
    """Up to 64 hex digits as a number; None if it is none."""
    match = _HEX.fullmatch(text)
    return int(match[2] or "0", 16) if match else None
