"""How a node meets its peers: the options about listening, dialling, permissions and its name.

The rules by which one option decides another's default (`-connect` means `-listen=0`) are Core's
parameter interactions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from axon.cli.conf import Settings
from axon.cli.permissions import read_whitebind, read_whitelist
from axon.cli.proxyconfig import read_onlynet, read_routes, read_timeout_us, read_tor_access
from axon.cli.rpcconfig import rpc_port
from axon.cli.values import read_address, read_byte_units, read_endpoint, read_port
from axon.drivers.aio.routes import Routes
from axon.errors import ConfigError
from axon.host.reaching import TorControl, is_allowed
from axon.host.settings import Bind, PeerSettings
from axon.host.version import VERSION
from axon.machine import Endpoint
from axon.p2p.connectionsconfig import DEFAULT_MAX_CONNECTIONS, DEFAULT_RELAY_PERCENT
from axon.p2p.extratransactions import DEFAULT_EXTRA_TRANSACTIONS
from axon.p2p.picker import BAD_PORTS
from axon.p2p.txbacklog import SEND_RATE
from axon.primitives.netaddress import NetAddress
from axon.primitives.network import Network

MAX_USER_AGENT: Final = 256
"""Bytes that peers accept as our name (BIP 14)."""

_SAFE_COMMENT: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;-_?@"
)


def peer_config(
    settings: Settings, network: Network, folder: Path, filter_index: bool
) -> PeerSettings:
    """Read the options about peers.

    Args:
        folder: the network's, in which files are looked for.
        filter_index: whether compact block filters are indexed.

    Raises:
        ConfigError: one of them is not usable, or two of them do not go together.
    """
    port = read_port("port", settings.text("port", str(network.port)))
    max_connections = settings.number("maxconnections", DEFAULT_MAX_CONNECTIONS)
    if max_connections < 0:
        raise ConfigError("-maxconnections must be greater or equal than zero")
    isolated = _is_isolated(settings, max_connections)
    dnsseed = _dnsseed(settings, isolated)
    peer_timeout_s = settings.number("peertimeout", 60)
    if peer_timeout_s <= 0:
        raise ConfigError("peertimeout must be a positive integer.")
    serve_filters = settings.flag("peerblockfilters", filter_index)
    if serve_filters and not filter_index:
        raise ConfigError("Cannot set -peerblockfilters without -blockfilterindex.")
    lab = settings.flag("lab", False)
    if lab and network.name != "regtest":
        raise ConfigError("-lab can only be used with regtest")
    routes = read_routes(settings)
    proxied = settings.text("proxy") not in ("", "0") and not settings.is_negated("proxy")
    binds = _binds(settings, port, rpc_port(settings, network), isolated or proxied)
    tor = _tor(settings, binds)
    _check_twice(binds)
    _warn_of_ports(settings, port, binds)
    read_tor_access(settings)  # Also where nobody asks Tor: a fault must not wait for that.
    listens = bool(binds)
    onlynet = read_onlynet(settings, routes, tor_control=tor is not None)
    return PeerSettings(
        binds=binds,
        port=port,
        connect=_connect(settings, port),
        addnode=_endpoints(settings, "addnode", port),
        seednode=_endpoints(settings, "seednode", port) + _signet_nodes(settings, network),
        externalip=_externalip(settings, port),
        discover=settings.flag(
            "discover", listens and not (proxied or settings.values("externalip"))
        ),
        dnsseed=dnsseed,
        forcednsseed=settings.flag("forcednsseed", False),
        fixedseeds=settings.flag("fixedseeds", True),
        dns_seeds=_signet_seeds(settings, network),
        onlynet=onlynet,
        cjdns_reachable=settings.flag("cjdnsreachable", False),
        routes=routes,
        timeout_us=read_timeout_us(settings),
        tor=tor,
        i2p_accept=settings.flag("i2pacceptincoming", listens),
        v2_transport=settings.flag("v2transport", True),
        v2_only_clearnet=_v2_only_clearnet(settings),
        private_broadcast=_private_broadcast(settings, routes, onlynet, tor is not None),
        active=settings.flag("networkactive", True),
        max_connections=max_connections,
        relay_percent=_relay_percent(settings),
        peer_timeout_s=peer_timeout_s,
        bantime_s=settings.number("bantime", 24 * 60 * 60),
        max_upload_bytes=_max_upload_bytes(settings),
        whitelist=tuple(
            read_whitelist(text, implicit_permissions(settings))
            for text in settings.values("whitelist")
        ),
        user_agent=user_agent(settings.values("uacomment")),
        blocks_only=settings.flag("blocksonly", False),
        serve_filters=serve_filters,
        serve_bloom=settings.flag("peerbloomfilters", False),
        extra_transactions=settings.number(
            "blockreconstructionextratxn", DEFAULT_EXTRA_TRANSACTIONS
        ),
        stale_tips=_stale_tips(settings, network),
        lab=lab,
        announce_pool=settings.flag("announcepool", lab),
        tx_send_rate=_tx_send_rate(settings),
        asmap=_asmap(settings, folder),
    )


def _v2_only_clearnet(settings: Settings) -> bool:
    """Whether connections on IPv4 and IPv6 are encrypted, or not there."""
    only = settings.flag("v2onlyclearnet", False)
    if only and not settings.flag("v2transport", True):
        raise ConfigError("Cannot set -v2onlyclearnet together with -v2transport=0.")
    return only


def _dnsseed(settings: Settings, isolated: bool) -> bool:
    """Whether nodes are looked for in DNS."""
    dials_ip = _may_dial_ip(settings)
    dnsseed = settings.flag("dnsseed", not isolated and dials_ip)
    if dnsseed and settings.is_set("dnsseed") and not dials_ip:
        raise ConfigError(
            "Incompatible options: -dnsseed=1 was explicitly specified, but -onlynet forbids "
            "connections to IPv4/IPv6"
        )
    if settings.flag("forcednsseed", False) and not dnsseed:
        raise ConfigError("Cannot set -forcednsseed to true when setting -dnsseed to false.")
    return dnsseed


def _signet_seeds(settings: Settings, network: Network) -> tuple[str, ...] | None:
    """The names to look up in place of the network's (`-signetseednode`)."""
    names = settings.values("signetseednode")
    if not names or network.name != "signet":
        return None
    return tuple([name for name in names if ":" not in name])


def _signet_nodes(settings: Settings, network: Network) -> tuple[Endpoint, ...]:
    """Those of them that have a port: DNS knows none, so they are asked themselves."""
    names = settings.values("signetseednode") if network.name == "signet" else []
    return tuple(
        [read_endpoint("signetseednode", name, network.port) for name in names if ":" in name]
    )


def _tx_send_rate(settings: Settings) -> int:
    """Transactions a second announced to inbound peers."""
    rate = settings.number("txsendrate", SEND_RATE)
    if rate <= 0:
        raise ConfigError("-txsendrate must be greater than zero")
    return rate


def _relay_percent(settings: Settings) -> int:
    """The share of inbound peers that may have transactions."""
    percent = settings.number("inboundrelaypercent", DEFAULT_RELAY_PERCENT)
    if not 0 <= percent <= 100:
        raise ConfigError("-inboundrelaypercent must be between 0 and 100")
    return percent


def _max_upload_bytes(settings: Settings) -> int:
    """What may be uploaded in 24 hours; 0 for no limit."""
    text = settings.text("maxuploadtarget", "0M")
    upload_bytes = read_byte_units(text, "M")
    if upload_bytes is None:
        raise ConfigError(f"Unable to parse -maxuploadtarget: '{text}'")
    return upload_bytes


def _stale_tips(settings: Settings, network: Network) -> bool:
    """By default on mainnet alone, where each header has cost work."""
    wanted = settings.flag("staletiprelay", network.name == "main")
    if wanted and network.name == "signet":
        raise ConfigError("-staletiprelay is not for signet: a header does not tell who signed it")
    return wanted


def _asmap(settings: Settings, folder: Path) -> Path | None:
    """The file of the AS map; there is none in axon itself."""
    if not settings.is_set("asmap") or settings.is_negated("asmap"):
        return None
    if settings.flag("asmap", False):
        raise ConfigError("Embedded asmap data not available")
    return folder / settings.text("asmap")


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


def _externalip(settings: Settings, port: int) -> tuple[Endpoint, ...]:
    """Our own addresses: what is told to peers is an address, and no name."""
    endpoints = _endpoints(settings, "externalip", port)
    for endpoint in endpoints:
        try:
            NetAddress.from_text(endpoint.host, endpoint.port)
        except ValueError as error:
            raise ConfigError(f"Cannot resolve -externalip address: '{endpoint.host}'") from error
    return endpoints


def _tor(settings: Settings, binds: Sequence[Bind]) -> TorControl | None:
    """How Tor is asked for an onion service; None if it is not."""
    usual = bool(binds) and not settings.flag("lab", False)
    if not settings.flag("listenonion", usual):
        return None
    if not binds:
        raise ConfigError("Cannot set -listen=0 together with -listenonion=1")
    # Where nobody gets permissions that are meant for others.
    fitting = [bind for bind in binds if not bind.permissions]
    target = next((bind for bind in fitting if bind.onion), next(iter(fitting), None))
    if target is None:
        return None
    place = target.endpoint
    if place.host in ("::", "0.0.0.0"):
        place = Endpoint("127.0.0.1", place.port)
    onion = settings.text("onion")
    return TorControl(
        read_tor_access(settings),
        place,
        finds_proxy=not onion and not settings.is_negated("onion"),
    )


def _private_broadcast(
    settings: Settings, routes: Routes, onlynet: Sequence[str], tor_control: bool
) -> bool:
    """Whether transactions of callers go out over private connections alone."""
    if not settings.flag("privatebroadcast", False):
        return False
    wanted = "Private broadcast of own transactions requested (-privatebroadcast)"
    onion = (routes.onion is not None or tor_control) and is_allowed(onlynet, "onion")
    if not onion and not (routes.i2p is not None and is_allowed(onlynet, "i2p")):
        raise ConfigError(f"{wanted}, but none of Tor or I2P networks is reachable")
    if settings.values("connect") or settings.is_negated("connect"):
        raise ConfigError(
            f"{wanted}, but -connect is also configured. They are incompatible because the private "
            "broadcast needs to open new connections to randomly chosen Tor or I2P peers. Consider "
            "using -maxconnections=0 -addnode=... instead"
        )
    if onion and not settings.flag("proxyrandomize", True):
        settings.warnings.append(
            f"{wanted} and -proxyrandomize is disabled. Tor circuits for private broadcast "
            "connections may be correlated to other connections over Tor. For maximum privacy set "
            "-proxyrandomize=1."
        )
    return True


def _binds(settings: Settings, port: int, rpc_port: int, hidden: bool) -> tuple[Bind, ...]:
    """Where to listen.

    Args:
        rpc_port: of the RPC server: it goes before, where it is the one meant for Tor's callers.
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
    if not (told or white):
        binds += [Bind(Endpoint("::", port)), Bind(Endpoint("0.0.0.0", port))]
    if not told and port + 1 != rpc_port:
        binds.append(Bind(Endpoint("127.0.0.1", port + 1), onion=True))
    return tuple(binds)


def _warn_of_ports(settings: Settings, port: int, binds: Sequence[Bind]) -> None:
    """Peers dial no port that belongs to another service."""
    told = settings.values("bind")
    asked = [("-bind", bind.endpoint.port) for bind in binds[: len(told)] if not bind.onion]
    if binds and settings.is_set("port") and not (told or settings.values("whitebind")):
        asked.append(("-port", port))
    settings.notices += [
        f'{option} request to listen on port {number}. This port is considered "bad" and thus it '
        "is unlikely that any peer will connect to it."
        for option, number in asked
        if number in BAD_PORTS
    ]


def _check_twice(binds: Sequence[Bind]) -> None:
    """Each address has one meaning.

    Raises:
        ConfigError: one is given twice.
    """
    places = [bind.endpoint for bind in binds]
    for place in places:
        if places.count(place) > 1:
            raise ConfigError(
                f"Duplicate binding configuration for address {place}. Please check your -bind, "
                "-bind=...=onion and -whitebind settings."
            )


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
