"""How a peer's bytes become messages, and when each is handled.

Messages of one peer are handled one after the other, each completely before the next: while one
waits for slow work, or the peer does not take what it is sent, the others wait in its inbox.
Between peers they take turns. When too much waits, nothing more is read from that peer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from axon.errors import DecodeError
from axon.machine import Instant, Pause, PeerId, Resume
from axon.node.facts import MessageIgnored
from axon.node.outbox import Outbox
from axon.node.session import INBOX_LIMIT_BYTES, Session
from axon.p2p.faults import PeerDone, PeerFault, PeerViolation
from axon.wire.messages import Message, OverLimit, Unknown
from axon.wire.registry import decode_message
from axon.wire.transport import Corrupt, Frame

MESSAGES_PER_TURN: Final = 100
"""Messages of one peer handled before others have their turn: a flood of small ones must not keep
anybody waiting for more than a few milliseconds."""

Route = Callable[[Session, Message | Unknown, Instant], None]


class Reception:
    """The inboxes of all peers of one node.

    Args:
        outbox: where effects go.
        sessions: all connections, by peer.
        route: handles one message; raises PeerFault or DecodeError.
    """

    def __init__(
        self,
        outbox: Outbox,
        sessions: Mapping[PeerId, Session],
        route: Route,
    ) -> None:
        self._outbox = outbox
        self._sessions = sessions
        self._route = route
        self._ready: dict[PeerId, None] = {}  # Peers with messages left for another turn.
        self._behind: dict[PeerId, None] = {}  # Peers with messages left, whyever.

    @property
    def has_ready(self) -> bool:
        """Whether a turn is due at once."""
        return bool(self._ready)

    def received(self, peer: PeerId, data: bytes, now: Instant) -> None:
        """Bytes of a peer."""
        session = self._sessions.get(peer)
        if session is None:
            return  # Disconnected already; its last bytes were still on the way.
        if session.keepalive is not None:
            session.keepalive.data_received(now)
        try:
            session.put(session.transport.received(data))
        except DecodeError as fault:
            self._outbox.disconnect(peer, PeerDone(str(fault)))
            return
        if session.inbox_bytes > INBOX_LIMIT_BYTES and not session.paused:
            session.paused = True
            self._outbox.put(Pause(peer))
        self._work(session, now)

    def take_turns(self, now: Instant) -> None:
        """Go on with every peer whose messages waited."""
        self._ready.clear()
        for peer in list(self._behind):
            session = self._sessions.get(peer)
            if session is not None and not session.is_held:
                self._work(session, now)

    def clogged(self, peer: PeerId, clogged: bool, now: Instant) -> None:
        """A peer does not take what it is sent; or does again."""
        session = self._sessions.get(peer)
        if session is None:
            return
        session.clogged = clogged
        if not clogged:
            if session.keepalive is not None:
                session.keepalive.data_sent(now)
            self._work(session, now)

    def closed(self, peer: PeerId) -> None:
        """A connection ended."""
        self._ready.pop(peer, None)
        self._behind.pop(peer, None)

    def _work(self, session: Session, now: Instant) -> None:
        """Handle a peer's messages until it has to wait, or others have their turn."""
        peer = session.peer
        for _ in range(MESSAGES_PER_TURN):
            frame = session.take()
            if frame is None:
                break
            self._handle(session, frame, now)
        if session.is_leaving:
            return
        if session.inbox:
            self._behind[peer] = None
            if not session.is_held:
                self._ready[peer] = None
        else:
            self._behind.pop(peer, None)
        if session.paused and session.inbox_bytes < INBOX_LIMIT_BYTES // 2:
            session.paused = False
            self._outbox.put(Resume(peer))

    def _handle(self, session: Session, frame: Frame | Corrupt, now: Instant) -> None:
        peer = session.peer
        if isinstance(frame, Corrupt):
            session.received.count("", frame.size_bytes, now)
            self._outbox.report(MessageIgnored(peer, "", frame.reason))
            return
        session.received.count(frame.command, frame.size_bytes, now)
        try:
            message = decode_message(frame.command, frame.payload)
            self._route(session, message, now)
        except OverLimit as fault:
            self._outbox.disconnect(peer, PeerViolation(fault.rule))
        except DecodeError as fault:
            self._outbox.report(MessageIgnored(peer, frame.command, str(fault)))
        except PeerFault as fault:
            self._outbox.disconnect(peer, fault)
