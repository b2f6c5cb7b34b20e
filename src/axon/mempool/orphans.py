"""Orphans: transactions that spend what nobody has told us of yet.

They wait for their parents. Each peer that announced an orphan answers for it with its share of two
bounds, memory and work; when the orphanage as a whole is over a bound, the peer that uses the most
of its share loses its oldest orphan. So no peer can push out what others brought (Bitcoin Core 30).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from axon.mempool.policy import MAX_STANDARD_WEIGHT
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import OutPoint, Transaction, outpoint

RESERVED_WEIGHT: Final = 404_000
"""Weight units that each peer may fill before it can lose anything: one largest transaction."""

MAX_WORK: Final = 3_000
"""Announcements, plus a tenth of the inputs of the transactions, over all peers: bounds the time
that a block or a lost peer takes to be cleared away."""


@dataclass(slots=True)
class _Orphan:
    transaction: Transaction
    missing: tuple[Txid, ...]
    announcers: dict[int, None] = field(default_factory=dict)


@dataclass(slots=True)
class _Share:
    """What one peer announced: orphans in the order in which it did, and what they amount to."""

    wtxids: dict[Wtxid, None] = field(default_factory=dict)
    weight_wu: int = 0
    work: int = 0


def _work(transaction: Transaction) -> int:
    return 1 + len(transaction.inputs) // 10


class Orphanage:
    """Orphans by wtxid, by what they spend and by who announced them.

    Args:
        reserved_weight_wu: what each peer may fill.
        max_work: announcements and inputs over all peers.
    """

    def __init__(self, reserved_weight_wu: int = RESERVED_WEIGHT, max_work: int = MAX_WORK) -> None:
        self._reserved_weight_wu = reserved_weight_wu
        self._max_work = max_work
        self._orphans: dict[Wtxid, _Orphan] = {}
        self._spending: dict[OutPoint, dict[Wtxid, None]] = {}
        self._shares: dict[int, _Share] = {}
        self._announcements = 0
        self._input_work = 0
        self.weight_wu = 0
        """Of all orphans, each counted once."""

    def __len__(self) -> int:
        return len(self._orphans)

    def __contains__(self, wtxid: Wtxid) -> bool:
        return wtxid in self._orphans

    def get(self, wtxid: Wtxid) -> Transaction | None:
        """The orphan with this wtxid; None if it is not here."""
        orphan = self._orphans.get(wtxid)
        return None if orphan is None else orphan.transaction

    def announcers(self, wtxid: Wtxid) -> tuple[int, ...]:
        """The peers that announced it, first first."""
        orphan = self._orphans.get(wtxid)
        return () if orphan is None else tuple(orphan.announcers)

    def missing(self, wtxid: Wtxid) -> tuple[Txid, ...]:
        """The parents that were missing when it came."""
        orphan = self._orphans.get(wtxid)
        return () if orphan is None else orphan.missing

    def transactions(self) -> tuple[Transaction, ...]:
        """All orphans, in the order in which they came."""
        return tuple([orphan.transaction for orphan in self._orphans.values()])

    @property
    def work(self) -> int:
        """What the bound `max_work` is compared with."""
        return self._announcements + self._input_work

    def weight_of(self, peer: int) -> int:
        """Weight units that this peer answers for."""
        share = self._shares.get(peer)
        return 0 if share is None else share.weight_wu

    def add(self, transaction: Transaction, peer: int, missing: tuple[Txid, ...] = ()) -> bool:
        """Keep an orphan that a peer sent.

        Args:
            transaction: which.
            peer: who.
            missing: the parents that are to be asked for.

        Returns:
            Whether it is new and was kept; too large ones are not.
        """
        wtxid = transaction.wtxid
        if transaction.weight_wu > MAX_STANDARD_WEIGHT:
            return False
        new = wtxid not in self._orphans
        if new:
            self._orphans[wtxid] = _Orphan(transaction, missing)
            for point in transaction.prevouts:
                self._spending.setdefault(point, {})[wtxid] = None
            self.weight_wu += transaction.weight_wu
            self._input_work += _work(transaction) - 1
        self._announce(wtxid, peer)
        self._limit()
        return new and wtxid in self._orphans

    def add_announcer(self, wtxid: Wtxid, peer: int) -> bool:
        """Another peer announced an orphan that is here.

        Returns:
            Whether it is here and the peer had not announced it before.
        """
        if wtxid not in self._orphans or peer in self._orphans[wtxid].announcers:
            return False
        self._announce(wtxid, peer)
        self._limit()
        return True

    def children_of(self, parent: Transaction) -> list[Transaction]:
        """All orphans that spend an output of this transaction, by output, then as they came."""
        found: dict[Wtxid, Transaction] = {}
        for index in range(len(parent.outputs)):
            for wtxid in self._spending.get(outpoint(parent.txid, index), ()):
                found[wtxid] = self._orphans[wtxid].transaction
        return list(found.values())

    def children_from(self, parent: Transaction, peer: int) -> list[Transaction]:
        """The orphans of one peer that spend an output of this transaction, newest first."""
        share = self._shares.get(peer)
        if share is None:
            return []
        parent_txid = parent.txid
        found = [self._orphans[wtxid].transaction for wtxid in reversed(share.wtxids)]
        return [
            child
            for child in found
            if any(Txid(point[:32]) == parent_txid for point in child.prevouts)
        ]

    def erase(self, wtxid: Wtxid) -> bool:
        """It is no orphan any more, whether taken in or refused.

        Returns:
            Whether it was here.
        """
        if wtxid not in self._orphans:
            return False
        self._erase(wtxid)
        self._limit()
        return True

    def erase_for_peer(self, peer: int) -> None:
        """The peer has gone: what only it announced goes too."""
        share = self._shares.get(peer)
        if share is not None:
            for wtxid in list(share.wtxids):
                self._withdraw(wtxid, peer)
            self._limit()

    def erase_for_block(self, transactions: Sequence[Transaction]) -> int:
        """A block joined the chain: what it holds, or spends instead of them, ends their waiting.

        Returns:
            How many orphans went.
        """
        doomed: dict[Wtxid, None] = {}
        if self._orphans:
            for transaction in transactions:
                for point in transaction.prevouts:
                    doomed.update(self._spending.get(point, {}))
        for wtxid in doomed:
            self._erase(wtxid)
        if doomed:
            self._limit()
        return len(doomed)

    def _announce(self, wtxid: Wtxid, peer: int) -> None:
        orphan = self._orphans[wtxid]
        if peer in orphan.announcers:
            return
        orphan.announcers[peer] = None
        share = self._shares.setdefault(peer, _Share())
        share.wtxids[wtxid] = None
        share.weight_wu += orphan.transaction.weight_wu
        share.work += _work(orphan.transaction)
        self._announcements += 1

    def _withdraw(self, wtxid: Wtxid, peer: int) -> None:
        """One announcement goes, and with the last one the orphan."""
        orphan = self._orphans[wtxid]
        transaction = orphan.transaction
        del orphan.announcers[peer]
        share = self._shares[peer]
        del share.wtxids[wtxid]
        share.weight_wu -= transaction.weight_wu
        share.work -= _work(transaction)
        self._announcements -= 1
        if not share.wtxids:
            del self._shares[peer]
        if orphan.announcers:
            return
        del self._orphans[wtxid]
        for point in transaction.prevouts:
            waiting = self._spending.get(point)
            if waiting is not None:
                waiting.pop(wtxid, None)
                if not waiting:
                    del self._spending[point]
        self.weight_wu -= transaction.weight_wu
        self._input_work -= _work(transaction) - 1

    def _erase(self, wtxid: Wtxid) -> None:
        for peer in list(self._orphans[wtxid].announcers):
            self._withdraw(wtxid, peer)

    def _over_bounds(self) -> bool:
        allowed = self._reserved_weight_wu * len(self._shares)
        return self.work > self._max_work or self.weight_wu > allowed

    def _limit(self) -> None:
        """Take from the peers that use the most of their shares until the bounds hold."""
        if not self._over_bounds():
            return
        allowed_work = max(1, self._max_work // max(1, len(self._shares)))
        while self._over_bounds():
            peer = self._worst_peer(allowed_work)
            self._withdraw(next(iter(self._shares[peer].wtxids)), peer)

    def _worst_peer(self, allowed_work: int) -> int:
        def use(peer: int) -> tuple[float, int]:
            share = self._shares[peer]
            weight = share.weight_wu / self._reserved_weight_wu
            return max(weight, share.work / allowed_work), peer

        return max(self._shares, key=use)
