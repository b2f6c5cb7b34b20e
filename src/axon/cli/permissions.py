"""Permissions that the operator gives to peers: `-whitelist` and `-whitebind`."""

from __future__ import annotations

from typing import Final

from axon.cli.values import read_address, read_network
from axon.errors import ConfigError
from axon.host.settings import Whitelisted
from axon.machine import Endpoint

PERMISSIONS: Final = (
    "addr",
    "bloomfilter",
    "download",
    "forcerelay",
    "mempool",
    "noban",
    "relay",
)
_MEANS: Final[dict[str, tuple[str, ...]]] = {
    "all": PERMISSIONS,
    "bloom": ("bloomfilter",),
    "forcerelay": ("forcerelay", "relay"),
    "noban": ("noban", "download"),
}


def read_whitelist(text: str, implicit: frozenset[str]) -> Whitelisted:
    """`[permissions@]network`, the permissions separated by commas.

    Args:
        implicit: what is given where none are named.

    Raises:
        ConfigError: an unknown permission, or no network.
    """
    names, rest = _split(text)
    network = read_network(rest)
    if network is None:
        raise ConfigError(f"Invalid netmask specified in -whitelist: '{rest}'")
    if names is None:
        return Whitelisted(network, implicit)
    directions = [name for name in names if name in ("in", "out")]
    others = [name for name in names if name not in ("in", "out")]
    return Whitelisted(
        network,
        _permissions(others),
        inbound="in" in directions or not directions,
        outbound="out" in directions,
    )


def read_whitebind(text: str, implicit: frozenset[str]) -> tuple[Endpoint, frozenset[str]]:
    """`[permissions@]address:port`.

    Raises:
        ConfigError: an unknown permission, no address, or no port.
    """
    names, rest = _split(text)
    if names is not None and ("in" in names or "out" in names):
        raise ConfigError('whitebind may only be used for incoming connections ("out" was passed)')
    endpoint = read_address("whitebind", rest, 0)
    if endpoint.port == 0:
        raise ConfigError(f"Need to specify a port with -whitebind: '{rest}'")
    return endpoint, implicit if names is None else _permissions(names)


def _split(text: str) -> tuple[list[str] | None, str]:
    names, at, rest = text.partition("@")
    return (names.split(","), rest) if at else (None, text)


def _permissions(names: list[str]) -> frozenset[str]:
    given: list[str] = []
    for name in names:
        if name and name not in PERMISSIONS and name not in _MEANS:
            raise ConfigError(f"Invalid P2P permission: '{name}'")
        given += _MEANS.get(name, (name,) if name else ())
    return frozenset(given)
