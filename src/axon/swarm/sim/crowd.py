"""A crowd: hosts without a ledger, as many as one likes, that a node can dial and stay linked to.

One program stands for all of them, so that thousands cost little; it listens at each of their
addresses (`Simulation.listen`). Whoever dials one gets a handshake, pongs, the headers that the
crowd shows, and when it asks for addresses those that the crowd tells. Blocks and transactions it
has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from axon.machine import (
    SECOND,
    Closed,
    Disconnect,
    Effect,
    Event,
    Instant,
    Opened,
    PeerId,
    Received,
    Transmit,
)
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.faults import PeerFault
from axon.p2p.handshake import Handshake, OwnVersion
from axon.p2p.requests import address_of
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
