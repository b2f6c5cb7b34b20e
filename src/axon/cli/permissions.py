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
_DIRECTIONS: Final = frozenset(("in", "out"))
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
    permissions = implicit if names is None else _permissions(names, text)
    network = read_network(rest)
    if network is None:
        raise ConfigError(f"Invalid netmask specified in -whitelist: '{rest}'")
    if names is None:
        return Whitelisted(network, permissions)
    return Whitelisted(
        network,
        permissions,
        inbound="in" in names or "out" not in names,
        outbound="out" in names,
    )


def read_whitebind(text: str, implicit: frozenset[str]) -> tuple[Endpoint, frozenset[str]]:
    """`[permissions@]address:port`.

    Raises:
        ConfigError: an unknown permission, no address, or no port.
    """
    names, rest = _split(text)
    permissions = implicit if names is None else _permissions(names, text, inbound_only=True)
    endpoint = read_address("whitebind", rest, 0)
    if endpoint.port == 0:
        raise ConfigError(f"Need to specify a port with -whitebind: '{rest}'")
    return endpoint, permissions


def _split(text: str) -> tuple[list[str] | None, str]:
    names, at, rest = text.partition("@")
    return (names.split(","), rest) if at else (None, text)


def _permissions(names: list[str], text: str, *, inbound_only: bool = False) -> frozenset[str]:
    """What is given by names, of which some may say a direction instead, or nothing.

    Args:
        text: all that was set, for whom it is refused.
        inbound_only: nobody is dialled here.
    """
    given: list[str] = []
    for name in names:
        if name == "out" and inbound_only:
            message = 'whitebind may only be used for incoming connections ("out" was passed)'
            raise ConfigError(message)
        if name in _DIRECTIONS or not name:
            continue
        if name not in PERMISSIONS and name not in _MEANS:
            raise ConfigError(f"Invalid P2P permission: '{name}'")
        given += _MEANS.get(name, (name,))
    if not given and not _DIRECTIONS.isdisjoint(names):
        raise ConfigError(f"Only direction was set, no permissions: '{text}'")
    return frozenset(given)
