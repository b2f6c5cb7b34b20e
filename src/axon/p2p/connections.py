"""Which connections a node has: whom to dial, whom to let in, and what became of it.

A node keeps eight outbound peers for everything and two for blocks alone, each in another netgroup,
chosen by `AddrMan`; now and then a feeler asks an address that was only heard of whether it
answers. Peers the operator named (`-connect`, `-addnode`) are dialled besides. The rest of
`-maxconnections` is for whoever dials us; when that is full, `eviction` says who goes for the
newcomer.

    dialling (DialRequest) --opened--> open --handshake--> ready --closed--> gone
    dialling --dial_failed--> gone             (addrman and redial remember what it means)

A request is its own name: it comes back with `opened` or `dial_failed`. The figures are Bitcoin
Core's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from axon.machine import MILLISECOND, MINUTE, SECOND, Endpoint, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import (
    MAX_ADDED,
    MAX_FEELERS,
    MAX_FETCHES,
    ConnectionsConfig,
)
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.eviction import InboundCandidate, choose_inbound
from axon.p2p.faults import PeerDone
from axon.p2p.handshake import Negotiated
from axon.p2p.peersfile import MAX_ANCHORS, AddressRecord
from axon.p2p.picker import Picker, was_tried
from axon.p2p.redial import IMPATIENT_DELAY, MAX_DELAY, STEADY, Redial, Target
from axon.p2p.requests import DialRequest, NetworkRequest, address_of, endpoint_of
from axon.p2p.seeding import Seeding
from axon.primitives.hashes import siphash24
from axon.primitives.netaddress import NetAddress
from axon.wire.messages import Services

DIAL_INTERVAL: Final = 500 * MILLISECOND
"""From one automatic dial to the next."""
MAX_IDLE: Final = 30 * SECOND
"""The longest pause before looking again, while the table offers nobody."""
MAX_PAUSE: Final = 5 * SECOND
"""The longest pause while it offers only addresses that were dialled lately."""
FEELER_INTERVAL: Final = 2 * MINUTE
EXTRA_BLOCK_RELAY_INTERVAL: Final = 5 * MINUTE
"""Means of exponential times."""

_FOR_GROUPS: Final = (
    ConnectionType.MANUAL,
    ConnectionType.FULL_RELAY,
    ConnectionType.BLOCK_RELAY,
)


@dataclass(frozen=True, slots=True)
class Admitted:
    """An inbound connection may stay; `evict` ends for it, if there is one."""

    evict: PeerId | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """An inbound connection ends at once."""

    reason: str


@dataclass(frozen=True, slots=True)
class AddedNode:
    """One entry of `getaddednodeinfo`; `peer` is None while it is not connected."""

    target: Target
    peer: PeerId | None


class _Connection:
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


class Connections:
    """The connections of one node.

    Args:
        config: what the operator decided.
        addrman: whom there is to dial; told what became of it.
        bans: whom not to dial nor let in.
        rng: delays, choices and the key of netgroups.
        now: the start.
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
        self._rng = rng
        self._group_key = rng.getrandbits(128).to_bytes(16, "little")
        self._open: dict[PeerId, _Connection] = {}
        self._dialling: dict[DialRequest, None] = {}
        self._again: list[DialRequest] = []  # To be dialled once more, without encryption.
        self._picker = Picker(addrman, bans, config.reachable, config.lab, config.needs)
        self._anchors = list(config.anchors[:MAX_ANCHORS])
        max_delay = IMPATIENT_DELAY if config.impatient else MAX_DELAY
        self._fixed = Redial(config.connect or (), rng, now, max_delay)
        self._added = Redial(config.added, rng, now, max_delay)
        automatic = config.connect is None
        self._seeding = Seeding(
            addrman,
            config.seed_nodes if automatic else (),
            config.dns_seeds if automatic else (),
            config.fixed_seeds if automatic else (),
            config.force_dns,
            bool(config.added),
            config.port,
            config.needs,
            rng,
            now,
        )
        self._next_dial = now
        self._pause = DIAL_INTERVAL
        self._idle = DIAL_INTERVAL
        self._idle_since: tuple[Instant, int] | None = None  # With the table's size back then.
        self._next_feeler = now + self._delay(FEELER_INTERVAL)
        self._next_extra = now + self._delay(EXTRA_BLOCK_RELAY_INTERVAL)
        self._active = True
        self._stale_tip = False
        self._synced = False
        self._deadline: Instant | None = now
        self._changed = True  # The deadline is to be reckoned anew.

    # Facts.

    @property
    def is_active(self) -> bool:
        """The network is switched on (`setnetworkactive`)."""
        return self._active

    def count(self, kind: ConnectionType) -> int:
        """Connections of this kind, those being dialled included."""
        being_dialled = sum(request.kind is kind for request in self._dialling)
        return (
            being_dialled
            + sum(request.kind is kind for request in self._again)
            + self._count_open(kind)
        )

    def _count_open(self, kind: ConnectionType) -> int:
        return sum(connection.kind is kind for connection in self._open.values())

    def kind_of(self, peer: PeerId) -> ConnectionType | None:
        """Why a peer is connected; None if it is not."""
        connection = self._open.get(peer)
        return None if connection is None else connection.kind

    def address_of(self, peer: PeerId) -> NetAddress | None:
        """A peer's address, where it has one."""
        connection = self._open.get(peer)
        return None if connection is None else connection.address

    def anchors(self) -> list[NetAddress]:
        """The block relay peers to return to after a restart."""
        return [
            connection.address
            for connection in self._open.values()
            if connection.kind is ConnectionType.BLOCK_RELAY
            and connection.ready
            and connection.address is not None
        ][:MAX_ANCHORS]

    def keyed_netgroup(self, address: NetAddress) -> int:
        """A peer's netgroup under our secret key, for `InboundCandidate`."""
        return siphash24(self._group_key, address.group(self._config.lab))

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
        self._picker.near_tip = near_tip
        self._stale_tip, self._synced = stale_tip, synced
        self._changed = True

    def found_own(self, address: NetAddress) -> None:
        """This address is our own: it is not dialled again."""
        self._picker.found_own(address)

    # What the operator says.

    def set_active(self, active: bool, now: Instant) -> list[Action]:
        """`setnetworkactive`: off ends all connections, and none begins."""
        self._active = active
        self._next_dial = now
        self._again.clear()
        self._changed = True
        if active:
            return []
        return [DisconnectPeer(peer, PeerDone("network switched off")) for peer in self._open]

    def dial(self, endpoint: Endpoint, kind: ConnectionType, v2: bool) -> DialRequest | None:
        """One connection at once (`addnode onetry`, `addconnection`).

        Returns:
            None if it stands already, is being dialled, or the network is off.
        """
        if not self._active or self._is_busy(endpoint):
            return None
        return self._request(DialRequest(endpoint, kind, v2, address_of(endpoint)))

    def add_node(self, target: Target, now: Instant) -> bool:
        """`addnode add`: a peer to stay connected to; False if it is one already."""
        self._changed = True
        return self._added.add(target, now)

    def remove_node(self, name: str) -> bool:
        """`addnode remove`: stay no longer; False if it is none. A connection is left alone."""
        self._changed = True
        return self._added.remove(name)

    def added_nodes(self) -> list[AddedNode]:
        """`getaddednodeinfo`."""
        return [AddedNode(t, self._peer_at(t.endpoint)) for t in self._added.targets]

    def _peer_at(self, endpoint: Endpoint) -> PeerId | None:
        address = address_of(endpoint)
        for peer, connection in self._open.items():
            if connection.request is not None and connection.request.endpoint == endpoint:
                return peer
            if address is not None and connection.address == address:
                return peer
        return None

    def _is_busy(self, endpoint: Endpoint) -> bool:
        dialled = any(request.endpoint == endpoint for request in (*self._dialling, *self._again))
        return dialled or self._peer_at(endpoint) is not None

    # What became of our requests.

    def opened(
        self, request: DialRequest, peer: PeerId, remote: NetAddress | None, now: Instant
    ) -> list[Action]:
        """A dial succeeded; `remote` is where a name led. It ends if the network is off by now."""
        self._dialling.pop(request, None)
        address = request.address if request.address is not None else remote
        self._open[peer] = _Connection(request.kind, address, request, now)
        self._changed = True
        return [] if self._active else [DisconnectPeer(peer, PeerDone("network switched off"))]

    def dial_failed(self, request: DialRequest, now: Instant) -> None:
        """A dial came to nothing."""
        self._changed = True
        if request in self._dialling:
            del self._dialling[request]
            self._redial(request, now, steady=False)

    def resolved(self, host: str, addresses: Sequence[NetAddress], now: Instant) -> None:
        """What a DNS seed answered; empty if nothing."""
        self._changed = True
        self._seeding.resolved(host, addresses, now)

    def handshake_complete(
        self, peer: PeerId, negotiated: Negotiated, now: Instant
    ) -> list[Action]:
        """The handshake with a peer is complete; a feeler has done its work with that."""
        connection = self._open.get(peer)
        if connection is None:
            return []
        connection.ready = True
        if connection.kind.is_outbound and connection.address is not None:
            self._addrman.set_services(connection.address, negotiated.services)
            self._addrman.good(connection.address, now)
        if connection.kind is ConnectionType.FEELER:
            return [DisconnectPeer(peer, PeerDone("feeler complete"))]
        return []

    def closed(self, peer: PeerId, now: Instant, downgrade: bool = False) -> None:
        """A connection ended, whoever ended it.

        Args:
            peer: whose.
            now: when.
            downgrade: it ended because the peer did not understand the encrypted transport; it is
                dialled again at once without.
        """
        connection = self._open.pop(peer, None)
        self._changed = True
        if connection is None or connection.request is None:
            return
        request, kind = connection.request, connection.kind
        if connection.ready and connection.address is not None:
            if kind is not ConnectionType.BLOCK_RELAY:  # Its very existence is nobody's business.
                self._addrman.connected(connection.address, now)
        if downgrade and request.v2 and self._active:
            self._again.append(replace(request, v2=False))
            return
        self._redial(request, now, steady=now - connection.opened_at >= STEADY)
        self._idle = DIAL_INTERVAL
        self._next_dial = min(self._next_dial, now + DIAL_INTERVAL)
        served = connection.ready and now - connection.opened_at >= SECOND
        if served and not any(other.ready and other.request for other in self._open.values()):
            for redial in (self._fixed, self._added):
                redial.hasten(now, request.endpoint)  # Nobody is left: whoever else there is.

    def _redial(self, request: DialRequest, now: Instant, steady: bool) -> None:
        if request.kind is not ConnectionType.MANUAL:
            return
        for redial in (self._fixed, self._added):
            if steady:
                redial.ended(request.endpoint, now)
            else:
                redial.failed(request.endpoint, now)

    def misbehaved(self, peer: PeerId, noban: bool = False) -> bool:
        """A peer broke a rule.

        Args:
            peer: who.
            noban: the operator protects it.

        Returns:
            Whether its connection ends. That of a protected or manual peer does not: the operator
            wants it.
        """
        connection = self._open.get(peer)
        if connection is None:
            return True
        if noban or connection.kind is ConnectionType.MANUAL:
            return False
        address = connection.address
        # Whoever forwards connections to us from this machine stands for more than one peer.
        if address is not None and (self._config.lab or not address.is_local()):
            self._bans.discourage(address)
        return True

    # Who dials us.

    def admit(
        self,
        remote: NetAddress,
        candidates: Sequence[InboundCandidate],
        now: Instant,
        noban: bool = False,
    ) -> Admitted | Refused:
        """Whether a new inbound connection may stay, and who goes for it.

        Args:
            remote: whose.
            candidates: the inbound peers there are, without the new one.
            now: when.
            noban: the operator protects it.
        """
        if not self._active:
            return Refused("network is switched off")
        inbound = self._count_open(ConnectionType.INBOUND)
        limit = self._config.max_inbound
        if not noban:
            if self._bans.is_banned(remote, now):
                return Refused("banned")
            if self._bans.is_discouraged(remote) and inbound + 1 >= limit:
                return Refused("discouraged, and slots are scarce")
        if inbound < limit:
            return Admitted()
        victim = choose_inbound(candidates)
        return Refused("connection slots are full") if victim is None else Admitted(victim)

    def opened_inbound(self, peer: PeerId, remote: NetAddress | None, now: Instant) -> None:
        """An inbound connection was admitted."""
        self._open[peer] = _Connection(ConnectionType.INBOUND, remote, None, now)
        self._changed = True

    # Whom we dial.

    def deadline(self) -> Instant | None:
        """When the next request may be due; None while there is nothing to request for."""
        self._notice_news()
        if self._changed:
            self._deadline = self._reckon_deadline()
            self._changed = False
        return self._deadline

    def _notice_news(self) -> None:
        """New addresses end the rest that began for want of them."""
        if self._idle_since is not None and self._idle_since[1] != len(self._addrman):
            self._next_dial = min(self._next_dial, self._idle_since[0] + DIAL_INTERVAL)
            self._idle_since = None
            self._changed = True

    def _reckon_deadline(self) -> Instant | None:
        if not self._active:
            return None
        if self._again:
            return 0
        moments = [self._fixed.deadline(self._is_busy), self._seeding.deadline()]
        if self._has_room_for_added():
            moments.append(self._added.deadline(self._is_busy))
        if self._seeding.to_fetch and self.count(ConnectionType.ADDR_FETCH) < MAX_FETCHES:
            moments.append(self._next_dial)
        moments.append(self._automatic_deadline())
        return min((moment for moment in moments if moment is not None), default=None)

    def tick(self, now: Instant) -> list[NetworkRequest]:
        """The requests that are due."""
        if not self._active:
            return []
        self._notice_news()
        self._changed = True
        requests: list[NetworkRequest] = [self._request(request) for request in self._again]
        self._again.clear()
        requests += self._targets(self._fixed, now)
        if self._has_room_for_added():
            requests += self._targets(self._added, now)
        requests += self._seeding.tick(now, self._ready_full_relay())
        request = self._fetch(now) or self._automatic(now)
        return requests if request is None else [*requests, request]

    def _request(self, request: DialRequest) -> DialRequest:
        self._dialling[request] = None
        self._changed = True
        return request

    def _ready_full_relay(self) -> int:
        return sum(
            connection.ready and connection.kind is ConnectionType.FULL_RELAY
            for connection in self._open.values()
        )

    def _has_room_for_added(self) -> bool:
        return self._room_for_added() > 0

    def _room_for_added(self) -> int:
        return MAX_ADDED - sum(self._is_busy(t.endpoint) for t in self._added.targets)

    def _targets(self, redial: Redial, now: Instant) -> list[DialRequest]:
        due = redial.due(now, self._is_busy)
        if redial is self._added:
            due = due[: self._room_for_added()]
        requests = []
        for target in due:
            address = address_of(target.endpoint)
            v2 = target.v2 and self._config.v2
            request = DialRequest(target.endpoint, ConnectionType.MANUAL, v2, address)
            requests.append(self._request(request))
        return requests

    def _fetch(self, now: Instant) -> DialRequest | None:
        queue = self._seeding.to_fetch
        if not queue or now < self._next_dial:
            return None
        if self.count(ConnectionType.ADDR_FETCH) >= MAX_FETCHES:
            return None
        self._next_dial = now + DIAL_INTERVAL
        endpoint = queue.pop(0)
        if self._is_busy(endpoint):
            return None
        kind, address = ConnectionType.ADDR_FETCH, address_of(endpoint)
        return self._request(DialRequest(endpoint, kind, self._config.v2, address))

    def _automatic_deadline(self) -> Instant | None:
        if self._config.connect is not None:
            return None
        earliest = self._next_dial
        if self._wanted_at_once() is not None:
            return earliest
        timed = []
        if self._synced:
            timed.append(self._next_extra)
        if self.count(ConnectionType.FEELER) < MAX_FEELERS:
            timed.append(self._next_feeler)
        return max(earliest, min(timed)) if timed else None

    def _wanted_at_once(self) -> ConnectionType | None:
        config = self._config
        full = self.count(ConnectionType.FULL_RELAY)
        block = self.count(ConnectionType.BLOCK_RELAY)
        if self._anchors and block < config.max_block_relay:
            return ConnectionType.BLOCK_RELAY
        if full < config.max_full_relay + self._stale_tip:
            return ConnectionType.FULL_RELAY
        return ConnectionType.BLOCK_RELAY if block < config.max_block_relay else None

    def _wanted(self, now: Instant) -> ConnectionType | None:
        kind = self._wanted_at_once()
        if kind is not None:
            return kind
        if self._synced and now >= self._next_extra:
            self._next_extra = now + self._delay(EXTRA_BLOCK_RELAY_INTERVAL)
            if self.count(ConnectionType.BLOCK_RELAY) <= self._config.max_block_relay:
                return ConnectionType.BLOCK_RELAY
        if now >= self._next_feeler and self.count(ConnectionType.FEELER) < MAX_FEELERS:
            self._next_feeler = now + self._delay(FEELER_INTERVAL)
            return ConnectionType.FEELER
        return None

    def _automatic(self, now: Instant) -> DialRequest | None:
        if self._config.connect is not None or now < self._next_dial:
            return None
        kind = self._wanted(now)
        if kind is None:
            return None
        self._next_dial = now + DIAL_INTERVAL
        self._addrman.resolve_collisions(now)
        record = self._pick(kind, now)
        if record is None:
            if kind is not ConnectionType.FEELER:
                self._rest(now)
            return None
        self._idle, self._idle_since = DIAL_INTERVAL, None
        self._pause = min(self._pause * 2, MAX_PAUSE) if was_tried(record, now) else DIAL_INTERVAL
        self._next_dial = now + self._pause
        # While we have hardly a peer, it may be our own line that is dead.
        line_is_alive = len(self._outbound_groups()) >= 2
        self._addrman.attempt(record.address, now, count_failure=line_is_alive)
        return self._request(self._request_for(record, kind))

    def _request_for(self, record: AddressRecord, kind: ConnectionType) -> DialRequest:
        v2 = self._config.v2 and bool(record.services & Services.P2P_V2)
        return DialRequest(endpoint_of(record.address), kind, v2, record.address)

    def _pick(self, kind: ConnectionType, now: Instant) -> AddressRecord | None:
        taken = self._addresses(tuple(ConnectionType))
        if kind is ConnectionType.FEELER:
            return self._picker.pick_for_feeler(taken, now)
        groups = self._outbound_groups()
        while kind is ConnectionType.BLOCK_RELAY and self._anchors:
            anchor = self._anchors.pop()
            if self._picker.is_dialable(anchor, taken, groups, now):
                unknown = AddressRecord(anchor, anchor, 0, 0, 0, 0, 0, False, ())
                return self._addrman.record(anchor) or unknown
        return self._picker.pick(taken, groups, now)

    def _rest(self, now: Instant) -> None:
        self._idle_since = (now, len(self._addrman))
        self._next_dial = now + self._idle
        self._idle = min(self._idle * 2, MAX_IDLE)

    def _outbound_groups(self) -> frozenset[bytes]:
        return self._picker.groups(self._addresses(_FOR_GROUPS))

    def _addresses(self, kinds: tuple[ConnectionType, ...]) -> list[NetAddress]:
        """Of all connections of these kinds, those being dialled included."""
        found = [c.address for c in self._open.values() if c.kind in kinds]
        found += [
            request.address for request in (*self._dialling, *self._again) if request.kind in kinds
        ]
        return [address for address in found if address is not None]

    def _delay(self, mean: Instant) -> Instant:
        return 1 + int(self._rng.expovariate(1 / mean))
