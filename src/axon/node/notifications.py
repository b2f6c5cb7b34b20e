"""What subscribers are told: transactions and blocks, whole, in the order of Core's signals.

Facts (`node.facts`) are kept by readers, so they name things only. A notification carries the
thing, and whoever takes one lets go of it soon. There are none unless the operator asks for them.

When the chain moves, first the blocks that leave are told of, then what that and the new blocks do
to the pool, then the blocks that join. The tip is told of whenever it is better than the one
before: within a reorganisation, once the new branch has more work than the old one had.
"""

from __future__ import annotations

from dataclasses import dataclass

from axon.chain.outcome import BlockOutcome, BlockStep
from axon.machine import Report
from axon.mempool.journal import PoolMove
from axon.mempool.pool import Mempool
from axon.node.chainstate import ChainState
from axon.node.outbox import Outbox
from axon.node.settings import NodeSettings
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash


@dataclass(frozen=True, slots=True)
class PoolNotification:
    """A transaction came into the pool, or left it without a block."""

    move: PoolMove


@dataclass(frozen=True, slots=True)
class BlockNotification:
    """A block joined the active chain, or left it.

    Args:
        hash: the block's.
        block: all of it.
        joined: which of both.
    """

    hash: BlockHash
    block: Block
    joined: bool


@dataclass(frozen=True, slots=True)
class TipNotification:
    """The active chain ends in another block, and the node is not in its first sync."""

    hash: BlockHash
    block: Block


Notification = PoolNotification | BlockNotification | TipNotification


class Notifications:
    """States them, or none at all.

    Args:
        outbox: where they go.
        pool: the unconfirmed.
        chain: what is known of the chain.
        settings: the operator's, who may want none.
    """

    def __init__(
        self, outbox: Outbox, pool: Mempool, chain: ChainState, settings: NodeSettings
    ) -> None:
        self._outbox = outbox
        self._pool = pool
        self._chain = chain
        self._wanted = settings.notifies
        if not self._wanted:
            return
        pool.journal.keep()
        if chain.active.height == 0:  # It begins with a block, too.
            genesis = settings.network.genesis
            outbox.put(Report(BlockNotification(genesis.hash, genesis, joined=True)))

    def pool_moved(self) -> None:
        """What came into the pool and left it since the last time."""
        for move in self._pool.journal.take():
            self._outbox.put(Report(PoolNotification(move)))

    def blocks_left(self, outcome: BlockOutcome) -> None:
        """Blocks left the active chain; the pool does not know it yet."""
        if not self._wanted:
            return
        self.pool_moved()  # What happened before.
        for step in outcome.disconnected:
            self._outbox.put(Report(BlockNotification(step.hash, step.block, joined=False)))

    def blocks_joined(self, outcome: BlockOutcome) -> None:
        """Blocks joined the active chain, and the pool has followed."""
        if not self._wanted:
            return
        self.pool_moved()
        best = self._work_before(outcome)
        for step in outcome.connected:
            self._outbox.put(Report(BlockNotification(step.hash, step.block, joined=True)))
            work = self._work(step.hash)
            if work > best:
                best = work
                self._tip_moved(step)

    def _tip_moved(self, step: BlockStep) -> None:
        if not self._chain.initial_sync:
            self._outbox.put(Report(TipNotification(step.hash, step.block)))

    def _work_before(self, outcome: BlockOutcome) -> int:
        """Which work the first new tip has to exceed: the old one's, unless all have less."""
        if not outcome.connected:
            return 0
        fork = self._work(outcome.connected[0].block.header.prev)
        if not outcome.disconnected:
            return fork
        old = self._work(outcome.disconnected[0].hash)
        return old if self._work(outcome.connected[-1].hash) > old else fork

    def _work(self, block_hash: BlockHash) -> int:
        entry = self._chain.headers.get(block_hash)
        assert entry is not None, "blocks that were active have a header"
        return entry.chainwork
