"""Packages from the operator: transactions that are accepted together, or only tested.

SubmitPackage -> mempool.packages.prepare... -> VerifyScripts, one after the other
    -> admit_package, or finish_test -> the answer
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from axon.machine import Instant
from axon.mempool.packageacceptance import PackageResult
from axon.mempool.packages import (
    PackagePlan,
    TestPlan,
    admit_package,
    finish_test,
    prepare_package,
    prepare_test,
)
from axon.node.commands import SubmitPackage
from axon.node.jobs import SCRIPTS, VerifyScripts
from axon.node.outbox import Outbox
from axon.node.txflow import TxFlow
from axon.primitives.hashes import Wtxid
from axon.primitives.transaction import Transaction, TxOut
from axon.primitives.verdict import Accepted, Rejected, Verdict

Done = Callable[[PackageResult], None]


@dataclass(slots=True)
class _Run:
    """One package on its way."""

    plan: PackagePlan | TestPlan
    max_feerate_sat_kvb: int | None
    done: Done
    waiting: deque[tuple[Transaction, list[TxOut]]]
    verdicts: dict[Wtxid, Verdict] = field(default_factory=dict)


class PackageFlow:
    """Packages of a full node.

    Args:
        outbox: where effects go.
        transactions: the pool, and all that follows from what enters it.
    """

    def __init__(self, outbox: Outbox, transactions: TxFlow) -> None:
        self._outbox = outbox
        self._transactions = transactions

    def submit(self, command: SubmitPackage, done: Done, now: Instant) -> None:
        """Judge a package; `done` gets the result."""
        self._transactions.when_settled(partial(self._begin, command, done), now)

    def _begin(self, command: SubmitPackage, done: Done, now: Instant) -> None:
        flow = self._transactions
        coins = flow.find_coins(command.transactions)
        if coins is None:
            flow.when_settled(partial(self._begin, command, done), now)
            return
        prepare = prepare_test if command.test_only else prepare_package
        plan = prepare(flow.pool, command.transactions, coins, flow.tip_context(), now)
        if isinstance(plan, PackageResult):
            done(plan)
            return
        self._go_on(_Run(plan, command.max_feerate_sat_kvb, done, deque(plan.to_verify)), now)

    def _go_on(self, run: _Run, now: Instant) -> None:
        if run.waiting:
            transaction, spent = run.waiting.popleft()
            job = VerifyScripts(transaction, tuple(spent))
            self._outbox.delegate(job, SCRIPTS, partial(self._verified, run, transaction.wtxid))
        elif isinstance(run.plan, TestPlan):
            run.done(finish_test(run.plan, run.verdicts))
        else:
            self._transactions.when_settled(partial(self._finish, run, run.plan), now)

    def _verified(self, run: _Run, wtxid: Wtxid, verdict: object, now: Instant) -> None:
        assert isinstance(verdict, Accepted | Rejected)
        run.verdicts[wtxid] = verdict
        self._go_on(run, now)

    def _finish(self, run: _Run, plan: PackagePlan, now: Instant) -> None:
        flow = self._transactions
        coins = flow.find_coins(plan.transactions)
        if coins is None:
            flow.when_settled(partial(self._finish, run, plan), now)
            return
        result = admit_package(
            flow.pool,
            plan,
            run.verdicts,
            coins,
            flow.tip_context(),
            now,
            run.max_feerate_sat_kvb,
        )
        flow.removed(result.replaced, "replaced")
        flow.removed(result.evicted, "sizelimit")
        for entry in result.admitted:
            flow.pool.mark_unbroadcast(entry.txid)
            flow.entered(entry, None, now)
        run.done(result)
