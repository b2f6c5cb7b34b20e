"""A `LinkNode` in the hand of a test, the wallet behind it, and partners that say anything."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from axon.machine import (
    SECOND,
    Answer,
    Closed,
    Commanded,
    Completed,
    Delegate,
    Dial,
    DialFailed,
    Disconnect,
    Effect,
    Endpoint,
    Event,
    Instant,
    Opened,
    Pause,
    PeerId,
    Received,
    Report,
    Resume,
    Transmit,
)
from axon.payments.invoice import prove_link, proves_link
from axon.payments.link import LinkNode
from axon.payments.linkevents import Heard, LinkReplies, Proof, Prove
from axon.payments.linkkeys import invoice_hint, wallet_magic
from axon.payments.linkmessages import Hello
from axon.payments.messages import LinkMessage, decode_link_message
from axon.primitives.keys import x_only_key
from axon.primitives.network import REGTEST
from axon.wire.v2names import encode_name
from tests.v2peer import HandMadePeer

START: Instant = 1_700_000_000 * SECOND
ALICE = Endpoint("10.0.0.1", 12966)
BOB = Endpoint("10.0.0.2", 12966)
CAROL = Endpoint("10.0.0.3", 12966)
MAGIC = wallet_magic(REGTEST)


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice, as far as links know one, with its secret."""

    number: int
    endpoints: tuple[Endpoint, ...] = (BOB,)

    @property
    def id(self) -> bytes:
        return sha256(b"invoice %d" % self.number).digest()

    @property
    def _secret(self) -> bytes:
        return self.number.to_bytes(32, "big")

    @property
    def public_key(self) -> bytes:
        return x_only_key(self._secret)

    def sign(self, session_id: bytes) -> bytes:
        return prove_link(self._secret, session_id, self.id)


BILL = Bill(1)
OTHER = Bill(2)


def silent(_heard: Heard) -> LinkReplies:
    return LinkReplies()


class Purse:
    """The wallet behind a machine.

    Args:
        bills: invoices that it wrote.
        reply: what it says to what it hears.
    """

    def __init__(self, *bills: Bill, reply: Callable[[Heard], LinkReplies] = silent) -> None:
        self.bills = bills
        self.reply = reply
        self.heard: list[Heard] = []

    def perform(self, job: object) -> object:
        match job:
            case Prove(_, hint, session_id):
                for bill in self.bills:
                    if invoice_hint(session_id, bill.id) == hint:
                        return Proof(bill.id, bill.sign(session_id))
                return None
            case Heard():
                self.heard.append(job)
                return self.reply(job)
        raise AssertionError(f"no job of a link: {job!r}")

    @property
    def messages(self) -> list[LinkMessage]:
        return [heard.message for heard in self.heard]


def link_node(seed: int = 1) -> LinkNode:
    return LinkNode(REGTEST, proves_link, Random(seed))


@dataclass(slots=True)
class Sent:
    """What a machine did on one connection."""

    data: bytearray = field(default_factory=bytearray)
    taken: int = 0  # By a partner.
    ended: str | None = None
    paused: bool = False


class Rig:
    """A machine, its clock, and what it did; jobs wait for `work` if it is told so."""

    def __init__(self, purse: Purse | None = None, seed: int = 1) -> None:
        self.purse = purse or Purse(BILL)
        self.node = link_node(seed)
        self.now = START
        self.sent: dict[PeerId, Sent] = {}
        self.dials: deque[Dial] = deque()
        self.facts: list[object] = []
        self.answers: list[object] = []
        self.jobs: deque[Delegate] = deque()
        self.works_at_once = True

    def handle(self, event: Event) -> None:
        self._perform(self.node.handle(event, self.now))

    def ask(self, command: object) -> object:
        self.handle(Commanded(1, command))
        self.ring()
        return self.answers.pop()

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Transmit(peer, data):
                    assert self.sent[peer].ended is None
                    assert data
                    self.sent[peer].data += data
                case Disconnect(peer, reason):
                    assert self.sent[peer].ended is None
                    self.sent[peer].ended = reason
                case Pause(peer) | Resume(peer):
                    self.sent[peer].paused = isinstance(effect, Pause)
                case Dial():
                    self.dials.append(effect)
                case Delegate():
                    self.jobs.append(effect)
                case Report(fact):
                    self.facts.append(fact)
                case Answer(_, value):
                    self.answers.append(value)
                case _:
                    raise AssertionError(f"not expected: {effect!r}")
        if self.works_at_once:
            self.work()

    def work(self, jobs: int = 1_000) -> None:
        """Do jobs that wait."""
        while self.jobs and jobs:
            done = self.jobs.popleft()
            self.handle(Completed(done.task, self.purse.perform(done.job)))
            jobs -= 1

    def ring(self) -> None:
        """Tick until nothing is due."""
        for _ in range(100):
            due = self.node.deadline()
            if due is None or due > self.now:
                return
            self._perform(self.node.tick(self.now))
        raise AssertionError("a due tick moves the deadline on")

    def wait(self, time: Instant) -> None:
        """Let time pass."""
        end = self.now + time
        while (due := self.node.deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.ring()
        self.now = end

    def accept(self) -> PeerId:
        """Somebody dials."""
        peer = PeerId(len(self.sent))
        self.sent[peer] = Sent()
        self.handle(Opened(peer, ALICE, BOB))
        return peer

    def answer_dial(self) -> PeerId:
        """A dial of the machine reaches somebody."""
        dial = self.dials.popleft()
        peer = PeerId(len(self.sent))
        self.sent[peer] = Sent()
        self.handle(Opened(peer, dial.endpoint, ALICE, dial.ticket))
        return peer

    def miss_dial(self) -> Endpoint:
        """A dial of the machine reaches nobody."""
        dial = self.dials.popleft()
        self.handle(DialFailed(dial.ticket, f"connect call to {dial.endpoint} failed"))
        return dial.endpoint

    def lose(self, peer: PeerId) -> None:
        """A connection breaks."""
        if self.sent[peer].ended is None:
            self.sent[peer].ended = "lost"
            self.handle(Closed(peer))


class Partner:
    """The other end of a connection of a rig's machine; each of its steps is a test's.

    Args:
        rig: its machine.
        peer: the connection.
        payer: it dialled.
        garbage: behind its key.
    """

    def __init__(
        self,
        rig: Rig,
        peer: PeerId,
        *,
        payer: bool,
        garbage: bytes = b"",
        magic: bytes = MAGIC,
        number: int = 7,
    ) -> None:
        self.rig = rig
        self.peer = peer
        self.hand = HandMadePeer(magic, initiating=payer, garbage=garbage, number=number)
        self.heard: list[LinkMessage] = []

    @property
    def end(self) -> str | None:
        """Why the machine ended the connection, None if it did not."""
        return self.rig.sent[self.peer].ended

    def put(self, data: bytes) -> None:
        """Any bytes."""
        if self.end is None:
            self.rig.handle(Received(self.peer, data))

    def listen(self) -> list[LinkMessage]:
        """What it was told since."""
        sent = self.rig.sent[self.peer]
        fresh = bytes(sent.data[sent.taken :])
        sent.taken = len(sent.data)
        said = [decode_link_message(f.command, f.payload) for f in self.hand.received(fresh)]
        self.heard += said
        return said

    def agree(self) -> None:
        """Keys on both sides."""
        self.put(self.hand.hello)
        self.listen()
        self.put(self.hand.proof())
        self.listen()

    def say(self, *messages: LinkMessage) -> None:
        """Messages as they should be."""
        self.put(self.sealed(*messages))

    def put_packet(self, command: str, payload: bytes) -> None:
        """A message of any name and payload."""
        self.put(self.hand.packet(encode_name(command) + payload))

    def sealed(self, *messages: LinkMessage) -> bytes:
        """The packets of messages."""
        return b"".join(
            self.hand.packet(encode_name(message.command) + message.encode())
            for message in messages
        )

    def hello(self, bill: Bill = BILL) -> Hello:
        """As the payer of an invoice says it."""
        return Hello(hint=invoice_hint(self.hand.session_id, bill.id))


def open_payer(rig: Rig, bill: Bill = BILL, number: int = 7) -> Partner:
    """An honest payer on an open link with a machine."""
    payer = Partner(rig, rig.accept(), payer=True, number=number)
    payer.agree()
    payer.say(payer.hello(bill))
    payer.listen()
    return payer
