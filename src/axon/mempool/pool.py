"""The memory pool: unconfirmed transactions that a miner could put into the next block.

A transaction comes in by steps, because its coins are looked up and its scripts are verified
elsewhere in between; the pool itself reads no disk::

    screen(transaction)  -> Refused | None          the checks that need no coin
    (the coins that `coins_to_find` names are looked up)
    weigh(transaction)   -> Refused | Prepared      all other checks but the scripts
    (scripts are verified against prepared.spent)
    admit(prepared)      -> Refused | Admitted      what changed meanwhile is looked at again

(`prepare` is `screen` and `weigh` in one.) It leaves by a block (`block_connected`), by a change of
the chain (`reorg`), by a transaction that replaces it, because the pool is full, or because it is
too old. Rules and reasons are those of Bitcoin Core 31: full replacement, clusters of bounded size,
eviction by the worst chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from axon.machine import SECOND
from axon.mempool.acceptance import Rules, check, check_again, screen, weigh
from axon.mempool.clusters import over_limits, parents_first
from axon.mempool.entry import PoolEntry
from axon.mempool.locks import TipContext, is_final, sequence_locks_met
from axon.mempool.outcome import (
    Admitted,
    BlockEffect,
    CrowdedOut,
    FoundCoins,
    Prepared,
    Refusal,
    Refused,
    ReorgEffect,
)
from axon.mempool.policy import ROLLING_FEE_HALFLIFE, Policy
from axon.mempool.table import EntryTable
from axon.primitives.hashes import Txid
from axon.primitives.network import COINBASE_MATURITY
from axon.primitives.transaction import Transaction, outpoint

ROLLING_FEE_STEP: Final = 10
"""Seconds between two looks at how far the minimum feerate has fallen."""

MAX_RETURNED_BYTES: Final = 20_000_000
"""Transactions of disconnected blocks that are taken back: a deep reorganisation must not bring
more than a few blocks' worth. The newest are given up first, nothing depends on them."""


class Mempool(EntryTable):
    """The pool.

    Args:
        policy: the operator's options.
    """

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = policy
        self._rules = Rules(policy, 0)
        self._rolling_feerate = 0.0
        self._rolling_since_s = 0
        self._block_since_full = True
        self._oldest_us: int | None = None  # No entry is older; it may be younger than that.

    # Coming in.

    def rules(self, now: int) -> Rules:
        """What is asked of a transaction at this moment."""
        feerate = self.min_feerate(now)
        if feerate != self._rules.min_feerate_sat_kvb:
            self._rules = replace(self._rules, min_feerate_sat_kvb=feerate)
        return self._rules

    def screen(self, transaction: Transaction, tip: TipContext) -> Refused | None:
        """The checks that need no coin, so that a stranger's nonsense costs no look at the disk.

        Returns:
            The reason of refusal; None if coins are to be looked up and `weigh` is to follow.
        """
        return screen(self, transaction, tip, self.policy)

    def weigh(
        self, transaction: Transaction, coins: FoundCoins, tip: TipContext, now: int
    ) -> Prepared | Refused:
        """What `prepare` does behind `screen`; the tip must be the same in both.

        Args:
            coins: at `tip`, of all that it spends outside the pool, and its own first outputs.
            now: microseconds since 1970.
        """
        return weigh(self, transaction, coins, tip, self.rules(now))

    def prepare(
        self, transaction: Transaction, coins: FoundCoins, tip: TipContext, now: int
    ) -> Prepared | Refused:
        """All checks of a transaction but its scripts; the pool does not change.

        Args:
            coins: at `tip`, those of `coins_to_find`.
            now: microseconds since 1970.

        Returns:
            What to verify and then to hand to `admit`, or the reason of refusal.
        """
        return check(self, transaction, coins, tip, self.rules(now))

    def admit(
        self,
        prepared: Prepared,
        coins: FoundCoins,
        tip: TipContext,
        now: int,
        entered: int | None = None,
    ) -> Admitted | Refused:
        """Take in a transaction whose scripts were found good.

        Args:
            coins: at `tip`, those of `coins_to_find`; none are needed while the tip is the one
                that the transaction was prepared for.
            entered: when it first came in, if it is read back from disk; else it comes in now.

        Returns:
            `CrowdedOut` if the pool is full of better paid transactions; entries may have gone all
            the same, and are named there.
        """
        if prepared.tip_hash == tip.hash:
            refused = check_again(self, prepared, self.rules(now))
            if refused is not None:
                return refused
        else:
            again = self.prepare(prepared.transaction, coins, tip, now)
            if isinstance(again, Refused):
                return again
            prepared = again
        replaced = tuple(prepared.replaced)
        entry = self._take_in(prepared, now if entered is None else entered)
        evicted = self.enforce_limits(now)
        if evicted and entry.txid not in self:
            others = tuple([item for item in evicted if item is not entry])
            return CrowdedOut("mempool full", "", Refusal.RECONSIDERABLE, (), replaced, others)
        self._number(entry)
        return Admitted(entry, replaced, evicted)

    def _take_in(self, prepared: Prepared, time_us: int) -> PoolEntry:
        """Take in what was checked; it is to be numbered once it is sure to stay."""
        if prepared.replaced:
            self._remove(prepared.replaced)
        entry = prepared.entry
        entry.time_us = time_us
        if self._oldest_us is None or time_us < self._oldest_us:
            self._oldest_us = time_us
        self._insert(entry)
        return entry

    def _number(self, entry: PoolEntry) -> None:
        entry.sequence = self.journal.entered(entry.transaction)

    def admit_prepared(self, prepared: Sequence[Prepared], now: int) -> tuple[PoolEntry, ...]:
        """Take in a checked package, parents first; what it replaces is named by its last member.

        The limits of the pool are not looked at; `enforce_limits` must follow.
        """
        gone = {entry.txid: entry for one in prepared for entry in one.replaced}
        self._remove(gone.values())
        for one in prepared:
            one.replaced = []
            spent = {Txid(point[:32]): None for point in one.entry.prevouts}
            one.entry.parents = {txid: self.require(txid) for txid in spent if txid in self}
            self._take_in(one, now)
        for one in prepared:
            self._number(one.entry)
        return tuple(gone.values())

    # Bounds.

    def min_feerate(self, now: int) -> int:
        """Satoshi per 1,000 virtual bytes that the pool asks for; 0 while it was not full lately.

        After it was full it falls by half each 12 hours from the next block on, faster while the
        pool is less than half full.
        """
        rolling = self._rolling_feerate
        if not rolling or not self._block_since_full:
            return int(rolling + 0.5)
        seconds = now // SECOND
        if seconds > self._rolling_since_s + ROLLING_FEE_STEP:
            halflife = float(ROLLING_FEE_HALFLIFE)
            if self.usage_bytes < self.policy.max_mempool_bytes // 4:
                halflife /= 4
            elif self.usage_bytes < self.policy.max_mempool_bytes // 2:
                halflife /= 2
            rolling /= 2.0 ** ((seconds - self._rolling_since_s) / halflife)
            self._rolling_since_s = seconds
            if rolling < self.policy.incremental_feerate_sat_kvb / 2:
                rolling = 0.0
            self._rolling_feerate = rolling
            if not rolling:
                return 0
        return max(int(rolling + 0.5), self.policy.incremental_feerate_sat_kvb)

    def enforce_limits(self, now: int) -> tuple[PoolEntry, ...]:
        """Let go what is too old, and the worst chunks while the pool is too large."""
        gone: list[PoolEntry] = []
        horizon = now - self.policy.expiry_s * SECOND
        if self._oldest_us is not None and self._oldest_us < horizon:
            old = [entry for entry in self.entries() if entry.time_us < horizon]
            self._drop(old, gone, together=True)
            self._oldest_us = min([entry.time_us for entry in self.entries()], default=None)
        while self.usage_bytes > self.policy.max_mempool_bytes:
            chunk = self.worst_chunk()
            if chunk is None:
                break
            feerate = chunk.feerate_sat_kvb + self.policy.incremental_feerate_sat_kvb
            if feerate > self._rolling_feerate:
                self._rolling_feerate = float(feerate)
                self._block_since_full = False
            self._remove(chunk.entries)
            gone += chunk.entries
        return tuple(gone)

    def _drop(
        self, entries: Iterable[PoolEntry], gone: list[PoolEntry], *, together: bool = False
    ) -> None:
        """Let entries go with all their descendants, one family after the other or together."""
        doomed: dict[Txid, PoolEntry] = {}
        for entry in entries:
            family = self._doom(entry, doomed)
            for item in () if together else family:
                self.journal.left(item.transaction)
        if doomed:
            self._remove(doomed.values(), noted=not together)
            gone += doomed.values()

    def _doom(self, entry: PoolEntry, doomed: dict[Txid, PoolEntry]) -> list[PoolEntry]:
        """Add an entry and its descendants to those that are to go; which are new among them."""
        family = [each for each in (entry, *self.descendants(entry)) if each.txid not in doomed]
        doomed.update([(each.txid, each) for each in family])
        return family

    # The chain moves.

    def block_connected(self, transactions: Sequence[Transaction], now: int) -> BlockEffect:
        """A block joined the active chain.

        Args:
            transactions: all of the block, coinbase included.
        """
        confirmed: list[PoolEntry] = []
        conflicting: dict[Txid, PoolEntry] = {}
        if len(self) or self._deltas:
            for transaction in transactions:
                entry = self.get(transaction.txid)
                self._deltas.pop(transaction.txid, None)
                if entry is not None:
                    confirmed.append(entry)
                    self.journal.confirmed()
                    continue
                for point in transaction.prevouts:
                    rival = self.spender(point)
                    if rival is not None and rival.txid not in conflicting:
                        self._deltas.pop(rival.txid, None)
                        for item in self._doom(rival, conflicting):
                            self.journal.left(item.transaction)
        self._remove((*conflicting.values(), *confirmed), noted=True)
        self._rolling_since_s = now // SECOND
        self._block_since_full = True
        return BlockEffect(tuple(confirmed), tuple(conflicting.values()))

    def reorg(
        self,
        disconnected: Sequence[Sequence[Transaction]],
        connected: Sequence[Sequence[Transaction]],
        coins: FoundCoins,
        tip: TipContext,
        now: int,
    ) -> ReorgEffect:
        """The active chain changed by more than one block on top.

        Transactions of blocks that are no longer in the chain come back where they still fit; their
        scripts were verified with their blocks. Fees do not count for them.

        Args:
            disconnected: the transactions of each block that left, from the old tip downwards.
            connected: those of each block that joined, upwards.
            coins: the unspent outputs at `tip`, the new one: of all that the transactions of
                `disconnected` spend. Where they are not to be had, none of these comes back.
        """
        confirmed: list[PoolEntry] = []
        conflicting: list[PoolEntry] = []
        settled: set[Txid] = set()
        for block in connected:
            effect = self.block_connected(block, now)
            confirmed += effect.confirmed
            conflicting += effect.conflicting
            settled.update([transaction.txid for transaction in block])
        removed: list[PoolEntry] = []
        returned: list[PoolEntry] = []
        rules = replace(self.rules(now), bypass_limits=True)
        for transaction, welcome in _returning(disconnected):
            if transaction.txid in settled:
                continue
            outcome = check(self, transaction, coins, tip, rules) if welcome else None
            if isinstance(outcome, Prepared):
                removed += outcome.replaced
                entry = self._take_in(outcome, now)
                self._number(entry)
                entry.sequence = 0  # It was in a block: no secret that is kept from anybody.
                returned.append(entry)
            else:
                self._drop_spenders(transaction, removed)
        self._link_children(returned, removed)
        self._note_heights(connected, tip)
        unfit = [entry for entry in self.entries() if not _still_fits(entry, tip)]
        self._drop(unfit, removed)
        removed += self.enforce_limits(now)
        new = {entry.txid for entry in returned}
        return ReorgEffect(
            tuple(confirmed),
            tuple(conflicting),
            tuple([entry for entry in returned if self.get(entry.txid) is entry]),
            tuple([entry for entry in removed if entry.txid not in new]),
        )

    def _drop_spenders(self, transaction: Transaction, gone: list[PoolEntry]) -> None:
        """Its outputs are no more: whoever spends them goes."""
        if transaction.txid in self:
            return
        spenders = [
            self.spender(outpoint(transaction.txid, index))
            for index in range(len(transaction.outputs))
        ]
        self._drop([entry for entry in spenders if entry is not None], gone)

    def _link_children(self, returned: Sequence[PoolEntry], removed: list[PoolEntry]) -> None:
        """Entries that came back meet those that spent them while they were confirmed."""
        linked: dict[Txid, PoolEntry] = {}
        for entry in returned:
            for index in range(len(entry.transaction.outputs)):
                child = self.spender(outpoint(entry.txid, index))
                if child is not None and child.txid not in entry.children:
                    entry.children[child.txid] = child
                    child.parents[entry.txid] = entry
                    linked[entry.txid], linked[child.txid] = entry, child
        if not linked:
            return
        clusters = {id(entry.cluster): entry.cluster for entry in linked.values()}
        members = [entry for cluster in clusters.values() for entry in cluster.entries()]
        surplus = over_limits(
            parents_first(members), self.policy.cluster_count, self.policy.cluster_weight_wu
        )
        self._remove(surplus)
        removed += surplus
        self._recluster([entry for entry in linked.values() if entry.txid in self])

    def _note_heights(self, connected: Sequence[Sequence[Transaction]], tip: TipContext) -> None:
        """Coins that these blocks made may have been made at other heights before."""
        for height, block in enumerate(connected, tip.height + 1 - len(connected)):
            for transaction in block:
                for index in range(len(transaction.outputs)):
                    point = outpoint(transaction.txid, index)
                    entry = self.spender(point)
                    if entry is not None and entry.relative_lock:
                        entry.heights[entry.prevouts.index(point)] = height


def _returning(
    disconnected: Sequence[Sequence[Transaction]],
) -> Iterable[tuple[Transaction, bool]]:
    """The transactions of blocks that left, oldest first, and whether they may come back."""
    left = MAX_RETURNED_BYTES
    for block in reversed(disconnected):
        for transaction in block:
            left -= transaction.size_bytes
            yield transaction, left >= 0 and not transaction.is_coinbase


def _still_fits(entry: PoolEntry, tip: TipContext) -> bool:
    """Whether an entry could be in the next block: final, and its coinbases mature."""
    transaction = entry.transaction
    if transaction.locktime and not is_final(transaction, tip):
        return False
    if entry.coinbase_height > tip.height + 1 - COINBASE_MATURITY:
        return False
    if not entry.relative_lock:
        return True
    above = tip.height + 1
    # What was unconfirmed when this came in has no lock to wait for, at whatever height it is now.
    heights = [
        above if Txid(point[:32]) in entry.parents else min(height, above)
        for point, height in zip(entry.prevouts, entry.heights, strict=True)
    ]
    return sequence_locks_met(transaction, heights, tip)
