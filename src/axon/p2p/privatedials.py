"""Whom to dial for a private broadcast: strangers on Tor and I2P, or on IPv4 and IPv6 through Tor.

Each connection is for one transaction and one peer. To IPv4 and IPv6 only once a peer on Tor has
answered: before, the proxy could be any, which would see where a payment comes from. The figures
are Bitcoin Core's.
"""

from __future__ import annotations

from random import Random
from typing import Final

from axon.machine import MILLISECOND, SECOND, Instant
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.connectiontable import ConnectionTable
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.peersfile import AddressRecord
from axon.p2p.picker import MAX_OWN
from axon.p2p.requests import DialRequest, endpoint_of
from axon.p2p.rollingset import RollingSet
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.wire.messages import Services

MAX_PRIVATE: Final = 64
"""Connections for private broadcasts at a time, besides all others."""
PAUSE: Final = 100 * MILLISECOND
"""From one dial to the next,"""
IDLE: Final = 5 * SECOND
"""and until the table is looked at again where it has nobody on these networks."""
MAX_DRAWS: Final = 100
"""How often the table is asked for one dial."""

_HIDDEN: Final = (AddressNetwork.TORV3, AddressNetwork.I2P)
_CLEAR: Final = (AddressNetwork.IPV4, AddressNetwork.IPV6)


class PrivateDials:
    """The private dials of one node; a part of `Connections`.

    Args:
        config: what the operator decided.
        table: which connections there are.
        addrman: whom there is to dial.
        bans: whom not to dial.
        rng: choices.

    Attributes:
        reachable: networks on which we dial.
        to_open: connections that are still wanted.
    """

    def __init__(
        self,
        config: ConnectionsConfig,
        table: ConnectionTable,
        addrman: AddrMan,
        bans: BanList,
        rng: Random,
    ) -> None:
        self._config = config
        self._table = table
        self._addrman = addrman
        self._bans = bans
        self._rng = rng
        self._own: RollingSet[NetAddress] = RollingSet(MAX_OWN)
        self._tor_answered = config.tor_is_trusted
        self._next_dial: Instant = 0
        self.reachable = config.reachable
        self.to_open = 0

    @property
    def is_possible(self) -> bool:
        """Whether a network is reached on which strangers do not see us."""
        return any(network in self.reachable for network in _HIDDEN)

    def want(self, more: int) -> None:
        """So many connections more, or less."""
        self.to_open = max(0, self.to_open + more)

    def reach(self, network: AddressNetwork) -> None:
        """One more network on which we can dial."""
        self.reachable |= {network}
        self._next_dial = 0

    def found_own(self, address: NetAddress) -> None:
        """This address is our own."""
        self._own.add(address)

    def tor_answered(self) -> None:
        """A peer on Tor has answered: the proxy leads there, so what goes through it is hidden."""
        self._tor_answered = True

    def deadline(self) -> Instant | None:
        """When the next dial is due; None while none is wanted."""
        return self._next_dial if self._wanted() > 0 else None

    def tick(self, now: Instant) -> DialRequest | None:
        """The dial that is due, if one is."""
        if now < self._next_dial or self._wanted() <= 0:
            return None
        record = self._pick(now)
        if record is None:
            self._next_dial = now + IDLE
            return None
        self._next_dial = now + PAUSE
        self._addrman.attempt(record.address, now)
        v2 = self._config.v2 and bool(record.services & Services.P2P_V2)
        return DialRequest(
            endpoint_of(record.address), ConnectionType.PRIVATE_BROADCAST, v2, record.address
        )

    def _wanted(self) -> int:
        """Dials that may begin now."""
        kind = ConnectionType.PRIVATE_BROADCAST
        there, standing = self._table.count(kind), self._table.count_open(kind)
        return min(self.to_open - (there - standing), MAX_PRIVATE - there)

    def _networks(self) -> list[AddressNetwork]:
        """Those with somebody to dial there."""
        found: list[AddressNetwork] = [network for network in _HIDDEN if network in self.reachable]
        if AddressNetwork.TORV3 in found and self._tor_answered:
            found += [network for network in _CLEAR if network in self.reachable]
        return [network for network in found if self._addrman.size(network)]

    def _pick(self, now: Instant) -> AddressRecord | None:
        taken = self._table.addresses(tuple(ConnectionType))
        networks = self._networks()
        for _ in range(MAX_DRAWS if networks else 0):
            network = networks[int(self._rng.random() * len(networks))]
            record = self._addrman.select(now, networks=(network,))
            if record is None:
                continue
            address = record.address
            v2 = bool(record.services & Services.P2P_V2)
            if self._config.requires_v2(address) and not v2:
                continue
            if address not in self._own and address not in taken:
                if not self._bans.is_refused(address, now):
                    return record
        return None
