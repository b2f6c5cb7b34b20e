"""How transactions flow through a full node: from an announcement to the pool and on to others.

    inv -> txrequest (ask one announcer) -> tx -> Mempool.prepare
        -> Delegate(VerifyScripts) -> Mempool.admit -> txrelay (announce)
    a parent is missing -> orphans (ask its sender for the parents) -> tried again when they are in

While a transaction of a peer is verified, the peer's next messages wait. Nothing of peers is taken
in during initial sync, nor while the coins lag behind the tip; the operator's transactions wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

from axon.chain.activechain import ActiveChain
from axon.chain.coins import Coins
from axon.chain.outcome import BlockOutcome
from axon.machine import MINUTE, Instant, PeerId
from axon.mempool.acceptance import coins_to_find
from axon.mempool.entry import PoolEntry
from axon.mempool.fees import FeeEstimator
from axon.mempool.locks import TipContext
from axon.mempool.orphans import Orphanage
from axon.mempool.outcome import Admitted, CrowdedOut, FoundCoins, Prepared, Refusal, Refused
from axon.mempool.policy import feerate_of
from axon.mempool.pool import Mempool
from axon.node.facts import TransactionAccepted, TransactionRejected, TransactionRemoved
from axon.node.jobs import SCRIPTS, VerifyScripts
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.p2p.faults import PeerFault
from axon.p2p.rollingset import RollingSet
from axon.p2p.txrelay import TxRelay
from axon.p2p.txrequest import TxRequest
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import MAX_MONEY_SAT, Transaction
from axon.primitives.verdict import Rejected
from axon.wire.messages import InvItem, InvType, NotFound

MAX_REFUSED: Final = 120_000
"""Refused transactions remembered, so that ten peers that announce one do not have it judged ten
times."""

MAX_CONFIRMED: Final = 48_000
"""Confirmed transactions remembered: six full blocks. A peer that is behind announces them yet."""

UPKEEP_INTERVAL: Final = MINUTE
"""How often orphans and expired entries are looked at."""

_TX_KINDS = frozenset((InvType.TX, InvType.WTX, InvType.WITNESS_TX))
_LASTING = frozenset((Refusal.CONSENSUS, Refusal.NONSTANDARD, Refusal.INPUTS_NONSTANDARD))

Outcome = Admitted | Refused

_LAGGING = Refused("coins-behind-tip", "coins are being caught up", Refusal.PREMATURE)
Done = Callable[[Outcome, Instant], None]
Step = Callable[[Instant], None]


@dataclass(slots=True)
class Restored:
    """A transaction read back from disk.

    Args:
        transaction: as it was in the pool.
        entered: when it had come in.
    """

    transaction: Transaction
    entered: Instant


@dataclass(slots=True)
class _Work:
    """A transaction on its way into the pool, and what follows from it."""

    peer: PeerId | None
    done: Done
    queue: deque[tuple[Transaction, Instant | None]] = field(default_factory=deque)
    first: Outcome | None = None


class TxFlow:
    """Transactions of a full node.

    Args:
        outbox: where effects go.
        pool: the unconfirmed.
        coins: the confirmed outputs.
        active: the chain they belong to.
        rng: for the parts.
        is_open: whether transactions of peers are taken in now.
        follows: whether the coins are at the tip; without them nothing can be judged.
        blocks_only: peers are to send no transactions (`-blocksonly`).
    """

    def __init__(
        self,
        outbox: Outbox,
        pool: Mempool,
        coins: Coins,
        active: ActiveChain,
        rng: Random,
        is_open: Callable[[], bool],
        follows: Callable[[], bool],
        *,
        blocks_only: bool = False,
    ) -> None:
        self._outbox = outbox
        self.pool = pool
        self.coins = coins
        self._active = active
        self._is_open = is_open
        self._follows = follows
        self._blocks_only = blocks_only
        self.txrequest = TxRequest(rng)
        self.txrelay = TxRelay(
            rng,
            pool,
            min_relay_sat_kvb=pool.policy.min_relay_feerate_sat_kvb,
            incremental_sat_kvb=pool.policy.incremental_feerate_sat_kvb,
            blocks_only=blocks_only,
        )
        self.orphans = Orphanage()
        self.fees = FeeEstimator()
        self._refused: RollingSet[bytes] = RollingSet(MAX_REFUSED)
        self._confirmed: RollingSet[bytes] = RollingSet(MAX_CONFIRMED)
        self._waiting: deque[Step] = deque()  # For coins that move, or lag.
        self._tip_context: TipContext | None = None
        self._upkeep_at: Instant = 0

    # From peers.

    def opened(self, session: Session, now: Instant) -> None:
        """A peer was greeted."""
        negotiated = session.negotiated
        assert negotiated is not None, "transactions flow after the greeting"
        if not session.kind.relays_transactions:
            return
        peer = session.peer
        self.txrequest.opened(peer, wtxid_relay=negotiated.wtxid_relay)
        self.txrelay.opened(
            peer,
            inbound=session.inbound,
            wtxid_relay=negotiated.wtxid_relay,
            relay=negotiated.relay,
            noban=session.may("noban"),
            forcerelay=session.may("forcerelay"),
            now=now,
        )

    def closed(self, peer: PeerId, now: Instant) -> None:
        """A peer has gone."""
        self.txrequest.closed(peer, now)
        self.txrelay.closed(peer, now)
        self.orphans.erase_for_peer(peer)

    def announced(self, session: Session, items: Sequence[InvItem], now: Instant) -> None:
        """Transactions that a peer has.

        Raises:
            PeerFault: it was told not to announce any.
        """
        if not session.kind.relays_transactions or (self._blocks_only and not session.may("relay")):
            raise PeerFault("transaction inv sent in violation of protocol")
        peer, negotiated = session.peer, session.negotiated
        assert negotiated is not None, "transactions flow after the greeting"
        open_ = self._is_open()
        for item in items:
            if item.kind not in _TX_KINDS:
                continue
            if negotiated.wtxid_relay != (item.kind == InvType.WTX):
                continue  # It agreed to name them the other way.
            self.txrelay.known(peer, item.hash)
            if open_ and not self.is_known(item.hash):
                preferred = not session.inbound or session.may("noban")
                late = not session.may("relay") and self.txrequest.overloaded(peer)
                self.txrequest.announced(peer, item, preferred, late, now)
        self._outbox.perform(self.txrequest.requests(now))

    def is_known(self, tx_hash: bytes) -> bool:
        """Whether a transaction is held, confirmed lately, or was refused for good."""
        return (
            Txid(tx_hash) in self.pool
            or self.pool.by_wtxid(Wtxid(tx_hash)) is not None
            or tx_hash in self._confirmed
            or tx_hash in self._refused
            or Wtxid(tx_hash) in self.orphans
        )

    def received(self, session: Session, transaction: Transaction, now: Instant) -> None:
        """A transaction from a peer. It waits behind it until the transaction is judged.

        Raises:
            PeerFault: it was told not to send any.
        """
        peer = session.peer
        if not session.kind.relays_transactions or (self._blocks_only and not session.may("relay")):
            raise PeerFault("transaction sent in violation of protocol")
        txid, wtxid = transaction.txid, transaction.wtxid
        self.txrelay.known(peer, txid)
        self.txrelay.known(peer, wtxid)
        self.txrequest.received(peer, txid)
        self.txrequest.received(peer, wtxid)
        if not self._is_open():
            return
        if self.is_known(wtxid):
            known = self.pool.get(txid)
            if known is not None and session.may("forcerelay"):
                self._announce(known, now)
            return

        def done(outcome: Outcome, now: Instant) -> None:
            session.busy = False
            if isinstance(outcome, Admitted):
                session.last_transaction_at = now

        session.busy = True
        self._take(transaction, session.peer, done, now)

    def serve(self, peer: PeerId, item: InvItem, now: Instant) -> Transaction | None:
        """A transaction that a peer asks for; None if it may not have it, or there is none."""
        transaction = self.txrelay.find(peer, item, now)
        if transaction is not None:
            self.pool.mark_broadcast(transaction.txid)
        return transaction

    def notfound(self, peer: PeerId, message: NotFound) -> None:
        """A peer does not have what it was asked for."""
        for item in message.items:
            if item.kind in _TX_KINDS:
                self.txrequest.notfound(peer, item.hash)

    # Into the pool.

    def submit(self, transaction: Transaction, done: Done, now: Instant) -> None:
        """A transaction from the operator."""

        def finish(outcome: Outcome, now: Instant) -> None:
            if isinstance(outcome, Admitted):
                self.pool.mark_unbroadcast(outcome.entry.txid)
            done(outcome, now)

        self._take(transaction, None, finish, now)

    def restore(self, items: Sequence[Restored], done: Done, now: Instant) -> None:
        """Transactions of an earlier run, one after the other."""
        work = _Work(None, done)
        work.queue.extend((item.transaction, item.entered) for item in items)
        self._go_on(work, now)

    def _take(
        self, transaction: Transaction, peer: PeerId | None, done: Done, now: Instant
    ) -> None:
        """Judge a transaction, then the orphans it is a parent of."""
        work = _Work(peer, done)
        work.queue.append((transaction, None))
        self._go_on(work, now)

    def when_settled(self, step: Step, now: Instant) -> None:
        """Take a step now, or once the coins are those of the tip."""
        if self.is_settled():
            step(now)
        else:
            self._waiting.append(partial(self.when_settled, step))

    def is_settled(self) -> bool:
        """Whether the coins are those of the tip: they do not lag, and no block is moving them.

        Only what was read between two moments at which this holds may be believed.
        """
        return self._follows() and self.coins.best == self._active.tip.hash

    def find_coins(self, transactions: Sequence[Transaction]) -> FoundCoins | None:
        """The coins that matter for some transactions; None if they are not those of the tip."""
        points = coins_to_find(self.pool, transactions)
        return self.coins.read(points, self._active.tip.hash) if self._follows() else None

    def _go_on(self, work: _Work, now: Instant) -> None:
        """Work on until scripts have to be verified, coins have to settle, or nothing is left."""
        while work.queue:
            if not self._follows() and work.peer is not None:
                # Its next messages may be the blocks that all wait for, so it must not wait too.
                self._settle(work, work.queue.popleft()[0], _LAGGING, now)
                continue
            if not self.is_settled():
                self._waiting.append(partial(self._go_on, work))
                return
            transaction, entered = work.queue[0]
            coins = self.find_coins((transaction,))
            if coins is None:
                continue
            prepared = self.pool.prepare(transaction, coins, self.tip_context(), now)
            work.queue.popleft()
            if isinstance(prepared, Refused):
                self._settle(work, transaction, prepared, now)
                continue
            job = VerifyScripts(transaction, tuple(prepared.spent))
            self._outbox.delegate(job, SCRIPTS, partial(self._verified, work, prepared, entered))
            return
        self._outbox.perform(self.txrequest.requests(now))
        assert work.first is not None, "there was something to do"
        work.done(work.first, now)

    def _verified(
        self,
        work: _Work,
        prepared: Prepared,
        entered: Instant | None,
        verdict: object,
        now: Instant,
    ) -> None:
        if prepared.tip_hash != self._active.tip.hash and not self.is_settled():
            # Blocks came meanwhile and may have spent what this spends; the coins cannot tell yet.
            work.queue.appendleft((prepared.transaction, entered))
        elif isinstance(verdict, Rejected):
            refused = Refused(verdict.reason, verdict.detail, Refusal.NONSTANDARD)
            self._settle(work, prepared.transaction, refused, now)
        else:
            same_tip = prepared.tip_hash == self._active.tip.hash
            coins = {} if same_tip else self.find_coins((prepared.transaction,))
            if coins is None:
                work.queue.appendleft((prepared.transaction, entered))
            else:
                outcome = self.pool.admit(prepared, coins, self.tip_context(), now, entered)
                self._settle(work, prepared.transaction, outcome, now)
        self._go_on(work, now)

    def _settle(
        self, work: _Work, transaction: Transaction, outcome: Outcome, now: Instant
    ) -> None:
        is_first = work.first is None
        if is_first:
            work.first = outcome
        self._note(transaction, outcome, work.peer if is_first else None, now)
        if isinstance(outcome, Admitted):
            work.queue.extend((child, None) for child in self.orphans.children_of(transaction))

    def _note(
        self, transaction: Transaction, outcome: Outcome, peer: PeerId | None, now: Instant
    ) -> None:
        """What follows from an outcome: announcements, requests for parents, facts."""
        txid, wtxid = transaction.txid, transaction.wtxid
        if isinstance(outcome, Admitted):
            self._accepted(outcome, peer, now)
            return
        if isinstance(outcome, CrowdedOut):
            self.removed(outcome.replaced, "replaced")
            self.removed(outcome.evicted, "sizelimit")
        self._outbox.report(TransactionRejected(txid, wtxid, outcome.reason, peer))
        if outcome.kind is Refusal.MISSING_INPUTS:
            if peer is not None:
                self._keep_orphan(transaction, outcome, peer, now)
            return
        self.orphans.erase(wtxid)
        if outcome.kind in _LASTING or outcome.kind is Refusal.RECONSIDERABLE:
            self._refused.add(wtxid)
            if not transaction.has_witness or outcome.kind is Refusal.INPUTS_NONSTANDARD:
                self._refused.add(txid)
                self.txrequest.forget(txid)
        self.txrequest.forget(wtxid)

    def _accepted(self, outcome: Admitted, peer: PeerId | None, now: Instant) -> None:
        self.removed(outcome.replaced, "replaced")
        self.removed(outcome.evicted, "sizelimit")
        self.entered(outcome.entry, peer, now)

    def entered(self, entry: PoolEntry, peer: PeerId | None, now: Instant) -> None:
        """An entry that came into the pool."""
        self.txrequest.forget(entry.txid)
        self.txrequest.forget(entry.wtxid)
        self.orphans.erase(entry.wtxid)
        self._outbox.report(
            TransactionAccepted(entry.txid, entry.wtxid, entry.fee_sat, entry.vsize, peer)
        )
        self.fees.entered(entry)
        self._announce(entry, now)

    def _announce(self, entry: PoolEntry, now: Instant) -> None:
        feerate = feerate_of(entry.fee_sat, entry.vsize)
        self.txrelay.announce(entry.txid, entry.wtxid, feerate, now)

    def removed(self, entries: Sequence[PoolEntry], reason: str) -> None:
        """Entries that left the pool without a block."""
        for entry in entries:
            self.fees.left(entry.txid)
            self._outbox.report(TransactionRemoved(entry.txid, reason))

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
        for parent in outcome.missing:
            if not self.is_known(parent):
                item = InvItem(InvType.TX, parent)
                self.txrequest.announced(peer, item, preferred=True, overloaded=False, now=now)

    # The chain moves.

    def tip_context(self) -> TipContext:
        """What the pool must know of the active chain; worked out once for each tip."""
        tip, known = self._active.tip, self._tip_context
        if known is not None and known.hash == tip.hash:
            return known

        def median_time_past_at(height: int) -> int:
            entry = self._active.at(height)
            assert entry is not None, "heights up to the tip are active"
            return entry.median_time_past()

        known = TipContext(tip.height, tip.median_time_past(), tip.hash, median_time_past_at)
        self._tip_context = known
        return known

    def chain_moved(self, outcome: BlockOutcome, now: Instant) -> None:
        """Blocks left and joined the active chain."""
        self._refused.clear()  # Another tip, another judgement.
        reorganise = bool(outcome.disconnected)
        # In a sync nothing is asked for; hashing every transaction of history would be for nothing.
        remember = self._is_open() or bool(self.txrequest)
        if reorganise:
            self._reorganise(outcome, now)
        for step in outcome.connected:
            if not reorganise:
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

    def tip_settled(self, now: Instant) -> None:
        """The tip is another; or coins and filters have reached it."""
        self.minimum_changed(now)
        waiting, self._waiting = self._waiting, deque()
        for step in waiting:
            step(now)

    def _reorganise(self, outcome: BlockOutcome, now: Instant) -> None:
        """Transactions of lost blocks come back where they still fit."""
        self._confirmed.clear()
        effect = self.pool.reorg(
            [step.block.transactions for step in outcome.disconnected],
            [step.block.transactions for step in outcome.connected],
            outcome.coins,
            self.tip_context(),
            now,
        )
        self.fees.block_connected(self._active.height, effect.confirmed)
        self.removed(effect.conflicting, "conflict")
        self.removed(effect.removed, "reorg")
        for entry in effect.returned:
            self._outbox.report(
                TransactionAccepted(entry.txid, entry.wtxid, entry.fee_sat, entry.vsize, None)
            )
            self._announce(entry, now)

    # Time.

    def minimum_changed(self, now: Instant) -> None:
        """Tell peers which feerate they need not go below."""
        minimum = MAX_MONEY_SAT if not self._is_open() else self.pool.min_feerate(now)
        self.txrelay.minimum_changed(max(minimum, self.pool.policy.min_relay_feerate_sat_kvb), now)

    def tick(self, now: Instant) -> None:
        """What is due."""
        self._outbox.perform(self.txrequest.tick(now))
        if now >= self._upkeep_at:
            self._upkeep_at = now + UPKEEP_INTERVAL
            self.minimum_changed(now)
            self.removed(self.pool.enforce_limits(now), "expiry")
        self._outbox.perform(self.txrelay.tick(now))

    def deadline(self) -> Instant | None:
        """When something is due."""
        soonest, moment = self.txrequest.deadline(), self.txrelay.deadline()
        if moment is not None and (soonest is None or moment < soonest):
            soonest = moment
        if len(self.pool) and (soonest is None or self._upkeep_at < soonest):
            soonest = self._upkeep_at
        return soonest
