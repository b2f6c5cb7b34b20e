"""Which address of our own a peer is told.

Ours on the peer's network, else our best; and now and then, or where we know none, the one under
which the peer sees us, since it may know better how the world reaches us.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from axon.machine import SECOND, Instant
from axon.primitives.netaddress import AddressNetwork, NetAddress, TimedAddress


class OwnAddress:
    """What a node says of itself; a part of `AddrGossip`.

    Args:
        rng: draws whom to believe.
        reachable: networks on which we can be dialled.
        lab: loopback addresses count as routable.
    """

    def __init__(self, rng: Random, reachable: frozenset[AddressNetwork], lab: bool) -> None:
        self._rng = rng
        self._reachable = reachable
        self._lab = lab
        self._addresses: tuple[NetAddress, ...] = ()
        self._services = 0
        self._port: int | None = None

    @property
    def is_advertised(self) -> bool:
        """Whether peers may be told of us at all."""
        return self._port is not None

    def set(self, addresses: Sequence[NetAddress], services: int, port: int | None) -> None:
        """What to say from now on; the arguments are those of `AddrGossip.advertise`."""
        self._addresses = tuple([a for a in addresses if a.is_routable(self._lab)])
        self._services = services
        self._port = port

    def entry_for(
        self, remote: NetAddress, seen: NetAddress, dialled: bool, now: Instant
    ) -> TimedAddress | None:
        """What to tell a peer; None while nothing is advertised, or nothing is known.

        Args:
            remote: the peer's address.
            seen: our address as its `version` says.
            dialled: we dialled it, so the port on our side is not where we listen.
            now: the time of the entry.
        """
        if self._port is None:
            return None
        address = self._choose(remote, seen, dialled, self._port)
        return None if address is None else TimedAddress(now // SECOND, self._services, address)

    def _choose(
        self, remote: NetAddress, seen: NetAddress, dialled: bool, port: int
    ) -> NetAddress | None:
        alike = (address for address in self._addresses if address.network is remote.network)
        own = next(alike, self._addresses[0] if self._addresses else None)
        if not seen.is_routable(self._lab) or seen.network not in self._reachable:
            return own
        if own is not None and self._rng.random() >= 0.5:
            return own
        return NetAddress(seen.network, seen.host_bytes, port) if dialled else seen
