"""Which transactions of peers are wanted: what is asked for, what waits, what was refused lately.

    inv --> wanted? --> txrequest (ask one announcer) --> tx --> wanted? --> to be judged
    refused for its inputs alone --> orphans: all who announced it are asked for its parents
    refused for its fee alone --> a child among the orphans of its sender? --> both are judged

What was refused is not asked for again until the tip is another; what pays too little alone is
taken once more beside a child that pays for both (one parent, one child). Bitcoin Core's rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from axon.machine import Instant, PeerId
from axon.mempool.orphans import Orphanage
from axon.mempool.outcome import Refusal, Refused
from axon.mempool.pool import Mempool
from axon.p2p.rollingset import RollingSet
from axon.p2p.txrequest import TxRequest
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import Transaction
from axon.wire.messages import InvItem, InvType

MAX_REFUSED: Final = 120_000
"""Refused transactions remembered, so that ten peers that announce one do not have it verified ten
times; those that pay too little alone, and pairs that were refused, as many."""

MAX_CONFIRMED: Final = 48_000
"""Confirmed transactions remembered: six full blocks. A peer that is behind announces them yet."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A parent that pays too little alone, and an orphan that may pay for both.

    Args:
        sender: the peer that sent both.
    """

    parent: Transaction
    child: Transaction
    sender: PeerId

    @property
    def name(self) -> bytes:
        """By which it is remembered once it was refused: both wtxids, 64 bytes."""
        return self.parent.wtxid + self.child.wtxid


@dataclass(frozen=True, slots=True)
class _Announcer:
    """A peer; `trusted` ones (permission `relay`) are bound by no number of announcements."""

    preferred: bool
    trusted: bool


class TxDownload:
    """What a full node wants of its peers' transactions, until they are in the pool.

    Args:
        pool: the unconfirmed.
        rng: for the order in which peers are asked.
    """

    def __init__(self, pool: Mempool, rng: Random) -> None:
        self._pool = pool
        self.judged: dict[bytes, None] = {}
        """Txids and wtxids of what is on its way into the pool: nobody is asked for it."""
        self.txrequest = TxRequest(rng, self.judged)
        self.orphans = Orphanage()
        self._announcers: dict[PeerId, _Announcer] = {}
        self._refused: RollingSet[bytes] = RollingSet(MAX_REFUSED)
        self._reconsiderable: RollingSet[bytes] = RollingSet(MAX_REFUSED)
        self._confirmed: RollingSet[bytes] = RollingSet(MAX_CONFIRMED)

    # Peers.

    def opened(self, peer: PeerId, *, wtxid_relay: bool, preferred: bool, trusted: bool) -> None:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            wtxid_relay: it announces by wtxid (BIP 339).
            preferred: we dialled it, or the operator trusts it: it is asked first.
            trusted: it has the permission `relay`: it may announce any number.
        """
        self._announcers[peer] = _Announcer(preferred, trusted)
        self.txrequest.opened(peer, wtxid_relay=wtxid_relay, bounded=not trusted)

    def closed(self, peer: PeerId, now: Instant) -> None:
        """A peer has gone."""
        self._announcers.pop(peer, None)
        self.txrequest.closed(peer, now)
        self.orphans.erase_for_peer(peer)

    # What is wanted.

    def is_known(self, tx_hash: bytes) -> bool:
        """Whether a transaction need not be judged: it is held, in a block, or refused for good."""
        return (
            Txid(tx_hash) in self._pool
            or self._pool.by_wtxid(Wtxid(tx_hash)) is not None
            or tx_hash in self._confirmed
            or tx_hash in self._refused
            or Wtxid(tx_hash) in self.orphans
        )

    def pays_too_little(self, wtxid: Wtxid) -> bool:
        """Whether a transaction was refused because it pays too little alone."""
        return wtxid in self._reconsiderable

    def announced(self, peer: PeerId, item: InvItem, now: Instant) -> None:
        """A peer has a transaction: ask for it, or for the parents of what is an orphan here.

        Args:
            peer: who.
            item: TX or WTX with its hash.
            now: the present.
        """
        if item.kind == InvType.WTX and Wtxid(item.hash) in self.orphans:
            wtxid = Wtxid(item.hash)
            wanted = self._wanted(self.orphans.missing(wtxid))
            if wanted and self._resolve(peer, wtxid, wanted, now):
                self.orphans.add_announcer(wtxid, peer)
        elif not self.is_known(item.hash) and item.hash not in self._reconsiderable:
            self._ask(peer, item, now)

    def find_pair(self, parent: Transaction, senders: Iterable[PeerId]) -> Pair | None:
        """A child of a parent that pays too little, from one who sent both; None if there is none.

        Args:
            parent: lately refused.
            senders: who sent it, first first.
        """
        for sender in senders:
            for child in self.orphans.children_from(parent, sender):
                pair = Pair(parent, child, sender)
                if pair.name not in self._reconsiderable and child.txid not in self._refused:
                    return pair
        return None

    # What became of it.

    def accepted(self, transaction: Transaction) -> None:
        """A transaction is in the pool."""
        self._forget(transaction)
        self.orphans.erase(transaction.wtxid)

    def refused(self, transaction: Transaction, outcome: Refused) -> None:
        """A transaction was refused, and not because its inputs are missing."""
        txid, wtxid = transaction.txid, transaction.wtxid
        if outcome.kind is Refusal.RECONSIDERABLE:
            self._reconsiderable.add(wtxid)
        elif outcome.kind is not Refusal.WITNESS_STRIPPED:
            self._refused.add(wtxid)
        # A stripped one has the name by which the good one may be asked for.
        if outcome.kind is not Refusal.WITNESS_STRIPPED:
            self.txrequest.forget(wtxid)
        if outcome.kind is Refusal.INPUTS_NONSTANDARD:
            self._refused.add(txid)  # Whatever its witness is.
            self.txrequest.forget(txid)
        self.orphans.erase(wtxid)

    def pair_refused(self, pair: Pair) -> None:
        """A pair was not taken in: it is not tried again."""
        self._reconsiderable.add(pair.name)

    def orphaned(
        self,
        transaction: Transaction,
        missing: Sequence[Txid],
        senders: Sequence[PeerId],
        now: Instant,
    ) -> bool:
        """Parents of a transaction are missing: keep it, and ask for them whoever has it.

        Args:
            transaction: which.
            missing: those parents.
            senders: the peers that sent it.
            now: the present.

        Returns:
            Whether it may come in yet: not if one of its parents was refused, or two pay too
            little.
        """
        txid, wtxid = transaction.txid, transaction.wtxid
        if wtxid in self._refused:
            return False
        parents = {Txid(point[:32]): None for point in transaction.prevouts}
        poor = [each for each in parents if each in self._reconsiderable and each not in self._pool]
        if len(poor) > 1 or any(parent in self._refused for parent in parents):
            self._refused.add(txid)  # Whatever its witness is.
            self._refused.add(wtxid)
            self._forget(transaction)
            return False
        # The pool takes none that builds on more unconfirmed ones than these, so more are no use.
        wanted = self._wanted(missing[: self._pool.policy.cluster_count])
        announcers = dict.fromkeys(
            (*senders, *self.txrequest.candidates(txid), *self.txrequest.candidates(wtxid))
        )
        for peer in announcers:
            if self._resolve(peer, wtxid, wanted, now):
                self.orphans.add(transaction, peer, tuple(wanted))
        self._forget(transaction)
        return True

    def _wanted(self, parents: Iterable[Txid]) -> list[Txid]:
        """Those that are to be asked for: also what pays too little alone, for the child's sake."""
        return [parent for parent in parents if not self.is_known(parent)]

    def _resolve(self, peer: PeerId, wtxid: Wtxid, parents: Sequence[Txid], now: Instant) -> bool:
        """A peer has an orphan: it is to be asked for the parents, if it may announce so many."""
        announcer = self._announcers.get(peer)
        if announcer is None or peer in self.orphans.announcers(wtxid):
            return False
        if not self.txrequest.has_room(peer, len(parents)):
            return False
        for parent in parents:
            self._ask(peer, InvItem(InvType.TX, parent), now)
        return True

    def _ask(self, peer: PeerId, item: InvItem, now: Instant) -> None:
        announcer = self._announcers.get(peer)
        if announcer is not None:
            late = not announcer.trusted and self.txrequest.overloaded(peer)
            self.txrequest.announced(peer, item, announcer.preferred, late, now)

    def _forget(self, transaction: Transaction) -> None:
        self.txrequest.forget(transaction.txid)
        self.txrequest.forget(transaction.wtxid)

    # The chain moves.

    def tip_changed(self) -> None:
        """The tip is another: other verdicts."""
        self._refused.clear()
        self._reconsiderable.clear()

    def block_connected(self, transactions: Sequence[Transaction], *, remember: bool) -> None:
        """A block joined the chain.

        Args:
            transactions: what it holds.
            remember: they are not to be asked for any more.
        """
        self.orphans.erase_for_block(transactions)
        if not remember:
            return
        for transaction in transactions:
            self._confirmed.add(transaction.txid)
            self._confirmed.add(transaction.wtxid)
            self._forget(transaction)

    def block_disconnected(self) -> None:
        """Blocks left the chain: what they held may be announced again."""
        self._confirmed.clear()
