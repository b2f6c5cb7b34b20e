"""What settings have to be: who writes them down in a program hears at once what is wrong."""

from __future__ import annotations

from pathlib import Path

from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.primitives.network import Network


def require(name: str, value: object, kind: type, expected: str) -> None:
    """Refuse a setting of another kind.

    Raises:
        ConfigError: it is; `expected` says in words what it is to be.
    """
    if not isinstance(value, kind):
        raise ConfigError(f"{name} is to be {expected}, not {value!r}")


def require_endpoints(name: str, value: object) -> None:
    """Refuse what is no endpoints: a text would be taken sign by sign.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(value, tuple | list) or not all(isinstance(each, Endpoint) for each in value):
        raise ConfigError(
            f"{name} is to be a tuple of Endpoint (Endpoint.parse reads HOST:PORT), not {value!r}"
        )


def require_place(network: object, folder: object) -> Path:
    """The folder; whoever wrote it as text may go on.

    Raises:
        ConfigError: the network or the folder is none.
    """
    require("network", network, Network, "a Network (axon.REGTEST, ...)")
    return require_path("folder", folder)


def require_path(name: str, value: object) -> Path:
    """A path; whoever wrote it as text may go on.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(value, str | Path):
        raise ConfigError(f"{name} is to be a Path, not {value!r}")
    return Path(value)
