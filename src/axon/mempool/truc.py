"""Transactions that keep to a small topology: version 3 (TRUC, BIP 431), and ephemeral dust.

A TRUC transaction has at most one unconfirmed parent and one unconfirmed child, which is small, so
that nobody can pin it. An output of dust is allowed on a transaction without fee if its child
spends the dust at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from axon.mempool.entry import PoolEntry
from axon.mempool.outcome import Refusal, Refused
from axon.mempool.policy import (
    TRUC_CHILD_MAX_VSIZE,
    TRUC_MAX_VSIZE,
    TRUC_VERSION,
    Policy,
)
from axon.mempool.standard import dust_outputs
from axon.mempool.table import EntryTable
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import OutPoint, Transaction, outpoint


def named(transaction: Transaction) -> str:
    """A transaction as reasons of refusal name it."""
    return f"{to_hex(transaction.txid)} (wtxid={to_hex(transaction.wtxid)})"


def _violation(detail: str) -> Refused:
    return Refused("TRUC-violation", detail)


def _too_many_ancestors(child: Transaction) -> Refused:
    return _violation(f"tx {named(child)} would have too many ancestors")


def _too_many_descendants(parent: Transaction) -> Refused:
    return _violation(f"tx {named(parent)} would exceed descendant count limit")


def _child_too_big(child: Transaction, vsize: int) -> Refused:
    return _violation(
        f"version=3 child tx {named(child)} is too big: {vsize} > {TRUC_CHILD_MAX_VSIZE}"
        " virtual bytes"
    )


def _check_heritage(child: Transaction, parent: Transaction) -> Refused | None:
    if (child.version == TRUC_VERSION) == (parent.version == TRUC_VERSION):
        return None
    first = "version=3" if child.version == TRUC_VERSION else "non-version=3"
    second = "non-version=3" if child.version == TRUC_VERSION else "version=3"
    return _violation(f"{first} tx {named(child)} cannot spend from {second} tx {named(parent)}")


def check_truc(
    table: EntryTable, entry: PoolEntry, conflicts: Mapping[Txid, PoolEntry]
) -> Refused | PoolEntry | None:
    """The TRUC rules for a transaction that comes alone.

    Args:
        conflicts: entries it replaces directly.

    Returns:
        None if they hold; an entry that has to be replaced for them to hold (the sibling, which
        must then be paid for like any replacement); or the refusal.
    """
    child, parents = entry.transaction, list(entry.parents.values())
    for parent in parents:
        refused = _check_heritage(child, parent.transaction)
        if refused is not None:
            return refused
    if child.version != TRUC_VERSION:
        return None
    if entry.vsize > TRUC_MAX_VSIZE:
        return _violation(
            f"version=3 tx {named(child)} is too big: {entry.vsize} > {TRUC_MAX_VSIZE}"
            " virtual bytes"
        )
    if not parents:
        return None
    parent = parents[0]
    if len(parents) > 1 or parent.parents:
        return _too_many_ancestors(child)
    if entry.vsize > TRUC_CHILD_MAX_VSIZE:
        return _child_too_big(child, entry.vsize)
    below = table.descendants(parent)
    if not below or any(item.txid in conflicts for item in below):
        return None
    if len(below) == 1 and len(below[0].parents) == 1:
        return below[0]
    return _too_many_descendants(parent.transaction)


def check_truc_package(
    table: EntryTable, entry: PoolEntry, package: Sequence[Transaction]
) -> Refused | None:
    """The TRUC rules for one transaction of a package, which passed `check_truc` without it.

    Args:
        entry: its `parents` are those in the pool.
        package: parents before children.
    """
    child = entry.transaction
    spent = {point[:32] for point in child.prevouts}
    inside = [item for item in package if item.txid in spent and item is not child]
    outside = list(entry.parents.values())
    if child.version != TRUC_VERSION:
        for parent in [item.transaction for item in outside] + inside:
            refused = _check_heritage(child, parent)
            if refused is not None:
                return refused
        return None
    if len(outside) + len(inside) > 1 or (outside and outside[0].parents):
        return _too_many_ancestors(child)
    if not outside and not inside:
        return None
    if entry.vsize > TRUC_CHILD_MAX_VSIZE:
        return _child_too_big(child, entry.vsize)
    parent = outside[0].transaction if outside else inside[0]
    refused = _check_heritage(child, parent)
    if refused is not None:
        return refused
    for other in package:
        if other is child:
            continue
        for point in other.prevouts:
            if point[:32] == parent.txid:
                return _too_many_descendants(parent)
            if point[:32] == child.txid:
                return _too_many_ancestors(other)
    if outside and table.descendants(outside[0]):
        return _too_many_descendants(parent)
    return None


def check_dust_fee(entry: PoolEntry, policy: Policy) -> Refused | None:
    """Dust only without a fee: nobody shall have a reason to mine it alone."""
    if not entry.fee_sat and not entry.modified_fee_sat:
        return None
    if not dust_outputs(entry.transaction, policy):
        return None
    return Refused("dust", "tx with dust output must be 0-fee", Refusal.NONSTANDARD)


def check_dust_spent(
    child: Transaction, parents: Iterable[Transaction], policy: Policy
) -> Refused | None:
    """Whether a child spends all dust of its unconfirmed parents."""
    dust: list[OutPoint] = [
        outpoint(parent.txid, index) for parent in parents for index in dust_outputs(parent, policy)
    ]
    if not dust:
        return None
    spent = set(child.prevouts)
    if all(point in spent for point in dust):
        return None
    return Refused(
        "missing-ephemeral-spends", f"tx {named(child)} did not spend parent's ephemeral dust"
    )
