"""Transactions that are in no block yet: our own, and incoming ones that peers sent.

Nobody here checks signatures, and announcing costs a peer nothing. So an incoming transaction may
promise us money, which is shown as pending and never spent, but it cannot take any: one that spends
our coins and was not made here counts when a block has it, or else any peer could empty our balance
with made-up bytes. Incoming transactions are bounded, and expire when no peer sends them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import Final

from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction
from axon.wallet import records
from axon.wallet.errors import UnknownTransaction
from axon.wallet.ledger import WalletLedger
from axon.wallet.records import Changes

MAX_INCOMING: Final = 1_000
"""Unconfirmed transactions of others that are kept; strangers can make as many as they like."""

MAX_INCOMING_BYTES: Final = 4_000_000
"""All of them together; the largest that nodes relay has 400,000."""

EXPIRY_S: Final = 14 * 24 * 3600
"""After so long without a sign of it no pool has it any more: Bitcoin Core's own limit."""

REFRESH_S: Final = 60
"""The same one again within a minute is not worth a write."""


def take_unconfirmed(ledger: WalletLedger, transaction: Transaction, now_s: int) -> bool:
    """A peer sent a transaction.

    Args:
        now_s: seconds since 1970.

    Returns:
        Whether it is kept: it pays to us, or spends the same as one that does.

    Raises:
        StorageError: the disk refused.
    """
    txid = transaction.txid
    if transaction.is_coinbase or txid in ledger.confirmed:
        return False
    if txid in ledger.transactions:
        _refresh(ledger, transaction, now_s)
        return True
    rivals = ledger.conflicts(transaction)
    if ledger.spends_ours(transaction) or not (rivals or ledger.concerns(transaction)):
        return False
    if any(_stands(ledger, rival) for rival in rivals) or not _has_room(ledger, transaction):
        return False
    _keep(ledger, transaction, now_s)
    return True


def record_sent(ledger: WalletLedger, transaction: Transaction, now_s: int) -> None:
    """A transaction of our own, before it goes out; it outdoes what it replaces.

    Raises:
        UnknownTransaction: it spends nothing of ours.
        StorageError: the disk refused: do not send it.
    """
    if not ledger.spends_ours(transaction):
        raise UnknownTransaction("this transaction spends no coin of this wallet")
    if transaction.txid not in ledger.confirmed:
        _keep(ledger, transaction, now_s)


def note_delivery(ledger: WalletLedger, txid: Txid, *, shown: bool) -> None:
    """A node has fetched a payment of ours; later runs need not wait for one that does.

    Args:
        shown: a node has shown that it has it.

    Raises:
        StorageError: the disk refused.
    """
    value = records.SHOWN if shown else records.HANDED_OVER
    if txid in ledger.transactions and ledger.deliveries.get(txid, b"") < value:
        ledger.commit({records.DELIVERY + txid: value})


def expire_unconfirmed(ledger: WalletLedger, now_s: int) -> None:
    """Drop what others promised and nobody has repeated for two weeks.

    Raises:
        StorageError: the disk refused.
    """
    changes: Changes = {}
    for transaction in _incoming(ledger):
        if ledger.seen[transaction.txid].last_s + EXPIRY_S < now_s:
            # With the child that was to pay for it: alone no node would ever take it.
            for txid in ledger.built_on([transaction.txid]):
                changes[records.TRANSACTION + txid] = changes[records.SEEN + txid] = None
    ledger.commit(changes)


def _stands(ledger: WalletLedger, txid: Txid) -> bool:
    """Whether it is confirmed, or a payment of ours is or builds on it: neither can be undone."""
    return txid in ledger.confirmed or any(
        ledger.spends_ours(ledger.transactions[item]) for item in ledger.built_on([txid])
    )


def _incoming(ledger: WalletLedger) -> list[Transaction]:
    """Incoming ones: in no block now or before, and no payment of ours."""
    waiting = [
        txid
        for txid, seen in ledger.seen.items()
        if txid not in ledger.confirmed and not seen.mined
    ]
    unconfirmed = [ledger.transactions[txid] for txid in waiting]
    return [item for item in unconfirmed if not ledger.spends_ours(item)]


def _has_room(ledger: WalletLedger, transaction: Transaction) -> bool:
    incoming = _incoming(ledger)
    taken_bytes = sum(item.size_bytes for item in incoming) + transaction.size_bytes
    return len(incoming) < MAX_INCOMING and taken_bytes <= MAX_INCOMING_BYTES


def _refresh(ledger: WalletLedger, transaction: Transaction, now_s: int) -> None:
    """Seen again, which decides between transactions of others, not between our own."""
    txid = transaction.txid
    seen = ledger.seen[txid]
    if not ledger.spends_ours(transaction) and now_s >= seen.last_s + REFRESH_S:
        ledger.commit({records.SEEN + txid: replace(seen, last_s=now_s).encode()})


def _keep(ledger: WalletLedger, transaction: Transaction, now_s: int) -> None:
    counts = ledger.revealed_counts()
    for output in transaction.outputs:
        ledger.use(output.script_pubkey)
    txid = transaction.txid
    ledger.commit(
        {
            records.TRANSACTION + txid: transaction.raw,
            records.SEEN + txid: ledger.seen_above_conflicts(transaction, now_s).encode(),
            **ledger.revealed_since(counts),
        }
    )


def parents_first(transactions: Mapping[Txid, Transaction]) -> list[Transaction]:
    """The same transactions, each behind those whose outputs it spends."""
    parents = {
        txid: [Txid(prevout[:32]) for prevout in item.prevouts if prevout[:32] in transactions]
        for txid, item in transactions.items()
    }
    return [transactions[txid] for txid in TopologicalSorter(parents).static_order()]
