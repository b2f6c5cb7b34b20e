"""What follows when a transaction comes into the pool, is refused, confirmed or removed.

Relay, what is asked for, orphans, fees and the facts that are reported: each outcome is told to all
of them here, so that they agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from axon.chain.outcome import BlockOutcome
from axon.machine import Instant, PeerId
from axon.mempool.entry import PoolEntry
from axon.mempool.fees import FeeEstimator
from axon.mempool.outcome import Admitted, CrowdedOut, Refusal, Refused
from axon.mempool.packageacceptance import PackageResult
from axon.mempool.pool import Mempool
from axon.node.chainstate import ChainState
from axon.node.facts import TransactionAccepted, TransactionRejected, TransactionRemoved
from axon.node.outbox import Outbox
from axon.node.txdownload import Pair, TxDownload
from axon.p2p.extratransactions import ExtraTransactions
from axon.p2p.txrelay import TxRelay
from axon.primitives.hashes import Wtxid
from axon.primitives.transaction import Transaction

TxOutcome = Admitted | Refused

LAGGING = Refused("coins-behind-tip", "coins are being caught up", Refusal.PREMATURE)
"""Nobody looked at the transaction: it may come again at once."""


class TxOutcomes:
    """Everything that has to know what became of a transaction.

    Args:
        outbox: where effects go.
        pool: the unconfirmed.
        chain: what is known of the chain.
        txrelay: announces them.
        rng: for the parts.
        extra: what is kept beside the pool.
    """

    def __init__(
        self,
        outbox: Outbox,
        pool: Mempool,
        chain: ChainState,
        txrelay: TxRelay,
        rng: Random,
        extra: ExtraTransactions,
    ) -> None:
        self._outbox = outbox
        self._chain = chain
        self.pool = pool
        self.download = TxDownload(pool, rng)
        self.txrelay = txrelay
        self.extra = extra
        self.fees = FeeEstimator()

    def candidates(self) -> tuple[Mapping[Wtxid, PoolEntry], tuple[Transaction, ...]]:
        """What may be in the next block: the pool, and all else that is kept."""
        return self.pool.by_wtxids(), (*self.download.orphans.transactions(), *self.extra)

    # What became of one.

    def settle(
        self,
        transaction: Transaction,
        outcome: TxOutcome,
        senders: Sequence[PeerId],
        now: Instant,
        *,
        own: bool = False,
    ) -> Pair | None:
        """A transaction was taken into the pool or refused.

        Args:
            transaction: which.
            outcome: what became of it.
            senders: the peers that sent it; nobody for one of the operator, or one that was
                refused before and was tried again.
            now: the present.
            own: it is the operator's; that it was refused says nothing about peers'.

        Returns:
            What may be taken in after all: it with a child that pays for both. None for nothing.
        """
        txid, wtxid = transaction.txid, transaction.wtxid
        sender = senders[0] if senders else None
        if isinstance(outcome, Admitted):
            self.crowded_out(outcome.replaced, outcome.evicted)
            self.entered(outcome.entry, sender, now)
            return None
        if isinstance(outcome, CrowdedOut):
            self.crowded_out(outcome.replaced, outcome.evicted)
        self._outbox.report(TransactionRejected(txid, wtxid, outcome.reason, sender))
        if own or outcome is LAGGING:
            return None
        if outcome.kind is Refusal.MISSING_INPUTS:
            if not senders:
                return None
            if self.download.orphaned(transaction, outcome.missing, senders, now):
                for peer in senders:
                    for parent in outcome.missing:
                        self.txrelay.known(peer, parent)
            else:
                self.extra.add(transaction)
            return None
        self.download.refused(transaction, outcome)
        if outcome.kind is not Refusal.WITNESS_STRIPPED:
            self.extra.add(transaction)
        if outcome.kind is Refusal.RECONSIDERABLE:
            return self.download.find_pair(transaction, senders)
        return None

    def pair_settled(self, pair: Pair, result: PackageResult, now: Instant) -> None:
        """A parent and a child were taken in, as far as they were, or refused."""
        if result.error is not None and result.error is not LAGGING:
            self.download.pair_refused(pair)
        for transaction in (pair.child, pair.parent):
            member = result.members.get(transaction.wtxid)
            if member is not None and member.refused is not None:
                self.settle(transaction, member.refused, (), now)

    def entered(self, entry: PoolEntry, sender: PeerId | None, now: Instant) -> None:
        """An entry came into the pool."""
        self.download.accepted(entry.transaction)
        self._report_accepted(entry, sender)
        self.fees.entered(entry)
        self.announce(entry, now)

    def announce(self, entry: PoolEntry, now: Instant) -> None:
        """Tell peers of an entry, each in its time."""
        self.txrelay.announce(entry.wtxid, now)

    def crowded_out(self, replaced: Sequence[PoolEntry], evicted: Sequence[PoolEntry]) -> None:
        """Entries had to go for others; a miner may have them yet."""
        for entry in (*replaced, *evicted):
            self.extra.add(entry.transaction)
        self.removed(replaced, "replaced")
        self.removed(evicted, "sizelimit")

    def removed(self, entries: Sequence[PoolEntry], reason: str) -> None:
        """Entries left the pool without a block."""
        for entry in entries:
            self.fees.left(entry.txid)
            self._outbox.report(TransactionRemoved(entry.txid, reason))

    def _report_accepted(self, entry: PoolEntry, sender: PeerId | None) -> None:
        self._outbox.report(
            TransactionAccepted(entry.txid, entry.wtxid, entry.fee_sat, entry.vsize, sender)
        )

    # The chain moves.

    def chain_moved(self, outcome: BlockOutcome, now: Instant) -> None:
        """Blocks left and joined the active chain."""
        self.download.tip_changed()
        # In a sync nothing is asked for; hashing every transaction of history would be for nothing.
        remember = self._chain.takes_transactions or bool(self.download.txrequest)
        if outcome.disconnected:
            self._reorganise(outcome, now)
        for step in outcome.connected:
            if not outcome.disconnected:
                effect = self.pool.block_connected(step.block.transactions, now)
                self.removed(effect.conflicting, "conflict")
                self.fees.block_connected(step.height, effect.confirmed)
            self.download.block_connected(step.block.transactions, remember=remember)
        if outcome.connected:
            self.txrelay.block_connected(outcome.connected[-1].block.transactions)

    def _reorganise(self, outcome: BlockOutcome, now: Instant) -> None:
        """Transactions of lost blocks come back where they still fit."""
        self.download.block_disconnected()
        effect = self.pool.reorg(
            [step.block.transactions for step in outcome.disconnected],
            [step.block.transactions for step in outcome.connected],
            outcome.coins,
            self._chain.tip_context(),
            now,
        )
        self.fees.block_connected(self._chain.active.height, effect.confirmed)
        self.removed(effect.conflicting, "conflict")
        self.removed(effect.removed, "reorg")
        for entry in effect.returned:
            self._report_accepted(entry, None)
            self.announce(entry, now)
