"""What every node is: a machine with connections, one step at a time.

    event or tick -> the part it concerns -> effects, and peers that leave -> one list of effects

A step goes one way through. The event is handed to a part, and what a part reports is handed to the
next by a plain call. Peers that leave are only noted meanwhile; when the part has returned they are
taken off all tables here, in one loop. What is spoken on the connections, and what is done with it,
say the full node (`full`) and the light client (`spv`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from random import Random

from axon.chain.headertree import HeaderTree
from axon.errors import DecodeError
from axon.machine import (
    IMMEDIATELY,
    Clogged,
    Closed,
    Commanded,
    Completed,
    DialFailed,
    Drained,
    Effect,
    Event,
    Instant,
    Opened,
    PeerId,
    Received,
    Resolved,
    earlier,
)
from axon.node.commands import (
    AddNode,
    DialOnce,
    DisconnectNode,
    PingAll,
    ReachNetwork,
    RemoveNode,
    SendAsItStands,
    SetNetworkActive,
    TellOwnAddress,
)
from axon.node.headerflow import HeaderFlow, HeadersLearnt
from axon.node.links import HANDSHAKE_MESSAGES, Links
from axon.node.outbox import Outbox
from axon.node.privateflow import PrivateFlow
from axon.node.reception import Reception, TransactionDecoded
from axon.node.session import PastTraffic, Session
from axon.node.settings import LinkSettings
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.blocktimelines import BlockTimelines
from axon.p2p.faults import PeerDone, PeerSilent
from axon.p2p.headersync import HeaderSync
from axon.p2p.peerchains import PeerChains
from axon.p2p.uploadtarget import UploadTarget
from axon.primitives.transaction import Transaction
from axon.wire.messages import Message, SendCmpct, SendHeaders, Unknown


class PeerNode(ABC):
    """A `Machine` among peers; the two kinds of node complete it.

    Args:
        settings: the operator's.
        headers: all headers known.
        peer_chains: what each peer has.
        headersync: asks peers for headers.
        addrman: known addresses.
        bans: banned ones.
        rng: all chance comes from here.
        now: the start.
        max_upload_bytes: a day, 0 for no limit.
    """

    def __init__(
        self,
        settings: LinkSettings,
        headers: HeaderTree,
        peer_chains: PeerChains,
        headersync: HeaderSync,
        addrman: AddrMan,
        bans: BanList,
        rng: Random,
        now: Instant,
        max_upload_bytes: int = 0,
    ) -> None:
        self.headers = headers
        self.peer_chains = peer_chains
        self.headersync = headersync
        self.sessions: dict[PeerId, Session] = {}
        self.upload = UploadTarget(max_upload_bytes)
        self.timelines = BlockTimelines(headers)
        self._outbox = Outbox(self.sessions, self.upload, self.timelines)
        self.links = Links(self._outbox, self.sessions, settings, addrman, bans, rng, now)
        self.past_traffic = PastTraffic()
        self._headerflow = HeaderFlow(
            self._outbox, headers, headersync, peer_chains, self.timelines
        )
        self.private = PrivateFlow(self._outbox, self.links, rng, now)
        self._reception = Reception(self._outbox, self.sessions, self._received, self._serve)

    # The machine.

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event; the effects are performed in order."""
        self._outbox.now = now
        match event:
            case Received(peer, data):
                self._reception.received(peer, data, now)
            case Completed(task, outcome):
                continuation = self._outbox.take_continuation(task)
                if isinstance(continuation, HeadersLearnt):
                    self._headerflow.learnt(continuation)
                elif isinstance(continuation, TransactionDecoded):
                    assert isinstance(outcome, Transaction | DecodeError)
                    self._reception.decoded(continuation, outcome, now)
                else:
                    self._completed(continuation, outcome, now)
            case Opened():
                self.links.opened(event, now)
                if event.peer in self.sessions:
                    self._reception.opened(self.sessions[event.peer])
            case Closed(peer, reason):
                self._outbox.closed(peer, reason)
            case Clogged(peer) | Drained(peer):
                self._reception.clogged(peer, isinstance(event, Clogged), now)
            case DialFailed():
                self.links.dial_failed(event, now)
            case Resolved():
                self.links.resolved(event, now)
            case Commanded(ticket, command):
                self._commanded(ticket, command, now)
        if not self._reception.has_ready:
            self._reception.work(now)  # Else the next tick does: a crowd's events come in bursts.
        self._take_off(now)
        return self._outbox.take()

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        self._outbox.now = now
        self._reception.tick(now)  # First: what a message makes due at once is done right after it.
        self._tick(now)
        if self._take_off(now) and self._is_due(now):
            self._tick(now)  # Who was disconnected just now leaves a place.
            self._take_off(now)
        return self._outbox.take()

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called next."""
        if self._reception.has_ready or self._outbox.has_effects:
            return IMMEDIATELY
        return self._soonest()

    def _soonest(self) -> Instant | None:
        own = earlier(self.private.deadline(), self._deadline())
        return earlier(self.links.deadline(), own)

    def _is_due(self, now: Instant) -> bool:
        deadline = self._soonest()
        return deadline is not None and deadline <= now

    def _take_off(self, now: Instant) -> bool:
        """Take off the peers that leave; that, and what follows from it, may make others leave.

        Returns:
            Whether there were any.
        """
        were_any = False
        while True:
            while self._outbox.has_leaving:
                were_any = True
                for leaving in self._outbox.take_leaving():
                    self.links.closed(leaving, now)
                    self.private.closed(leaving.session)
                    self._reception.closed(leaving.session)
                    self.past_traffic.add(leaving.session)
                    if isinstance(leaving.fault, PeerSilent):
                        self.timelines.stalled(leaving.session.peer, now)
                    self.timelines.closed(leaving.session.peer)
                    self._peer_closed(leaving.session.peer, now)
            self._settle(now)
            if not self._outbox.has_leaving:
                return were_any

    # What both kinds of node do alike.

    def _received(self, session: Session, message: Message | Unknown, now: Instant) -> None:
        """One message of a peer, in its turn.

        Raises:
            PeerFault: the peer failed us with it.
            DecodeError: it is not what it claims to be.
        """
        if session.kind.is_private:
            self.private.received(session, message, now)
            return
        if session.keepalive is not None and not isinstance(message, HANDSHAKE_MESSAGES):
            self._route(session, message, now)
            return
        was_ready = session.keepalive is not None
        complete = self.links.handshake_message(session, message, now)
        if not session.kind.is_lasting or session.is_leaving:
            return
        if complete:
            self._peer_ready(session, now)
        elif was_ready and isinstance(message, SendHeaders | SendCmpct):
            self._route(session, message, now)  # Before that it is part of what was agreed.

    def _commanded(self, ticket: int, command: object, now: Instant) -> None:
        """What the operator asks: about connections here, all else where it belongs."""
        links, outbox = self.links, self._outbox
        match command:
            case AddNode(target):
                outbox.answer(ticket, links.connections.add_node(target, now))
            case RemoveNode(name):
                outbox.answer(ticket, links.connections.remove_node(name))
            case DialOnce(endpoint, kind, v2):
                outbox.answer(ticket, links.dial(endpoint, kind, v2))
            case DisconnectNode(peer):
                outbox.answer(ticket, peer in self.sessions)
                outbox.disconnect(peer, PeerDone("disconnected by the operator"))
            case SetNetworkActive(active):
                outbox.perform(links.connections.set_active(active, now))
                outbox.answer(ticket, active)
            case ReachNetwork(network):
                links.presence.reach(network)
                outbox.answer(ticket, None)
            case TellOwnAddress(address, ours):
                presence = links.presence
                (presence.found if ours else presence.lost)(address, now)
                outbox.answer(ticket, None)
            case PingAll():
                for session in self.sessions.values():
                    if session.keepalive is not None:
                        links.send(session, session.keepalive.ping(now))
                outbox.answer(ticket, None)
            case SendAsItStands(peer, message):
                outbox.send(peer, message)
                outbox.answer(ticket, peer in self.sessions)
            case _:
                self._carry_out(ticket, command, now)

    # What they do each in its own way.

    @abstractmethod
    def _route(self, session: Session, message: Message | Unknown, now: Instant) -> None:
        """A message of a peer whose handshake is complete, and which is none of the handshake.

        Raises:
            PeerFault: the peer failed us with it.
            DecodeError: it is not what it claims to be.
        """

    @abstractmethod
    def _serve(self, session: Session, now: Instant) -> None:
        """Give a peer that is `serving` the next thing that it asked for.

        Raises:
            PeerFault: it may not have that.
        """

    @abstractmethod
    def _peer_ready(self, session: Session, now: Instant) -> None:
        """A lasting peer's handshake is complete."""

    @abstractmethod
    def _peer_closed(self, peer: PeerId, now: Instant) -> None:
        """A connection has ended, however far it had come."""

    @abstractmethod
    def _completed(self, continuation: object, outcome: object, now: Instant) -> None:
        """Slow work is done."""

    @abstractmethod
    def _carry_out(self, ticket: int, command: object, now: Instant) -> None:
        """A command that is not about connections; it is answered now or later."""

    @abstractmethod
    def _settle(self, now: Instant) -> None:
        """What may follow from anything that happened, at the end of a step."""

    @abstractmethod
    def _tick(self, now: Instant) -> None:
        """Do what is due."""

    @abstractmethod
    def _deadline(self) -> Instant | None:
        """When something is due, beside what the connections want."""
