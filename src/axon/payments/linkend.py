"""One connection of a link: what waits on it in either direction, what it costs, its timeouts.

    KEYS --the other side has them, too--> HELLO --its hello--> PROOF --auth--> OPEN

The states are those of both sides; what a message means in each says `link`. Here is what holds
for any message: how large it may be and how many wait, in what order things are sent, and how long
silence is borne.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from axon.machine import MINUTE, SECOND, Instant, PeerId, earlier
from axon.node.costs import CUT_BYTE_NS, KEYS_NS, MESSAGE_NS, SENT_BYTE_NS
from axon.p2p.faults import PeerSilent, PeerViolation
from axon.payments.linkbudget import WorkBudget
from axon.payments.linkevents import IDLE, Side
from axon.payments.linkmessages import MAX_HELLO_BYTES, Bye, Hello
from axon.payments.messages import (
    ANSWERS,
    MAX_PAYLOAD_BYTES,
    LinkMessage,
    decode_link_message,
)
from axon.wire.transport import MAX_COMMAND_SIZE, Frame, NoMessage
from axon.wire.v2 import V2Transport
from axon.wire.v2packets import EXPANSION

AUTH_LIMIT: Final = 60 * SECOND
"""From the first byte to the open link."""
MESSAGE_LIMIT: Final = 60 * SECOND
"""From the first byte of a message to its last: who drips holds no seat."""
ANSWER_LIMIT: Final = 2 * MINUTE
"""Until a question of ours is answered; a payment's first verdict takes some seconds."""
CLOGGED_LIMIT: Final = MINUTE
"""Until a partner reads what he is sent."""
IDLE_LIMIT: Final = 10 * MINUTE
"""Without a message in either direction."""

IN_FLIGHT_BYTES: Final = 1_000_000
"""What may wait on a link in one direction: above it nothing more is read, or taken to be sent."""
GREETING_BYTES: Final = 20_000
"""The same for what is read before the link is open: one `hello`, and what shares its packet."""
MAX_OPEN_QUESTIONS: Final = 4
"""Of each side."""

LINK_BYTE_NS: Final = 10
"""Of each byte of a message: taken apart here, and judged off the loop."""

_AROUND: Final = 1 + MAX_COMMAND_SIZE + EXPANSION
_LARGEST: Final = MAX_PAYLOAD_BYTES + _AROUND
_LARGEST_GREETING: Final = MAX_HELLO_BYTES + _AROUND


class LinkStage(IntEnum):
    """How far a connection has come."""

    KEYS = 0
    HELLO = 1
    PROOF = 2
    OPEN = 3


class OpenQuestions:
    """Questions of one side that wait for their answers, by the name of what answers them."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Instant]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def asked(self, command: str, now: Instant) -> None:
        """A question was asked, if this is one."""
        answer = ANSWERS.get(command)
        if answer is not None:
            self._waiting.append((answer, now))

    def answered(self, command: str) -> None:
        """Something was said that may answer one; the oldest then."""
        for place, (answer, _) in enumerate(self._waiting):
            if answer == command:
                del self._waiting[place]
                return

    @property
    def since(self) -> Instant | None:
        """When the oldest one was asked."""
        return self._waiting[0][1] if self._waiting else None


class LinkEnd:
    """Our end of one connection.

    Args:
        peer: the driver's number of it.
        link: ours.
        side: ours.
        transport: with the wallet magic.
        budget: what it may cost.
        now: it was opened.
        invoice_id: 32 bytes; of a payee empty until he knows.
    """

    def __init__(
        self,
        peer: PeerId,
        link: int,
        side: Side,
        transport: V2Transport,
        budget: WorkBudget,
        now: Instant,
        invoice_id: bytes = b"",
    ) -> None:
        self.peer = peer
        self.link = link
        self.side = side
        self.budget = budget
        self.invoice_id = invoice_id
        self.stage = LinkStage.KEYS
        self.partner = Hello()  # His, once he has said it.
        self.is_busy = False  # The wallet works on what he said.
        self.is_paused = False
        self.has_left = False  # The connection has ended, and not all that he said is heard.
        self.has_spoken = False  # A byte of him came.
        self.opened_at = self.active_at = now
        self._transport = transport
        self._unsent: list[tuple[str, bytes]] = []  # Names and payloads, in order.
        self._ours = OpenQuestions()
        self._theirs = OpenQuestions()
        self._partial_since: Instant | None = None  # He began a message and has not ended it.
        self._clogged_since: Instant | None = None

    @property
    def session_id(self) -> bytes:
        """32 bytes; empty until the other side has shown that it has the same keys."""
        return self._transport.session_id

    @property
    def waiting_bytes(self) -> int:
        """What of both directions waits here."""
        return self._transport.held_bytes + self.queued_bytes

    @property
    def queued_bytes(self) -> int:
        """What waits to be sent."""
        return sum(len(payload) for _, payload in self._unsent)

    # In.

    def put(self, data: bytes, now: Instant) -> None:
        """Bytes came."""
        self.has_spoken = True
        self._transport.put(data)
        if self._partial_since is None:
            self._partial_since = now

    @property
    def has_next(self) -> bool:
        """Whether there is something of his that may be taken on, as far as he is concerned.

        What he does not read is no reason to hear more of him.
        """
        return self._is_free and (self._transport.has_next or self._is_too_large)

    @property
    def _is_free(self) -> bool:
        return not self.is_busy and self._clogged_since is None

    @property
    def _is_too_large(self) -> bool:
        limit = _LARGEST if self.stage is LinkStage.OPEN else _LARGEST_GREETING
        return self._transport.next_bytes > limit

    def next_message(self, now: Instant) -> LinkMessage | None:
        """The next message; None if it was a step of the encryption, or a decoy.

        Raises:
            PeerViolation: it is too large, or one question too many.
            DecodeError: it is no message of a link, or none of this encryption.
        """
        if self._is_too_large:  # Known by its length, before the rest of it is kept.
            raise PeerViolation("axon: a message between wallets has at most 402,000 bytes")
        had_keys = self._transport.can_send
        frame = self._transport.next_frame()
        self._partial_since = now if self._transport.held_bytes else None
        if frame is None or isinstance(frame, NoMessage):
            size = 0 if frame is None else frame.size_bytes
            new_keys = self._transport.can_send and not had_keys
            work_ns = 2 * KEYS_NS if new_keys else MESSAGE_NS
            self.budget.spend(work_ns + size * CUT_BYTE_NS, now)
            return None
        self.budget.spend(MESSAGE_NS + frame.size_bytes * LINK_BYTE_NS, now)
        if not isinstance(frame, Frame):
            raise PeerViolation("axon: each packet of a link carries a message or is a decoy")
        message = decode_link_message(frame.command, frame.payload)
        self.active_at = now
        self._ours.answered(message.command)
        if message.command in ANSWERS and len(self._theirs) == MAX_OPEN_QUESTIONS:
            raise PeerViolation("axon: at most 4 questions on a link wait for their answers")
        self._theirs.asked(message.command, now)
        return message

    @property
    def wants_pause(self) -> bool:
        """Whether nothing more is to be read for now: enough waits that can be taken on."""
        limit = IN_FLIGHT_BYTES if self.stage is LinkStage.OPEN else GREETING_BYTES
        return self._transport.has_next and self._transport.held_bytes > limit

    # Out.

    def say(self, message: LinkMessage) -> None:
        """Put a message at the end of what is to be sent."""
        self._unsent.append((message.command, message.encode()))

    def take_output(self, now: Instant) -> bytes:
        """What can be sent now, in order; questions wait while four of ours are open."""
        if self.side is Side.PAYEE and not self._transport.can_send:
            return b""  # Who dials speaks first, and a node learns nothing.
        parts = [self._transport.take_output()]
        if self._transport.can_send and self._clogged_since is None:
            unsent, self._unsent = self._unsent, []
            for command, payload in unsent:
                if command in ANSWERS and len(self._ours) == MAX_OPEN_QUESTIONS:
                    self._unsent.append((command, payload))
                else:
                    parts.append(self._seal(command, payload, now))
        return b"".join(parts)

    def take_last(self, reason: str, now: Instant) -> bytes:
        """All that waits, whether or not it is read, but for questions; and a `bye`."""
        self._clogged_since = None
        self._unsent = [item for item in self._unsent if item[0] not in ANSWERS]
        self.say(Bye(reason))
        return self.take_output(now)

    def _seal(self, command: str, payload: bytes, now: Instant) -> bytes:
        self.active_at = now
        self._theirs.answered(command)
        self._ours.asked(command, now)
        self.budget.spend(MESSAGE_NS + len(payload) * SENT_BYTE_NS, now)
        return self._transport.encode(command, payload)

    def clogged(self, now: Instant, *, is_clogged: bool) -> None:
        """The partner does not read what he is sent; or does again."""
        self._clogged_since = now if is_clogged else None

    # Time.

    def is_quiet(self, now: Instant, limit: Instant) -> bool:
        """Whether for so long nothing was said, and we owe nothing to the partner."""
        return not self.is_busy and now - self.active_at >= limit

    def deadline(self) -> Instant | None:
        """When `tick` has something to do, or the budget allows more work."""
        due = self.budget.ready_at if self.has_next else None
        if self.stage is not LinkStage.OPEN:
            return earlier(due, self.opened_at + AUTH_LIMIT)
        if not self.is_busy:
            due = earlier(due, self.active_at + IDLE_LIMIT)
        for since, limit in self._limits():
            due = earlier(due, None if since is None else since + limit)
        return due

    def tick(self, now: Instant) -> None:
        """Look for silence.

        Raises:
            PeerSilent: it has lasted too long.
        """
        if self.stage is not LinkStage.OPEN:
            if now >= self.opened_at + AUTH_LIMIT:
                raise PeerSilent("not authenticated within 60 s")
            return
        for (since, limit), what in zip(self._limits(), _SILENCES, strict=True):
            if since is not None and now >= since + limit:
                raise PeerSilent(what)
        if self.is_quiet(now, IDLE_LIMIT):
            raise PeerSilent(IDLE)

    def _limits(self) -> tuple[tuple[Instant | None, Instant], ...]:
        has_whole = self._transport.has_next  # He is not silent: we have not come to it.
        return (
            (None if has_whole else self._partial_since, MESSAGE_LIMIT),
            (self._clogged_since, CLOGGED_LIMIT),
            (None if has_whole or self.is_busy else self._ours.since, ANSWER_LIMIT),
        )


_SILENCES: Final = (
    "a message was begun and not ended within 60 s",
    "what was sent was not read within 60 s",
    "a question was not answered within 2 minutes",
)
