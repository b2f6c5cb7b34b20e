"""A peer that abuses every node in turn: one connection for one kind of abuse, then the next.

It shakes hands as anybody does, then sends what is wrong, useless or far too much of one kind, and
stays until it is disconnected or its time is up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    PeerId,
    earlier,
)
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.header import Header
from axon.primitives.netaddress import AddressNetwork, NetAddress, TimedAddress
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from axon.swarm.sim.crowd import SERVICES, Crowd, CrowdProgram
from axon.wire.messages import (
    Addr,
    BlockMessage,
    GetData,
    Headers,
    Inv,
    InvItem,
    InvType,
    Message,
    Tx,
)

STAY: Final = 20 * SECOND
"""With one node, unless that one ends it."""

REST: Final = 2 * SECOND
"""From one connection to the next."""

_ITEMS: Final = 200
_FEW: Final = 20


def _bytes(rng: Random, count: int) -> bytes:
    return rng.getrandbits(8 * count).to_bytes(count, "little")


def _header(rng: Random, parent: BlockHash, bits: int, time_s: int) -> Header:
    return Header.build(1 << 29, parent, _bytes(rng, 32), time_s, bits, rng.getrandbits(32))


def _without_work(rng: Random, tip: Header, now_s: int) -> Message:
    """A header on the newest block that claims far more work than it has."""
    return Headers((_header(rng, tip.hash, 0x1D00FFFF, now_s),))


def _unconnected(rng: Random, tip: Header, now_s: int) -> Message:
    """Headers on a block that nobody knows."""
    return Headers((_header(rng, BlockHash(_bytes(rng, 32)), tip.bits, now_s),))


def _unknown_transactions(rng: Random, _tip: Header, _now_s: int) -> Message:
    """Announcements of what does not exist."""
    return Inv(tuple(InvItem(InvType.WTX, _bytes(rng, 32)) for _ in range(_ITEMS)))


def _unknown_blocks(rng: Random, _tip: Header, _now_s: int) -> Message:
    """Requests for what does not exist."""
    return GetData(tuple(InvItem(InvType.WITNESS_BLOCK, _bytes(rng, 32)) for _ in range(_ITEMS)))


def _nowhere(rng: Random, _tip: Header, now_s: int) -> Message:
    """Addresses at which nobody is."""
    hosts = [NetAddress(AddressNetwork.IPV4, b"\x2d" + _bytes(rng, 3), 8333) for _ in range(_FEW)]
    return Addr(tuple(TimedAddress(now_s, SERVICES, each) for each in hosts))


def _orphan(rng: Random, _tip: Header, _now_s: int) -> Message:
    """A transaction that spends what does not exist."""
    spent = TxIn(OutPoint(Txid(_bytes(rng, 32)) + bytes(4)))
    return Tx(Transaction.build(2, [spent], [TxOut(1_000, b"\x00\x14" + _bytes(rng, 20))]))


def _junk_block(rng: Random, tip: Header, now_s: int) -> Message:
    """What claims to be a block, and is a header with nothing behind it."""
    return BlockMessage(_header(rng, tip.hash, tip.bits, now_s).raw + b"\x00")


ABUSES: Final[Sequence[Callable[[Random, Header, int], Message]]] = (
    _without_work,
    _unconnected,
    _unknown_transactions,
    _unknown_blocks,
    _nowhere,
    _orphan,
    _junk_block,
)
"""Each makes one message from chance, the newest header that nodes have, and the time."""


class AbuserProgram(CrowdProgram):
    """Abuses nodes, as a `Machine`.

    Args:
        crowd: what it says of itself; the last header of its chain is the newest that nodes have.
        victims: where the nodes listen.
        rng: chooses among nodes and abuses.
        now: the start.
    """

    def __init__(
        self, crowd: Crowd, victims: Sequence[Endpoint], rng: Random, now: Instant
    ) -> None:
        super().__init__(crowd, rng, now)
        self._victims = victims
        self._rng = rng
        self._tickets = 0
        self._dials_at: Instant | None = now
        self._leaves_at: tuple[PeerId, Instant] | None = None
        self._to_send: list[PeerId] = []

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event, and abuse whom it has just shaken hands with."""
        if isinstance(event, DialFailed | Closed):
            self._dials_at = now + REST
        effects = super().handle(event, now)
        for peer in self._to_send:
            effects += self._abuse(peer, now)
        self._to_send.clear()
        return effects

    def tick(self, now: Instant) -> list[Effect]:
        """Leave one node, and dial another."""
        effects: list[Effect] = []
        if self._leaves_at is not None and now >= self._leaves_at[1]:
            peer = self._leaves_at[0]
            self.ended(peer, now)
            effects.append(Disconnect(peer, "enough"))
        if self._dials_at is not None and now >= self._dials_at:
            self._dials_at = None
            self._tickets += 1
            victim = self._victims[int(self._rng.random() * len(self._victims))]
            effects.append(Dial(self._tickets, victim))
        return effects

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called."""
        return earlier(self._dials_at, None if self._leaves_at is None else self._leaves_at[1])

    def shaken(self, peer: PeerId, now: Instant) -> None:
        """Abuse follows."""
        self._leaves_at = (peer, now + STAY)
        self._to_send.append(peer)

    def ended(self, peer: PeerId, now: Instant) -> None:
        """On to the next."""
        super().ended(peer, now)
        if self._leaves_at is not None and self._leaves_at[0] == peer:
            self._leaves_at = None
        self._dials_at = now + REST

    def _abuse(self, peer: PeerId, now: Instant) -> list[Effect]:
        abuse = ABUSES[int(self._rng.random() * len(ABUSES))]
        tip = self._crowd.chain[-1]
        return [
            self.say(peer, abuse(self._rng, tip, now // SECOND))
            for _ in range(1 + int(self._rng.random() * _FEW))
        ]
