"""The ways to other networks: `-proxy`, `-onion`, `-i2psam`, `-onlynet`, and what they refuse.

The same for a node and for a wallet. Texts of refusal are Core's.
"""

from __future__ import annotations

from typing import Final

from axon.cli.conf import Settings
from axon.cli.values import read_endpoint
from axon.drivers.aio.routes import Proxy, Routes
from axon.drivers.bounds import CONNECT_TIMEOUT
from axon.errors import ConfigError
from axon.host.reaching import NETWORKS, TOR_CONTROL, TorAccess
from axon.machine import MILLISECOND, Endpoint, EndpointError

SOCKS_PORT: Final = 9050
"""Tor's."""
SAM_PORT: Final = 7656

_UNIX: Final = "unix:"
_MAX_UNIX_PATH: Final = 107
"""Bytes that the path of a Unix socket may have on Linux."""


def read_routes(settings: Settings) -> Routes:
    """The ways that the operator opened.

    Raises:
        ConfigError: one leads nowhere.
    """
    isolates = settings.flag("proxyrandomize", True)
    proxies = _proxies(settings, isolates)
    onion = settings.text("onion")
    if onion == "0" or settings.is_negated("onion"):
        proxies["onion"] = None
    elif onion:
        proxies["onion"] = _proxy("onion", onion, onion, isolates)
    sam = settings.text("i2psam")
    i2p = None if sam in ("", "0") else _address("i2psam", sam, sam, SAM_PORT)
    return Routes(**proxies, i2p=i2p, dns=settings.flag("dns", True))


def _proxies(settings: Settings, isolates: bool) -> dict[str, Proxy | None]:
    found: dict[str, Proxy | None] = {}
    for text in settings.values("proxy"):
        place, equals, network = text.rpartition("=")
        if not equals:
            place, network = text, ""
        elif not network:
            raise ConfigError(f"Invalid -proxy address or hostname, ends with '=': '{text}'")
        proxy = None if place in ("", "0") else _proxy("proxy", place, text, isolates)
        match network.lower():
            case "":
                found = dict.fromkeys(("ipv4", "ipv6", "onion", "cjdns", "names"), proxy)
            case "ipv4" | "ipv6" as name:
                found[name] = found["names"] = proxy
            case "onion" | "cjdns" as name:
                found[name] = proxy
            case _:
                raise ConfigError(f"Unrecognized network in -proxy='{text}': '{network.lower()}'")
    return found


def _proxy(option: str, place: str, whole: str, isolates: bool) -> Proxy:
    if not place.startswith(_UNIX):
        return Proxy(_address(option, place, whole, SOCKS_PORT), isolates)
    path = place.removeprefix(_UNIX)
    if not path or len(path.encode()) > _MAX_UNIX_PATH:
        raise ConfigError(f"Invalid -{option} address or hostname: '{place}'")
    return Proxy(path, isolates)


def _address(option: str, place: str, whole: str, port: int) -> Endpoint:
    try:
        return Endpoint.parse(place, port)
    except EndpointError as error:
        if error.bad_port:
            raise ConfigError(f"Invalid port specified in -{option}: '{whole}'") from error
        raise ConfigError(f"Invalid -{option} address or hostname: '{place}'") from error


def read_onlynet(settings: Settings, routes: Routes, *, tor_control: bool) -> tuple[str, ...]:
    """The only networks to dial of our own accord; empty for all.

    Args:
        tor_control: Tor may say later where its proxy is (`-listenonion`).

    Raises:
        ConfigError: one is unknown, or no way leads there.
    """
    nets = tuple(dict.fromkeys(text.lower() for text in settings.values("onlynet")))
    for net in nets:
        if net not in NETWORKS:
            raise ConfigError(f"Unknown network specified in -onlynet: '{net}'")
    if "cjdns" in nets and not settings.flag("cjdnsreachable", False):
        raise ConfigError(
            "Outbound connections restricted to CJDNS (-onlynet=cjdns) but -cjdnsreachable is not "
            "provided"
        )
    if "onion" in nets and routes.onion is None:
        if settings.is_negated("onion") or settings.text("onion") == "0":
            raise ConfigError(
                "Outbound connections restricted to Tor (-onlynet=onion) but the proxy for "
                "reaching the Tor network is explicitly forbidden: -onion=0"
            )
        if not tor_control:
            raise ConfigError(
                "Outbound connections restricted to Tor (-onlynet=onion) but the proxy for "
                "reaching the Tor network is not provided: none of -proxy, -onion or -listenonion "
                "is given"
            )
    if "i2p" in nets and routes.i2p is None:
        raise ConfigError(
            "Outbound connections restricted to i2p (-onlynet=i2p) but -i2psam is not provided"
        )
    return nets


def read_tor_access(settings: Settings) -> TorAccess:
    """How Tor's control port is reached.

    Raises:
        ConfigError: it cannot be there.
    """
    text = settings.text("torcontrol")
    place = read_endpoint("torcontrol", text, TOR_CONTROL.port) if text else TOR_CONTROL
    return TorAccess(place, settings.text("torpassword"))


def read_timeout_us(settings: Settings) -> int:
    """How long a TCP connection may take (`-timeout`, milliseconds); Core's default for none."""
    given_ms = settings.number("timeout", 0)
    return given_ms * MILLISECOND if given_ms > 0 else CONNECT_TIMEOUT
