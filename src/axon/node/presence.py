"""Where a node stands in the networks: which of them it reaches, and what it is called there.

Both may change while it runs: Tor and I2P tell a node its address when they are there.
"""

from __future__ import annotations

from typing import Final

from axon.machine import Instant
from axon.node.settings import LinkSettings
from axon.p2p.addrgossip import AddrGossip
from axon.p2p.connections import Connections
from axon.primitives.netaddress import AddressNetwork, NetAddress

INTERFACE_SCORE: Final = 1
"""How sure we are that peers reach us at an address: this machine has it,"""
TOLD_SCORE: Final = 4
"""or the operator, Tor or I2P says so. As Bitcoin Core counts."""


class Presence:
    """The networks and the names of one node.

    Args:
        settings: the operator's.
        connections: told what is reached, and whom not to dial: ourselves.
        gossip: tells peers of us.

    Attributes:
        reachable: the networks on which we dial of our own accord.
        own: our addresses, best first, and how sure we are of each.
    """

    def __init__(
        self, settings: LinkSettings, connections: Connections, gossip: AddrGossip
    ) -> None:
        self._settings = settings
        self._connections = connections
        self._gossip = gossip
        self._is_told = False  # Peers may hear of us.
        self.reachable = settings.connections.reachable
        self.own: dict[NetAddress, int] = dict.fromkeys(settings.own_addresses, TOLD_SCORE)
        for address in settings.interface_addresses:
            self.own.setdefault(address, INTERFACE_SCORE)
        for address in self.own:
            connections.found_own(address)  # Peers tell us of it, as of any other.

    def reach(self, network: AddressNetwork) -> None:
        """There is a way to one more network."""
        self.reachable |= {network}
        self._connections.reach(network)
        self._gossip.reach(network)

    def found(self, address: NetAddress, now: Instant) -> None:
        """We have one more address."""
        self.own[address] = TOLD_SCORE
        self._connections.found_own(address)
        self._tell(now)

    def lost(self, address: NetAddress, now: Instant) -> None:
        """One of ours is ours no more."""
        self.own.pop(address, None)
        self._tell(now)

    def show(self, is_told: bool, now: Instant) -> None:
        """Whether peers may hear of us: once we are of use to them."""
        self._is_told = is_told
        self._tell(now)

    def _tell(self, now: Instant) -> None:
        settings = self._settings
        port = settings.listen_port if self._is_told else None
        self._gossip.advertise(tuple(self.own), settings.services, port, now)
