"""A crowd: hosts without a ledger, as many as one likes, that a node can dial and stay linked to.

One program stands for all of them, so that thousands cost little; it listens at each of their
addresses (`Simulation.listen`). Whoever dials one gets a handshake, pongs, the headers that the
crowd shows, and when it asks for addresses those that the crowd tells. Blocks and transactions it
has none. Hosts that dial are a program each, as each comes from an address of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

from axon.drivers.sim.driver import Simulation
from axon.machine import (
    SECOND,
    Closed,
    Dial,
    DialFailed,
    Disconnect,
    Effect,
    Endpoint,
    Event,
    Instant,
    Opened,
    PeerId,
    Received,
    Transmit,
    earlier,
)
from axon.p2p.addrlimit import TOKEN
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.faults import PeerFault
from axon.p2p.handshake import Handshake, OwnVersion
from axon.p2p.requests import address_of, endpoint_of
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.netaddress import NetAddress, TimedAddress
from axon.primitives.network import Network
from axon.wire.messages import Addr, GetAddr, GetHeaders, Headers, Message, Ping, Pong, Services
from axon.wire.messages.addresses import MAX_ADDRESSES
from axon.wire.messages.headers import MAX_HEADERS
from axon.wire.registry import decode_message
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport

SERVICES: Final = int(Services.NETWORK | Services.WITNESS)
"""What all of them offer: a node dials nobody who offers less."""

REDIAL: Final = 2 * SECOND
"""From the end of a connection, or a dial in vain, to the next dial of one that dials."""


@dataclass(slots=True)
class Crowd:
    """What those of one crowd have in common.

    Args:
        network: whose protocol they speak.
        user_agent: what they call themselves.
        addresses: that they tell who asks, at most `MAX_ADDRESSES`.
        age_us: so old are the times that they tell with them.
        chain: the headers that they show, from height 1 on; it may grow.
    """

    network: Network
    user_agent: str
    addresses: Sequence[NetAddress] = ()
    age_us: int = 0
    chain: list[Header] = field(default_factory=list)

    def behind(self, locator: Sequence[BlockHash]) -> tuple[Header, ...]:
        """What they show of the chain behind the newest block that both know."""
        heights = {header.hash: height for height, header in enumerate(self.chain, 1)}
        known = next((heights[each] for each in locator if each in heights), 0)
        return tuple(self.chain[known : known + MAX_HEADERS])


@dataclass(slots=True)
class _Talk:
    """One connection: what cuts its bytes, and how far it has come."""

    transport: V1Transport
    handshake: Handshake


class CrowdProgram:
    """What answers at the addresses of a crowd, as a `Machine`.

    Args:
        crowd: what they say.
        rng: draws nonces.
        now: the start.
    """

    def __init__(self, crowd: Crowd, rng: Random, now: Instant) -> None:  # noqa: ARG002
        self._crowd = crowd
        self._rng = rng
        self._nonces: set[int] = set()
        self._talks: dict[PeerId, _Talk] = {}

    # The machine.

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event."""
        match event:
            case Opened():
                return self._opened(event, now)
            case Received(peer, data) if peer in self._talks:
                return self._received(peer, data, now)
            case Closed(peer):
                self.ended(peer, now)
        return []

    def tick(self, now: Instant) -> list[Effect]:  # noqa: ARG002
        """Nothing is ever due."""
        return []

    def deadline(self) -> Instant | None:
        """Never."""
        return None

    # Connections.

    def _opened(self, event: Opened, now: Instant) -> list[Effect]:
        kind = ConnectionType.INBOUND if event.ticket is None else ConnectionType.FULL_RELAY
        own = OwnVersion(SERVICES, self._crowd.user_agent, len(self._crowd.chain))
        remote = address_of(event.remote)
        handshake = Handshake(kind, own, remote, self._nonces, self._rng, now)
        self._talks[event.peer] = _Talk(V1Transport(self._crowd.network.magic), handshake)
        return [self.say(event.peer, each) for each in handshake.start(now)]

    def shaken(self, peer: PeerId, now: Instant) -> None:
        """A handshake is complete."""

    def ended(self, peer: PeerId, now: Instant) -> None:  # noqa: ARG002
        """A connection has ended."""
        talk = self._talks.pop(peer, None)
        if talk is not None:
            talk.handshake.closed()

    # Words.

    def _received(self, peer: PeerId, data: bytes, now: Instant) -> list[Effect]:
        talk, effects = self._talks[peer], list[Effect]()
        for frame in talk.transport.received(data):
            assert isinstance(frame, Frame), "nodes of a simulation damage nothing"
            message = decode_message(frame.command, frame.payload)
            was_complete = talk.handshake.is_complete
            try:
                answers = talk.handshake.received(message, now)
            except PeerFault as fault:
                self.ended(peer, now)
                return [*effects, Disconnect(peer, str(fault))]
            if talk.handshake.is_complete and not was_complete:
                self.shaken(peer, now)
            match message:
                case Ping(nonce):
                    answers.append(Pong(nonce))
                case GetAddr():
                    answers.append(self.addr(self._crowd.addresses, now))
                case GetHeaders(locator):
                    answers.append(Headers(self._crowd.behind(locator)))
            effects += [self.say(peer, each) for each in answers]
        return effects

    def addr(self, addresses: Sequence[NetAddress], now: Instant) -> Addr:
        """What tells of addresses, at most `MAX_ADDRESSES` of them."""
        time_s = (now - self._crowd.age_us) // SECOND
        told = addresses[:MAX_ADDRESSES]
        return Addr(tuple(TimedAddress(time_s, SERVICES, each) for each in told))

    def say(self, peer: PeerId, message: Message) -> Transmit:
        """A message on its way."""
        transport = self._talks[peer].transport
        return Transmit(peer, transport.encode(message.command, message.encode()))


def add_crowd(simulation: Simulation, crowd: Crowd, addresses: Sequence[NetAddress]) -> int:
    """Have a crowd answer at addresses of a simulation; the number of its program."""
    boot = partial(CrowdProgram, crowd, simulation.random(crowd.user_agent))
    number = simulation.add(boot, endpoint_of(addresses[0]))
    for each in addresses[1:]:
        simulation.listen(number, endpoint_of(each))
    return number


@dataclass(frozen=True, slots=True)
class Dialling:
    """How a host of a crowd dials a node.

    Args:
        victim: where the node listens.
        again_us: from the end of a connection, or a dial in vain, to the next.
        tells_us: so often it tells the node of one of the crowd's addresses, as soon as they have
            shaken hands; 0 for never.
    """

    victim: Endpoint
    again_us: int = REDIAL
    tells_us: int = TOKEN


class DiallingProgram(CrowdProgram):
    """A host of a crowd that dials one node whenever it is not connected to it, as a `Machine`.

    It answers, too; whoever dials it is told of addresses as well.

    Args:
        crowd: what it says.
        dialling: whom it dials, and how often.
        dials: it does; False for one that only answers, and tells.
        rng: draws nonces, and the address that it tells of next.
        now: the start.
    """

    def __init__(
        self, crowd: Crowd, dialling: Dialling, dials: bool, rng: Random, now: Instant
    ) -> None:
        super().__init__(crowd, rng, now)
        self._dialling = dialling
        self._addresses = crowd.addresses
        self._chance = rng
        self._tells_at: dict[PeerId, Instant] = {}
        self._tickets = 0
        self._dials_at: Instant | None = now if dials else None
        self._dials = dials

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event."""
        if isinstance(event, DialFailed):
            self._dials_at = now + self._dialling.again_us
        return super().handle(event, now)

    def tick(self, now: Instant) -> list[Effect]:
        """Dial the node, and tell of one more address."""
        effects: list[Effect] = []
        if self._dials_at is not None and now >= self._dials_at:
            self._dials_at = None
            self._tickets += 1
            effects.append(Dial(self._tickets, self._dialling.victim))
        for peer, due in self._tells_at.items():
            if now >= due:
                self._tells_at[peer] = now + self._dialling.tells_us
                told = self._addresses[int(self._chance.random() * len(self._addresses))]
                effects.append(self.say(peer, self.addr([told], now)))
        return effects

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called."""
        due = self._dials_at
        for moment in self._tells_at.values():
            due = earlier(due, moment)
        return due

    def shaken(self, peer: PeerId, now: Instant) -> None:
        """From now on it is told of addresses."""
        if self._dialling.tells_us:
            self._tells_at[peer] = now

    def ended(self, peer: PeerId, now: Instant) -> None:
        """Dial again, if it is this host's to dial."""
        self._tells_at.pop(peer, None)
        super().ended(peer, now)
        if self._dials and self._dials_at is None:
            self._dials_at = now + self._dialling.again_us
