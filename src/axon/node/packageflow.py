"""Packages: transactions that are accepted together, or only tested; of the operator, or of a peer.

SubmitPackage, or a pair --> Delegate(FindCoins) --> prepare_package, or prepare_test
    --> Delegate(VerifyScripts), one after the other --> admit_package, or finish_test --> answer
the tip moved meanwhile --> Delegate(FindCoins) once more --> admit_package
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from axon.machine import Instant, PeerId
from axon.mempool.acceptance import coins_to_find
from axon.mempool.outcome import FoundCoins
from axon.mempool.packageacceptance import PackageResult
from axon.mempool.packages import (
    PackagePlan,
    TestPlan,
    admit_package,
    finish_test,
    prepare_package,
    prepare_test,
)
from axon.node.chainstate import ChainState
from axon.node.commands import SubmitPackage
from axon.node.jobs import COINS, SCRIPTS, FindCoins, VerifyScripts
from axon.node.outbox import Outbox
from axon.node.txoutcomes import LAGGING, TxOutcomes
from axon.primitives.hashes import BlockHash, Wtxid
from axon.primitives.transaction import Transaction, TxOut
from axon.primitives.verdict import Verdict


@dataclass(frozen=True, slots=True)
class PackageCoinsFound:
    """Continuation: the coins of a package were looked up.

    Args:
        run: of which package.
        tip: as of which block.
    """

    run: int
    tip: BlockHash


@dataclass(frozen=True, slots=True)
class PackageScriptsVerified:
    """Continuation: the scripts of one transaction of a package were verified."""

    run: int
    wtxid: Wtxid


@dataclass(slots=True, eq=False)
class _PackageRun:
    """One package on its way; `coins` are those of the block `tip`.

    `sender` is the peer that sent it; None if it is the operator's.
    """

    number: int
    done: Callable[[PackageResult, Instant], None]
    command: SubmitPackage
    sender: PeerId | None = None
    tip: BlockHash | None = None
    coins: FoundCoins = field(default_factory=dict)
    plan: PackagePlan | TestPlan | None = None
    to_verify: deque[tuple[Transaction, list[TxOut]]] = field(default_factory=deque)
    verdicts: dict[Wtxid, Verdict] = field(default_factory=dict)


class PackageFlow:
    """Packages of a full node.

    Args:
        outbox: where effects go.
        chain: what is known of the chain.
        outcomes: told what comes into the pool.
    """

    def __init__(self, outbox: Outbox, chain: ChainState, outcomes: TxOutcomes) -> None:
        self._outbox = outbox
        self._chain = chain
        self._outcomes = outcomes
        self._pool = outcomes.pool
        self._runs: dict[int, _PackageRun] = {}
        self._waiting: deque[_PackageRun] = deque()  # For the coins of the tip.
        self._number = 0

    def submit(
        self, command: SubmitPackage, done: Callable[[PackageResult, Instant], None], now: Instant
    ) -> None:
        """A package of the operator; its result is handed to `done`, now or later."""
        self._start(command, None, done, now)

    def submit_pair(
        self,
        pair: tuple[Transaction, Transaction],
        sender: PeerId,
        done: Callable[[PackageResult, Instant], None],
        now: Instant,
    ) -> None:
        """A parent and a child of a peer; their result is handed to `done`, now or later."""
        self._start(SubmitPackage(pair), sender, done, now)

    def _start(
        self,
        command: SubmitPackage,
        sender: PeerId | None,
        done: Callable[[PackageResult, Instant], None],
        now: Instant,
    ) -> None:
        self._number += 1
        run = self._runs[self._number] = _PackageRun(self._number, done, command, sender)
        self._find_coins(run, now)

    def resume(self, now: Instant) -> None:
        """The coins may have reached the tip: go on with what waits for them."""
        waiting, self._waiting = self._waiting, deque()
        for run in waiting:
            self._find_coins(run, now)

    def _find_coins(self, run: _PackageRun, now: Instant) -> None:
        if not self._chain.follows:
            if run.sender is None:
                self._waiting.append(run)
            else:  # What its sender has to say next may be the block that all wait for.
                self._end(run, PackageResult(LAGGING, True, {}), now)
            return
        tip = self._chain.active.tip.hash
        wanted = coins_to_find(self._pool, run.command.transactions)
        if wanted:
            job = FindCoins(wanted, tip, run.command.transactions)
            self._outbox.delegate(job, COINS, PackageCoinsFound(run.number, tip))
        else:
            self._go_on(run, tip, {}, now)

    def coins_found(self, done: PackageCoinsFound, found: FoundCoins | None, now: Instant) -> None:
        """The coins were looked up; None if they were not those of the tip."""
        run = self._runs[done.run]
        if found is not None and done.tip == self._chain.active.tip.hash:
            self._go_on(run, done.tip, found, now)
        elif self._chain.is_moving:
            self._waiting.append(run)
        else:
            self._find_coins(run, now)

    def _go_on(self, run: _PackageRun, tip: BlockHash, coins: FoundCoins, now: Instant) -> None:
        run.tip, run.coins = tip, coins
        if run.plan is not None:
            self._finish(run, now)
            return
        command = run.command
        prepare = prepare_test if command.test_only else prepare_package
        context = self._chain.tip_context()
        plan = prepare(self._pool, command.transactions, coins, context, now)
        if isinstance(plan, PackageResult):
            self._end(run, plan, now)
            return
        run.plan = plan
        run.to_verify.extend(plan.to_verify)
        self._verify_next(run, now)

    def _verify_next(self, run: _PackageRun, now: Instant) -> None:
        if run.to_verify:
            transaction, spent = run.to_verify.popleft()
            job = VerifyScripts(transaction, tuple(spent))
            continuation = PackageScriptsVerified(run.number, transaction.wtxid)
            self._outbox.delegate(job, SCRIPTS, continuation)
        else:
            self._finish(run, now)

    def scripts_verified(
        self, done: PackageScriptsVerified, verdict: Verdict, now: Instant
    ) -> None:
        """The scripts of one transaction were verified."""
        run = self._runs[done.run]
        run.verdicts[done.wtxid] = verdict
        self._verify_next(run, now)

    def _finish(self, run: _PackageRun, now: Instant) -> None:
        """All verdicts are there: test, or take in, unless the coins are those of another block."""
        if isinstance(run.plan, TestPlan):
            self._end(run, finish_test(run.plan, run.verdicts), now)
            return
        assert run.plan is not None, "a package is finished once it was prepared"
        context = self._chain.tip_context()
        if run.tip != context.hash or not self._chain.follows:
            self._find_coins(run, now)
            return
        most = run.command.max_feerate_sat_kvb
        result = admit_package(self._pool, run.plan, run.verdicts, run.coins, context, now, most)
        self._outcomes.crowded_out(result.replaced, result.evicted)
        for entry in result.admitted:
            self._outcomes.entered(entry, run.sender, now)
        self._end(run, result, now)

    def _end(self, run: _PackageRun, result: PackageResult, now: Instant) -> None:
        del self._runs[run.number]
        run.done(result, now)
