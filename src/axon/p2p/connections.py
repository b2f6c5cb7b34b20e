"""Which connections a node has, and what became of each.

A node dials peers of its own accord (p2p/autodial) from known addresses (p2p/addrman), or where
there are none from its seeds (p2p/seeding); it dials those that the operator named (p2p/namedpeers)
besides; and the rest of `-maxconnections` is for whoever dials us (p2p/admission).

    dialling (DialRequest) --opened--> open --handshake--> ready --closed--> gone
    dialling --dial_failed--> gone             (addrman and redial remember what it means)

A request is its own name: it comes back with `opened` or `dial_failed`. The figures are Bitcoin
Core's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Final

from axon.machine import Endpoint, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer
from axon.p2p.addrman import AddrMan
from axon.p2p.admission import InboundAdmission
from axon.p2p.autodial import AutoDial
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import MAX_FETCHES, ConnectionsConfig
from axon.p2p.connectiontable import Connection, ConnectionTable
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.faults import PeerDone
from axon.p2p.namedpeers import AddedNode, NamedPeers
from axon.p2p.peersfile import MAX_ANCHORS
from axon.p2p.privatedials import PrivateDials
from axon.p2p.redial import STEADY, Target
from axon.p2p.requests import DialRequest, NetworkRequest, address_of
from axon.p2p.seeding import Seeding
from axon.primitives.netaddress import AddressNetwork, NetAddress

_PRIVATE: Final = ConnectionType.PRIVATE_BROADCAST


class Connections:
    """The connections of one node.

    Args:
        config: what the operator decided.
        addrman: whom there is to dial; told what became of it.
        bans: whom not to dial nor let in.
        rng: delays, choices and the key of netgroups.
        now: the start.

    `admission` decides about whoever dials us, `private` whom to dial for private broadcasts.
    """

    def __init__(
        self,
        config: ConnectionsConfig,
        addrman: AddrMan,
        bans: BanList,
        rng: Random,
        now: Instant,
    ) -> None:
        self._config = config
        self._addrman = addrman
        self._bans = bans
        self._table = ConnectionTable(cjdns=config.cjdns)
        self.admission = InboundAdmission(config, self._table, bans, addrman.groups, rng)
        self._named = NamedPeers(config, self._table, rng, now)
        automatic = config.connect is None
        self._seeding = Seeding(
            addrman,
            config.seed_nodes if automatic else (),
            config.dns_seeds if automatic else (),
            config.asks_seeds_as_nodes,
            config.fixed_seeds if automatic else (),
            config.force_dns,
            bool(config.added),
            config.port,
            config.needs,
            rng,
            now,
        )
        self._auto = AutoDial(config, self._table, addrman, bans, rng, now)
        self.private = PrivateDials(config, self._table, addrman, bans, rng)
        self._deadline: Instant | None = now
        self._changed = True  # The deadline is to be worked out anew.

    # Facts.

    @property
    def is_active(self) -> bool:
        """The network is switched on (`setnetworkactive`)."""
        return self._table.is_active

    @property
    def is_reaching(self) -> bool:
        """Somebody is being dialled or shakes hands, or will be: automatic dials are wanted."""
        table = self._table
        shaking = any(
            c.request is not None and not c.ready and c.kind is not _PRIVATE
            for c in table.open.values()
        )
        dialling = any(request.kind is not _PRIVATE for request in table.dialling)
        return dialling or shaking or self._auto.wants_more

    def count(self, kind: ConnectionType) -> int:
        """Connections of this kind, those being dialled included."""
        return self._table.count(kind)

    def is_last_of_network(self, address: NetAddress) -> bool:
        """Whether no other peer for everything is on the network of this one."""
        return self._table.lasting_of(address.network) <= 1

    def anchors(self) -> list[NetAddress]:
        """The block relay peers to return to after a restart."""
        return [
            connection.address
            for connection in self._table.open.values()
            if connection.kind is ConnectionType.BLOCK_RELAY
            and connection.ready
            and connection.address is not None
        ][:MAX_ANCHORS]

    def has_room(self, kind: ConnectionType) -> bool:
        """Whether one more of this kind is within the limits (`addconnection`)."""
        limits = {
            ConnectionType.FULL_RELAY: self._config.max_full_relay,
            ConnectionType.BLOCK_RELAY: self._config.max_block_relay,
        }
        return kind not in limits or self.count(kind) < limits[kind]

    def adapt(self, near_tip: bool, stale_tip: bool, synced: bool) -> None:
        """What the state of the chain means for connections.

        Args:
            near_tip: our tip is recent: peers that keep only the last 288 blocks are good enough.
            stale_tip: no block came for long: one more full relay peer may know better.
            synced: the initial sync is done: now and then one more block relay peer is tried.
        """
        self._auto.adapt(near_tip, stale_tip, synced)
        self._changed = True

    def reach(self, network: AddressNetwork) -> None:
        """One more network is reached, as when Tor has said where its proxy is."""
        self._auto.reach(network)
        self.private.reach(network)
        self._changed = True

    def want_private(self, more: int) -> None:
        """So many connections for private broadcasts more, or less."""
        self.private.want(more)
        self._changed = True

    def found_own(self, address: NetAddress) -> None:
        """This address is our own: it is not dialled again."""
        self._auto.found_own(address)
        self.private.found_own(address)

    # What the operator says.

    def set_active(self, active: bool, now: Instant) -> list[Action]:
        """`setnetworkactive`: off ends all connections, and none begins."""
        self._table.is_active = active
        self._table.retries.clear()
        self._auto.restart(now)
        self._changed = True
        if active:
            return []
        return [DisconnectPeer(peer, PeerDone("network switched off")) for peer in self._table.open]

    def dial(self, endpoint: Endpoint, kind: ConnectionType, v2: bool) -> DialRequest | None:
        """One connection at once (`addnode onetry`, `addconnection`).

        Returns:
            None if it stands already, is being dialled, or the network is off.
        """
        if not self._table.is_active or self._table.is_busy(endpoint):
            return None
        address = address_of(endpoint, cjdns=self._config.cjdns)
        return self._request(DialRequest(endpoint, kind, v2, address))

    def add_node(self, target: Target, now: Instant) -> bool:
        """`addnode add`: a peer to stay connected to; False if it is one already."""
        self._changed = True
        return self._named.add(target, now)

    def remove_node(self, name: str) -> bool:
        """`addnode remove`: stay no longer; False if it is none. A connection is left alone."""
        self._changed = True
        return self._named.remove(name)

    def added_nodes(self) -> list[AddedNode]:
        """`getaddednodeinfo`: all that were added, in that order."""
        return self._named.added()

    # What became of our requests.

    def opened(
        self, request: DialRequest, peer: PeerId, remote: NetAddress | None, now: Instant
    ) -> list[Action]:
        """A dial succeeded; `remote` is where a name led.

        It ends if the network is off by now, or if others have its place.
        """
        self._table.dialling.pop(request, None)
        address = request.address if request.address is not None else remote
        self._table.open[peer] = Connection(request.kind, address, request, now)
        self._changed = True
        if request.kind is _PRIVATE:
            self.private.want(-1)
        surplus = self._auto.is_surplus(request)
        if self._table.is_active and not surplus:
            return []
        why = "others answered sooner" if surplus else "network switched off"
        return [DisconnectPeer(peer, PeerDone(why))]

    def opened_inbound(self, peer: PeerId, remote: NetAddress | None, now: Instant) -> None:
        """An inbound connection was admitted."""
        self._table.open[peer] = Connection(ConnectionType.INBOUND, remote, None, now)
        self._changed = True

    def dial_failed(self, request: DialRequest, now: Instant) -> None:
        """Nobody answered a dial: a peer that the operator named is tried again later."""
        self._changed = True
        if request in self._table.dialling:
            del self._table.dialling[request]
            self._named.dial_failed(request, now)

    def resolved(self, host: str, addresses: Sequence[NetAddress], now: Instant) -> None:
        """What a DNS seed answered; empty if nothing."""
        self._changed = True
        self._seeding.resolved(host, addresses, now)

    def greeted(self, peer: PeerId, now: Instant) -> list[Action]:
        """A peer's `version` has come: its address answers, which is all a feeler is for."""
        connection = self._table.open.get(peer)
        if connection is None or not connection.kind.is_outbound or connection.kind is _PRIVATE:
            return []
        if connection.address is not None:
            self._addrman.good(connection.address, now)
        if connection.kind is not ConnectionType.FEELER:
            return []
        connection.ready = True
        self._auto.welcomed(now)
        return [DisconnectPeer(peer, PeerDone("feeler complete"))]

    def handshake_complete(self, peer: PeerId, now: Instant) -> None:
        """The handshake with a peer is complete."""
        connection = self._table.open.get(peer)
        if connection is None:
            return
        connection.ready = True
        address = connection.address
        if address is not None and address.network is AddressNetwork.TORV3:
            if connection.kind.is_outbound:
                self.private.tor_answered()
        if connection.kind.is_outbound and connection.kind is not _PRIVATE:
            self._auto.welcomed(now)

    def closed(self, peer: PeerId, now: Instant, *, unheard: bool = False) -> None:
        """A connection ended, whoever ended it.

        Args:
            peer: whose.
            now: when.
            unheard: the peer never sent a byte, as one that does not understand the encrypted
                transport: if we began with that, it is dialled again at once without.
        """
        again = unheard and self.may_downgrade(peer, now)
        connection = self._table.open.pop(peer, None)
        self._changed = True
        if connection is None or connection.request is None or connection.kind is _PRIVATE:
            return
        request, kind = connection.request, connection.kind
        if connection.ready and connection.address is not None:
            if kind is not ConnectionType.BLOCK_RELAY:  # Its very existence is nobody's business.
                self._addrman.connected(connection.address, now)
        if again:
            retry = replace(request, v2=False)
            self._table.retries.append(retry)
            self._auto.dials_again(request, retry, now)
            return
        if connection.ready:
            self._auto.lost(now, steady=now - connection.opened_at >= STEADY)
        else:
            self._auto.refused()
        self._named.closed(connection, request, now)

    def may_downgrade(self, peer: PeerId, now: Instant) -> bool:
        """Whether a peer is to be dialled again without encryption if it has said nothing."""
        connection = self._table.open.get(peer)
        request = None if connection is None else connection.request
        if request is None or not request.v2 or not self._table.is_active:
            return False
        address = request.address
        if request.kind is _PRIVATE or self._config.requires_v2(address):
            return False
        return address is None or not self._bans.is_refused(address, now)

    # Whom to dial.

    def deadline(self) -> Instant | None:
        """When the next request may be due; None while there is nothing to ask for."""
        if self._auto.notice_news():
            self._changed = True
        if self._changed:
            self._deadline = self._work_out_deadline()
            self._changed = False
        return self._deadline

    def _work_out_deadline(self) -> Instant | None:
        if not self._table.is_active:
            return None
        if self._table.retries:
            return 0
        moments = [self._named.deadline(), self._seeding.deadline(), self._auto.deadline()]
        moments.append(self.private.deadline())
        if self._may_fetch():
            moments.append(self._auto.next_dial)
        return min((moment for moment in moments if moment is not None), default=None)

    def tick(self, now: Instant) -> list[NetworkRequest]:
        """The requests that are due."""
        if not self._table.is_active:
            return []
        self._auto.notice_news()
        self._changed = True
        requests: list[NetworkRequest] = [self._request(again) for again in self._table.retries]
        self._table.retries.clear()
        requests += [self._request(dial) for dial in self._named.tick(now)]
        requests += self._seeding.tick(now, self._table.count_ready(ConnectionType.FULL_RELAY))
        hidden = self.private.tick(now)
        if hidden is not None:
            requests.append(self._request(hidden))
        dial = self._fetch(now) or self._auto.tick(now)
        return requests if dial is None else [*requests, self._request(dial)]

    def _request(self, request: DialRequest) -> DialRequest:
        if self._config.requires_v2(request.address) and not request.v2:
            request = replace(request, v2=True)
        self._table.dialling[request] = None
        self._changed = True
        return request

    def _may_fetch(self) -> bool:
        fetches = self._table.count(ConnectionType.ADDR_FETCH)
        return bool(self._seeding.to_fetch) and fetches < MAX_FETCHES

    def _fetch(self, now: Instant) -> DialRequest | None:
        """Ask a seed for addresses."""
        if now < self._auto.next_dial or not self._may_fetch():
            return None
        self._auto.dialled(now)
        endpoint = self._seeding.to_fetch.pop(0)
        if self._table.is_busy(endpoint):
            return None
        address = address_of(endpoint, cjdns=self._config.cjdns)
        return DialRequest(endpoint, ConnectionType.ADDR_FETCH, self._config.v2, address)
