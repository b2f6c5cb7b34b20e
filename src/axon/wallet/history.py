"""The history: what came, what went, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from axon.primitives.address import encode_address
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import Transaction, outpoint_txid
from axon.wallet.disputes import is_disputed
from axon.wallet.labels import LabelKind, label_of
from axon.wallet.ledger import WalletLedger


class PaymentState(StrEnum):
    """What became of a transaction."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    REPLACED = "replaced"
    """Another one spends what it would spend, so it counts for nothing."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One transaction as its owner sees it.

    Args:
        txid: its name.
        state: what became of it.
        height: of its block; None if it is in none.
        time_s: of its block, or when it was first seen; seconds since 1970.
        confirmations: blocks from its own to the tip; 0 if it is in none.
        sent_sat: what it spends of ours.
        received_sat: what it pays to us, change included.
        fee_sat: None where an input is not ours and so not known.
        label: empty if it has none.
        addresses: whom a payment of ours went to; of what we received, the addresses it came to.
        coinbase: whether it was mined.
        disputed: somebody else was seen to spend the same, or what it builds on: which of them
            comes, if any, a block decides.
    """

    txid: Txid
    state: PaymentState
    height: int | None
    time_s: int
    confirmations: int
    sent_sat: int
    received_sat: int
    fee_sat: int | None
    label: str
    addresses: tuple[str, ...]
    coinbase: bool
    disputed: bool

    @property
    def net_sat(self) -> int:
        """What it adds to the balance; negative for a payment."""
        return self.received_sat - self.sent_sat


def history_of(ledger: WalletLedger, counted: Collection[Txid]) -> list[HistoryEntry]:
    """All transactions: those that wait for a block, then all others, each part the latest first.

    What counts for nothing stands where its time is, and below whatever took its place.

    Args:
        counted: those that count, see `Reckoning.counted`.
    """
    entries = [
        _entry(ledger, item, counted)
        for item in ledger.transactions.values()
        if ledger.concerns(item)  # Others only tell that a promise was broken.
    ]
    waiting = [entry for entry in entries if entry.state is PaymentState.UNCONFIRMED]
    waiting.sort(key=lambda entry: (-entry.time_s, entry.txid))
    ranks = _ranks(ledger)
    past = [entry for entry in entries if entry.state is not PaymentState.UNCONFIRMED]
    past.sort(key=lambda entry: _age(ledger, entry, ranks), reverse=True)
    return waiting + past


_Rank = tuple[int, int, int]
"""Time in seconds since 1970, height, and position in the block; the later the greater."""


def _ranks(ledger: WalletLedger) -> dict[Txid, _Rank]:
    """Where in time confirmed ones are. A block counts as no older than the ones before it, though
    its header may say so."""
    order = sorted(ledger.confirmed.items(), key=lambda item: (item[1].height, item[1].position))
    ranks: dict[Txid, _Rank] = {}
    latest_s = 0
    for txid, confirmation in order:
        latest_s = max(latest_s, confirmation.time_s)
        ranks[txid] = latest_s, confirmation.height, confirmation.position
    return ranks


def _age(
    ledger: WalletLedger, entry: HistoryEntry, ranks: Mapping[Txid, _Rank]
) -> tuple[_Rank, bool, int, Txid]:
    rank = ranks.get(entry.txid)
    counts = rank is not None
    if rank is None:
        winners = [ranks[txid] for txid in _winners(ledger, entry.txid) if txid in ranks]
        rank = min([(entry.time_s, 0, 0), *winners])
    return rank, counts, entry.time_s, entry.txid


def _winners(ledger: WalletLedger, txid: Txid) -> list[Txid]:
    """What spends the same as a transaction, or as one that it builds on."""
    found: list[Txid] = []
    lineage = {txid: None}
    queue = [txid]
    for each in queue:
        transaction = ledger.transactions[each]
        if transaction.is_coinbase:
            continue
        found += ledger.conflicts(transaction)
        parents = [outpoint_txid(prevout) for prevout in transaction.prevouts]
        fresh = [
            parent
            for parent in parents
            if parent in ledger.transactions
            and parent not in ledger.confirmed
            and parent not in lineage
        ]
        lineage.update(dict.fromkeys(fresh))
        queue += fresh
    return found


def _entry(
    ledger: WalletLedger, transaction: Transaction, counted: Collection[Txid]
) -> HistoryEntry:
    txid = transaction.txid
    confirmation, seen = ledger.confirmed.get(txid), ledger.seen.get(txid)
    if confirmation is not None:
        state, time_s = PaymentState.CONFIRMED, confirmation.time_s
    else:
        state = PaymentState.UNCONFIRMED if txid in counted else PaymentState.REPLACED
        time_s = 0 if seen is None else seen.first_s
    return HistoryEntry(
        txid=txid,
        state=state,
        height=None if confirmation is None else confirmation.height,
        time_s=time_s,
        confirmations=ledger.confirmations(txid),
        sent_sat=ledger.sent_sat(transaction),
        received_sat=ledger.received_sat(transaction),
        fee_sat=ledger.fee_sat(transaction),
        label=label_of(ledger, LabelKind.TRANSACTION, to_hex(txid)),
        addresses=_addresses(ledger, transaction),
        coinbase=transaction.is_coinbase,
        disputed=is_disputed(ledger, transaction),
    )


def _addresses(ledger: WalletLedger, transaction: Transaction) -> tuple[str, ...]:
    scripts = [output.script_pubkey for output in transaction.outputs]
    ours = [script for script in scripts if ledger.book.find(script)]
    others = [script for script in scripts if not ledger.book.find(script)]
    shown = others or ours if ledger.spends_ours(transaction) else ours
    found = [encode_address(script, ledger.network) for script in shown]
    return tuple([address for address in found if address is not None])
