"""Whether a transaction may come into the pool: every check but that of its scripts.

The checks run in Bitcoin Core's order, cheapest first, so that the first reason found is the one
Core gives. `check` looks at a transaction alone, at what it spends and at the pool; `check_again`
looks only at what may have changed while its scripts were verified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from axon.mempool.entry import PoolEntry
from axon.mempool.locks import TipContext, has_relative_lock, is_final, sequence_locks_met
from axon.mempool.outcome import CoinLike, FoundCoins, Prepared, Refusal, Refused
from axon.mempool.policy import (
    MAX_STANDARD_SIGOPS_COST,
    MIN_STANDARD_STRIPPED_SIZE,
    TRUC_VERSION,
    Policy,
    fee_at,
    money,
)
from axon.mempool.replacement import check_replacement
from axon.mempool.standard import (
    check_inputs_standard,
    check_standard,
    check_transaction,
    check_weight,
    check_witness_standard,
)
from axon.mempool.table import EntryTable
from axon.mempool.truc import check_dust_fee, check_dust_spent, check_truc
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.network import COINBASE_MATURITY
from axon.primitives.sigops import sigops_cost
from axon.primitives.transaction import (
    MAX_MONEY_SAT,
    OutPoint,
    Transaction,
    TxOut,
    outpoint,
    outpoint_index,
)

OUTPUTS_LOOKED_UP: Final = 8
"""Of a transaction whose inputs are unknown, to tell one that is confirmed from an orphan: bounds
the disk reads that a stranger can cause."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which of the checks are made.

    Args:
        min_feerate_sat_kvb: what the pool asks for at the moment.
        bypass_limits: leave out fees and TRUC rules.
        check_fee: whether it must pay enough by itself.
        alone: whether it comes alone; replacements, cluster limits and dust of a package are
            looked at together.
        replaceable: whether it may take the place of others at all.
        package: transactions that count as if they were in the pool.
    """

    policy: Policy
    min_feerate_sat_kvb: int
    bypass_limits: bool = False
    check_fee: bool = True
    alone: bool = True
    replaceable: bool = True
    package: Mapping[Txid, Transaction] | None = None


def screen(
    table: EntryTable, transaction: Transaction, tip: TipContext, policy: Policy
) -> Refused | None:
    """The checks that need nothing of what it spends: they come before any look at a coin."""
    refused = check_weight(transaction) if policy.require_standard else None
    refused = refused or check_transaction(transaction)
    if refused is not None:
        return refused
    if transaction.is_coinbase:
        return Refused("coinbase", kind=Refusal.CONSENSUS)
    if policy.require_standard:
        refused = check_standard(transaction, policy)
        if refused is not None:
            return refused
    weight = transaction.weight_wu
    if (weight - transaction.size_bytes) // 3 < MIN_STANDARD_STRIPPED_SIZE:
        return Refused("tx-size-small", kind=Refusal.NONSTANDARD)
    if transaction.locktime and not is_final(transaction, tip):
        return Refused("non-final", kind=Refusal.PREMATURE)
    return _already_here(table, transaction)


def coins_to_find(table: EntryTable, transactions: Sequence[Transaction]) -> tuple[OutPoint, ...]:
    """Which coins `weigh` will look at for transactions that come together, parents first.

    What they spend outside the pool. If one of these is missing, `coins_that_tell` are to be looked
    up, too.
    """
    return tuple(
        [
            point
            for transaction in transactions
            for point in transaction.prevouts
            if Txid(point[:32]) not in table
        ]
    )


def coins_that_tell(transactions: Sequence[Transaction]) -> tuple[OutPoint, ...]:
    """The first outputs of transactions: where one is a coin, its transaction is confirmed.

    Only these tell a confirmed transaction from an orphan.
    """
    return tuple(
        [
            outpoint(transaction.txid, index)
            for transaction in transactions
            for index in range(min(len(transaction.outputs), OUTPUTS_LOOKED_UP))
        ]
    )


def check(
    table: EntryTable, transaction: Transaction, coins: FoundCoins, tip: TipContext, rules: Rules
) -> Prepared | Refused:
    """All checks of a transaction but its scripts; the table does not change.

    Args:
        table: the pool.
        transaction: any.
        coins: at `tip`, those of `coins_to_find`.
        tip: of the active chain.
        rules: which checks are made.

    Returns:
        The first reason for which Bitcoin Core would refuse it, or what to verify.
    """
    refused = screen(table, transaction, tip, rules.policy)
    return refused or weigh(table, transaction, coins, tip, rules)


def weigh(
    table: EntryTable, transaction: Transaction, coins: FoundCoins, tip: TipContext, rules: Rules
) -> Prepared | Refused:
    """The checks of a screened transaction that look at what it spends, and at the pool."""
    policy = rules.policy
    refused = _already_here(table, transaction)  # Since it was screened.
    if refused is not None:
        return refused
    found = _look_up(table, transaction, coins, rules)
    if isinstance(found, Refused):
        return found
    relative = has_relative_lock(transaction)
    heights = _heights(found, tip) if relative else []
    if relative and not sequence_locks_met(transaction, heights, tip):
        return Refused("non-BIP68-final", kind=Refusal.PREMATURE)
    fee = _fee(transaction, found, tip)
    if isinstance(fee, Refused):
        return fee
    if policy.require_standard:
        refused = check_inputs_standard(transaction, found.spent)
        if refused is None and transaction.has_witness:
            refused = check_witness_standard(transaction, found.spent)
        if refused is not None:
            return refused
    weight = transaction.weight_wu
    cost = sigops_cost(transaction, found.spent)
    adjusted = max(weight, cost * policy.bytes_per_sigop)
    entry = PoolEntry(transaction, fee, weight, adjusted, cost, tip.height, 0)
    entry.prevouts = transaction.prevouts
    entry.parents = found.parents
    entry.relative_lock = relative
    entry.heights = heights
    for coin in found.coins:
        if coin is not None and coin.coinbase and coin.height > entry.coinbase_height:
            entry.coinbase_height = coin.height
    if table.deltas:
        entry.modified_fee_sat += table.deltas.get(entry.txid, 0)
    if policy.require_standard:
        refused = check_dust_fee(entry, policy)
        if refused is not None:
            return refused
    if cost > MAX_STANDARD_SIGOPS_COST:
        return Refused("bad-txns-too-many-sigops", str(cost), Refusal.NONSTANDARD)
    prepared = Prepared(
        transaction, found.spent, fee, entry, rules.bypass_limits, tip.hash, table.version
    )
    prepared.conflicts = found.conflicts
    return _check_place(table, prepared, rules) or prepared


def check_again(table: EntryTable, prepared: Prepared, rules: Rules) -> Refused | None:
    """What may have changed in the pool since; the chain is still the same.

    Returns:
        None if the transaction may come in; `prepared` is then up to date.
    """
    if prepared.version == table.version:
        return None
    entry, transaction = prepared.entry, prepared.transaction
    refused = _already_here(table, transaction)
    if refused is not None:
        return refused
    parents, conflicts = entry.parents, {}
    for point in entry.prevouts:
        other = table.spender(point)
        if other is not None:
            conflicts[other.txid] = other
    gone = tuple([txid for txid in parents if txid not in table])
    if gone:
        return Refused("bad-txns-inputs-missingorspent", "", Refusal.MISSING_INPUTS, gone)
    # An entry that left and came back is another entry.
    for txid in parents:
        parents[txid] = table.require(txid)
    prepared.conflicts = conflicts
    entry.modified_fee_sat = entry.fee_sat + table.deltas.get(entry.txid, 0)
    prepared.version = table.version
    return _check_place(table, prepared, rules)


def _already_here(table: EntryTable, transaction: Transaction) -> Refused | None:
    if transaction.txid not in table:
        return None
    if table.by_wtxid(transaction.wtxid) is not None:
        return Refused("txn-already-in-mempool", kind=Refusal.CONFLICT)
    return Refused("txn-same-nonwitness-data-in-mempool", kind=Refusal.CONFLICT)


@dataclass(slots=True)
class _Found:
    """What a transaction spends; `coins` holds None where the output is unconfirmed."""

    spent: list[TxOut]
    coins: list[CoinLike | None]
    parents: dict[Txid, PoolEntry]
    conflicts: dict[Txid, PoolEntry]


def _look_up(
    table: EntryTable,
    transaction: Transaction,
    coins: FoundCoins,
    rules: Rules,
) -> _Found | Refused:
    found = _Found([], [], {}, {})
    missing: dict[Txid, None] = {}
    for item in transaction.inputs:
        point = item.prevout
        other = table.spender(point)
        if other is not None:
            if not rules.replaceable:
                return Refused("bip125-replacement-disallowed")
            found.conflicts[other.txid] = other
        txid = Txid(point[:32])
        parent = table.get(txid)
        source = parent.transaction if parent is not None else None
        if source is None and rules.package is not None:
            source = rules.package.get(txid)
        if source is None:
            coin = coins.get(point)
            if coin is None:
                missing[txid] = None
                continue
            found.spent.append(TxOut(coin.amount_sat, coin.script_pubkey))
            found.coins.append(coin)
            continue
        outputs, index = source.outputs, outpoint_index(point)
        if index >= len(outputs):
            missing[txid] = None
            continue
        found.spent.append(outputs[index])
        found.coins.append(None)
        if parent is not None:
            found.parents[txid] = parent
    return _missing(transaction, coins, missing) if missing else found


def _missing(transaction: Transaction, coins: FoundCoins, missing: Mapping[Txid, None]) -> Refused:
    if any(coins.get(point) is not None for point in coins_that_tell((transaction,))):
        return Refused("txn-already-known", kind=Refusal.CONFLICT)
    return Refused("bad-txns-inputs-missingorspent", "", Refusal.MISSING_INPUTS, tuple(missing))


def _heights(found: _Found, tip: TipContext) -> list[int]:
    return [tip.height + 1 if coin is None else coin.height for coin in found.coins]


def _fee(transaction: Transaction, found: _Found, tip: TipContext) -> int | Refused:
    total = 0
    for output, coin in zip(found.spent, found.coins, strict=True):
        if coin is not None and coin.coinbase:
            depth = tip.height + 1 - coin.height
            if depth < COINBASE_MATURITY:
                return Refused(
                    "bad-txns-premature-spend-of-coinbase",
                    f"tried to spend coinbase at depth {depth}",
                    Refusal.PREMATURE,
                )
        total += output.amount_sat
        if not 0 <= output.amount_sat <= MAX_MONEY_SAT or total > MAX_MONEY_SAT:
            return Refused("bad-txns-inputvalues-outofrange", kind=Refusal.CONSENSUS)
    paid = sum([output.amount_sat for output in transaction.outputs])
    if total < paid:
        return Refused(
            "bad-txns-in-belowout",
            f"value in ({money(total)}) < value out ({money(paid)})",
            Refusal.CONSENSUS,
        )
    return total - paid


def check_feerate(fee_sat: int, vsize: int, rules: Rules) -> Refused | None:
    """Whether a fee is enough for the pool as full as it is, and for relay at all."""
    for reason, feerate in (
        ("mempool min fee not met", rules.min_feerate_sat_kvb),
        ("min relay fee not met", rules.policy.min_relay_feerate_sat_kvb),
    ):
        least = fee_at(feerate, vsize)
        if fee_sat < least:
            return Refused(reason, f"{fee_sat} < {least}", Refusal.RECONSIDERABLE)
    return None


def _check_place(table: EntryTable, prepared: Prepared, rules: Rules) -> Refused | None:
    """Fees, TRUC, replacement, cluster limits and ephemeral dust, against the pool as it is."""
    entry, policy = prepared.entry, rules.policy
    prepared.replaced = []
    if rules.check_fee and not prepared.bypass_limits:
        refused = check_feerate(entry.modified_fee_sat, entry.vsize, rules)
        if refused is not None:
            return refused
    sibling = False
    if not prepared.bypass_limits and (entry.parents or entry.transaction.version == TRUC_VERSION):
        outcome = check_truc(table, entry, prepared.conflicts)
        if isinstance(outcome, Refused):
            return outcome
        if outcome is not None:
            if not rules.alone:
                return _sibling_refused(entry)
            prepared.conflicts[outcome.txid] = outcome
            sibling = True
    if not rules.alone:
        return None
    if prepared.conflicts:
        replaced = check_replacement(table, entry, prepared.conflicts.values(), policy, sibling)
        if isinstance(replaced, Refused):
            return replaced
        prepared.replaced = replaced
        refused = _check_disjoint(table, prepared)
        if refused is not None:
            return refused
    elif _joins_too_much(entry, policy):
        return Refused("too-large-cluster")
    if policy.require_standard and not prepared.bypass_limits:
        parents = [parent.transaction for parent in entry.parents.values()]
        return check_dust_spent(entry.transaction, parents, policy)
    return None


def _sibling_refused(entry: PoolEntry) -> Refused:
    parent = next(iter(entry.parents.values())).transaction
    return Refused(
        "TRUC-violation",
        f"tx {to_hex(parent.txid)} (wtxid={to_hex(parent.wtxid)}) would exceed descendant count"
        " limit",
    )


def _joins_too_much(entry: PoolEntry, policy: Policy) -> bool:
    clusters = {id(parent.cluster): parent.cluster for parent in entry.parents.values()}
    count, weight = 1, entry.adjusted_weight_wu
    for cluster in clusters.values():
        count += cluster.count
        weight += cluster.weight_wu
    return policy.is_too_large(count, weight)


def _check_disjoint(table: EntryTable, prepared: Prepared) -> Refused | None:
    """A transaction cannot spend what it replaces."""
    entry = prepared.entry
    for parent in entry.parents.values():
        for item in [parent, *table.ancestors(parent)]:
            if item.txid in prepared.conflicts:
                return Refused(
                    "bad-txns-spends-conflicting-tx",
                    f"{to_hex(entry.txid)} spends conflicting transaction {to_hex(item.txid)}",
                    Refusal.CONSENSUS,
                )
    return None
