"""A node's connections in a small world, for the tests about them."""

from __future__ import annotations

from random import Random
from typing import Any

from axon.machine import Endpoint, Instant, PeerId
from axon.p2p.actions import DisconnectPeer
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connections import Connections
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.peersfile import AddressRecord
from axon.p2p.requests import DialRequest, NetworkRequest
from axon.primitives.netaddress import NetAddress
from tests.p2p.examples import NOW, spread, told

FULL_RELAY = ConnectionType.FULL_RELAY
BLOCK_RELAY = ConnectionType.BLOCK_RELAY
FEELER = ConnectionType.FEELER
INBOUND = ConnectionType.INBOUND
MANUAL = ConnectionType.MANUAL
ADDR_FETCH = ConnectionType.ADDR_FETCH


class World:
    """A node's connections, and a world in which every dial is answered at once."""

    def __init__(self, known: int = 0, seed: int = 1, **decided: Any) -> None:
        self.addrman = AddrMan(Random(seed))
        for number in range(known):
            self.addrman.add([told(spread(number))], spread(number), NOW)
        self.bans = BanList()
        self.config = ConnectionsConfig(port=8333, **decided)
        self.connections = Connections(self.config, self.addrman, self.bans, Random(seed), NOW)
        self.now: Instant = NOW
        self.dead: set[Endpoint] = set()
        self.full: set[Endpoint] = set()
        self.requests: list[tuple[Instant, NetworkRequest]] = []
        self.peers: list[PeerId] = []
        self._next = 0

    def wait(self, time: Instant) -> list[DialRequest]:
        """Let time pass; what was dialled meanwhile."""
        until, before = self.now + time, len(self.requests)
        while (due := self.connections.deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            for request in self.connections.tick(self.now):
                self.requests.append((self.now, request))
                self.answer(request)
        self.now = until
        return [
            request for _, request in self.requests[before:] if isinstance(request, DialRequest)
        ]

    def answer(self, request: NetworkRequest) -> None:
        """The world answers a request: dials succeed, but for those to `dead` endpoints, and a
        `full` one hangs up at once."""
        if isinstance(request, DialRequest):
            if request.endpoint in self.dead:
                self.connections.dial_failed(request, self.now)
            elif request.endpoint in self.full:
                self.close(self.open(request, answer=False))
            else:
                self.open(request)

    def open(self, request: DialRequest, answer: bool = True) -> PeerId:
        """A dial succeeds; unless `answer` is false, the handshake completes too.

        It ends at once where others have its place.
        """
        peer = PeerId(self._next)
        self._next += 1
        self.peers.append(peer)
        surplus = self.connections.opened(request, peer, None, self.now)
        for action in surplus:
            assert isinstance(action, DisconnectPeer)
            self.close(action.peer)
        if answer and not surplus:
            done = self.connections.greeted(peer, self.now)
            for action in done:
                assert isinstance(action, DisconnectPeer)
                self.close(action.peer)
            if not done:
                self.connections.handshake_complete(peer, self.now)
        return peer

    def accept(self, address: NetAddress) -> PeerId:
        """An inbound connection is admitted."""
        peer = PeerId(self._next)
        self._next += 1
        self.peers.append(peer)
        self.connections.opened_inbound(peer, address, self.now)
        return peer

    def close(self, peer: PeerId, *, unheard: bool = False) -> None:
        """A connection ends."""
        self.peers.remove(peer)
        self.connections.closed(peer, self.now, unheard=unheard)

    def count(self) -> dict[ConnectionType, int]:
        """How many connections of each kind there are."""
        kinds = (self.connections.count(kind) for kind in ConnectionType)
        return {kind: count for kind, count in zip(ConnectionType, kinds, strict=True) if count}

    def kind_of(self, peer: PeerId) -> ConnectionType | None:
        """Why a peer is connected; None if it is not."""
        connection = self.connections._table.open.get(peer)
        return None if connection is None else connection.kind

    def address_of(self, peer: PeerId) -> NetAddress | None:
        """A peer's address, where it has one."""
        connection = self.connections._table.open.get(peer)
        return None if connection is None else connection.address

    def addresses(self) -> list[NetAddress]:
        """Of all peers, in the order in which they came."""
        found = (self.address_of(peer) for peer in self.peers)
        return [address for address in found if address is not None]

    def record(self, address: NetAddress) -> AddressRecord:
        """What the table of addresses knows of one."""
        record = self.addrman.record(address)
        assert record is not None
        return record
