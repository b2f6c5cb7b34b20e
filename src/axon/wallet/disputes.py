"""What is in dispute: somebody else was seen to spend the same once more, and no block has decided.

Of transactions that exclude each other at most one comes, so what they promise is summed once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, Transaction, outpoint_txid
from axon.wallet.ledger import WalletLedger
from axon.wallet.records import Keychain


@dataclass(frozen=True, slots=True)
class DisputedSums:
    """How much money is in dispute.

    Args:
        trusted_sat: part of what counts as change of our own payments.
        untrusted_sat: part of what counts as promised by others.
        uncounted_sat: the greatest of what may come where a rival counts that pays us nothing.
    """

    trusted_sat: int
    untrusted_sat: int
    uncounted_sat: int

    @property
    def total_sat(self) -> int:
        """All of it."""
        return self.trusted_sat + self.untrusted_sat + self.uncounted_sat


def is_disputed(ledger: WalletLedger, transaction: Transaction) -> bool:
    """Whether somebody else was seen to spend the same, or what it builds on, and no block decides.

    That we replace a payment of our own is no dispute.
    """
    lineage, queue, rivals = {transaction.txid: transaction}, [transaction], list[Txid]()
    for each in queue:
        if each.txid in ledger.confirmed or each.is_coinbase:
            continue
        rivals += _rivals(ledger, each)
        parents = [ledger.transactions.get(outpoint_txid(prevout)) for prevout in each.prevouts]
        for parent in parents:
            if parent is not None and parent.txid not in lineage:
                lineage[parent.txid] = parent
                queue.append(parent)
    return bool(rivals) and not any(rival in ledger.confirmed for rival in rivals)


def _rivals(ledger: WalletLedger, transaction: Transaction) -> list[Txid]:
    found = ledger.conflicts(transaction)
    if not ledger.spends_ours(transaction):
        return found
    return [
        txid
        for txid in found
        if txid in ledger.confirmed or not ledger.spends_ours(ledger.transactions[txid])
    ]


def disputed_sums(
    ledger: WalletLedger, counted: Collection[Txid], unspent: Iterable[OutPoint]
) -> DisputedSums:
    """How much is in dispute; of rivals the one that counts, or the greatest.

    Args:
        counted: the transactions that count, see `Reckoning.counted`.
        unspent: outputs of ours that none of them spends.
    """
    sums: dict[int, int] = dict.fromkeys(Keychain, 0)
    for point in unspent:
        txid = outpoint_txid(point)
        if txid not in ledger.confirmed and is_disputed(ledger, ledger.transactions[txid]):
            owned = ledger.owned[point]
            sums[owned.place.keychain] += owned.output.amount_sat
    uncounted_sat = 0
    for group in _exclusive(ledger):
        if not any(item.txid in counted and ledger.concerns(item) for item in group):
            uncounted_sat += max(map(ledger.received_sat, group))
    return DisputedSums(sums[Keychain.CHANGE], sums[Keychain.RECEIVE], uncounted_sat)


def _exclusive(ledger: WalletLedger) -> list[list[Transaction]]:
    """Disputed transactions with their rivals, the rivals of these, and so on: a group each."""
    groups: list[list[Transaction]] = []
    met: dict[Txid, None] = {}
    for txid in ledger.seen:
        first = ledger.transactions[txid]
        if txid in met or not _rivals(ledger, first) or not is_disputed(ledger, first):
            continue
        met[txid] = None
        group = [first]
        for each in group:
            rivals = [rival for rival in ledger.conflicts(each) if rival not in met]
            met.update(dict.fromkeys(rivals))
            waiting = [ledger.transactions[rival] for rival in rivals]
            group += [item for item in waiting if is_disputed(ledger, item)]
        groups.append(group)
    return groups
