"""What the targets for machines have in common: a small chain, messages about it, and peers.

The chain is mined anew at each start, in milliseconds, and is the same every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from axon.errors import DecodeError
from axon.machine import HOUR, MILLISECOND, MINUTE, SECOND, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.faults import PeerFault
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.wire.messages import Message
from axon.wire.registry import decode_message
from fuzz.source import Source
from tests.p2p.chains import mine_blocks, mine_headers

GENESIS: Final = REGTEST.genesis
BLOCKS: Final[list[Block]] = mine_blocks(GENESIS.header, 30, 1)
CHAIN: Final[list[Header]] = [block.header for block in BLOCKS]
BRANCH: Final[list[Header]] = mine_headers(CHAIN[19], 15, salt=1)
"""Another end of the chain, with more work."""

HASHES: Final = (
    GENESIS.hash,
    *(header.hash for header in (*CHAIN, *BRANCH)),
    BlockHash(bytes(32)),
    BlockHash(b"\xff" * 32),
)
"""Names of blocks: those of the chain, its branch, and two that nobody has."""

START: Final[Instant] = (CHAIN[-1].time + 60) * SECOND

_PAUSES: Final = (0, 1, MILLISECOND, 100 * MILLISECOND, SECOND, MINUTE, HOUR, 24 * HOUR)

MAX_TICKS: Final = 1000
"""Rings at one instant after which a machine is said never to come to rest."""


def patched(source: Source, data: bytes) -> bytes:
    """Bytes with up to three of them changed, or cut short."""
    changed = bytearray(data)
    for _ in range(source.below(4)):
        place, value = source.number(2), source.number(1)
        if place < len(changed):
            changed[place] = value
        elif changed:
            del changed[place % len(changed) :]
    return bytes(changed)


def drawn_message(source: Source, messages: Sequence[Message]) -> Message | None:
    """One of these messages as it is, or changed; None where nothing sound came of it."""
    chosen = source.choose(messages)
    if source.flag():
        return chosen
    try:
        read = decode_message(chosen.command, patched(source, chosen.encode()))
    except DecodeError:
        return None
    return read if isinstance(read, type(chosen)) else None


class Closes(Protocol):
    """A part of p2p, as far as its peers go."""

    def closed(self, peer: PeerId, now: Instant) -> Sequence[Action] | None:
        """A peer has gone."""
        ...


class Part(Closes, Protocol):
    """A part of p2p with a clock."""

    def deadline(self) -> Instant | None:
        """When `tick` has something to do."""
        ...

    def tick(self, now: Instant) -> Sequence[Action]:
        """Do what is due."""
        ...


class Peers:
    """The peers of one part, and a clock: what the part may do to whom, and when.

    Checked all the time: only peers that are there are spoken to, and each message that is said
    can be read.

    Args:
        source: draws who does something, and how much time passes.
        part: told of each end.
        most: so many peers at a time.
    """

    def __init__(self, source: Source, part: Closes, most: int = 4) -> None:
        self._source = source
        self._part = part
        self._most = most
        self._next = 0
        self.now: Instant = START
        self.here: dict[PeerId, None] = {}

    def has_room(self) -> bool:
        """Whether one more may come."""
        return len(self.here) < self._most

    def arrive(self) -> PeerId:
        """A new peer."""
        peer = PeerId(self._next)
        self._next += 1
        self.here[peer] = None
        return peer

    def any(self) -> PeerId | None:
        """One of those that are there; None without any."""
        return self._source.choose(list(self.here)) if self.here else None

    def leave(self, peer: PeerId) -> None:
        """Its connection ends."""
        if peer in self.here:
            del self.here[peer]
            self.perform(self._part.closed(peer, self.now) or ())

    def perform(self, actions: Iterable[Action]) -> list[Message]:
        """Check what the part wants, and end the connections that it ends; what it said, to all."""
        said: list[Message] = []
        ended: list[PeerId] = []
        for action in actions:
            assert action.peer in self.here, f"{action.peer} is not there"
            match action:
                case Send(_, message):
                    payload = message.encode()
                    assert type(message).decode(payload).encode() == payload
                    said.append(message)
                case DisconnectPeer(peer, fault):
                    assert isinstance(fault, PeerFault)
                    ended.append(peer)
        for peer in ended:
            self.leave(peer)
        return said

    def leave_or_wait(self, peer: PeerId | None) -> None:
        """A peer goes, or some time passes."""
        if peer is not None and self._source.below(8) == 0:
            self.leave(peer)
        else:
            self.now += self._source.choose(_PAUSES)

    def rest(self, part: Part) -> None:
        """Ring a part until nothing is due: that must come to an end."""
        for _ in range(MAX_TICKS):
            due = part.deadline()
            if due is None or due > self.now:
                return
            self.perform(part.tick(self.now))
        raise AssertionError("a due tick moves the deadline on")
