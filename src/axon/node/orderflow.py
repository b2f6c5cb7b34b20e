"""The operator's orders about the active chain: invalidate, reconsider, prefer.

    OrderBlock -> Delegate(OrderChain) -> `followed`: the first part of what moved
        -> Delegate(FollowOrder) -> `followed`: one more part, and so on -> Answer

A long move comes in parts, so that nobody waits for the whole of it. Blocks that are validated
meanwhile are stored, and connect in their turn.
"""

from __future__ import annotations

from dataclasses import dataclass

from axon.chain.orders import ChainOrder
from axon.chain.outcome import BlockOutcome
from axon.machine import Instant
from axon.node.chainmoves import ChainMoves
from axon.node.chainstate import ChainState
from axon.node.facts import BlockRejected
from axon.node.headerflow import HeaderFlow
from axon.node.jobs import CHAIN, FollowOrder, OrderChain
from axon.node.outbox import Outbox
from axon.p2p.blockdownload import BlockDownload
from axon.primitives.hashes import BlockHash
from axon.primitives.verdict import Accepted, Verdict


@dataclass(frozen=True, slots=True)
class ChainOrdered:
    """Continuation: an order was carried out.

    Args:
        order: which.
        hash: the block that it was about.
        ticket: who is told when everything has followed.
    """

    order: ChainOrder
    hash: BlockHash
    ticket: int


@dataclass(frozen=True, slots=True)
class OrderFollowed:
    """Continuation: one more part of what an order moved.

    Args:
        verdict: on the order.
        ticket: who is told when everything has followed.
    """

    verdict: Verdict
    ticket: int


class OrderFlow:
    """Carries out orders about the chain.

    Args:
        outbox: where effects go.
        chain: what is known.
        headers: has the validator learn what the order is about.
        moves: what follows.
        download: asks for blocks.
    """

    def __init__(
        self,
        outbox: Outbox,
        chain: ChainState,
        headers: HeaderFlow,
        moves: ChainMoves,
        download: BlockDownload,
    ) -> None:
        self._outbox = outbox
        self._chain = chain
        self._headers = headers
        self._moves = moves
        self._download = download

    def begin(self, order: ChainOrder, block_hash: BlockHash, ticket: int) -> None:
        """The operator orders something about a block whose header is known."""
        entry = self._headers.tree.get(block_hash)
        assert entry is not None, "orders are about known blocks"
        self._headers.learn_all()
        done = ChainOrdered(order, block_hash, ticket)
        self._outbox.delegate(OrderChain(order, entry), CHAIN, done)

    def followed(
        self, done: ChainOrdered | OrderFollowed, outcome: BlockOutcome, now: Instant
    ) -> None:
        """An order was carried out, or one more part of what it moved is known."""
        chain = self._chain
        if isinstance(done, ChainOrdered):
            verdict = outcome.verdict
            if isinstance(verdict, Accepted):
                chain.obey(done.order, done.hash)
            done = OrderFollowed(verdict, done.ticket)
        for other, rejected in outcome.invalid:
            chain.mark_invalid(other)
            self._outbox.report(BlockRejected(other, rejected.reason, None))
        self._moves.follow(outcome, now)
        if outcome.more:
            self._outbox.delegate(FollowOrder(), CHAIN, done)
            return
        self._outbox.answer(done.ticket, done.verdict)
        self._download.rearranged()
