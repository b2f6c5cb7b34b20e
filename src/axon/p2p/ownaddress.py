"""Which address of our own a peer is told.

Ours on the peer's network, else our best; and now and then, or where we know none, the one under
which the peer sees us, since it may know better how the world reaches us. What we are called on Tor
or I2P is told on that network alone, and there nothing else: else the two names would be known to
be one node's.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from axon.machine import SECOND, Instant
from axon.primitives.netaddress import AddressNetwork, NetAddress, TimedAddress

HIDDEN: Final = frozenset((AddressNetwork.TORV3, AddressNetwork.I2P))
"""Networks that do not show where a host is."""


class OwnAddress:
    """What a node says of itself; a part of `AddrGossip`.

    Args:
        rng: draws whom to believe.
        reachable: networks on which we can be dialled.
        lab: loopback addresses count as routable.
        discover: peers are believed who say how they see us (`-discover`).

    Attributes:
        reachable: as given; there may be more later.
    """

    def __init__(
        self,
        rng: Random,
        reachable: frozenset[AddressNetwork],
        lab: bool,
        discover: bool = True,
    ) -> None:
        self._rng = rng
        self.reachable = reachable
        self._discover = discover
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
        self, network: AddressNetwork, seen: NetAddress, dialled: bool, now: Instant
    ) -> TimedAddress | None:
        """What to tell a peer; None while nothing is advertised, or nothing is known.

        Args:
            network: through which the peer is connected.
            seen: our address as its `version` says.
            dialled: we dialled it, so the port on our side is not where we listen.
            now: the time of the entry.
        """
        if self._port is None:
            return None
        address = self._choose(network, seen, dialled, self._port)
        return None if address is None else TimedAddress(now // SECOND, self._services, address)

    def _choose(
        self, network: AddressNetwork, seen: NetAddress, dialled: bool, port: int
    ) -> NetAddress | None:
        hidden = network in HIDDEN
        fitting = [
            address
            for address in self._addresses
            if address.network is network or not (hidden or address.network in HIDDEN)
        ]
        alike = (address for address in fitting if address.network is network)
        own = next(alike, fitting[0] if fitting else None)
        if hidden or not self._discover or not seen.is_routable(self._lab):
            return own
        if seen.network not in self.reachable or (own is not None and self._rng.random() >= 0.5):
            return own
        return NetAddress(seen.network, seen.host_bytes, port) if dialled else seen
