"""Transactions that are accepted together: a child with its parents, or a list that is only tested.

A parent that pays too little alone comes in if its child pays for both. As with single
transactions there are two steps around the verification of scripts: `prepare_package` says which
scripts to verify, `admit_package` does the rest at once; `prepare_test` and `finish_test` are the
same for `testmempoolaccept`, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from axon.mempool.acceptance import Rules, check, check_feerate
from axon.mempool.entry import PoolEntry
from axon.mempool.locks import TipContext
from axon.mempool.outcome import FoundCoins, Prepared, Refusal, Refused
from axon.mempool.packageacceptance import (
    FAILED,
    Member,
    PackageResult,
    check_form,
    check_package,
    is_child_with_parents,
    member_failed,
    too_dear,
)
from axon.mempool.policy import feerate_of
from axon.mempool.pool import Mempool
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import Transaction, TxOut
from axon.primitives.verdict import Rejected, Verdict

ToVerify = tuple[tuple[Transaction, list[TxOut]], ...]
"""Transactions and the outputs they spend: whose scripts are to be verified, against what."""

_MAY_COME_TOGETHER = (Refusal.RECONSIDERABLE, Refusal.MISSING_INPUTS)
"""What alone is refused so is looked at once more with the rest of its package."""


@dataclass(frozen=True, slots=True)
class PackagePlan:
    """A package whose scripts are to be verified.

    Args:
        transactions: parents first, the child last.
        to_verify: what to verify; `admit_package` wants a verdict for each.
        failures: why the others are not worth it.
    """

    transactions: tuple[Transaction, ...]
    to_verify: ToVerify
    failures: Mapping[Wtxid, Refused]


@dataclass(frozen=True, slots=True)
class TestPlan:
    """A list of transactions that would come in if their scripts are good."""

    __test__ = False  # Not one of pytest's.

    members: tuple[Member, ...]
    to_verify: ToVerify


def prepare_package(
    pool: Mempool,
    transactions: Sequence[Transaction],
    coins: FoundCoins,
    tip: TipContext,
    now: int,
) -> PackagePlan | PackageResult:
    """Which scripts of a package are worth verifying; the pool does not change.

    Args:
        transactions: one, or a child behind its parents.

    Returns:
        What to verify, or that the package is no package.
    """
    wrong = check_form(transactions)
    if wrong is None and len(transactions) > 1 and not is_child_with_parents(transactions):
        wrong = Rejected("package-not-child-with-parents")
    if wrong is not None:
        return PackageResult(wrong, True, {})
    rules = pool.rules(now)
    together = replace(rules, check_fee=False, alone=False)
    package: dict[Txid, Transaction] = {}
    failures: dict[Wtxid, Refused] = {}
    to_verify: list[Prepared] = []
    for transaction in transactions:
        if transaction.txid not in pool:
            # Alone it may do what it may not with others: take the place of a TRUC sibling.
            outcome = check(pool, transaction, coins, tip, rules)
            if isinstance(outcome, Refused) and outcome.kind in _MAY_COME_TOGETHER:
                outcome = check(pool, transaction, coins, tip, replace(together, package=package))
            if isinstance(outcome, Prepared):
                to_verify.append(outcome)
            else:
                failures[transaction.wtxid] = outcome
        package[transaction.txid] = transaction
    hopeless = _hopeless(to_verify, rules)
    failures.update(hopeless)
    return PackagePlan(
        tuple(transactions),
        tuple(
            [
                (one.transaction, one.spent)
                for one in to_verify
                if one.transaction.wtxid not in hopeless
            ]
        ),
        failures,
    )


def _hopeless(prepared: Sequence[Prepared], rules: Rules) -> dict[Wtxid, Refused]:
    """Those that pay too little alone and too little together, with all that spend them."""
    poor: dict[Txid, Prepared] = {}
    for one in prepared:
        entry = one.entry
        refused = check_feerate(entry.modified_fee_sat, entry.vsize, rules)
        if refused is not None or any(Txid(point[:32]) in poor for point in entry.prevouts):
            poor[entry.txid] = one
    if not poor:
        return {}
    fee = sum([one.entry.modified_fee_sat for one in poor.values()])
    refused = check_feerate(fee, sum([one.entry.vsize for one in poor.values()]), rules)
    return {} if refused is None else {one.entry.wtxid: refused for one in poor.values()}


def admit_package(
    pool: Mempool,
    plan: PackagePlan,
    scripts: Mapping[Wtxid, Verdict],
    coins: FoundCoins,
    tip: TipContext,
    now: int,
    max_feerate_sat_kvb: int | None = None,
) -> PackageResult:
    """Take in what of a package may come in: each transaction alone if it can, the rest together.

    Args:
        scripts: what was found of the scripts of each of `plan.to_verify`.
        max_feerate_sat_kvb: refuse what pays more; None for no such bound.
    """
    return _Submission(pool, plan, scripts, coins, tip, now, max_feerate_sat_kvb).run()


class _Submission:
    """One run of `admit_package`."""

    def __init__(
        self,
        pool: Mempool,
        plan: PackagePlan,
        scripts: Mapping[Wtxid, Verdict],
        coins: FoundCoins,
        tip: TipContext,
        now: int,
        max_feerate_sat_kvb: int | None,
    ) -> None:
        self._pool, self._plan, self._scripts = pool, plan, scripts
        self._coins, self._tip, self._now = coins, tip, now
        self._max_feerate_sat_kvb = max_feerate_sat_kvb
        self._admitted: list[PoolEntry] = []
        self._replaced: list[PoolEntry] = []

    def run(self) -> PackageResult:
        settled: dict[Wtxid, Member] = {}
        provisional: dict[Wtxid, Member] = {}
        waiting: list[Transaction] = []
        failed = False
        for transaction in self._plan.transactions:
            member = self._known(transaction) or self._alone(transaction)
            if member.refused is None:
                settled[transaction.wtxid] = member
                continue
            provisional[transaction.wtxid] = member
            if member.refused.kind in _MAY_COME_TOGETHER and len(self._plan.transactions) > 1:
                waiting.append(transaction)
            else:
                failed = True
        error: Rejected | None = FAILED if failed else None
        about_package = False
        if len(waiting) == 1 and not failed:  # What is left is judged alone: nothing pays for it.
            member = self._alone(waiting[0])
            error = None if member.refused is None else FAILED
            provisional[waiting[0].wtxid] = member
        elif waiting and not failed:
            result = self._as_package(waiting)
            error, about_package = result.error, result.about_package
            provisional.update(result.members)
        return self._finish({**provisional, **settled}, error, about_package)

    def _known(self, transaction: Transaction) -> Member | None:
        entry = self._pool.get(transaction.txid)
        if entry is None:
            return None
        if entry.wtxid != transaction.wtxid:
            return Member(transaction, other_wtxid=entry.wtxid)
        return Member(transaction, vsize=entry.vsize, fee_sat=entry.fee_sat)

    def _verdict(self, transaction: Transaction) -> Refused | None:
        """What is known of its scripts."""
        verdict = self._scripts.get(transaction.wtxid)
        if verdict is None:
            return self._plan.failures[transaction.wtxid]
        if isinstance(verdict, Rejected):
            return Refused(verdict.reason, verdict.detail, Refusal.NONSTANDARD)
        return None

    def _alone(self, transaction: Transaction) -> Member:
        prepared = self._pool.prepare(transaction, self._coins, self._tip, self._now)
        if isinstance(prepared, Refused):
            return Member(transaction, prepared)
        entry = prepared.entry
        refused = too_dear(entry, self._max_feerate_sat_kvb) or self._verdict(transaction)
        if refused is not None:
            return Member(transaction, refused)
        self._take_in([prepared])
        feerate = feerate_of(entry.modified_fee_sat, entry.vsize)
        return Member(transaction, None, entry.vsize, entry.fee_sat, feerate, (entry.wtxid,))

    def _as_package(self, transactions: Sequence[Transaction]) -> PackageResult:
        rules = replace(self._pool.rules(self._now), check_fee=False, alone=False)
        checked = check_package(
            self._pool, transactions, self._coins, self._tip, rules, self._max_feerate_sat_kvb
        )
        if isinstance(checked, PackageResult):
            return checked
        for transaction in transactions:
            refused = self._verdict(transaction)
            if refused is not None:
                return member_failed(transaction, refused)
        self._take_in(checked.prepared)
        members = {member.transaction.wtxid: member for member in checked.members}
        return PackageResult(None, False, members)

    def _take_in(self, prepared: Sequence[Prepared]) -> None:
        self._replaced += self._pool.admit_prepared(prepared, self._now)
        self._admitted += [one.entry for one in prepared]

    def _finish(
        self, members: dict[Wtxid, Member], error: Rejected | None, about_package: bool
    ) -> PackageResult:
        evicted = self._pool.enforce_limits(self._now)
        for wtxid, member in members.items():
            if member.refused is None and member.transaction.txid not in self._pool:
                members[wtxid] = Member(member.transaction, Refused("mempool full"))
                error, about_package = FAILED, False
        new = {entry.txid for entry in self._admitted}
        return PackageResult(
            error,
            about_package,
            members,
            tuple([entry for entry in self._admitted if entry.txid in self._pool]),
            tuple([entry for entry in self._replaced if entry.txid not in new]),
            tuple([entry for entry in evicted if entry.txid not in new]),
        )


def prepare_test(
    pool: Mempool,
    transactions: Sequence[Transaction],
    coins: FoundCoins,
    tip: TipContext,
    now: int,
) -> TestPlan | PackageResult:
    """Whether a list of transactions would come in, each by its own fee; their scripts are left.

    One transaction may replace others; several together may not.
    """
    rules = pool.rules(now)
    if len(transactions) == 1:
        only = transactions[0]
        outcome = check(pool, only, coins, tip, rules)
        if isinstance(outcome, Refused):
            return PackageResult(None, False, {only.wtxid: Member(only, outcome)})
        entry = outcome.entry
        feerate = feerate_of(entry.modified_fee_sat, entry.vsize)
        member = Member(only, None, entry.vsize, entry.fee_sat, feerate, (entry.wtxid,))
        return TestPlan((member,), ((only, outcome.spent),))
    wrong = check_form(transactions)
    if wrong is not None:
        return PackageResult(wrong, True, {})
    checked = check_package(
        pool, transactions, coins, tip, replace(rules, alone=False, replaceable=False)
    )
    if isinstance(checked, PackageResult):
        return checked
    return TestPlan(
        tuple(checked.members),
        tuple([(one.transaction, one.spent) for one in checked.prepared]),
    )


def finish_test(plan: TestPlan, scripts: Mapping[Wtxid, Verdict]) -> PackageResult:
    """The answer of `testmempoolaccept` once the scripts have been verified.

    Args:
        scripts: what was found of each of `plan.to_verify`.
    """
    members: dict[Wtxid, Member] = {}
    for member in plan.members:
        wtxid = member.transaction.wtxid
        verdict = scripts[wtxid]
        if isinstance(verdict, Rejected):
            refused = Refused(verdict.reason, verdict.detail, Refusal.NONSTANDARD)
            members[wtxid] = Member(member.transaction, refused)
            error = FAILED if len(plan.members) > 1 else None
            return PackageResult(error, False, members)
        members[wtxid] = member
    return PackageResult(None, False, members)
