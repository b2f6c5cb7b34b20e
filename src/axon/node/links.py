"""The connections of a node from the first byte to the last: let in, dialled, shaken hands, ended.

    Opened --admitted--> session (handshake) --complete--> ready --fault, Closed--> gone

What connections there should be is `p2p/connections`' matter, what is said on them the node's; here
is what every connection goes through.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from axon.machine import (
    DialFailed,
    Disconnect,
    Endpoint,
    Instant,
    Opened,
    PeerId,
    Resolved,
    earlier,
)
from axon.node.encryptionfacts import DialledWithout, KeysMissed
from axon.node.facts import (
    DialMissed,
    LookupMissed,
    MessageIgnored,
    PeerConnected,
    PeerDisconnected,
)
from axon.node.inboundseats import InboundSeats
from axon.node.outbox import Leaving, Outbox
from axon.node.presence import Presence
from axon.node.session import Session
from axon.node.settings import LinkSettings
from axon.node.transports import for_caller, for_dial
from axon.p2p.addrgossip import AddrGossip
from axon.p2p.addrman import AddrMan
from axon.p2p.admission import InboundAdmitted
from axon.p2p.banlist import BanList
from axon.p2p.connections import Connections
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.faults import ConnectedToSelf, PeerDone, PeerFault, PeerViolation
from axon.p2p.handshake import Handshake, OwnVersion, anonymous
from axon.p2p.keepalive import KeepAlive
from axon.p2p.requests import DialRequest, NetworkRequest, ResolveRequest, address_of
from axon.primitives.netaddress import NetAddress
from axon.wire.messages import (
    Feature,
    Message,
    Ping,
    Pong,
    SendAddrV2,
    SendCmpct,
    SendHeaders,
    Unknown,
    Verack,
    Version,
    WtxidRelay,
)
from axon.wire.transport import Transport

HANDSHAKE_MESSAGES = Version | Verack | WtxidRelay | SendAddrV2 | Feature | SendHeaders | SendCmpct
"""What `Links.handshake_message` is given; the last two may come at any time."""

_ECHO_VERSION = 60_000  # From above this, pings are answered (BIP 31).


class Links:
    """All connections of one node.

    Args:
        outbox: where effects go.
        sessions: all connections, shared with the outbox.
        settings: the operator's.
        addrman: known addresses.
        bans: banned and discouraged ones.
        rng: for the parts.
        now: the start.
    """

    def __init__(
        self,
        outbox: Outbox,
        sessions: dict[PeerId, Session],
        settings: LinkSettings,
        addrman: AddrMan,
        bans: BanList,
        rng: Random,
        now: Instant,
    ) -> None:
        self._outbox = outbox
        self._settings = settings
        self._rng = rng
        self.sessions = sessions
        self.addrman = addrman
        self.bans = bans
        self.config = settings.connections
        self.connections = Connections(settings.connections, addrman, bans, rng, now)
        self.seats = InboundSeats(outbox, sessions, self.connections.admission, bans)
        self.gossip = AddrGossip(
            addrman, bans, rng, self.config.reachable, self.config.lab, settings.discover
        )
        self.presence = Presence(settings, self.connections, self.gossip)
        self._nonces: set[int] = set()
        self._dials: dict[int, DialRequest] = {}
        self._lookups: dict[int, str] = {}
        self._tickets = 0
        self._alarm: Instant | None = None  # No session's clock is due before.
        self.start_height = 0
        self._stale_tip = False
        self.near_tip = False

    def _address_of(self, endpoint: Endpoint) -> NetAddress | None:
        return address_of(endpoint, cjdns=self.config.cjdns)

    # They come.

    def opened(self, event: Opened, now: Instant) -> None:
        """A connection stands: one that was dialled, or one to be let in."""
        address = self._address_of(event.remote)
        permissions = self._settings.permissions(event.remote, event.local, event.ticket is None)
        if event.ticket is not None:
            request = self._dials.pop(event.ticket)
            kind = request.kind
            transport = for_dial(self._settings, self._rng, v2=request.v2)
            if kind is not ConnectionType.MANUAL:
                permissions = frozenset()  # They are for peers of the operator's choice.
            actions = self.connections.opened(request, event.peer, address, now)
        else:
            kind, actions = ConnectionType.INBOUND, []
            transport = for_caller(self._settings, self._rng, event.local, address)
            if not self._admit(event, address, permissions, now):
                return
            self.connections.opened_inbound(event.peer, address, now)
        session = self._session(event, address, kind, permissions, transport, now)
        self.sessions[event.peer] = session
        self._outbox.settle(session)  # Whoever dials may have to say something before messages.
        self._wake_by(session.deadline())
        self.send(session, session.handshake.start(now))
        self._outbox.perform(actions)

    def _admit(
        self, event: Opened, address: NetAddress | None, permissions: frozenset[str], now: Instant
    ) -> bool:
        if address is None:
            self._outbox.put(Disconnect(event.peer, "its address is no netaddress"))
            return False
        admitted = self.connections.admission.admit(
            address, self.seats.candidates(), now, "noban" in permissions
        )
        if not isinstance(admitted, InboundAdmitted):
            self._outbox.put(Disconnect(event.peer, admitted.reason))
            self._outbox.report(
                PeerDisconnected(event.peer, str(event.remote), admitted.reason, by_us=True)
            )
            return False
        if admitted.evict is not None:
            self._outbox.disconnect(admitted.evict, PeerDone("evicted for a new connection"))
        return True

    def _session(
        self,
        event: Opened,
        address: NetAddress | None,
        kind: ConnectionType,
        permissions: frozenset[str],
        transport: Transport,
        now: Instant,
    ) -> Session:
        settings = self._settings
        own = OwnVersion(
            services=settings.services_for(permissions),
            user_agent=settings.user_agent,
            start_height=self.start_height,
            relay=not settings.blocks_only or "relay" in permissions,
            near_tip=self.near_tip,
            needs=settings.connections.needs,
            features=settings.features if kind.is_lasting else (),
        )
        if kind.is_private:
            own = anonymous(self.near_tip)
        handshake = Handshake(
            kind, own, address, self._nonces, self._rng, now, settings.peer_timeout
        )
        group = 0 if address is None else self.connections.admission.keyed_netgroup(address)
        return Session(
            event.peer,
            event.remote,
            event.local,
            address,
            kind,
            permissions,
            transport,
            handshake,
            group,
            now,
            from_onion=event.ticket is None and event.local in settings.onion_binds,
        )

    def handshake_message(self, session: Session, message: Message | Unknown, now: Instant) -> bool:
        """A message of the handshake, or whatever comes before it is complete.

        Returns:
            Whether the handshake is complete with this message.

        Raises:
            PeerFault: the peer is of no use to us, or broke a rule of the handshake.
        """
        handshake = session.handshake
        if session.keepalive is None and not isinstance(message, HANDSHAKE_MESSAGES):
            why = "non-version message before version handshake"
            self._outbox.report(MessageIgnored(session.peer, message.command, why))
        if isinstance(message, Version) and handshake.theirs is None:
            self._greeted(session, message, now)
        else:
            self.send(session, handshake.received(message, now))
        if not handshake.is_complete or session.keepalive is not None:
            return False
        self._complete_handshake(session, now)
        return True

    def _greeted(self, session: Session, theirs: Version, now: Instant) -> None:
        """A peer's `version` has come, which may say that it is of no use to us."""
        if session.address is not None and not (session.inbound or session.kind.is_private):
            self.addrman.set_services(session.address, theirs.services)
        self.send(session, session.handshake.received(theirs, now))
        self._outbox.perform(self.connections.greeted(session.peer, now))
        if theirs.relay and session.kind.relays_transactions:
            self.seats.asked_for_transactions(session)

    def _complete_handshake(self, session: Session, now: Instant) -> None:
        negotiated = session.negotiated
        assert negotiated is not None, "called when the handshake is complete"
        patient_until = session.opened_at + self._settings.peer_timeout
        echoes = negotiated.common_version > _ECHO_VERSION
        session.keepalive = KeepAlive(self._rng, now, patient_until, echoes)
        self._wake_by(now)
        self._outbox.report(
            PeerConnected(
                session.peer,
                str(session.remote),
                session.kind.value,
                negotiated.user_agent,
                negotiated.version,
                negotiated.start_height,
                session.transport.name,
            )
        )
        self.send(session, session.keepalive.tick(now))
        if session.address is not None:
            exempt, way = session.may("addr"), (session.through, str(session.local))
            asked = self.gossip.opened(
                session.peer, session.kind, session.address, negotiated, now, exempt, *way
            )
            self._outbox.perform(asked)
        self.connections.handshake_complete(session.peer, now)

    def send(self, session: Session, messages: Sequence[Message]) -> None:
        """Send messages to a peer."""
        if messages:
            self._outbox.send(session.peer, *messages)

    def echo(self, session: Session, message: Ping | Pong, now: Instant) -> None:
        """A ping or pong from a peer; after a pong, the next ping is due before the alarm."""
        assert session.keepalive is not None, "called after the handshake"
        self.send(session, session.keepalive.received(message, now))
        self._wake_by(session.deadline())

    # They go.

    def closed(self, leaving: Leaving, now: Instant) -> None:
        """A connection ends: it leaves every table here, and the driver is told if it must act."""
        session, fault = leaving.session, leaving.fault
        peer = session.peer
        if isinstance(fault, PeerViolation):
            self.connections.admission.misbehaved(peer)
        elif isinstance(fault, ConnectedToSelf):
            own = self._address_of(session.local)
            if own is not None:
                self.connections.found_own(own)
        if fault is not None:
            self._outbox.put(Disconnect(peer, leaving.reason))
        del self.sessions[peer]
        session.handshake.closed()
        unheard = session.received.bytes == 0
        if unheard and self.connections.may_downgrade(peer, now):
            self._outbox.report(DialledWithout(peer))
        self.connections.closed(peer, now, unheard=unheard)
        self.gossip.closed(peer, now)
        self._outbox.report(
            PeerDisconnected(peer, str(session.remote), leaving.reason, by_us=fault is not None)
        )

    # They are asked for.

    def request(self, request: NetworkRequest) -> None:
        """Open a connection, or look up a name."""
        ticket = self._tickets = self._tickets + 1
        match request:
            case DialRequest(endpoint):
                self._dials[ticket] = request
                self._outbox.dial(ticket, endpoint, private=request.kind.is_private)
            case ResolveRequest(host, port):
                self._lookups[ticket] = host
                self._outbox.resolve(ticket, host, port)

    def dial_failed(self, event: DialFailed, now: Instant) -> None:
        """Nobody answered."""
        request = self._dials.pop(event.ticket)
        self.connections.dial_failed(request, now)
        self._outbox.report(DialMissed(str(request.endpoint), event.reason))

    def resolved(self, event: Resolved, now: Instant) -> None:
        """A name was looked up."""
        host = self._lookups.pop(event.ticket)
        if not event.endpoints:
            self._outbox.report(LookupMissed(host))
        found = [self._address_of(endpoint) for endpoint in event.endpoints]
        self.connections.resolved(host, [item for item in found if item is not None], now)

    def tip_changed(self, height: int, now: Instant, *, synced: bool) -> None:
        """Our tip is another.

        Args:
            height: told to whom we meet.
            now: the present.
            synced: it is recent: peers may hear of us, and be nearly pruned themselves.
        """
        self.start_height = height
        if synced == self.near_tip:
            return
        self.near_tip = synced
        self._adapt()
        self.presence.show(synced, now)

    def set_stale(self, stale: bool) -> None:
        """No block came for long: one more peer may know better."""
        if stale != self._stale_tip:
            self._stale_tip = stale
            self._adapt()

    def _adapt(self) -> None:
        self.connections.adapt(self.near_tip, self._stale_tip, synced=self.near_tip)

    def dial(self, endpoint: Endpoint, kind: ConnectionType, v2: bool) -> bool:
        """The operator wants one connection; whether it is being dialled now."""
        request = self.connections.dial(endpoint, kind, v2)
        if request is not None:
            self.request(request)
        return request is not None

    # Time.

    def tick(self, now: Instant) -> None:
        """What is due: pings, silent peers, addresses to tell, connections to open."""
        if self._alarm is not None and now >= self._alarm:
            self._alarm = None
            for session in list(self.sessions.values()):
                self._tick_session(session, now)
        self._outbox.perform(self.gossip.tick(now))
        deadline = self.connections.deadline()
        if deadline is not None and now >= deadline:
            for request in self.connections.tick(now):
                self.request(request)

    def _tick_session(self, session: Session, now: Instant) -> None:
        deadline = session.deadline()
        if deadline is None or now < deadline:
            self._wake_by(deadline)
            return
        try:
            if session.keepalive is not None:
                self.send(session, session.keepalive.tick(now))
            else:
                self.send(session, session.handshake.tick(now))
        except PeerFault as fault:
            if session.received.bytes and session.transport.name == "detecting":
                self._outbox.report(KeysMissed(session.peer))
            self._outbox.disconnect(session.peer, fault)
            return
        self._wake_by(session.deadline())

    def _wake_by(self, moment: Instant | None) -> None:
        if moment is not None and (self._alarm is None or moment < self._alarm):
            self._alarm = moment

    def deadline(self) -> Instant | None:
        """When something is due; may be early."""
        return earlier(self._alarm, earlier(self.gossip.deadline(), self.connections.deadline()))
