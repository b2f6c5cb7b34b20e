"""What a package is, and whether its transactions may come in together.

Fees, replacement, cluster limits and dust are looked at for all members at once; everything else
each member passes by itself, as if its parents were in the pool already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from axon.mempool.acceptance import Rules, check, check_feerate
from axon.mempool.entry import PoolEntry
from axon.mempool.locks import TipContext
from axon.mempool.outcome import FoundCoins, Prepared, Refused
from axon.mempool.policy import (
    MAX_PACKAGE_COUNT,
    MAX_PACKAGE_WEIGHT,
    feerate_of,
    feerate_text,
)
from axon.mempool.pool import Mempool
from axon.mempool.replacement import (
    DIAGRAM_DETAIL,
    clusters_after,
    diagram_improves,
    entries_to_replace,
    over_cluster_limits,
    unpaid,
)
from axon.mempool.truc import check_dust_spent, check_truc_package
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import Transaction
from axon.primitives.verdict import Rejected


@dataclass(frozen=True, slots=True)
class Member:
    """What became of one transaction of a package.

    Args:
        refused: why it is not in; None if it is, or would be.
        vsize: with `fee_sat` if it is in, or would be.
        effective_feerate_sat_kvb: the feerate it was judged by; None if it was here before.
        effective_includes: whose fees and sizes make up that feerate.
        other_wtxid: what is in the pool instead, the same but for the witness.
    """

    transaction: Transaction
    refused: Refused | None = None
    vsize: int | None = None
    fee_sat: int | None = None
    effective_feerate_sat_kvb: int | None = None
    effective_includes: tuple[Wtxid, ...] = ()
    other_wtxid: Wtxid | None = None


@dataclass(frozen=True, slots=True)
class PackageResult:
    """What became of a package.

    Args:
        error: what is wrong with it as a whole; None if all is well.
        about_package: whether the error is one of the package itself (RPC's `package-error`), not
            one of a member.
        members: by wtxid; some or all may be missing if the package was refused as a whole.
        admitted: new entries, parents first.
        replaced: entries that had to go for them.
        evicted: entries that had to go because the pool is full or they were too old.
    """

    error: Rejected | None
    about_package: bool
    members: Mapping[Wtxid, Member]
    admitted: tuple[PoolEntry, ...] = ()
    replaced: tuple[PoolEntry, ...] = ()
    evicted: tuple[PoolEntry, ...] = ()


FAILED = Rejected("transaction failed")
"""What is said of a package when one of its members was refused."""


def _refused_whole(reason: str, detail: str = "") -> PackageResult:
    return PackageResult(Rejected(reason, detail), True, {})


def member_failed(transaction: Transaction, refused: Refused) -> PackageResult:
    """The result of a package one member of which was refused."""
    return PackageResult(FAILED, False, {transaction.wtxid: Member(transaction, refused)})


def check_form(transactions: Sequence[Transaction]) -> Rejected | None:
    """What holds for every package: not too much, no duplicates, parents first, no conflicts."""
    if len(transactions) > MAX_PACKAGE_COUNT:
        return Rejected("package-too-many-transactions")
    weight = sum([transaction.weight_wu for transaction in transactions])
    if len(transactions) > 1 and weight > MAX_PACKAGE_WEIGHT:
        return Rejected("package-too-large")
    later = {transaction.txid for transaction in transactions}
    if len(later) != len(transactions):
        return Rejected("package-contains-duplicates")
    for transaction in transactions:
        if any(point[:32] in later for point in transaction.prevouts):
            return Rejected("package-not-sorted")
        later.discard(transaction.txid)
    seen: set[bytes] = set()
    for transaction in transactions:
        points = transaction.prevouts
        if not points or any(point in seen for point in points):
            return Rejected("conflict-in-package")
        seen.update(points)
    return None


def is_child_with_parents(transactions: Sequence[Transaction]) -> bool:
    """Whether the last transaction spends outputs of each of the others."""
    if len(transactions) < 2:
        return False
    spent = {point[:32] for point in transactions[-1].prevouts}
    return all(parent.txid in spent for parent in transactions[:-1])


def is_child_with_parents_tree(transactions: Sequence[Transaction]) -> bool:
    """The same, and no parent spends another; what `submitpackage` asks for."""
    if not is_child_with_parents(transactions):
        return False
    parents = {parent.txid for parent in transactions[:-1]}
    return not any(
        point[:32] in parents for parent in transactions[:-1] for point in parent.prevouts
    )


@dataclass(slots=True)
class CheckedPackage:
    """Transactions that pass all checks but their scripts; `prepared` and `members` go in pairs."""

    prepared: list[Prepared]
    members: list[Member]


def check_package(
    pool: Mempool,
    transactions: Sequence[Transaction],
    coins: FoundCoins,
    tip: TipContext,
    rules: Rules,
    max_feerate_sat_kvb: int | None = None,
) -> CheckedPackage | PackageResult:
    """All checks but the scripts of transactions that come together; the pool does not change.

    Args:
        transactions: parents before children.
        rules: with `alone` off; with `check_fee` off the fees of all count together.
    """
    prepared: list[Prepared] = []
    package: dict[Txid, Transaction] = {}
    for transaction in transactions:
        outcome = check(pool, transaction, coins, tip, replace(rules, package=package))
        if isinstance(outcome, Refused):
            return member_failed(transaction, outcome)
        refused = too_dear(outcome.entry, max_feerate_sat_kvb)
        if refused is not None:
            return member_failed(transaction, refused)
        prepared.append(outcome)
        package[transaction.txid] = transaction
    for one in prepared:
        refused = check_truc_package(pool, one.entry, transactions)
        if refused is not None:
            return _refused_whole(refused.reason, refused.detail)
    entries = [one.entry for one in prepared]
    fee = sum([entry.modified_fee_sat for entry in entries])
    vsize = sum([entry.vsize for entry in entries])
    if not rules.check_fee:
        refused = check_feerate(fee, vsize, rules)
        if refused is not None:
            return member_failed(transactions[-1], refused)
    outside = any(entry.parents for entry in entries)
    _link_inside(entries)
    wrong = _check_clusters(pool, prepared, outside, fee, vsize)
    if wrong is not None:
        return PackageResult(wrong, True, {})
    unspent = _check_dust(pool, entries)
    if unspent is not None:
        return unspent
    everyone = tuple([entry.wtxid for entry in entries])
    members: list[Member] = []
    for entry in entries:
        own = rules.check_fee
        feerate = feerate_of(entry.modified_fee_sat if own else fee, entry.vsize if own else vsize)
        includes = (entry.wtxid,) if own else everyone
        members.append(
            Member(entry.transaction, None, entry.vsize, entry.fee_sat, feerate, includes)
        )
    return CheckedPackage(prepared, members)


def too_dear(entry: PoolEntry, max_feerate_sat_kvb: int | None) -> Refused | None:
    """Whether it pays more than the caller wants to pay at most."""
    if max_feerate_sat_kvb is None:
        return None
    if entry.modified_fee_sat * 1_000 <= max_feerate_sat_kvb * entry.vsize:
        return None
    return Refused("max feerate exceeded")


def _link_inside(entries: Sequence[PoolEntry]) -> None:
    """Let the entries of a package know their parents inside it."""
    known = {entry.txid: entry for entry in entries}
    for entry in entries:
        for point in entry.prevouts:
            parent = known.get(Txid(point[:32]))
            if parent is not None:
                entry.parents[parent.txid] = parent


def _check_clusters(
    pool: Mempool, prepared: Sequence[Prepared], outside: bool, fee: int, vsize: int
) -> Rejected | None:
    """Replacement by a package, and the limits of the clusters it would make."""
    entries = [one.entry for one in prepared]
    conflicts = {txid: entry for one in prepared for txid, entry in one.conflicts.items()}
    replaced: list[PoolEntry] = []
    if conflicts:
        found = _replaced_by_package(pool, entries, conflicts, outside, fee, vsize)
        if isinstance(found, Rejected):
            return found
        replaced = found
    groups = clusters_after(replaced, entries)
    if any(over_cluster_limits(group, pool.policy) for group in groups):
        return Rejected("too-large-cluster")
    if conflicts and not diagram_improves(replaced, entries, groups):
        return Rejected(f"package RBF failed: {DIAGRAM_DETAIL}")
    prepared[-1].replaced = replaced
    return None


def _replaced_by_package(
    pool: Mempool,
    entries: Sequence[PoolEntry],
    conflicts: Mapping[Txid, PoolEntry],
    outside: bool,
    fee: int,
    vsize: int,
) -> list[PoolEntry] | Rejected:
    failed = "package RBF failed: "
    if len(entries) != 2 or not entries[1].parents:
        return Rejected(f"{failed}package must be 1-parent-1-child")
    if outside:
        return Rejected(f"{failed}new transaction cannot have mempool ancestors")
    parent, child = entries
    replaced = entries_to_replace(pool, conflicts.values(), child.txid)
    if isinstance(replaced, str):
        return Rejected(f"{failed}too many potential replacements", replaced)
    unfit = unpaid(replaced, fee, vsize, pool.policy, child.txid)
    if unfit is not None:
        return Rejected(f"{failed}insufficient anti-DoS fees", unfit)
    if fee * parent.vsize <= parent.modified_fee_sat * vsize:
        together = feerate_text(feerate_of(fee, vsize))
        alone = feerate_text(feerate_of(parent.modified_fee_sat, parent.vsize))
        return Rejected(
            f"{failed}package feerate is less than or equal to parent feerate",
            f"package feerate {together} <= parent feerate is {alone}",
        )
    return replaced


def _check_dust(pool: Mempool, entries: Sequence[PoolEntry]) -> PackageResult | None:
    if not pool.policy.require_standard:
        return None
    for entry in entries:
        parents = [parent.transaction for parent in entry.parents.values()]
        refused = check_dust_spent(entry.transaction, parents, pool.policy)
        if refused is not None:
            member = Member(entry.transaction, refused)
            return PackageResult(Rejected("unspent-dust"), False, {entry.wtxid: member})
    return None
