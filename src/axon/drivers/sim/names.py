"""What names resolve to in a simulation, and how long that takes."""

from __future__ import annotations

from ipaddress import ip_address

from axon.drivers.bounds import RESOLVE_TIMEOUT
from axon.machine import MILLISECOND, Instant

DNS_TIME = 50 * MILLISECOND
"""How long a name server that lives takes to answer."""


class Names:
    """What was said of names; of one of which nothing was said there is no host."""

    def __init__(self) -> None:
        self._hosts: dict[str, tuple[str, ...] | None] = {}

    def set(self, name: str, hosts: tuple[str, ...] | None) -> None:
        """Say what a name resolves to; None for a name server that does not answer."""
        self._hosts[name] = hosts

    def look_up(self, name: str) -> tuple[tuple[str, ...], Instant]:
        """The hosts, and how long it takes; an address in text stands for itself."""
        if name not in self._hosts and _is_address(name):
            return (name,), DNS_TIME
        hosts = self._hosts.get(name, ())
        return ((), RESOLVE_TIMEOUT) if hosts is None else (hosts, DNS_TIME)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
