"""What a wallet of many descriptors holds, by Bitcoin Core's rules, worked out from its facts.

A transaction is confirmed, or in the node's pool, or neither: then it was sent and forgotten, given
up, or outdone by another. What is in the pool is known for this run only; whoever opens the wallet
tells it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from axon.primitives.address import encode_address
from axon.primitives.hashes import Txid
from axon.primitives.network import COINBASE_MATURITY
from axon.primitives.transaction import OutPoint, Transaction, TxOut, outpoint_txid
from axon.wallet.descriptorledger import DescriptorLedger
from axon.wallet.labels import LabelKind, label_of
from axon.wallet.scripts import Place


class SpentBy(Enum):
    """Whether a coin is spent, and by what."""

    NO = auto()
    CONFIRMED = auto()
    IN_POOL = auto()
    ELSEWHERE = auto()
    """By a transaction that is in no pool, and not given up."""


@dataclass(frozen=True, slots=True)
class Sums:
    """The balance, in satoshi; `getbalances` says what each part is."""

    trusted_sat: int = 0
    untrusted_pending_sat: int = 0
    immature_sat: int = 0
    nonmempool_sat: int = 0


@dataclass(frozen=True, slots=True)
class HeldCoin:
    """A coin that nothing spends.

    Args:
        point: its name.
        output: amount and script.
        place: which of our scripts.
        depth: confirmations.
        safe: nobody but us can take it back.
        locked: it was set aside.
        immature: it was mined, and lately.
    """

    point: OutPoint
    output: TxOut
    place: Place
    depth: int
    safe: bool
    locked: bool
    immature: bool


class Holdings:
    """What follows from the facts of one wallet, and from the node's pool.

    Args:
        ledger: the facts.
    """

    spends_change = True
    """Unconfirmed change is trusted (`-spendzeroconfchange`)."""

    def __init__(self, ledger: DescriptorLedger) -> None:
        self._ledger = ledger
        self._pool: dict[Txid, None] = {}  # Ours that are in it.
        self._rivals: dict[Txid, tuple[OutPoint, ...]] = {}  # Others there, and what they take.

    # The pool.

    def pool_entered(self, txid: Txid) -> None:
        """A transaction of ours is in the pool."""
        self._pool[txid] = None

    def rival_came(self, transaction: Transaction) -> None:
        """A transaction of others is in the pool: it may spend what one of ours spends."""
        taken = tuple([each for each in transaction.prevouts if self._ledger.spenders(each)])
        if taken:
            self._rivals[transaction.txid] = taken

    def pool_left(self, txid: Txid) -> bool:
        """A transaction has left the pool; whether it is ours."""
        self._rivals.pop(txid, None)
        self._pool.pop(txid, None)
        return txid in self._ledger.notes

    def in_pool(self, txid: Txid) -> bool:
        """Whether a transaction of ours is in the pool."""
        return txid in self._pool and txid not in self._ledger.confirmed

    def in_pool_now(self) -> list[Txid]:
        """The transactions of ours that are in the pool."""
        return [txid for txid in self._pool if self.in_pool(txid)]

    def pool_conflicts(self, txid: Txid) -> list[Txid]:
        """Transactions of the pool that spend what this one spends, or what it builds on does."""
        if self.in_pool(txid) or txid in self._ledger.confirmed:
            return []
        found: dict[Txid, None] = {}
        for each in self._lineage(txid):
            prevouts = self._ledger.transactions[each].prevouts
            for rival, taken in self._rivals.items():
                if any(point in prevouts for point in taken):
                    found[rival] = None
            own = [other for other in self.direct_conflicts(each) if self.in_pool(other)]
            found.update(dict.fromkeys(own))
        return list(found)

    # One transaction.

    def _lineage(self, txid: Txid) -> Iterator[Txid]:
        """It, and the unconfirmed ones of ours that it builds on."""
        ledger, met = self._ledger, {txid: None}
        queue = [txid]
        for each in queue:
            yield each
            for prevout in ledger.transactions[each].prevouts:
                parent = outpoint_txid(prevout)
                known = parent in ledger.transactions and parent not in ledger.confirmed
                if known and parent not in met:
                    met[parent] = None
                    queue.append(parent)

    def waiting_above(self, txid: Txid) -> int:
        """How many of ours that wait for a block it builds on, itself included."""
        return sum(1 for _ in self._lineage(txid))

    def direct_conflicts(self, txid: Txid) -> list[Txid]:
        """Other transactions that are kept here and spend what this one spends."""
        transaction = self._ledger.transactions[txid]
        return [] if transaction.is_coinbase else self._ledger.conflicts(transaction)

    def own_conflicts(self, txid: Txid) -> list[Txid]:
        """Those of them that pay to us or spend from us."""
        return [other for other in self.direct_conflicts(txid) if other in self._ledger.notes]

    def conflict_height(self, txid: Txid) -> int | None:
        """At which height a block has what excludes it, or what it builds on; None if none has."""
        ledger = self._ledger
        if txid in ledger.confirmed:
            return None
        heights = [
            ledger.confirmed[rival].height
            for each in self._lineage(txid)
            for rival in self.direct_conflicts(each)
            if rival in ledger.confirmed
        ]
        return min(heights, default=None)

    def depth(self, txid: Txid) -> int:
        """Confirmations; below 0 of one that a block excludes, 0 while neither is known."""
        height = self.conflict_height(txid)
        if height is not None:
            return -(self._ledger.tip.height - height + 1)
        return self._ledger.confirmations(txid)

    def is_trusted(self, txid: Txid) -> bool:
        """Whether nobody but us can take it back."""
        ledger = self._ledger
        for each in self._lineage(txid):
            if each in ledger.confirmed:
                continue
            if not self.spends_change or not self.in_pool(each):
                return False
            prevouts = ledger.transactions[each].prevouts
            if not all(prevout in ledger.owned for prevout in prevouts):
                return False
        return True

    def is_immature(self, txid: Txid) -> bool:
        """Whether it was mined, and its coins wait for 100 blocks more."""
        if not self._ledger.transactions[txid].is_coinbase:
            return False
        return self._ledger.confirmations(txid) <= COINBASE_MATURITY

    # Coins.

    def how_spent(self, point: OutPoint) -> SpentBy:
        """Whether a coin of ours is spent."""
        ledger, found = self._ledger, SpentBy.NO
        for txid in ledger.spenders(point):
            if txid in ledger.confirmed:
                return SpentBy.CONFIRMED
            if txid in self._pool:
                found = SpentBy.IN_POOL
            elif found is SpentBy.NO and self._may_return(txid):
                found = SpentBy.ELSEWHERE
        return found

    def _may_return(self, txid: Txid) -> bool:
        if self._ledger.notes[txid].abandoned or self._ledger.transactions[txid].is_coinbase:
            return False
        return self.conflict_height(txid) is None and not self.pool_conflicts(txid)

    def sums(self, min_depth: int = 0, *, nonmempool: bool = False) -> Sums:
        """The balance.

        Args:
            min_depth: what is trusted counts with so many confirmations only.
            nonmempool: what is spent by transactions in no pool counts, and is told.
        """
        trusted = untrusted = immature = elsewhere = 0
        believed: dict[Txid, bool] = {}
        for point, owned in self._ledger.owned.items():
            spent = self.how_spent(point)
            if spent not in (SpentBy.NO, SpentBy.ELSEWHERE):
                continue
            if spent is SpentBy.ELSEWHERE and not nonmempool:
                continue
            txid, amount_sat = outpoint_txid(point), owned.output.amount_sat
            if txid not in believed:
                believed[txid] = self.is_trusted(txid)
            if self._ledger.transactions[txid].is_coinbase and self.is_immature(txid):
                if txid not in self._ledger.confirmed:
                    continue
                immature += amount_sat
            elif believed[txid] and self.depth(txid) >= min_depth:
                trusted += amount_sat
            elif not believed[txid] and self.in_pool(txid):
                untrusted += amount_sat
            else:
                continue
            if spent is SpentBy.ELSEWHERE:
                elsewhere -= amount_sat
        return Sums(trusted, untrusted, immature, elsewhere)

    def unspent(self) -> list[HeldCoin]:
        """The coins that nothing spends and that may be spent one day, the oldest facts first."""
        ledger = self._ledger
        found: list[HeldCoin] = []
        for point, owned in ledger.owned.items():
            txid = outpoint_txid(point)
            if self.how_spent(point) is not SpentBy.NO:
                continue
            depth = self.depth(txid)
            if depth < 0 or (depth == 0 and not self.in_pool(txid)):
                continue
            note = ledger.notes[txid]
            replaced = depth == 0 and bool(note.replaces or note.replaced_by)
            found.append(
                HeldCoin(
                    point,
                    owned.output,
                    owned.place,
                    depth,
                    self.is_trusted(txid) and not replaced,
                    point in ledger.frozen,
                    self.is_immature(txid),
                )
            )
        return found

    # Whose scripts.

    def book_label(self, script: bytes) -> str | None:
        """The label of an address that was given out; None of one that nobody was told."""
        address = encode_address(script, self._ledger.network)
        if address is None:
            return None
        label = label_of(self._ledger, LabelKind.ADDRESS, address)
        place = self._ledger.book.find(script)
        if label or place is None:
            return label or None
        held = self._ledger.book.held(place.keychain)
        told = not self._ledger.book.is_range(place.keychain) or place.index < held.next_index
        return "" if told and not held.internal else None

    def is_change(self, script: bytes) -> bool:
        """Whether it is ours and nobody was told its address."""
        return self._ledger.book.find(script) is not None and self.book_label(script) is None
