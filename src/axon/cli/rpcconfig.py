"""How a node's RPC server listens and whom it lets in, by the `-rpc...` options."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Final

from axon.cli.conf import Settings
from axon.cli.values import read_address, read_endpoint, read_network, read_port
from axon.errors import ConfigError
from axon.host.rpcsettings import RpcSettings
from axon.machine import Endpoint
from axon.primitives.network import Network
from axon.rpc.auth import COOKIE_MODES
from axon.rpc.settings import ServerSettings

DASH_PORT: Final = 8381

METRICS_PORT: Final = 9332

_PRIVATE_IPV6: Final = ipaddress.ip_network("fc00::/7")
"""Of CJDNS, where this machine is on it (RFC 4193)."""


def rpc_port(settings: Settings, network: Network) -> int:
    """The port that calls go to.

    Raises:
        ConfigError: `-rpcport` is no port.
    """
    return read_port("rpcport", settings.text("rpcport", str(network.rpc_port)))


def cookie_path(settings: Settings, folder: Path) -> Path | None:
    """Where the cookie is; None with `-norpccookiefile`."""
    return settings.path("rpccookiefile", folder, ".cookie")


def rpc_config(settings: Settings, network: Network, folder: Path) -> RpcSettings:
    """Read the `-rpc...` options.

    Raises:
        ConfigError: one of them is not usable.
    """
    password = settings.text("rpcpassword")
    who = settings.text("rpccookieperms", "owner")
    if who not in COOKIE_MODES:
        raise ConfigError(
            f"Invalid -rpccookieperms={who}; must be one of 'owner', 'group', or 'all'."
        )
    config = RpcSettings(
        server=_server(settings, rpc_port(settings, network)),
        cookie=None if password else cookie_path(settings, folder),
        cookie_mode=COOKIE_MODES[who],
        user=settings.text("rpcuser"),
        password=password,
        rpcauth=tuple(settings.values("rpcauth")),
        whitelist=tuple(settings.values("rpcwhitelist")),
        whitelist_default=(
            settings.flag("rpcwhitelistdefault", False)
            if settings.is_set("rpcwhitelistdefault")
            else None
        ),
        rest=settings.flag("rest", False),
    )
    config.make_credentials()
    return config


def metrics_endpoint(settings: Settings) -> Endpoint | None:
    """Where metrics are served (`-metrics`); None for nowhere.

    Raises:
        ConfigError: it is no address.
    """
    text = settings.text("metrics", "0")
    if text == "0":
        return None
    if text in ("", "1"):
        return Endpoint("127.0.0.1", METRICS_PORT)
    endpoint = read_address("metrics", text, METRICS_PORT)
    if not ipaddress.ip_address(endpoint.host).is_loopback:
        settings.warnings.append(
            f"option -metrics={text} lets whoever reaches {endpoint} read how this node is; "
            "there is no password"
        )
    return endpoint


def dash_port(settings: Settings) -> int | None:
    """The port of the page of the node (`-dash`); None for no page.

    Raises:
        ConfigError: it is no port.
    """
    text = settings.text("dash", "0")
    if text == "0":
        return None
    if text in ("", "1"):
        return DASH_PORT
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < 1 << 16):
        raise ConfigError(f"Invalid -dash={text:.80}; must be a port of this machine, 2 to 65535")
    return int(text)


def _server(settings: Settings, port: int) -> ServerSettings:
    allowed = []
    for text in settings.values("rpcallowip"):
        network = read_network(text)
        if network is None or (
            settings.flag("cjdnsreachable", False) and network.overlaps(_PRIVATE_IPV6)
        ):
            raise ConfigError(
                f"Invalid -rpcallowip subnet specification: {text}. Valid values are a single IP "
                "(e.g. 1.2.3.4), a network/netmask (e.g. 1.2.3.4/255.255.255.0), a network/CIDR "
                "(e.g. 1.2.3.4/24), all ipv4 (0.0.0.0/0), or all ipv6 (::/0). RFC4193 is allowed "
                "only if -cjdnsreachable=0."
            )
        allowed.append(network)
    binds, told = [], settings.values("rpcbind")
    if told and allowed:
        binds = [read_address("rpcbind", text, port) for text in told]
    elif told or allowed:
        for text in told:
            read_endpoint("rpcbind", text, port)
        given, missing = ("rpcbind", "rpcallowip") if told else ("rpcallowip", "rpcbind")
        settings.warnings.append(
            f"option -{given} was specified without -{missing}; "
            "calls are taken from this machine only"
        )
    return ServerSettings(
        endpoints=tuple(binds) or (Endpoint("::1", port), Endpoint("127.0.0.1", port)),
        allowed=tuple(allowed),
        max_calls=(
            max(1, settings.number("rpcthreads", 16)) + max(1, settings.number("rpcworkqueue", 64))
        ),
        timeout_s=max(1, settings.number("rpcservertimeout", 30)),
    )
