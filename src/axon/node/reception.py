"""How a peer's bytes become messages, and when each is handled.

Messages of one peer are handled one after the other, each completely before the next: while one
waits for slow work, or the peer does not take what it is sent, the others wait as the bytes that
they came as. Transactions in a row alone may wait together, where `node/admission` has room; what
follows them waits for them all.

Between peers it goes by cost, not by count (`node/costs`). Each step of the node does a bounded
amount of this work, and the next turn always has the peer that will have cost least lately when its
next message is handled. So whoever makes us work waits for himself: an honest ping is answered
after the piece of work that is being done, however many peers flood us. Long lists are handled in
pieces, and of what a peer asked for one thing is given at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from typing import Final

from axon.errors import DecodeError
from axon.machine import SECOND, Instant, Pause, PeerId, Resume
from axon.node.costs import CUT_BYTE_NS, MESSAGE_NS, expected_ns, received_ns
from axon.node.encryptionfacts import EncryptionFailed
from axon.node.facts import MessageIgnored
from axon.node.jobs import DECODE, DecodeTransaction
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.p2p.faults import PeerDone, PeerFault, PeerViolation
from axon.primitives.transaction import Transaction
from axon.wire.messages import Malformed, Message, OverLimit, Tx, Unknown
from axon.wire.messages.inventory import ITEM_SIZE
from axon.wire.registry import PIECEMEAL, LongList, decode_in_pieces, decode_message
from axon.wire.transport import EncryptionError, Frame, NoMessage

INBOX_LIMIT_BYTES: Final = 1_000_000
"""Above this nothing more is read from a peer of whom a whole message waits: one that sends faster
than it can be answered costs memory for a few messages, not for all it has. Less than Core's
`-maxreceivebuffer` of 5 MB: the system holds some megabytes more, and whoever has them all read at
once keeps the loop from everybody else."""

INBOX_TOTAL_BYTES: Final = 100_000_000
"""So much of all peers together may wait. Above it the inbound peer of whom most waits is given up:
those who serve us are few, and what strangers make us keep is bounded."""

STEP_NS: Final = 2_000_000
"""Work of one step: then sockets, callers and timers have their turn."""

BURST_NS: Final = 10_000_000
"""Work of all events between two ticks. What thirty peers send arrives in one round of the loop: if
each event did a step of its own, whoever is heard in the next round would wait for all of them."""

TURN_NS: Final = 200_000
"""Work for one peer before the next one is chosen; choosing costs something, too."""

FREE_NS_A_SECOND: Final = 20_000_000
"""So much of what a peer has cost is forgotten each second: an honest one asks for less, and has
cost nothing most of the time."""

MOST_NS: Final = 100_000_000
"""More than this is not remembered: peers that flood us all the time take turns, and one that has
stopped is like any other after some seconds."""

STRANGER_NS: Final = 10_000_000
"""What whoever dials us counts as having cost: a crowd of newcomers comes after those who are
here."""

ITEMS_A_PIECE: Final = 100
"""Items of an inventory that are handled at once: about a millisecond."""

LONG_TX_BYTES: Final = 20_000
"""A transaction in a longer message is decoded off the loop: each of its bytes may be an item of
its own and take 0.2 microseconds, so that one of a block's size takes most of a second."""

LONG_LIST_BYTES: Final = ITEMS_A_PIECE * ITEM_SIZE
"""A list is handled in pieces if its message is longer than this."""


@dataclass(frozen=True, slots=True)
class TransactionDecoded:
    """Continuation: a long `tx` message of a peer was decoded."""

    peer: PeerId


Route = Callable[[Session, Message | Unknown, Instant], None]
Serve = Callable[[Session, Instant], None]


class Reception:
    """What waits of all peers of one node, and whose turn it is.

    Args:
        outbox: where effects go.
        sessions: all connections, by peer.
        route: handles one message; raises PeerFault or DecodeError.
        serve: gives a peer the next thing it asked for; raises PeerFault.
    """

    def __init__(
        self,
        outbox: Outbox,
        sessions: Mapping[PeerId, Session],
        route: Route,
        serve: Serve,
    ) -> None:
        self._outbox = outbox
        self._sessions = sessions
        self._route = route
        self._serve = serve
        self._waiting: dict[PeerId, None] = {}  # Peers of whom something waits, whyever.
        self._waiting_bytes = 0
        self._turns = 0
        self._burst_ns = 0  # What events and the last tick have had us do.
        self._long: dict[PeerId, bytes] = {}  # Long messages that wait to be decoded.
        self._is_decoding = False
        self.has_ready = False
        """Whether a turn is due at once."""

    def opened(self, session: Session) -> None:
        """A connection stands."""
        if session.inbound:
            session.cost_ns += STRANGER_NS

    def received(self, peer: PeerId, data: bytes, now: Instant) -> None:
        """Bytes of a peer."""
        session = self._sessions.get(peer)
        if session is None or session.is_leaving:
            return  # Disconnected already; its last bytes were still on the way.
        if session.keepalive is not None:
            session.keepalive.data_received(now)
        session.received.add(len(data), now)
        session.transport.put(data)
        if peer not in self._waiting:
            self._waiting[peer] = None
            session.waits_since = now
        self._waiting_bytes += len(data)
        if session.waiting_bytes > INBOX_LIMIT_BYTES and session.has_message:
            if not session.paused:
                session.paused = True
                self._outbox.put(Pause(peer))
        if self._waiting_bytes > INBOX_TOTAL_BYTES:
            self._give_one_up(now)

    def clogged(self, peer: PeerId, clogged: bool, now: Instant) -> None:
        """A peer does not take what it is sent; or does again."""
        session = self._sessions.get(peer)
        if session is None:
            return
        session.clogged = clogged
        if not clogged and session.keepalive is not None:
            session.keepalive.data_sent(now)

    def closed(self, session: Session) -> None:
        """A connection ended; what waited of it is forgotten."""
        self._waiting.pop(session.peer, None)
        self._long.pop(session.peer, None)
        self._waiting_bytes -= session.waiting_bytes

    def _give_one_up(self, now: Instant) -> None:
        """Disconnect whoever makes us keep most for longest, of those that we did not choose."""
        sessions = [self._sessions[peer] for peer in self._waiting]
        strangers = [each for each in sessions if each.inbound and not each.is_protected]
        if strangers:
            most = max(strangers, key=lambda each: _burden(each, now))
            why = "more bytes of all peers wait than are kept, and this one's for longest"
            self._outbox.disconnect(most.peer, PeerDone(why))

    def tick(self, now: Instant) -> None:
        """Others had their turn: do a bounded part of what waits."""
        self._burst_ns = 0
        self.work(now)

    def work(self, now: Instant) -> None:
        """Do a bounded part of what waits, the cheapest peers first."""
        ready = self._find_ready(now) if self._waiting else []
        left_ns = STEP_NS
        while ready and left_ns > 0:
            peer = ready[0][2]
            session = self._sessions[peer]
            before_ns = session.cost_ns
            self._turns = session.turn = self._turns + 1
            if self._take_turn(session, now):
                heapreplace(ready, (_rank_ns(session), session.turn, peer))
            else:
                heappop(ready)
            left_ns -= session.cost_ns - before_ns
        self._burst_ns += STEP_NS - left_ns
        self.has_ready = bool(ready) or self._burst_ns > BURST_NS

    def _find_ready(self, now: Instant) -> list[tuple[int, int, PeerId]]:
        """The peers of whom something can be done: rank, last turn and peer, as a heap."""
        ready = []
        is_alone = len(self._waiting) == 1  # Then no rank is needed.
        for peer in self._waiting:
            session = self._sessions[peer]
            if session.is_ready:
                _forget(session, now)
                ready.append((0 if is_alone else _rank_ns(session), session.turn, peer))
        if not is_alone:
            heapify(ready)
        return ready

    def _take_turn(self, session: Session, now: Instant) -> bool:
        """Handle a peer's messages until it has to wait, or others have their turn.

        Returns:
            Whether it goes on with the next turn.
        """
        before = session.waiting_bytes
        end_ns = session.cost_ns + TURN_NS
        is_ready = True
        while is_ready and session.cost_ns < end_ns:
            try:
                self._go_on(session, now)
            except PeerFault as fault:
                self._outbox.disconnect(session.peer, fault)
            is_ready = session.is_ready
        left = session.waiting_bytes
        self._waiting_bytes -= before - left
        session.waits_since = now
        if not (left or session.serving):
            del self._waiting[session.peer]
        if session.paused and not session.is_leaving:
            if left < INBOX_LIMIT_BYTES // 2 or not session.has_message:
                session.paused = False
                self._outbox.put(Resume(session.peer))
        return is_ready

    def _go_on(self, session: Session, now: Instant) -> None:
        """One thing: something it asked for, a piece of a message, or the next message.

        Raises:
            PeerFault: the peer failed us with it.
        """
        if session.serving:
            self._serve(session, now)
        elif session.pieces is not None:
            self._handle_piece(session, session.pieces, now)
        else:
            self._begin_frame(session, now)

    def _begin_frame(self, session: Session, now: Instant) -> None:
        if not session.judging:
            session.message_bytes = 0  # That before is done with, and with all that it led to.
        frame, session.held = session.held or self._cut_frame(session), None
        if frame is None:
            return
        if session.judging and not _is_short_transaction(frame):
            session.held, session.busy = frame, True
            session.message_bytes += frame.size_bytes
            return
        session.received.count(frame.command, frame.size_bytes)
        session.message_of = frame.command
        session.message_bytes += frame.size_bytes
        if frame.size_bytes > LONG_LIST_BYTES and frame.command in PIECEMEAL:
            session.pieces = decode_in_pieces(frame.command, frame.payload, ITEMS_A_PIECE)
            self._handle_piece(session, session.pieces, now)
            return
        session.cost_ns += received_ns(frame.command, frame.size_bytes)
        if frame.command == Tx.command and not _is_short_transaction(frame):
            session.busy = True
            self._long[session.peer] = frame.payload
            self._decode_next()
            return
        try:
            found: Message | Unknown | DecodeError = decode_message(frame.command, frame.payload)
        except DecodeError as fault:
            found = fault
        self._handle(session, found, now)
        if not (session.busy or session.judging):
            session.message_bytes = 0

    def _cut_frame(self, session: Session) -> Frame | None:
        """The next frame that is a message, None if there is none yet.

        Raises:
            PeerDone: the peer does not speak the transport.
        """
        try:
            frame = session.transport.next_frame()
        except DecodeError as fault:
            if isinstance(fault, EncryptionError):
                self._outbox.report(EncryptionFailed(session.peer, fault.said))
            raise PeerDone(str(fault)) from fault
        if frame is None:
            self._outbox.settle(session)
            return None
        session.cost_ns += frame.size_bytes * CUT_BYTE_NS
        if isinstance(frame, Frame):
            return frame
        if isinstance(frame, NoMessage):
            session.cost_ns += MESSAGE_NS
            return None
        session.received.count("", frame.size_bytes)
        session.cost_ns += received_ns("", frame.size_bytes)
        self._outbox.report(MessageIgnored(session.peer, "", frame.reason))
        return None

    def _handle(
        self, session: Session, found: Message | Unknown | DecodeError, now: Instant
    ) -> None:
        """A message that was decoded as a whole, or could not be."""
        try:
            if isinstance(found, DecodeError):
                raise found
            self._route(session, found, now)
        except DecodeError as fault:
            self._refuse(session, fault)

    def _decode_next(self) -> None:
        """Have a long message decoded, one at a time: whoever goes takes his along."""
        if self._long and not self._is_decoding:
            self._is_decoding = True
            peer = next(iter(self._long))
            job = DecodeTransaction(self._long.pop(peer))
            self._outbox.delegate(job, DECODE, TransactionDecoded(peer))

    def decoded(
        self, done: TransactionDecoded, found: Transaction | DecodeError, now: Instant
    ) -> None:
        """A long message has been decoded; it is handled now, if its peer is still there."""
        self._is_decoding = False
        self._decode_next()
        session = self._sessions.get(done.peer)
        if session is None:
            return
        session.busy = False
        try:  # What of it counts as waiting is taken off in the turn that follows.
            self._handle(session, found if isinstance(found, DecodeError) else Tx(found), now)
        except PeerFault as fault:
            self._outbox.disconnect(done.peer, fault)

    def _handle_piece(self, session: Session, pieces: Iterator[LongList], now: Instant) -> None:
        """The next piece of a long list; behind the last one the message is done with."""
        try:
            message = next(pieces, None)
            if message is None:
                session.pieces, session.message_bytes = None, 0
                return
            session.cost_ns += received_ns(session.message_of, len(message.items) * ITEM_SIZE)
            self._route(session, message, now)
        except DecodeError as fault:
            session.pieces, session.message_bytes = None, 0
            self._refuse(session, fault)

    def _refuse(self, session: Session, fault: DecodeError) -> None:
        """A message is not what it claims to be: it is left out, or ends the connection.

        Raises:
            PeerViolation: it lists more than the protocol allows.
            PeerFault: it is one that must be readable.
        """
        if isinstance(fault, OverLimit):
            raise PeerViolation(fault.rule) from fault
        if isinstance(fault, Malformed):
            session.handshake.unreadable(fault)
        self._outbox.report(MessageIgnored(session.peer, session.message_of, str(fault)))


def _is_short_transaction(frame: Frame) -> bool:
    return frame.command == Tx.command and frame.size_bytes <= LONG_TX_BYTES


def _burden(session: Session, now: Instant) -> int:
    """What a peer keeps our memory from being: who sends an hour at a frame, and who just now."""
    return session.waiting_bytes * (now - session.waits_since + SECOND)


def _rank_ns(session: Session) -> int:
    """What a peer will have cost after its next turn, roughly."""
    if session.serving or session.pieces is not None:
        return session.cost_ns
    return session.cost_ns + expected_ns(session.transport.next_bytes)


def _forget(session: Session, now: Instant) -> None:
    """Let time go over what a peer has cost."""
    left_ns = session.cost_ns - (now - session.cost_at) * FREE_NS_A_SECOND // SECOND
    session.cost_ns = min(left_ns, MOST_NS) if left_ns > 0 else 0
    session.cost_at = now
