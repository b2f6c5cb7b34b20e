"""Blocks, headers and transactions for peers that ask: `p2p/serving` with the reading of blocks.

The newest blocks are in memory, since every peer asks for them at once; others are read off the
loop, one at a time for each peer.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from axon.chain.outcome import BlockOutcome
from axon.machine import Instant, PeerId
from axon.node.blockflow import BlockFlow
from axon.node.jobs import READ, ReadBlock
from axon.node.outbox import Outbox
from axon.p2p.actions import Send
from axon.p2p.faults import PeerFault
from axon.p2p.serving import ReadRequest, Serving
from axon.primitives.hashes import BlockHash
from axon.wire.messages import GetBlocks, GetData, GetHeaders, Headers

RECENT_BLOCKS: Final = 3
"""Newly connected blocks kept in memory: 12 MB at most."""


class Replies:
    """Answers what peers ask of the ledger.

    Args:
        outbox: where effects go.
        serving: decides who may have what.
        blocks: is told which headers a peer has been given.
    """

    def __init__(self, outbox: Outbox, serving: Serving, blocks: BlockFlow) -> None:
        self._outbox = outbox
        self._blocks = blocks
        self._serving = serving
        self._recent: dict[BlockHash, bytes] = {}

    def received(
        self, peer: PeerId, message: GetData | GetHeaders | GetBlocks, now: Instant
    ) -> None:
        """A request.

        Raises:
            PeerFault: it asks for what it may not have.
        """
        actions = self._serving.received(peer, message, now)
        for action in actions:
            match action:
                case Send(_, Headers(headers)):
                    last = headers[-1].hash if headers else self._blocks.active.tip.hash
                    self._blocks.peer_chains.sent(peer, last)
        self._outbox.perform(actions)
        self._give_blocks(peer, now)

    def chain_moved(self, outcome: BlockOutcome) -> None:
        """Blocks joined the active chain; soon they will be asked for."""
        for step in outcome.connected[-RECENT_BLOCKS:]:
            self._recent[step.hash] = step.block.raw
        for old in list(self._recent)[:-RECENT_BLOCKS]:
            del self._recent[old]

    def _give_blocks(self, peer: PeerId, now: Instant) -> None:
        """Give a peer the blocks it waits for, up to one that must be read first."""
        while True:
            request = self._serving.next_read(peer)
            if request is None:
                return
            block_hash = BlockHash(request.item.hash)
            recent = self._recent.get(block_hash)
            if recent is None:
                self._outbox.delegate(ReadBlock(block_hash), READ, partial(self._read, request))
                return
            self._outbox.perform(self._serving.block_read(peer, request.item, recent, now))

    def _read(self, request: ReadRequest, raw: object, now: Instant) -> None:
        assert raw is None or isinstance(raw, bytes)
        try:
            self._outbox.perform(self._serving.block_read(request.peer, request.item, raw, now))
            self._give_blocks(request.peer, now)
        except PeerFault as fault:
            self._outbox.blame(request.peer, fault)
