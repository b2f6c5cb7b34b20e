"""The backends there are, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from axon.swarm.lab.backend import Backend
from axon.swarm.lab.loopback import Loopback
from axon.swarm.lab.manifest import BackendName, Component, Manifest
from axon.swarm.lab.namespaces import Namespaces

BACKENDS: Final[Mapping[BackendName, Backend]] = MappingProxyType(
    {BackendName.PROC: Loopback(), BackendName.NETNS: Namespaces()}
)


def backend_of(manifest: Manifest) -> Backend:
    """The backend of a run."""
    return BACKENDS[manifest.backend]


def called_from(manifest: Manifest, item: Component) -> list[str]:
    """What stands before a command that a person calls a component by, so that it reaches it."""
    namespace = backend_of(manifest).namespace(manifest, item)
    return [] if namespace is None else ["ip", "netns", "exec", namespace.name]
