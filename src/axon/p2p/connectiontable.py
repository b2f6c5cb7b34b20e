"""Which connections there are, and which are being dialled: what all decisions about them rest on.

    dialling (DialRequest) --opened--> open --handshake--> ready --closed--> gone
    dialling --dial_failed--> gone

Nothing is decided here; `Connections` writes, its parts read.
"""

from __future__ import annotations

from axon.machine import Endpoint, Instant, PeerId
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.requests import DialRequest, address_of
from axon.primitives.netaddress import AddressNetwork, NetAddress


class Connection:
    """One open connection.

    Args:
        kind: what for.
        address: the peer's, where it has one.
        request: that led to it; None for an inbound one.
        opened_at: when.
    """

    __slots__ = ("address", "kind", "opened_at", "ready", "request")

    def __init__(
        self,
        kind: ConnectionType,
        address: NetAddress | None,
        request: DialRequest | None,
        opened_at: Instant,
    ) -> None:
        self.kind = kind
        self.address = address
        self.request = request
        self.opened_at = opened_at
        self.ready = False
        """The handshake is complete."""


class ConnectionTable:
    """The connections of one node. `ConnectionsConfig` bounds them.

    Args:
        cjdns: CJDNS is reached.
    """

    def __init__(self, *, cjdns: bool) -> None:
        self._cjdns = cjdns
        self.is_active = True
        """The network is switched on (`setnetworkactive`)."""
        self.open: dict[PeerId, Connection] = {}
        self.dialling: dict[DialRequest, None] = {}
        self.retries: list[DialRequest] = []
        """To be dialled once more, without encryption."""

    def count(self, kind: ConnectionType) -> int:
        """Connections of this kind, those being dialled included."""
        being_dialled = sum(request.kind is kind for request in self.dialling)
        retried = sum(request.kind is kind for request in self.retries)
        return being_dialled + retried + self.count_open(kind)

    def count_open(self, kind: ConnectionType) -> int:
        """Connections of this kind that stand, whether or not their handshake is complete."""
        return sum(connection.kind is kind for connection in self.open.values())

    def count_ready(self, kind: ConnectionType) -> int:
        """Connections of this kind whose handshake is complete."""
        return sum(
            connection.ready and connection.kind is kind for connection in self.open.values()
        )

    def lasting_of(self, network: AddressNetwork) -> int:
        """Peers of a network to which we mean to stay connected for everything, or the operator."""
        kinds = (ConnectionType.FULL_RELAY, ConnectionType.MANUAL)
        found = [c.address for c in self.open.values() if c.kind in kinds]
        return sum(address is not None and address.network is network for address in found)

    def peer_at(self, endpoint: Endpoint) -> PeerId | None:
        """Who is connected at an endpoint, dialled or not; None if nobody is."""
        address = address_of(endpoint, cjdns=self._cjdns)
        for peer, connection in self.open.items():
            if connection.request is not None and connection.request.endpoint == endpoint:
                return peer
            if address is not None and connection.address == address:
                return peer
        return None

    def is_busy(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint is connected or being dialled."""
        requests = (*self.dialling, *self.retries)
        dialled = any(request.endpoint == endpoint for request in requests)
        return dialled or self.peer_at(endpoint) is not None

    def addresses(self, kinds: tuple[ConnectionType, ...]) -> list[NetAddress]:
        """Of all connections of these kinds, those being dialled included."""
        found: list[NetAddress | None] = [*self.open_addresses(kinds)]
        requests = (*self.dialling, *self.retries)
        found += [request.address for request in requests if request.kind in kinds]
        return [address for address in found if address is not None]

    def open_addresses(self, kinds: tuple[ConnectionType, ...]) -> list[NetAddress]:
        """Of all connections of these kinds that stand."""
        found = [c.address for c in self.open.values() if c.kind in kinds]
        return [address for address in found if address is not None]
