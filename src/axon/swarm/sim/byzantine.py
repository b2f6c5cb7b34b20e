"""Full nodes that lie to whoever dials them: the real protocol, bent where it leaves the node.

A liar is a full node that keeps the ledger like any other; only what it sends to light clients is
changed on its way out. So all it says fits together as well as a liar can make it fit.

    silent     answers nothing that a wallet asks of it
    blind      its filters leave out the victim's scripts, and its filter headers agree with them
    forger     its blocks hold a payment that nobody made
    stale      it knows no block after a height
    miser      it takes payments and passes none on
    scrambler  its filters are not those that its filter headers promise
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from typing import Final

from axon.chain.coins import Coin
from axon.chain.filters import basic_filter, filter_elements, filter_hash
from axon.machine import Effect, Event, Instant, Opened, PeerId, Received, Transmit
from axon.node.full import FullNode
from axon.primitives.block import Block
from axon.primitives.hashes import ZERO_HASH, BlockHash, filter_header, sha256d
from axon.primitives.transaction import Transaction, TxOut
from axon.wire.messages import (
    BlockMessage,
    CFHeaders,
    CFilter,
    Headers,
    Inv,
    InvType,
    Message,
    Tx,
    Unknown,
    Version,
)
from axon.wire.registry import decode_message
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport


class Lie(Enum):
    """What a liar does."""

    SILENT = "silent"
    BLIND = "blind"
    FORGER = "forger"
    STALE = "stale"
    MISER = "miser"
    SCRAMBLER = "scrambler"


_ANSWERS: Final = frozenset(
    "headers block cmpctblock blocktxn cfheaders cfilter cfcheckpt tx inv notfound".split()
)

ReadBlock = Callable[[BlockHash], tuple[Block, Sequence[Sequence[Coin]]]]
"""A block of the chain, and the coins that each of its transactions spends."""


class ByzantineNode:
    """A full node that lies to some, as a `Machine`.

    Args:
        honest: the node itself.
        lie: what it does.
        victims: the hosts of those it lies to.
        scripts: what a blind one leaves out.
        stale_height: after which a stale one knows no block.
        read: reads blocks for a blind one.
    """

    def __init__(
        self,
        honest: FullNode,
        lie: Lie,
        victims: frozenset[str],
        scripts: Sequence[bytes],
        stale_height: int,
        read: ReadBlock,
    ) -> None:
        self.honest = honest
        self.lie = lie
        self._victims = victims
        self._scripts = frozenset(scripts)
        self._stale_height = stale_height
        self._read = read
        self._transport = V1Transport(honest.network.magic)
        self._lied_to: dict[PeerId, V1Transport] = {}  # With what cuts the victim's bytes.
        self._false: dict[BlockHash, tuple[bytes, bytes]] = {}  # Filter and filter header.

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event; what goes to a victim is bent."""
        if isinstance(event, Opened) and event.remote.host in self._victims:
            self._lied_to[event.peer] = V1Transport(self.honest.network.magic)
        if isinstance(event, Received) and event.peer in self._lied_to:
            event = self._withhold(event)
        return self._bend(self.honest.handle(event, now))

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        return self._bend(self.honest.tick(now))

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called."""
        return self.honest.deadline()

    def _withhold(self, event: Received) -> Received:
        """A miser keeps the payments of its victims from its own node."""
        if self.lie is not Lie.MISER:
            return event
        kept = [
            self._transport.encode(frame.command, frame.payload)
            for frame in self._lied_to[event.peer].received(event.data)
            if isinstance(frame, Frame) and frame.command not in ("inv", "tx")
        ]
        return Received(event.peer, b"".join(kept))

    def _bend(self, effects: list[Effect]) -> list[Effect]:
        bent: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Transmit) and effect.peer in self._lied_to:
                (frame,) = V1Transport(self.honest.network.magic).received(effect.data)
                assert isinstance(frame, Frame), "a node sends whole messages"
                message = self._answer(decode_message(frame.command, frame.payload))
                if message is None:
                    continue
                data = self._transport.encode(message.command, message.encode())
                effect = Transmit(effect.peer, data)
            bent.append(effect)
        return bent

    def _answer(self, message: Message | Unknown) -> Message | None:
        """What is said in place of a message; None for nothing."""
        assert not isinstance(message, Unknown), "a node speaks what it knows"
        match self.lie, message:
            case Lie.SILENT, _ if message.command in _ANSWERS:
                return None
            case Lie.BLIND, CFilter(kind, block_hash, _):
                return CFilter(kind, block_hash, self._blind(block_hash)[0])
            case Lie.BLIND, CFHeaders():
                return self._blind_headers(message)
            case Lie.FORGER, BlockMessage(raw):
                return BlockMessage(_forged(Block.decode(raw)).raw)
            case Lie.STALE, Version(start_height=height):
                return replace(message, start_height=min(height, self._stale_height))
            case Lie.STALE, Headers(headers):
                return Headers(tuple(item for item in headers if not self._is_late(item.hash)))
            case Lie.STALE, Inv(items):
                told = [item for item in items if item.kind != InvType.BLOCK]
                return Inv(tuple(told)) if told else None
            case Lie.MISER, Tx() | Inv():
                return None
            case Lie.SCRAMBLER, CFilter(kind, block_hash, data):
                return CFilter(kind, block_hash, data[:-1] + bytes([data[-1] ^ 0x80]))
        return message

    def _is_late(self, block_hash: BlockHash) -> bool:
        entry = self.honest.headers.get(block_hash)
        return entry is not None and entry.height > self._stale_height

    # Blindness.

    def _blind_headers(self, message: CFHeaders) -> CFHeaders:
        hashes: list[bytes] = []
        entry = self.honest.headers.get(message.stop_hash)
        for _ in message.filter_hashes:
            assert entry is not None, "it was asked about blocks it has"
            hashes.append(sha256d(self._blind(entry.hash)[0]))
            entry = entry.parent
        previous = ZERO_HASH if entry is None else self._blind(entry.hash)[1]
        return CFHeaders(message.filter_type, message.stop_hash, previous, tuple(hashes[::-1]))

    def _blind(self, block_hash: BlockHash) -> tuple[bytes, bytes]:
        """The false filter of a block, and the filter header that goes with it."""
        missing: list[BlockHash] = []
        entry = self.honest.headers.get(block_hash)
        while entry is not None and entry.hash not in self._false:
            missing.append(entry.hash)
            entry = entry.parent
        header = ZERO_HASH if entry is None else self._false[entry.hash][1]
        for name in reversed(missing):
            block, spent = self._read(name)
            elements = [item for item in filter_elements(block, spent) if item not in self._scripts]
            data = basic_filter(name, elements)
            header = filter_header(filter_hash(data), header)
            self._false[name] = (data, header)
        return self._false[block_hash]


def _forged(block: Block) -> Block:
    """The same header over a body whose last transaction pays more."""
    last = block.transactions[-1]
    outputs = [TxOut(output.amount_sat + 1, output.script_pubkey) for output in last.outputs]
    changed = Transaction.build(last.version, last.inputs, outputs, last.locktime)
    return Block.build(block.header, [*block.transactions[:-1], changed])
