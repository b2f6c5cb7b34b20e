"""What follows in a full node when the active chain moves, in order.

Whatever moved it, a block of a peer or an order of the operator: the chain as the node sees it, the
facts, the pool, the blocks kept for peers, the tip told and announced.
"""

from __future__ import annotations

from dataclasses import replace

from axon.chain.outcome import BlockOutcome
from axon.machine import Instant
from axon.node.chainstate import ChainState
from axon.node.compactrelay import CompactRelay
from axon.node.facts import BlockConnected, BlockDisconnected, InitialSyncEnded, TipChanged
from axon.node.headerflow import HeaderFlow
from axon.node.links import Links
from axon.node.notifications import Notifications
from axon.node.outbox import Outbox
from axon.node.replies import Replies
from axon.node.txflow import TxFlow
from axon.p2p.actions import Action
from axon.p2p.blockannounce import BlockAnnounce
from axon.p2p.blocktimelines import BlockTimelines


class ChainMoves:
    """Tells all parts of a node that the chain has moved.

    Args:
        outbox: where effects go.
        chain: what is known; moved here.
        headers: told of the tip.
        links: likewise.
        transactions: follow the chain.
        replies: likewise.
        timelines: of blocks; noted there.
        relay: has the newest block.
        announcer: tells peers of blocks.
        notifications: for subscribers.
        now: the start.
    """

    def __init__(
        self,
        outbox: Outbox,
        chain: ChainState,
        headers: HeaderFlow,
        links: Links,
        transactions: TxFlow,
        replies: Replies,
        timelines: BlockTimelines,
        relay: CompactRelay,
        announcer: BlockAnnounce,
        notifications: Notifications,
        now: Instant,
    ) -> None:
        self._outbox = outbox
        self._chain = chain
        self._headers = headers
        self._links = links
        self._transactions = transactions
        self._replies = replies
        self._timelines = timelines
        self._relay = relay
        self._announcer = announcer
        self._notifications = notifications
        self._check_initial_sync(now)

    def follow(self, outcome: BlockOutcome, now: Instant) -> list[Action]:
        """Everything that follows from what moved, if anything did; how peers were told of it."""
        if not (outcome.connected or outcome.disconnected):
            return []
        chain = self._chain
        connected = chain.move(outcome, now)
        self._report_moves(outcome)
        self._notifications.blocks_left(outcome)
        for part in _parts(outcome):
            self._transactions.outcomes.chain_moved(part, now)
            self._check_initial_sync(now)
            self._notifications.blocks_joined(part)
        self._replies.chain_moved(outcome)
        self._report_tip(outcome)
        self._transactions.minimum_changed(now)
        self._headers.sync.tip_moved(now)
        if outcome.connected:
            self._relay.connected(outcome.connected[-1].block)
        announcements = self._announcer.announce(connected, now, self._relay.compact)
        self._outbox.perform(announcements)
        self._timelines.relayed(chain.active.tip.hash, len(announcements), now)
        return announcements

    def _report_moves(self, outcome: BlockOutcome) -> None:
        for step in outcome.disconnected:
            count = len(step.block.transactions)
            self._outbox.report(BlockDisconnected(step.hash, step.height, count))
        for step in outcome.connected:
            count = len(step.block.transactions)
            self._outbox.report(BlockConnected(step.hash, step.height, count))

    def _report_tip(self, outcome: BlockOutcome) -> None:
        tip, best = self._chain.active.tip, max(self._chain.headers.best.height, 1)
        self._outbox.report(
            TipChanged(
                hash=tip.hash,
                height=tip.height,
                time=tip.time,
                chainwork=tip.chainwork,
                transactions=sum(len(step.block.transactions) for step in outcome.connected),
                progress=min(1.0, tip.height / best),
                initial_sync=self._chain.initial_sync,
            )
        )

    def _check_initial_sync(self, now: Instant) -> None:
        if self._chain.leave_initial_sync(now):
            self._outbox.report(InitialSyncEnded(self._chain.active.height))
        synced = not self._chain.initial_sync
        self._links.tip_changed(self._chain.active.height, now, synced=synced)


def _parts(outcome: BlockOutcome) -> list[BlockOutcome]:
    """A move in parts, each of which the pool follows before the next: a reorganisation in one."""
    if outcome.disconnected or len(outcome.connected) == 1:
        return [outcome]
    return [replace(outcome, connected=(step,)) for step in outcome.connected]
