"""What follows when a transaction comes into the pool, is refused, confirmed or removed.

Relay, requests, orphans, fees and the facts that are reported: each outcome is told to all of them
here, so that they agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from axon.chain.outcome import BlockOutcome
from axon.machine import Instant, PeerId
from axon.mempool.entry import PoolEntry
from axon.mempool.fees import FeeEstimator
from axon.mempool.orphans import Orphanage
from axon.mempool.outcome import Admitted, CrowdedOut, Refusal, Refused
from axon.mempool.policy import feerate_of
from axon.mempool.pool import Mempool
from axon.node.chainstate import ChainState
from axon.node.facts import TransactionAccepted, TransactionRejected, TransactionRemoved
from axon.node.outbox import Outbox
from axon.p2p.rollingset import RollingSet
from axon.p2p.txrelay import TxRelay
from axon.p2p.txrequest import TxRequest
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import Transaction
from axon.wire.messages import InvItem, InvType

MAX_REFUSED: Final = 120_000
"""Refused transactions remembered, so that ten peers that announce one do not have it verified ten
times."""

MAX_CONFIRMED: Final = 48_000
"""Confirmed transactions remembered: six full blocks. A peer that is behind announces them yet."""

TxOutcome = Admitted | Refused

_LASTING = frozenset((Refusal.CONSENSUS, Refusal.NONSTANDARD, Refusal.INPUTS_NONSTANDARD))


class TxOutcomes:
    """Everything that has to know what became of a transaction.

    Args:
        outbox: where effects go.
        pool: the unconfirmed.
        chain: what is known of the chain.
        rng: for the parts.
        blocks_only: peers are to send no transactions (`-blocksonly`).
        announce_pool: newcomers are told of the pool (`-announcepool`).
    """

    def __init__(
        self,
        outbox: Outbox,
        pool: Mempool,
        chain: ChainState,
        rng: Random,
        *,
        blocks_only: bool,
        announce_pool: bool,
    ) -> None:
        self._outbox = outbox
        self._chain = chain
        self.pool = pool
        self.txrequest = TxRequest(rng)
        self.txrelay = TxRelay(
            rng,
            pool,
            min_relay_sat_kvb=pool.policy.min_relay_feerate_sat_kvb,
            incremental_sat_kvb=pool.policy.incremental_feerate_sat_kvb,
            blocks_only=blocks_only,
            announce_pool=announce_pool,
        )
        self.orphans = Orphanage()
        self.fees = FeeEstimator()
        self.in_flight: dict[Wtxid, None] = {}  # On their way into the pool.
        self._refused: RollingSet[bytes] = RollingSet(MAX_REFUSED)
        self._confirmed: RollingSet[bytes] = RollingSet(MAX_CONFIRMED)

    def is_known(self, tx_hash: bytes) -> bool:
        """Whether a transaction need not be asked for.

        It is held, on its way into the pool, confirmed lately, or was refused for good.
        """
        return (
            Txid(tx_hash) in self.pool
            or self.pool.by_wtxid(Wtxid(tx_hash)) is not None
            or tx_hash in self.in_flight
            or tx_hash in self._confirmed
            or tx_hash in self._refused
            or Wtxid(tx_hash) in self.orphans
        )

    # What became of one.

    def settle(
        self,
        transaction: Transaction,
        outcome: TxOutcome,
        senders: Sequence[PeerId],
        now: Instant,
    ) -> None:
        """A transaction was taken into the pool or refused.

        Args:
            transaction: which.
            outcome: what became of it.
            senders: the peers that sent it; nobody for one of the operator or an orphan.
            now: the present.
        """
        txid, wtxid = transaction.txid, transaction.wtxid
        sender = senders[0] if senders else None
        if isinstance(outcome, Admitted):
            self.removed(outcome.replaced, "replaced")
            self.removed(outcome.evicted, "sizelimit")
            self.entered(outcome.entry, sender, now)
            return
        if isinstance(outcome, CrowdedOut):
            self.removed(outcome.replaced, "replaced")
            self.removed(outcome.evicted, "sizelimit")
        self._outbox.report(TransactionRejected(txid, wtxid, outcome.reason, sender))
        if outcome.kind is Refusal.MISSING_INPUTS:
            for peer in senders:
                self._keep_orphan(transaction, outcome, peer, now)
            return
        self.orphans.erase(wtxid)
        if outcome.kind in _LASTING or outcome.kind is Refusal.RECONSIDERABLE:
            self._refused.add(wtxid)
            if not transaction.has_witness or outcome.kind is Refusal.INPUTS_NONSTANDARD:
                self._refused.add(txid)
                self.txrequest.forget(txid)
        self.txrequest.forget(wtxid)

    def entered(self, entry: PoolEntry, sender: PeerId | None, now: Instant) -> None:
        """An entry came into the pool."""
        self.txrequest.forget(entry.txid)
        self.txrequest.forget(entry.wtxid)
        self.orphans.erase(entry.wtxid)
        self._report_accepted(entry, sender)
        self.fees.entered(entry)
        self.announce(entry, now)

    def announce(self, entry: PoolEntry, now: Instant) -> None:
        """Tell peers of an entry, each in its time."""
        feerate = feerate_of(entry.fee_sat, entry.vsize)
        self.txrelay.announce(entry.txid, entry.wtxid, feerate, now)

    def removed(self, entries: Sequence[PoolEntry], reason: str) -> None:
        """Entries left the pool without a block."""
        for entry in entries:
            self.fees.left(entry.txid)
            self._outbox.report(TransactionRemoved(entry.txid, reason))

    def _report_accepted(self, entry: PoolEntry, sender: PeerId | None) -> None:
        self._outbox.report(
            TransactionAccepted(entry.txid, entry.wtxid, entry.fee_sat, entry.vsize, sender)
        )

    def _keep_orphan(
        self, transaction: Transaction, outcome: Refused, peer: PeerId, now: Instant
    ) -> None:
        """Keep it until its parents are here, and ask its sender for them."""
        self.txrequest.forget(transaction.txid)
        self.txrequest.forget(transaction.wtxid)
        if any(parent in self._refused for parent in outcome.missing):
            self._refused.add(transaction.wtxid)  # It can never come in.
            return
        self.orphans.add(transaction, peer)
        # The pool takes none that builds on more unconfirmed ones than these, so more are no use.
        for parent in outcome.missing[: self.pool.policy.cluster_count]:
            if not self.is_known(parent):
                item = InvItem(InvType.TX, parent)
                self.txrequest.announced(peer, item, preferred=True, overloaded=False, now=now)

    # The chain moves.

    def chain_moved(self, outcome: BlockOutcome, now: Instant) -> None:
        """Blocks left and joined the active chain."""
        self._refused.clear()  # Another tip, other verdicts.
        # In a sync nothing is asked for; hashing every transaction of history would be for nothing.
        remember = self._chain.takes_transactions or bool(self.txrequest)
        if outcome.disconnected:
            self._reorganise(outcome, now)
        for step in outcome.connected:
            if not outcome.disconnected:
                effect = self.pool.block_connected(step.block.transactions, now)
                self.removed(effect.conflicting, "conflict")
                self.fees.block_connected(step.height, effect.confirmed)
            self.orphans.erase_for_block(step.block.transactions)
            if remember:
                self._remember(step.block.transactions)
        if outcome.connected:
            self.txrelay.block_connected(outcome.connected[-1].block.transactions)

    def _remember(self, confirmed: Sequence[Transaction]) -> None:
        """These are in a block: they need not be asked for any more."""
        for transaction in confirmed:
            for name in (transaction.txid, transaction.wtxid):
                self._confirmed.add(name)
                self.txrequest.forget(name)

    def _reorganise(self, outcome: BlockOutcome, now: Instant) -> None:
        """Transactions of lost blocks come back where they still fit."""
        self._confirmed.clear()
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
