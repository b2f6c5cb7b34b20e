"""Transactions that are in no block yet: our own, and incoming ones that peers sent.

Announcing costs a peer nothing, and what others spend cannot be checked here. So an incoming
transaction may promise us money, which is shown as pending and never spent. One that spends the
same as what a payment of ours builds on is kept as a warning, and outdoes nothing before a block
does. One that spends our coins and was not made here, as by another device with the same seed,
counts when its signatures hold; else any peer could empty our balance with made-up bytes. Incoming
transactions are bounded, each peer has its share, and they expire when no peer sends them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import Final, Protocol

from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction, TxOut
from axon.primitives.verdict import Accepted, Verdict
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


class ScriptCheck(Protocol):
    """Runs scripts: whether all inputs of a transaction satisfy the outputs that they spend."""

    def __call__(
        self, transaction: Transaction, spent: Sequence[TxOut], /, *, relayed: bool = True
    ) -> Verdict:
        """Judge a transaction.

        Args:
            spent: the outputs, in the order of the inputs.
            relayed: by the rules by which nodes relay; else by those of blocks alone.

        Returns:
            What is broken, in Bitcoin Core's words.
        """
        ...


def take_unconfirmed(
    ledger: WalletLedger,
    transaction: Transaction,
    now_s: int,
    source: str = "",
    check: ScriptCheck | None = None,
) -> bool:
    """A peer sent a transaction.

    Args:
        now_s: seconds since 1970.
        source: who sent it, for the shares.
        check: of scripts; without, nothing that spends our coins is believed.

    Returns:
        Whether it is kept: it pays to us, spends the same as one that does, or is a payment of our
        own that was made elsewhere.

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
    if ledger.spends_ours(transaction):
        if not _is_made_elsewhere(ledger, transaction, rivals, check):
            return False
        _keep(ledger, transaction, now_s, {records.DELIVERY + txid: records.SHOWN})
        return True
    if not (rivals or ledger.concerns(transaction)):
        return False
    if any(rival in ledger.confirmed for rival in rivals):
        return False
    room = _make_room(ledger, transaction, source)
    if room is None:
        return False
    ledger.sources[txid] = source
    _keep(ledger, transaction, now_s, room, gives_way=_gives_way(ledger, transaction))
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


def taken_back(ledger: WalletLedger, txid: Txid) -> Changes:
    """What makes a payment of our own as if it had never been recorded: its coins are free again.

    Nothing, where it may be out: a node was handed it, a block has it, or one of ours builds on it.
    """
    is_known = txid in ledger.seen and txid not in ledger.confirmed
    if not is_known or txid in ledger.deliveries or len(ledger.built_on([txid])) > 1:
        return {}
    return {records.TRANSACTION + txid: None, records.SEEN + txid: None}


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


def _gives_way(ledger: WalletLedger, transaction: Transaction) -> bool:
    """Whether what spends the same is a payment of ours, or one of ours builds on it.

    Then a stranger's word does not outdo it: it is disputed until a block decides.
    """
    return _carry_ours(ledger, ledger.conflicts(transaction))


def _carry_ours(ledger: WalletLedger, txids: Sequence[Txid]) -> bool:
    """Whether a payment of ours is among these, or builds on them."""
    return any(ledger.spends_ours(ledger.transactions[txid]) for txid in ledger.built_on(txids))


def _incoming(ledger: WalletLedger) -> list[Transaction]:
    """Incoming ones: in no block now or before, and no payment of ours."""
    waiting = [
        txid
        for txid, seen in ledger.seen.items()
        if txid not in ledger.confirmed and not seen.mined
    ]
    unconfirmed = [ledger.transactions[txid] for txid in waiting]
    return [item for item in unconfirmed if not ledger.spends_ours(item)]


def _is_made_elsewhere(
    ledger: WalletLedger,
    transaction: Transaction,
    rivals: Sequence[Txid],
    check: ScriptCheck | None,
) -> bool:
    """Whether whoever has our keys made it; and it pays more than what it would replace.

    That is what nodes ask of a replacement. Without it a peer could put an older version of a
    payment, which we replaced, in force again.
    """
    fee_sat = ledger.fee_sat(transaction)
    if check is None or fee_sat is None or fee_sat < 0:
        return False  # With an input that is not known here its scripts cannot be checked.
    if any(rival in ledger.confirmed for rival in rivals):
        return False
    fees_sat = [ledger.fee_sat(ledger.transactions[rival]) or 0 for rival in rivals]
    if fees_sat and fee_sat <= max(fees_sat):
        return False
    spent = [output for output in map(ledger.output, transaction.prevouts) if output is not None]
    return isinstance(check(transaction, spent), Accepted)


def _make_room(ledger: WalletLedger, transaction: Transaction, source: str) -> Changes | None:
    """What is to be dropped so that an incoming transaction can be kept; None if it cannot.

    Whoever has the greatest share gives way, with what came from him last and no payment of ours
    builds on. So a peer that floods us hides nobody's payments but his own.
    """
    shares: dict[str, list[Transaction]] = {source: []}
    for item in _incoming(ledger):
        shares.setdefault(ledger.sources.get(item.txid, ""), []).append(item)
    count = sum(len(share) for share in shares.values())
    size = sum(item.size_bytes for share in shares.values() for item in share)
    dropped: Changes = {}
    while count >= MAX_INCOMING or size + transaction.size_bytes > MAX_INCOMING_BYTES:
        greatest = max(shares, key=lambda name: sum(item.size_bytes for item in shares[name]))
        if greatest == source or not shares[greatest]:
            return None
        last = shares[greatest].pop()
        if _carry_ours(ledger, [last.txid]):
            continue
        count, size = count - 1, size - last.size_bytes
        dropped[records.TRANSACTION + last.txid] = dropped[records.SEEN + last.txid] = None
    return dropped


def _refresh(ledger: WalletLedger, transaction: Transaction, now_s: int) -> None:
    """Seen again, which decides between transactions of others, not between our own."""
    txid = transaction.txid
    seen = ledger.seen[txid]
    if ledger.spends_ours(transaction):
        note_delivery(ledger, txid, shown=True)  # Whoever sent it has it.
    elif now_s >= seen.last_s + REFRESH_S and not _gives_way(ledger, transaction):
        ledger.commit({records.SEEN + txid: replace(seen, last_s=now_s).encode()})


def _keep(
    ledger: WalletLedger,
    transaction: Transaction,
    now_s: int,
    others: Changes | None = None,
    *,
    gives_way: bool = False,
) -> None:
    seen = ledger.seen_below_conflicts if gives_way else ledger.seen_above_conflicts
    counts = ledger.revealed_counts()
    for output in transaction.outputs:
        ledger.use(output.script_pubkey)
    txid = transaction.txid
    ledger.commit(
        {
            **(others or {}),
            records.TRANSACTION + txid: transaction.raw,
            records.SEEN + txid: seen(transaction, now_s).encode(),
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
