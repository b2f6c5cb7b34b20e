"""How a node meets its peers: the options about listening, dialling, permissions and its name.

The rules by which one option decides another's default (`-connect` means `-listen=0`) are Core's
parameter interactions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.cli.conf import Settings
from axon.cli.permissions import read_whitebind, read_whitelist
from axon.cli.values import read_address, read_byte_units, read_endpoint, read_port
from axon.errors import ConfigError
from axon.host.settings import DEFAULT_MAX_CONNECTIONS, Bind, PeerSettings
from axon.host.version import VERSION
from axon.machine import Endpoint
from axon.primitives.network import Network

MAX_USER_AGENT: Final = 256
"""Bytes that peers accept as our name (BIP 14)."""

_SAFE_COMMENT: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;-_?@"
)
_REACHABLE: Final = ("ipv4", "ipv6", "onion", "i2p", "cjdns")


def peer_config(settings: Settings, network: Network, filter_index: bool) -> PeerSettings:
    """Read the options about peers.

    Args:
        filter_index: whether compact block filters are indexed.

    Raises:
        ConfigError: one of them is not usable, or two of them do not go together.
    """
    port = read_port("port", settings.text("port", str(network.port)))
    max_connections = settings.number("maxconnections", DEFAULT_MAX_CONNECTIONS)
    if max_connections < 0:
        raise ConfigError("-maxconnections must be greater or equal than zero")
    isolated = _is_isolated(settings, max_connections)
    dnsseed = settings.flag("dnsseed", not isolated and _may_dial_ip(settings))
    if settings.flag("forcednsseed", False) and not dnsseed:
        raise ConfigError("Cannot set -forcednsseed to true when setting -dnsseed to false.")
    peer_timeout_s = settings.number("peertimeout", 60)
    if peer_timeout_s <= 0:
        raise ConfigError("peertimeout must be a positive integer.")
    serve_filters = settings.flag("peerblockfilters", filter_index)
    if serve_filters and not filter_index:
        raise ConfigError("Cannot set -peerblockfilters without -blockfilterindex.")
    upload_bytes = read_byte_units(settings.text("maxuploadtarget", "0M"), "M")
    if upload_bytes is None:
        text = settings.text("maxuploadtarget")
        raise ConfigError(f"Unable to parse -maxuploadtarget: '{text}'")
    lab = settings.flag("lab", False)
    if lab and network.name != "regtest":
        raise ConfigError("-lab can only be used with regtest")
    proxy = _proxy(settings, "proxy", None)
    return PeerSettings(
        binds=_binds(settings, port, isolated or proxy is not None),
        port=port,
        connect=_connect(settings, port),
        addnode=_endpoints(settings, "addnode", port),
        seednode=_endpoints(settings, "seednode", port),
        externalip=_endpoints(settings, "externalip", port),
        dns=settings.flag("dns", True),
        dnsseed=dnsseed,
        forcednsseed=settings.flag("forcednsseed", False),
        fixedseeds=settings.flag("fixedseeds", True),
        onlynet=_onlynet(settings),
        cjdns_reachable=settings.flag("cjdnsreachable", False),
        proxy=proxy,
        onion_proxy=_proxy(settings, "onion", proxy),
        active=settings.flag("networkactive", True),
        max_connections=max_connections,
        peer_timeout_s=peer_timeout_s,
        bantime_s=settings.number("bantime", 24 * 60 * 60),
        max_upload_bytes=upload_bytes,
        whitelist=tuple(
            read_whitelist(text, implicit_permissions(settings))
            for text in settings.values("whitelist")
        ),
        user_agent=user_agent(settings.values("uacomment")),
        blocks_only=settings.flag("blocksonly", False),
        serve_filters=serve_filters,
        lab=lab,
    )


def _is_isolated(settings: Settings, max_connections: int) -> bool:
    """Whether this node dials only whom it was told to, or nobody: then nobody need find it."""
    told = bool(settings.values("connect")) or settings.is_negated("connect")
    return told or max_connections == 0


def _may_dial_ip(settings: Settings) -> bool:
    nets = settings.values("onlynet")
    return not nets or any(net.lower() in ("ipv4", "ipv6") for net in nets)


def _connect(settings: Settings, port: int) -> tuple[Endpoint, ...] | None:
    told = settings.values("connect")
    if told == ["0"] or (not told and settings.is_negated("connect")):
        return ()
    return tuple(read_endpoint("connect", text, port) for text in told) or None


def _endpoints(settings: Settings, name: str, port: int) -> tuple[Endpoint, ...]:
    return tuple(read_endpoint(name, text, port) for text in settings.values(name))


def _proxy(settings: Settings, name: str, default: Endpoint | None) -> Endpoint | None:
    text = settings.text(name)
    if settings.is_negated(name) or text == "0":
        return None
    return read_endpoint(name, text, 9050) if text else default


def _onlynet(settings: Settings) -> tuple[str, ...]:
    nets = tuple(dict.fromkeys(text.lower() for text in settings.values("onlynet")))
    for net in nets:
        if net not in _REACHABLE:
            raise ConfigError(f"Unknown network specified in -onlynet: '{net}'")
    if "cjdns" in nets and not settings.flag("cjdnsreachable", False):
        raise ConfigError(
            "Outbound connections restricted to CJDNS (-onlynet=cjdns) but -cjdnsreachable is not "
            "provided"
        )
    return nets


def _binds(settings: Settings, port: int, hidden: bool) -> tuple[Bind, ...]:
    """Where to listen.

    Args:
        hidden: not to listen is the default.
    """
    told, white = settings.values("bind"), settings.values("whitebind")
    if not settings.flag("listen", bool(told or white) or not hidden):
        if told or white:
            raise ConfigError("Cannot set -bind or -whitebind together with -listen=0")
        return ()
    binds = []
    for text in told:
        address, onion, rest = text.partition("=onion")
        if rest:
            raise ConfigError(f"Cannot resolve -bind address: '{text}'")
        default = port + 1 if onion else port
        binds.append(Bind(read_address("bind", address, default), onion=bool(onion)))
    for text in white:
        endpoint, permissions = read_whitebind(text, implicit_permissions(settings))
        binds.append(Bind(endpoint, permissions=permissions))
    if told or white:
        return tuple(binds)
    return (Bind(Endpoint("::", port)), Bind(Endpoint("0.0.0.0", port)))


def implicit_permissions(settings: Settings) -> frozenset[str]:
    """What `-whitelist` and `-whitebind` give where they name no permissions."""
    force = settings.flag("whitelistforcerelay", False)
    relay = force or settings.flag("whitelistrelay", not settings.flag("blocksonly", False))
    names = ["download", "noban", "mempool"]
    return frozenset(names + ["relay"] * relay + ["forcerelay"] * force)


def user_agent(comments: Sequence[str]) -> str:
    """The name this node goes by (BIP 14): `/axon:0.1.0(comment; comment)/`.

    Raises:
        ConfigError: a comment has signs that are not allowed, or all is too long.
    """
    for comment in comments:
        if not _SAFE_COMMENT.issuperset(comment):
            raise ConfigError(f"User Agent comment ({comment}) contains unsafe characters.")
    remarks = f"({'; '.join(comments)})" if comments else ""
    name = f"/axon:{VERSION}{remarks}/"
    if len(name) > MAX_USER_AGENT:
        raise ConfigError(
            f"Total length of network version string ({len(name)}) exceeds maximum length "
            f"({MAX_USER_AGENT}). Reduce the number or size of uacomments."
        )
    return name
