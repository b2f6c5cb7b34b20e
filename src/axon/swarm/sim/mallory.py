"""Mallory: who wants to be all that a node hears, and what runs at each of her addresses.

Each of her programs shakes hands, answers pings, shows the chain that the node has already, and
tells of her addresses alone: at once of all of them when it is asked, and of one more every ten
seconds unasked, as many as a node takes in (`p2p/addrlimit`). New blocks it keeps to itself, so it
is never behind and never of use. Some of her programs dial the node, again and again, until they
sit in all its seats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

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
from axon.p2p.addrgossip import FRESH
from axon.p2p.addrlimit import TOKEN
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

REDIAL: Final = 2 * SECOND
"""From the end of a connection, or a dial in vain, to her next dial."""

AGE: Final = FRESH + SECOND
"""So old are the times that she tells: the node keeps her addresses, and tells nobody of them."""

SERVICES: Final = int(Services.NETWORK | Services.WITNESS)
"""What she says that she offers: a node dials nobody who offers less."""


@dataclass(slots=True)
class Mallory:
    """All that her programs have in common.

    Args:
        network: whose protocol they speak.
        victim: where the node listens.
        addresses: hers, at most `MAX_ADDRESSES`.
        chain: the headers that she shows, from height 1 on; it grows as long as she lets it.
    """

    network: Network
    victim: Endpoint
    addresses: Sequence[NetAddress]
    chain: list[Header] = field(default_factory=list)

    def behind(self, locator: Sequence[BlockHash]) -> tuple[Header, ...]:
        """What she shows of the chain behind the newest block that both know."""
        heights = {header.hash: height for height, header in enumerate(self.chain, 1)}
        known = next((heights[each] for each in locator if each in heights), 0)
        return tuple(self.chain[known : known + MAX_HEADERS])


@dataclass(slots=True)
class _Talk:
    """One connection: what cuts its bytes, how far it has come, and when she tells of the next."""

    transport: V1Transport
    handshake: Handshake
    tells_at: Instant | None = None


class MalloryProgram:
    """What runs at one of her addresses, as a `Machine`.

    Args:
        mallory: what she knows and wants.
        dials: it dials the node, and not only answers.
        rng: draws nonces, and the address that it tells of next.
        now: the start.
    """

    def __init__(self, mallory: Mallory, dials: bool, rng: Random, now: Instant) -> None:
        self._mallory = mallory
        self._rng = rng
        self._nonces: set[int] = set()
        self._talks: dict[PeerId, _Talk] = {}
        self._tickets = 0
        self._dials_at: Instant | None = now if dials else None
        self._dials = dials

    # The machine.

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event."""
        match event:
            case Opened():
                return self._opened(event, now)
            case Received(peer, data) if peer in self._talks:
                return self._received(peer, data, now)
            case Closed(peer):
                self._ended(peer, now)
            case DialFailed():
                self._dials_at = now + REDIAL
        return []

    def tick(self, now: Instant) -> list[Effect]:
        """Dial the node, and tell of one more address."""
        effects: list[Effect] = []
        if self._dials_at is not None and now >= self._dials_at:
            self._dials_at = None
            self._tickets += 1
            effects.append(Dial(self._tickets, self._mallory.victim))
        for peer, talk in self._talks.items():
            if talk.tells_at is not None and now >= talk.tells_at:
                talk.tells_at = now + TOKEN
                addresses = self._mallory.addresses
                told = addresses[int(self._rng.random() * len(addresses))]
                effects.append(self._say(peer, self._addr([told], now)))
        return effects

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called."""
        due = self._dials_at
        for talk in self._talks.values():
            due = earlier(due, talk.tells_at)
        return due

    # Connections.

    def _opened(self, event: Opened, now: Instant) -> list[Effect]:
        kind = ConnectionType.INBOUND if event.ticket is None else ConnectionType.FULL_RELAY
        own = OwnVersion(SERVICES, "/Mallory:1/", len(self._mallory.chain))
        remote = address_of(event.remote)
        handshake = Handshake(kind, own, remote, self._nonces, self._rng, now)
        talk = _Talk(V1Transport(self._mallory.network.magic), handshake)
        self._talks[event.peer] = talk
        return [self._say(event.peer, each) for each in handshake.start(now)]

    def _ended(self, peer: PeerId, now: Instant) -> None:
        talk = self._talks.pop(peer, None)
        if talk is not None:
            talk.handshake.closed()
        if self._dials and self._dials_at is None:
            self._dials_at = now + REDIAL

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
                self._ended(peer, now)
                return [*effects, Disconnect(peer, str(fault))]
            if talk.handshake.is_complete and not was_complete:
                talk.tells_at = now
            match message:
                case Ping(nonce):
                    answers.append(Pong(nonce))
                case GetAddr():
                    answers.append(self._addr(self._mallory.addresses, now))
                case GetHeaders(locator):
                    answers.append(Headers(self._mallory.behind(locator)))
            effects += [self._say(peer, each) for each in answers]
        return effects

    def _addr(self, addresses: Sequence[NetAddress], now: Instant) -> Addr:
        told = addresses[:MAX_ADDRESSES]
        return Addr(tuple(TimedAddress((now - AGE) // SECOND, SERVICES, each) for each in told))

    def _say(self, peer: PeerId, message: Message) -> Transmit:
        transport = self._talks[peer].transport
        return Transmit(peer, transport.encode(message.command, message.encode()))
