"""The links of one wallet to others: a machine without I/O, for payers and payees.

    payer  keys -> hello with a hint -> hello of the payee -> auth, checked ------> open
    payee  keys -> hello ------------> hint of the payer ---> Prove -> auth, sent -> open

A link is a connection in the encryption of BIP 324, with keys that no node has. On it the payee
proves that he wrote the invoice; until then the payer has said nothing but a hint that only who
knows the invoice can read. From then on each message goes to the wallet as a job, one at a time,
and what the wallet answers is sent. What is paid and what is true, the wallet knows; here is who
may speak, how much, and for how long.

A payer's link is dialled again until it is closed, and keeps its number. A payee's link is one
connection. Nobody holds a seat by silence: see the limits here and in `linkend`.
"""

from __future__ import annotations

from random import Random
from typing import Final

from axon.errors import DecodeError
from axon.machine import (
    Answer,
    Clogged,
    Closed,
    Commanded,
    Completed,
    DialFailed,
    Disconnect,
    Drained,
    Effect,
    Event,
    Instant,
    NoCommand,
    Opened,
    Pause,
    PeerId,
    Received,
    Report,
    Resume,
    Transmit,
    earlier,
)
from axon.p2p.faults import PeerFault, PeerSilent, PeerViolation
from axon.payments.linkbudget import partner_budget, strangers_budget
from axon.payments.linkdials import KeptLinks
from axon.payments.linkend import IN_FLIGHT_BYTES, LinkEnd, LinkStage
from axon.payments.linkevents import (
    BUSY,
    DONE,
    IDLE,
    REPLACED,
    UNKNOWN,
    CloseLink,
    LinkClosed,
    LinkFailed,
    LinkOpened,
    LinkReplies,
    LinkTarget,
    OpenLink,
    Proof,
    Say,
    Side,
)
from axon.payments.linkjobs import LinkJobs
from axon.payments.linkkeys import ProvesLink, invoice_hint, wallet_magic
from axon.payments.linkmessages import MAX_REASON_SIZE, Auth, Bye, Hello
from axon.payments.linkseats import QUIET, TOTAL_BYTES, has_stranger_seat, least_stranger, rival_of
from axon.payments.messages import LinkMessage
from axon.primitives.network import Network
from axon.wire.messages import Feature
from axon.wire.v2 import V2Transport

_UNREACHED: Final = "the payee does not answer at this endpoint"
_GONE: Final = "the partner, or the network, ended the connection"


class LinkNode:
    """A `Machine` for all links of one wallet.

    Args:
        network: gives the magic.
        proves_link: checks a payee's signature.
        rng: all chance comes from here.
        features: additions to tell partners of (BIP 434).
    """

    def __init__(
        self,
        network: Network,
        proves_link: ProvesLink,
        rng: Random,
        features: tuple[Feature, ...] = (),
    ) -> None:
        self._magic = wallet_magic(network)
        self._proves_link = proves_link
        self._rng = rng
        self._features = features
        self._ends: dict[PeerId, LinkEnd] = {}
        self._kept = KeptLinks(rng)
        self._jobs = LinkJobs()
        self._strangers = strangers_budget()
        self._links = 0  # How many there were.
        self._effects: list[Effect] = []

    # The machine.

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event; the effects are performed in order."""
        match event:
            case Received(peer, data) if peer in self._ends:
                end = self._ends[peer]
                end.put(data, now)
                self._work(end, now)
                self._hold_total(now)
            case Opened():
                self._opened(event, now)
            case Closed(peer) if peer in self._ends:
                self._left(self._ends[peer], now)
            case Clogged(peer) | Drained(peer) if peer in self._ends:
                end = self._ends[peer]
                end.clogged(now, is_clogged=isinstance(event, Clogged))
                self._work(end, now)
            case DialFailed(ticket):
                self._dial_failed(ticket, now)
            case Completed(task, outcome):
                self._completed(self._jobs.take(task), outcome, now)
            case Commanded(ticket, command):
                self._commanded(ticket, command, now)
        return self._take()

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        for end in list(self._ends.values()):
            deadline = end.deadline()
            if deadline is None or now < deadline:
                continue
            try:
                end.tick(now)
            except PeerSilent as fault:
                self._finish(end, str(fault), now)
            else:
                self._work(end, now)
        self._effects += self._kept.dial(now)
        return self._take()

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called next."""
        due = self._kept.deadline()
        for end in self._ends.values():
            due = earlier(due, end.deadline())
        return due

    def _take(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects

    # Connections come.

    def _opened(self, event: Opened, now: Instant) -> None:
        if event.ticket is None:
            self._let_in(event.peer, now)
            return
        link = self._kept.dialled(event.ticket, stands=True, now=now)
        if link is None:
            self._effects.append(Disconnect(event.peer, "the link was closed"))
            return
        invoice_id = self._kept.invoice(link).id
        transport = V2Transport(self._magic, self._rng, initiating=True)
        end = LinkEnd(event.peer, link, Side.PAYER, transport, partner_budget(), now, invoice_id)
        self._ends[event.peer] = end
        self._flush(end, now)

    def _dial_failed(self, ticket: int, now: Instant) -> None:
        link = self._kept.dialled(ticket, stands=False, now=now)
        if link is not None:  # The driver's reason may name the endpoint.
            self._effects.append(Report(LinkFailed(link, Side.PAYER, _UNREACHED)))

    def _let_in(self, peer: PeerId, now: Instant) -> None:
        payers = self._payers()
        if not has_stranger_seat(payers):
            least = least_stranger(payers)
            if least is None:
                self._effects.append(Disconnect(peer, BUSY))
                return
            self._finish(least, BUSY, now)
        link = self._links = self._links + 1
        transport = V2Transport(self._magic, self._rng, initiating=False)
        self._ends[peer] = LinkEnd(peer, link, Side.PAYEE, transport, self._strangers, now)

    def _payers(self) -> list[LinkEnd]:
        """The links of those who have dialled us."""
        return [end for end in self._ends.values() if end.side is Side.PAYEE]

    # What is said on them.

    def _work(self, end: LinkEnd, now: Instant) -> None:
        """Take on what waits of a partner, as far as his budget goes; then send what may be."""
        try:
            while end.has_next and not end.budget.is_spent(now):
                message = end.next_message(now)
                if message is not None:
                    self._heard(end, message, now)
                elif end.stage is LinkStage.KEYS and end.session_id:
                    self._greet(end)
                else:
                    self._flush(end, now)
                if end.peer not in self._ends:
                    return
        except (PeerFault, DecodeError) as fault:
            self._finish(end, str(fault), now)
            return
        if end.has_left and not (end.is_busy or end.has_next):
            self._gone(end, _GONE, now)
            return
        self._flush(end, now)
        if end.wants_pause is not end.is_paused:
            end.is_paused = end.wants_pause
            self._effects.append(Pause(end.peer) if end.is_paused else Resume(end.peer))

    def _left(self, end: LinkEnd, now: Instant) -> None:
        """The connection has ended: what a partner said before he went is heard all the same."""
        end.clogged(now, is_clogged=False)
        if end.stage is LinkStage.OPEN and (end.is_busy or end.has_next):
            end.has_left = True
            self._work(end, now)
        else:
            self._gone(end, _GONE, now)

    def _flush(self, end: LinkEnd, now: Instant) -> None:
        output = b"" if end.has_left else end.take_output(now)
        if output:
            self._effects.append(Transmit(end.peer, output))

    def _greet(self, end: LinkEnd) -> None:
        """Both sides have the same keys: say hello."""
        end.stage = LinkStage.HELLO
        hint = b""
        if end.side is Side.PAYER:
            hint = invoice_hint(end.session_id, end.invoice_id)
        end.say(Hello(features=self._features, hint=hint))

    def _heard(self, end: LinkEnd, message: LinkMessage, now: Instant) -> None:
        """One message, in its turn.

        Raises:
            PeerFault: it may not be said now, or the payee does not prove himself.
        """
        match message:
            case Bye():
                self._said_bye(end, message, now)
            case Hello() if end.stage is LinkStage.HELLO:
                if bool(message.hint) is not (end.side is Side.PAYEE):
                    raise PeerViolation("axon: the hello of the payer alone has a hint")
                end.partner = message
                end.stage = LinkStage.PROOF
                if end.side is Side.PAYEE:
                    self._effects += self._jobs.prove(end)
            case Auth(signature) if end.stage is LinkStage.PROOF and end.side is Side.PAYER:
                key = self._kept.invoice(end.link).public_key
                if not self._proves_link(key, end.session_id, end.invoice_id, signature):
                    raise PeerFault("whoever answers there is not who wrote the invoice")
                self._open(end, now)
            case Hello() | Auth():
                raise PeerViolation("axon: a link begins with one hello and one auth")
            case _ if end.stage is LinkStage.OPEN:
                self._effects.append(self._jobs.tell(end, message))
            case _:
                raise PeerViolation("axon: a link begins with hello and auth")

    def _said_bye(self, end: LinkEnd, message: Bye, now: Instant) -> None:
        rests = False
        if end.stage is LinkStage.OPEN:
            self._effects.append(self._jobs.tell(end, message))
            rests = message.reason in (DONE, IDLE)
        self._effects.append(Disconnect(end.peer, "the partner said bye"))
        self._gone(end, f"the partner said: {message.reason}", now, rests=rests)

    def _open(self, end: LinkEnd, now: Instant) -> None:
        end.stage = LinkStage.OPEN
        end.active_at = now
        if end.side is Side.PAYER:
            self._kept.opened(end.link, now)
        else:
            end.budget = partner_budget()
        self._effects.append(Report(LinkOpened(end.link, end.side, end.invoice_id)))
        self._effects.append(self._jobs.tell(end, end.partner))

    # What the wallet says.

    def _completed(self, end: LinkEnd, outcome: object, now: Instant) -> None:
        if isinstance(outcome, LinkReplies):
            if end.peer in self._ends:
                self._replied(end, outcome, now)
            return
        assert outcome is None or isinstance(outcome, Proof), f"no outcome of a link: {outcome!r}"
        self._effects += self._jobs.proved()
        if end.peer in self._ends:
            self._proved(end, outcome, now)

    def _proved(self, end: LinkEnd, proof: Proof | None, now: Instant) -> None:
        end.is_busy = False
        if proof is None:
            self._finish(end, UNKNOWN, now)
            return
        if not self._make_room(proof, now):
            self._finish(end, BUSY, now)
            return
        end.invoice_id = proof.invoice_id
        end.say(Auth(proof.signature))
        self._open(end, now)
        self._work(end, now)

    def _make_room(self, proof: Proof, now: Instant) -> bool:
        """Have a seat for one more payer; whether there is one."""
        rival = rival_of(self._payers(), proof)
        if rival is None:
            return True
        if rival.is_quiet(now, QUIET):
            self._finish(rival, REPLACED, now)
            return True
        return False

    def _replied(self, end: LinkEnd, replies: LinkReplies, now: Instant) -> None:
        end.is_busy = False
        end.active_at = now
        for message in replies.messages if not end.has_left else ():
            end.say(message)
        if replies.end is not None:
            self._kept.remove(end.link)
            self._finish(end, replies.end, now)
        else:
            self._work(end, now)

    # What the owner wants.

    def _commanded(self, ticket: int, command: object, now: Instant) -> None:
        value: object
        match command:
            case OpenLink(invoice):
                value = self._keep(invoice, now)
            case Say(link, messages):
                value = self._say(link, messages, now)
            case CloseLink(link, reason):
                was_kept, end = self._kept.remove(link), self._end_of(link)
                if end is not None:
                    self._finish(end, reason, now)
                value = was_kept or end is not None
            case _:
                value = NoCommand(command)
        self._effects.append(Answer(ticket, value))

    def _keep(self, invoice: LinkTarget, now: Instant) -> int | None:
        if not invoice.endpoints:
            return None
        link = self._kept.link_of(invoice, now)
        if link is None:
            link = self._links = self._links + 1
            self._kept.add(link, invoice, now)
        return link

    def _end_of(self, link: int) -> LinkEnd | None:
        return next((end for end in self._ends.values() if end.link == link), None)

    def _say(self, link: int, messages: tuple[LinkMessage, ...], now: Instant) -> bool:
        end = self._end_of(link)
        if end is None or end.stage is not LinkStage.OPEN or end.queued_bytes > IN_FLIGHT_BYTES:
            return False
        for message in messages:
            end.say(message)
        self._flush(end, now)
        return True

    # Connections go.

    def _hold_total(self, now: Instant) -> None:
        """Too much waits of all: whoever makes us keep most goes, if he has dialled us."""
        payers = self._payers()
        if payers and sum(end.waiting_bytes for end in self._ends.values()) > TOTAL_BYTES:
            self._finish(max(payers, key=lambda end: end.waiting_bytes), BUSY, now)

    def _finish(self, end: LinkEnd, reason: str, now: Instant) -> None:
        """We end a connection. A payee who has not proved himself is told nothing."""
        if end.has_left:
            self._gone(end, reason, now)
            return
        may_say = end.side is Side.PAYEE or end.stage is LinkStage.OPEN
        if may_say and end.session_id:
            output = end.take_last(reason[:MAX_REASON_SIZE], now)
            self._effects.append(Transmit(end.peer, output))
        self._effects.append(Disconnect(end.peer, reason))
        self._gone(end, reason, now, rests=reason == IDLE)

    def _gone(self, end: LinkEnd, reason: str, now: Instant, *, rests: bool = False) -> None:
        """A connection has ended; a payer's is made again, unless there is no need."""
        del self._ends[end.peer]
        self._jobs.forget(end)
        fact = LinkClosed if end.stage is LinkStage.OPEN else LinkFailed
        self._effects.append(Report(fact(end.link, end.side, reason)))
        self._kept.lost(end.link, now, rests=rests)
