"""Where the parts of a node put what is to be done: one list of effects, in order.

The outbox only collects; nothing in it calls a part. A part says `send`, `report`, `delegate`,
`disconnect`; when the step is over the node takes the peers that leave off all its tables
(`take_leaving`), and hands the list of effects to its driver.

What follows on slow work is a value, too: whoever orders work says with a *continuation*, a frozen
dataclass, what it is for, and gets it back with the outcome (`PeerNode.handle` says how).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from axon.machine import (
    Answer,
    Delegate,
    Dial,
    Effect,
    Endpoint,
    Instant,
    PeerId,
    Report,
    Resolve,
    Transmit,
)
from axon.node.costs import KEYS_NS, sent_ns
from axon.node.encryptionfacts import KeySent
from axon.node.facts import Fact, PeerMisbehaved
from axon.node.session import Session
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.blocktimelines import BlockTimelines
from axon.p2p.faults import PeerFault, PeerViolation
from axon.p2p.uploadtarget import UploadTarget
from axon.wire.messages import (
    GetBlockTxn,
    GetData,
    Inv,
    Message,
    Ping,
    Tx,
    Unknown,
    Verack,
    Version,
)

PRIVATE_MESSAGES = Version | Verack | Inv | Tx | Ping
"""All that is said where a transaction is brought out privately (Bitcoin Core's list)."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A connection that ends with this step.

    Args:
        session: whose.
        fault: why we end it; None if the other side, or the network, has.
        reason: the same in words.
    """

    session: Session
    fault: PeerFault | None
    reason: str


class Outbox:
    """Collects effects in order, and the peers that leave.

    Args:
        sessions: all connections, by peer; the node adds and removes them.
        upload: counts what goes out.
        timelines: which blocks are asked of whom is noted there.
    """

    def __init__(
        self, sessions: dict[PeerId, Session], upload: UploadTarget, timelines: BlockTimelines
    ) -> None:
        self._sessions = sessions
        self._upload = upload
        self._timelines = timelines
        self._effects: list[Effect] = []
        self._leaving: list[Leaving] = []
        self._continuations: dict[int, object] = {}  # Bounded by the tasks that the parts allow.
        self._tasks = 0
        self.now: Instant = 0

    # Taken by the node at the end of a step.

    @property
    def has_effects(self) -> bool:
        """Whether effects wait to be taken."""
        return bool(self._effects)

    @property
    def has_leaving(self) -> bool:
        """Whether peers wait to be taken off."""
        return bool(self._leaving)

    def take(self) -> list[Effect]:
        """All effects since the last call."""
        effects, self._effects = self._effects, []
        return effects

    def take_leaving(self) -> list[Leaving]:
        """The connections that end, since the last call."""
        leaving, self._leaving = self._leaving, []
        return leaving

    # Messages, and the end of connections.

    def send(self, peer: PeerId, *messages: Message | Unknown) -> None:
        """Messages to a peer; nothing if it has gone or is about to."""
        session = self._sessions.get(peer)
        if session is None or session.is_leaving:
            return
        if not session.transport.can_send:
            session.held_back += messages  # Our version: until it has come nothing else is said.
            return
        for message in messages:
            if session.kind.is_private and not isinstance(message, PRIVATE_MESSAGES):
                continue  # Whatever part wants to say more: it would tell who we are.
            command = message.command
            data = session.transport.encode(command, message.encode())
            size_bytes = len(data)
            session.sent.add(size_bytes, self.now)
            session.sent.count(command, size_bytes)
            session.cost_ns += sent_ns(command, size_bytes)
            self._upload.sent(size_bytes, self.now)
            self._effects.append(Transmit(peer, data))
            if isinstance(message, GetData | GetBlockTxn):
                self._timelines.asked(peer, message, self.now)
        if messages and session.keepalive is not None and not session.clogged:
            session.keepalive.data_sent(self.now)  # What goes into a full buffer proves nothing.

    def settle(self, session: Session) -> None:
        """A transport has taken a step of its own: what it says goes out, then what waited."""
        session.transport = session.transport.settled
        output = session.transport.take_output()
        if not output or session.is_leaving:
            return
        if not session.sent.bytes:
            self.report(KeySent(session.peer))
        session.cost_ns += KEYS_NS
        session.sent.add(len(output), self.now)
        self._upload.sent(len(output), self.now)
        self._effects.append(Transmit(session.peer, output))
        if session.transport.can_send:
            messages, session.held_back = session.held_back, []
            self.send(session.peer, *messages)

    def perform(self, actions: Iterable[Action]) -> None:
        """What a node-wide part of p2p wants done."""
        for action in actions:
            match action:
                case Send(peer, message):
                    self.send(peer, message)
                case DisconnectPeer(peer, fault):
                    self.disconnect(peer, fault)

    def disconnect(self, peer: PeerId, fault: PeerFault) -> None:
        """A peer failed: its connection ends with this step, unless the operator protects it.

        From now on nothing is sent to it, and none of its messages is handled.
        """
        session = self._sessions.get(peer)
        if session is None or session.is_leaving:
            return
        if isinstance(fault, PeerViolation):
            self.report(PeerMisbehaved(peer, str(session.remote), fault.rule))
            if session.is_protected:
                return
        self._leave(session, fault, str(fault))

    def closed(self, peer: PeerId, reason: str) -> None:
        """The other side, or the network, ended a connection."""
        session = self._sessions.get(peer)
        if session is not None:
            self._leave(session, None, reason)

    def _leave(self, session: Session, fault: PeerFault | None, reason: str) -> None:
        session.is_leaving = True
        self._leaving.append(Leaving(session, fault, reason))

    # Everything else.

    def put(self, effect: Effect) -> None:
        """Any effect, as it is."""
        self._effects.append(effect)

    def report(self, fact: Fact) -> None:
        """State a fact."""
        self._effects.append(Report(fact))

    def answer(self, ticket: int, value: object) -> None:
        """The outcome of a command."""
        self._effects.append(Answer(ticket, value))

    def dial(self, ticket: int, endpoint: Endpoint, *, private: bool = False) -> None:
        """Open a connection; `Opened` or `DialFailed` answers with this ticket."""
        self._effects.append(Dial(ticket, endpoint, private))

    def resolve(self, ticket: int, host: str, port: int) -> None:
        """Ask DNS for the addresses of a name; `Resolved` answers with this ticket."""
        self._effects.append(Resolve(ticket, host, port))

    def delegate(self, job: object, lane: str, continuation: object = None) -> None:
        """Order slow work.

        Args:
            job: one of `jobs` or `walletjobs`.
            lane: of these rooms as well.
            continuation: a frozen dataclass that says what the outcome is for; None if nothing
                follows.
        """
        task = self._tasks = self._tasks + 1
        self._continuations[task] = continuation
        self._effects.append(Delegate(task, job, lane))

    def take_continuation(self, task: int) -> object:
        """What the outcome of this task is for; asked once, when it comes."""
        return self._continuations.pop(task)
