"""Where the Electrum server listens, by the `-electrum...` options."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from axon.cli.conf import Settings
from axon.cli.values import read_address
from axon.electrum.settings import MAINNET_PORT, TEST_PORT, ElectrumSettings
from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.primitives.network import Network

_OFF = ("0",)
_DEFAULT = ("", "1")


def electrum_config(
    settings: Settings, network: Network, folder: Path, *, prunes: bool
) -> ElectrumSettings | None:
    """Read the `-electrum...` options; None where there is to be no such server.

    Args:
        folder: of the network.
        prunes: whether old blocks are taken off the disk.

    Raises:
        ConfigError: one of them is not usable.
    """
    port = MAINNET_PORT if network.name == "main" else TEST_PORT
    plain = _endpoints(settings, "electrum", port)
    tls = _endpoints(settings, "electrumtls", port + 1)
    certificate = settings.path("electrumcert", folder, "")
    key = settings.path("electrumkey", folder, "")
    if not tls and (settings.is_set("electrumcert") or settings.is_set("electrumkey")):
        raise ConfigError("-electrumcert and -electrumkey are for -electrumtls, which is not set.")
    if settings.is_set("electrumkey") and not settings.is_set("electrumcert"):
        raise ConfigError("-electrumkey needs -electrumcert, whose key it is.")
    if not plain and not tls:
        return None
    if prunes:
        raise ConfigError("Prune mode is incompatible with -electrum.")
    for endpoint in plain:
        if not ipaddress.ip_address(endpoint.host).is_loopback:
            settings.warnings.append(
                f"option -electrum={endpoint} serves wallets without encryption: whoever is on the"
                " way sees which addresses are theirs; -electrumtls encrypts"
            )
    return ElectrumSettings(
        plain,
        tls,
        certificate if settings.is_set("electrumcert") else None,
        key if settings.is_set("electrumkey") else None,
    )


def _endpoints(settings: Settings, name: str, port: int) -> tuple[Endpoint, ...]:
    texts = settings.values(name)
    if any(text in _OFF for text in texts):
        return ()
    return tuple(
        dict.fromkeys(
            Endpoint("127.0.0.1", port) if text in _DEFAULT else read_address(name, text, port)
            for text in texts
        )
    )
