"""The way of a transaction into the pool, with all that is slow done off the loop.

    waiting --its turn--> Mempool.screen --> Delegate(FindCoins) --> Mempool.weigh
        --> Delegate(VerifyScripts) --> Mempool.admit --> settled; its orphaned children follow
    it pays too little, and a child of it pays for both --> PackageFlow --> settled likewise
    found or verified under another tip --> Delegate(FindCoins) once more

Coins are those of one block; what was found is used only while that block is the tip. While the
coins move, or lag, a transaction of the operator waits, and one of a peer is refused for now.

While transactions of a peer are on their way the peer's next messages wait, but for further
transactions where there is room. What spends one that is on its way waits for it. Another peer that
sends the same transaction waits for the same outcome.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from axon.machine import SECOND, Instant, PeerId
from axon.mempool.acceptance import coins_to_find
from axon.mempool.outcome import Admitted, FoundCoins, Prepared, Refusal, Refused
from axon.mempool.packageacceptance import PackageResult
from axon.mempool.persist import Dump
from axon.mempool.policy import MAX_STANDARD_WEIGHT
from axon.mempool.standard import is_stripped
from axon.node.chainstate import ChainState
from axon.node.jobs import COINS, SCRIPTS, FindCoins, VerifyScripts
from axon.node.outbox import Outbox
from axon.node.packageflow import PackageFlow
from axon.node.session import Session
from axon.node.txdownload import Pair
from axon.node.txoutcomes import LAGGING, TxOutcome, TxOutcomes
from axon.primitives.hashes import BlockHash, Txid, Wtxid
from axon.primitives.transaction import Transaction
from axon.primitives.verdict import Rejected, Verdict

MAX_IN_FLIGHT: Final = 16
"""Transactions of peers worked on at a time. More wait here, one of each peer, and are forgotten
with their peer: whoever connects, sends one and leaves again and again must not fill the lanes. A
peer has several on their way only while that keeps nobody else waiting."""


@dataclass(frozen=True, slots=True)
class CoinsFound:
    """Continuation: the coins were looked up of the transaction that a run is at.

    Args:
        run: which.
        tip: as of which block.
    """

    run: int
    tip: BlockHash


@dataclass(frozen=True, slots=True)
class ScriptsVerified:
    """Continuation: the scripts were verified of the transaction that a run is at."""

    run: int


@dataclass(frozen=True, slots=True)
class Awaited:
    """The operator waits for an outcome.

    Args:
        ticket: of his command.
        restored: what is read back from disk, if that is what he asked for.
    """

    ticket: int
    restored: Dump | None = None


@dataclass(slots=True, eq=False)
class _Run:
    """A transaction on its way into the pool, and those that follow it.

    `senders` sent the first and wait. It is not `begun` while it waits for its turn, or before that
    for the transaction `after`, which it spends. `prepared` is the one it is at, once it is worth
    verifying; `verified` once its scripts are good. `pair` is what is taken in together when
    nothing else is left.
    """

    number: int
    asked: Awaited | None
    senders: list[PeerId]
    queue: deque[tuple[Transaction, Instant | None]] = field(default_factory=deque)
    begun: bool = False
    after: Txid | None = None
    first: TxOutcome | None = None
    prepared: Prepared | None = None
    verified: bool = False
    pair: Pair | None = None


class Admission:
    """Transactions on their way into the pool.

    Args:
        outbox: where effects go.
        sessions: all connections, by peer.
        chain: what is known of the chain.
        outcomes: told what becomes of each.
        packages: takes in what pays together.
    """

    def __init__(
        self,
        outbox: Outbox,
        sessions: Mapping[PeerId, Session],
        chain: ChainState,
        outcomes: TxOutcomes,
        packages: PackageFlow,
    ) -> None:
        self._outbox = outbox
        self._sessions = sessions
        self._chain = chain
        self._outcomes = outcomes
        self._packages = packages
        self._judged = outcomes.download.judged
        self._pool = outcomes.pool
        self._runs: dict[int, _Run] = {}
        self._by_wtxid: dict[Wtxid, _Run] = {}  # Those of peers, by what they sent.
        self._queue: dict[int, _Run] = {}  # Those of peers whose turn has not come.
        self._followers: dict[Txid, list[_Run]] = {}  # Those that wait for what they spend.
        self._of_peers = 0  # Those of peers.
        self._begun = 0  # Of these, those that are worked on.
        self._waiting: deque[_Run] = deque()  # For the coins of the tip.
        self._number = 0

    # In.

    def take(self, session: Session, transaction: Transaction, now: Instant) -> None:
        """A transaction of a peer, which waits until it is settled."""
        run = self._make(None, [session.peer], [(transaction, None)])
        self._by_wtxid[transaction.wtxid] = run
        self._enqueue(run)
        self._judged[transaction.txid] = self._judged[transaction.wtxid] = None
        self._of_peers += 1
        self._wait(session)
        self._start_queued(now)

    def take_pair(self, session: Session, pair: Pair, now: Instant) -> None:
        """A transaction of a peer that was refused alone, with a child; the peer waits."""
        run = self._make(None, [session.peer], ())
        run.pair = pair
        self._queue[run.number] = run
        self._of_peers += 1
        self._wait(session)
        self._start_queued(now)

    def join(self, session: Session, wtxid: Wtxid) -> bool:
        """Have a peer wait for the outcome of what was sent before; False if none is on its way."""
        run = self._by_wtxid.get(wtxid)
        if run is None:
            return False
        if session.peer not in run.senders:
            run.senders.append(session.peer)
            self._wait(session)
        return True

    def _wait(self, session: Session) -> None:
        session.judging += 1
        session.busy = session.judging >= MAX_IN_FLIGHT or not self._has_room

    def _go_on_with(self, session: Session) -> None:
        session.judging -= 1
        is_held = session.held is not None or not self._has_room
        session.busy = session.judging > 0 and is_held

    @property
    def _has_room(self) -> bool:
        """Whether further transactions of a peer keep nobody else's waiting."""
        return self._of_peers < MAX_IN_FLIGHT

    def submit(self, transaction: Transaction, ticket: int, now: Instant) -> None:
        """A transaction of the operator, answered with its outcome."""
        self._go_on(self._make(Awaited(ticket), [], [(transaction, None)]), now)

    def restore(self, dump: Dump, ticket: int, now: Instant) -> None:
        """Transactions of an earlier run, answered with how many are in the pool then."""
        horizon = now - self._pool.policy.expiry_s * SECOND
        items = [
            (saved.transaction, saved.time_s * SECOND)
            for saved in dump.transactions
            if saved.time_s * SECOND > horizon
        ]
        self._go_on(self._make(Awaited(ticket, dump), [], items), now)

    def closed(self, peer: PeerId) -> None:
        """A peer has gone; what it sent is not begun any more, unless another waits for it, too."""
        for run in list(self._runs.values()):
            if peer not in run.senders:
                continue
            run.senders.remove(peer)
            if run.senders or run.begun:
                continue
            del self._runs[run.number]
            self._of_peers -= 1
            self._queue.pop(run.number, None)
            if run.after is not None:
                self._followers[run.after].remove(run)
            for transaction, _ in run.queue:
                self._forget(transaction)

    def resume(self, now: Instant) -> None:
        """The coins may have reached the tip: go on with what waits for them."""
        waiting, self._waiting = self._waiting, deque()
        for run in waiting:
            self._go_on(run, now)
        self._start_queued(now)

    def _make(
        self,
        asked: Awaited | None,
        senders: list[PeerId],
        items: Sequence[tuple[Transaction, Instant | None]],
    ) -> _Run:
        self._number += 1
        run = self._runs[self._number] = _Run(self._number, asked, senders, deque(items))
        return run

    def _enqueue(self, run: _Run) -> None:
        """Have a run wait for its turn, behind what it spends if that is on its way."""
        transaction, _ = run.queue[0]
        run.after = None
        is_heavy = transaction.weight_wu > MAX_STANDARD_WEIGHT  # It is refused as it is.
        for point in () if is_heavy else transaction.prevouts:
            if point[:32] in self._judged:
                run.after = Txid(point[:32])
                self._followers.setdefault(run.after, []).append(run)
                return
        self._queue[run.number] = run

    def _start_queued(self, now: Instant) -> None:
        while self._queue and self._begun < MAX_IN_FLIGHT:
            run = self._queue.pop(next(iter(self._queue)))
            run.begun = True
            self._begun += 1
            self._go_on(run, now)

    # On the way.

    def _go_on(self, run: _Run, now: Instant) -> None:
        """Work until coins are to be found, scripts to be verified, or nothing is left."""
        while run.queue:
            if not self._advance(run, now):
                return
        pair, run.pair = run.pair, None
        if pair is None:
            self._end(run, now)
            return
        done = partial(self._pair_settled, run, pair)
        self._packages.submit_pair((pair.parent, pair.child), pair.sender, done, now)

    def _pair_settled(self, run: _Run, pair: Pair, result: PackageResult, now: Instant) -> None:
        """A pair was taken in or not: the children of what came in follow."""
        self._outcomes.pair_settled(pair, result, now)
        for entry in result.admitted:
            children = self._outcomes.download.orphans.children_of(entry.transaction)
            run.queue.extend((child, None) for child in children)
        self._go_on(run, now)
        self._start_queued(now)

    def _advance(self, run: _Run, now: Instant) -> bool:
        """Begin, or begin again, with the next transaction of a run; False if it has to wait."""
        transaction, _ = run.queue[0]
        if not self._chain.follows:
            if run.asked is not None:
                self._waiting.append(run)
                return False
            # Its sender's next messages may be the blocks that all wait for: it must not wait too.
            return self._settle(run, LAGGING, now)
        refused = self._pool.screen(transaction, self._chain.tip_context())
        if refused is not None:
            return self._settle(run, refused, now)
        wanted = coins_to_find(self._pool, (transaction,))
        if not wanted:
            return self._weigh(run, {}, now)
        tip = self._chain.active.tip.hash
        job = FindCoins(wanted, tip, (transaction,))
        self._outbox.delegate(job, COINS, CoinsFound(run.number, tip))
        return False

    def coins_found(self, done: CoinsFound, found: FoundCoins | None, now: Instant) -> None:
        """The coins were looked up; None if they were not those of the tip."""
        run = self._runs[done.run]
        if found is None or done.tip != self._chain.active.tip.hash:
            if self._chain.is_moving and self._chain.follows:
                self._waiting.append(run)
            else:
                self._go_on(run, now)
        elif self._weigh(run, found, now):
            self._go_on(run, now)
        self._start_queued(now)

    def _weigh(self, run: _Run, coins: FoundCoins, now: Instant) -> bool:
        """Look at what a transaction spends; False if its scripts are to be verified first."""
        transaction, entered = run.queue[0]
        tip = self._chain.tip_context()
        prepared = self._pool.weigh(transaction, coins, tip, now)
        if isinstance(prepared, Refused):
            return self._settle(run, prepared, now)
        if run.verified:
            outcome = self._pool.admit(prepared, coins, tip, now, entered)
            return self._settle(run, outcome, now)
        run.prepared = prepared
        job = VerifyScripts(transaction, tuple(prepared.spent))
        self._outbox.delegate(job, SCRIPTS, ScriptsVerified(run.number))
        return False

    def scripts_verified(self, done: ScriptsVerified, verdict: Verdict, now: Instant) -> None:
        """The scripts were verified."""
        run = self._runs[done.run]
        prepared = run.prepared
        assert prepared is not None, "scripts are verified of what was prepared"
        tip = self._chain.tip_context()
        if isinstance(verdict, Rejected):
            stripped = is_stripped(prepared.transaction, prepared.spent)
            kind = Refusal.WITNESS_STRIPPED if stripped else Refusal.NONSTANDARD
            refused = Refused(verdict.reason, verdict.detail, kind)
            self._settle(run, refused, now)
        elif prepared.tip_hash == tip.hash:
            # Under the same tip no coin is looked at again.
            outcome = self._pool.admit(prepared, {}, tip, now, run.queue[0][1])
            self._settle(run, outcome, now)
        else:
            run.verified = True  # Blocks came meanwhile and may have spent what this spends.
        self._go_on(run, now)
        self._start_queued(now)

    # Out.

    def _settle(self, run: _Run, outcome: TxOutcome, now: Instant) -> bool:
        """It is known what becomes of the transaction that a run is at; always True."""
        transaction, entered = run.queue.popleft()
        run.prepared, run.verified = None, False
        is_first = run.first is None
        senders = run.senders if is_first else ()
        own = run.asked is not None and (is_first or entered is not None)
        pair = self._outcomes.settle(transaction, outcome, senders, now, own=own)
        if is_first:
            run.first, run.pair = outcome, pair
            self._forget(transaction)
        if isinstance(outcome, Admitted):
            children = self._outcomes.download.orphans.children_of(transaction)
            run.queue.extend((child, None) for child in children)
        return True

    def _forget(self, transaction: Transaction) -> None:
        """Who sends it from now on is not told of the same outcome; it may be asked for again."""
        self._by_wtxid.pop(transaction.wtxid, None)
        for name in (transaction.txid, transaction.wtxid):
            self._judged.pop(name, None)
            self._outcomes.download.txrequest.reopen(name)
        for run in self._followers.pop(transaction.txid, ()):
            self._enqueue(run)

    def _end(self, run: _Run, now: Instant) -> None:
        """Everything of a run is settled: whoever waits for it goes on."""
        del self._runs[run.number]
        self._outbox.perform(self._outcomes.download.txrequest.requests(now))
        if run.asked is not None:
            self._answer(run, run.asked)
            return
        self._of_peers -= 1
        self._begun -= 1
        for peer in run.senders:
            self._go_on_with(self._sessions[peer])
        if run.senders and isinstance(run.first, Admitted):
            self._sessions[run.senders[0]].last_transaction_at = now

    def _answer(self, run: _Run, asked: Awaited) -> None:
        if asked.restored is None:
            if isinstance(run.first, Admitted):
                self._pool.mark_unbroadcast(run.first.entry.txid)
            self._outbox.answer(asked.ticket, run.first)
            return
        for txid in asked.restored.unbroadcast:
            if txid in self._pool:
                self._pool.mark_unbroadcast(txid)
        self._outbox.answer(asked.ticket, len(self._pool))
