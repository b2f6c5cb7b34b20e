"""Where the parts of a node put what is to be done: the one list of effects.

A part says `send`, `report`, `delegate`, `disconnect`; the node hands the list to its driver when
the event is dealt with. What follows on slow work is written down where the work is ordered, as a
function that gets the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from axon.machine import (
    Answer,
    Delegate,
    Dial,
    Disconnect,
    Effect,
    Endpoint,
    Instant,
    PeerId,
    Report,
    Resolve,
    Transmit,
)
from axon.node.facts import Fact
from axon.node.session import Session
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.faults import PeerFault
from axon.p2p.serving import UploadTarget
from axon.wire.messages import Message

Sequel = Callable[[object, Instant], None]
"""What to do with the outcome of slow work."""


class Outbox:
    """Collects effects in order.

    Args:
        sessions: all connections, by peer; the node adds and removes them.
        upload: counts what goes out.
    """

    def __init__(self, sessions: dict[PeerId, Session], upload: UploadTarget) -> None:
        self._sessions = sessions
        self._upload = upload
        self._effects: list[Effect] = []
        self._sequels: dict[int, Sequel] = {}  # Bounded by the tasks that the parts allow.
        self._tasks = 0
        self._on_drop: Callable[[PeerId, PeerFault, Instant], None] | None = None
        self.now: Instant = 0

    def on_drop(self, drop: Callable[[PeerId, PeerFault, Instant], None]) -> None:
        """Who ends the connection of a peer that failed."""
        self._on_drop = drop

    def take(self) -> list[Effect]:
        """All effects since the last call."""
        effects, self._effects = self._effects, []
        return effects

    def put(self, effect: Effect) -> None:
        """Any effect, as it is."""
        self._effects.append(effect)

    def send(self, peer: PeerId, *messages: Message) -> None:
        """Messages to a peer; nothing if it has gone."""
        session = self._sessions.get(peer)
        if session is None:
            return
        for message in messages:
            data = session.transport.encode(message.command, message.encode())
            session.sent.count(message.command, len(data), self.now)
            self._upload.sent(len(data), self.now)
            self._effects.append(Transmit(peer, data))
        if messages and session.keepalive is not None and not session.clogged:
            session.keepalive.data_sent(self.now)  # What is sent into a full buffer proves nothing.

    def perform(self, actions: Iterable[Action]) -> None:
        """What a node-wide part of p2p wants done."""
        for action in actions:
            match action:
                case Send(peer, message):
                    self.send(peer, message)
                case DisconnectPeer(peer, fault):
                    assert self._on_drop is not None, "the node says who drops before it runs"
                    self._on_drop(peer, fault, self.now)

    def blame(self, peer: PeerId, fault: PeerFault) -> None:
        """End the connection of a peer whose message had a bad outcome."""
        self.perform((DisconnectPeer(peer, fault),))

    def disconnect(self, peer: PeerId, reason: str) -> None:
        """End a connection."""
        self._effects.append(Disconnect(peer, reason))

    def report(self, fact: Fact) -> None:
        """State a fact."""
        self._effects.append(Report(fact))

    def answer(self, ticket: int, value: object) -> None:
        """The outcome of a command."""
        self._effects.append(Answer(ticket, value))

    def dial(self, ticket: int, endpoint: Endpoint) -> None:
        """Open a connection."""
        self._effects.append(Dial(ticket, endpoint))

    def resolve(self, ticket: int, host: str, port: int) -> None:
        """Ask DNS."""
        self._effects.append(Resolve(ticket, host, port))

    def delegate(self, job: object, lane: str, sequel: Sequel) -> None:
        """Order slow work, one of `jobs` or `walletjobs`; `sequel` gets its outcome."""
        task = self._tasks = self._tasks + 1
        self._sequels[task] = sequel
        self._effects.append(Delegate(task, job, lane))

    def completed(self, task: int, outcome: object, now: Instant) -> None:
        """Slow work is done."""
        self._sequels.pop(task)(outcome, now)
