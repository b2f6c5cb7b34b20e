"""The search for what spends coins of others: by filters, batch by batch (BIP 157, BIP 158).

    idle --kept filters, else filters of peers--> matched --the blocks that match--> searched
    searched --last block--> the coins are known up to there --> idle
    any --the best chain turned, filter headers proved false, nobody waits--> idle, further back

All of it happens beside the scan of the wallet, which has the right of way: filters are asked for
only while the scan lacks none. Peers are asked for a hundred filters at a time, as for the scan: a
thousand of full blocks would be 25 MB.

What is found of a coin stays known for whoever asks next. Of several groups of coins the one goes
first for which the fewest blocks are left, so that nobody keeps others waiting with a coin of long
ago.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from axon.chain.headertree import HeaderTree
from axon.machine import Instant
from axon.node.coinstates import (
    BlockSearched,
    CoinGroup,
    CoinState,
    FiltersSearched,
    KeptSearched,
    SearchBatch,
    next_batch,
)
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.node.spendjobs import SPENDS, SearchBlock, SearchFilters, SearchKept
from axon.node.spends import ClaimedCoin
from axon.p2p.blockfetch import BlockFetch
from axon.p2p.faults import PeerViolation
from axon.p2p.filtersync import FilterSync
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.transaction import OutPoint
from axon.primitives.verdict import Rejected

MAX_KNOWN: Final = 4_000
"""Coins of which something stays known, 2 MB; those that were asked for first go first."""

BATCH: Final = 200
"""Blocks of one batch, as of the scan: their filters are matched in a fraction of a second."""

BLOCKS_AHEAD: Final = 4
"""Blocks asked for and held before their turn: 16 MB of the largest."""


class SpendSearch:
    """The search of one light client.

    Args:
        outbox: where effects go.
        tree: all headers known.
        filters: brings filters.
        blocks: brings blocks.
    """

    def __init__(
        self, outbox: Outbox, tree: HeaderTree, filters: FilterSync, blocks: BlockFetch
    ) -> None:
        self._outbox = outbox
        self._tree = tree
        self._filters = filters
        self._blocks = blocks
        self._coins: dict[ClaimedCoin, CoinState] = {}
        self._groups: dict[int | Txid, CoinGroup] = {}
        self._doubted: dict[BlockHash, None] = {}  # Read whatever their filters say.
        self._doubted_from: int | None = None  # The lowest of them since the last look.
        self._best = tree.best  # At the last look.
        self._batch: SearchBatch | None = None
        self._batches = 0
        self._stream: int | None = None  # From where on peers are asked for filters.
        self._idle_up_to: int | None = None  # With filters up to here nothing is left to do.
        self.changes = 0
        """Counts whatever may change an answer."""
        self.moved_at: Instant = 0
        """When the search last came forward."""

    # For whom.

    @property
    def groups(self) -> Mapping[int | Txid, CoinGroup]:
        """Coins that somebody waits for, by a name of his."""
        return self._groups

    @property
    def is_working(self) -> bool:
        """Whether a job of the search is under way."""
        return self._batch is not None and self._batch.working

    def add(self, name: int | Txid, claims: Iterable[ClaimedCoin]) -> CoinGroup:
        """Search for these coins, in place of those of the same name."""
        group = self._groups[name] = CoinGroup(tuple(map(self._state, dict.fromkeys(claims))))
        batch = self._batch
        if batch is not None and not batch.working and not batch.matched:
            self._abandon()  # It waits for filters; this one may not need to.
        self._changed()
        return group

    def remove(self, name: int | Txid) -> bool:
        """Nobody waits for these any more; whether anybody did."""
        if self._groups.pop(name, None) is None:
            return False
        wanted = dict.fromkeys([coin for each in self._groups.values() for coin in each.coins])
        if self._batch is not None and not any(coin in wanted for coin in self._batch.coins):
            self._abandon()
        if not wanted and self._stream is not None:
            self._stream = None
            self._filters.search_from(None)
        for claim in list(self._coins):
            if len(self._coins) <= MAX_KNOWN:
                break
            if self._coins[claim] not in wanted:
                del self._coins[claim]
        self._changed()
        return True

    def known(self, claim: ClaimedCoin) -> CoinState | None:
        """What is known of a coin."""
        return self._coins.get(claim)

    def doubt(self, block_hash: BlockHash) -> None:
        """Two filters of this block are claimed and neither is refuted: read it in any case."""
        entry = self._tree.get(block_hash)
        self._doubted[block_hash] = None
        if entry is not None:
            from_here = self._doubted_from
            self._doubted_from = entry.height if from_here is None else min(entry.height, from_here)

    def _state(self, claim: ClaimedCoin) -> CoinState:
        """What is known of a coin, which is now the last to be forgotten."""
        state = self._coins[claim] = self._coins.pop(claim, CoinState(claim))
        return state

    def _changed(self) -> None:
        self.changes += 1
        self._idle_up_to = None

    # Along the chain.

    def advance(self, now: Instant) -> None:
        """Go on with whatever can be done now."""
        if not self._groups:
            return
        if self.is_working:
            self.moved_at = now
        self.go_back()
        if self._batch is None:
            self._begin()
        elif not self._batch.working:
            self._go_on(self._batch, now)

    def go_back(self) -> None:
        """Forget what does not hold since the best chain turned, or filters proved false."""
        cut, doubted, self._doubted_from = self._filters.take_cut(), self._doubted_from, None
        if doubted is not None:
            cut = doubted - 1 if cut is None else min(cut, doubted - 1)
        best, was = self._tree.best, self._best
        self._best = best
        if cut is None and best.ancestor(was.height) is was:
            return
        for coin in self._coins.values():
            coin.go_back(best, cut)
        self._stream = None
        self._abandon()
        self._changed()

    def _abandon(self) -> None:
        batch, self._batch = self._batch, None
        if batch is not None:
            self._blocks.cancel(batch.wanted.values())

    def _begin(self) -> None:
        top = self._filters.trusted_height
        if self._idle_up_to is not None and top <= self._idle_up_to:
            return
        self._batches += 1
        batch = self._batch = next_batch(self._groups.values(), self._batches, top, BATCH)
        if batch is None:
            self._idle_up_to = top
        elif batch.first == self._stream:
            self._take_filters(batch)
        else:
            self._read_kept(batch)

    def _read_kept(self, batch: SearchBatch) -> None:
        chain, heights = self._filters.chain, range(batch.first, batch.last + 1)
        names = tuple([chain.block_hash(height) for height in heights])
        headers = tuple([chain.at(height) for height in range(batch.first - 1, batch.last + 1)])
        job = SearchKept(names, headers, batch.scripts)
        batch.working = True
        self._outbox.delegate(job, SPENDS, KeptSearched(batch.number))

    def _take_filters(self, batch: SearchBatch) -> None:
        """Match what has come of peers, if anything has."""
        taken = self._filters.take_searched(batch.last - batch.first + 1)
        if not taken:
            return
        assert taken[0].height == batch.first, "filters come without a gap"
        batch.last = taken[-1].height
        self._stream = batch.last + 1
        job = SearchFilters(tuple([(name, data) for _, name, data in taken]), batch.scripts)
        batch.working = True
        self._outbox.delegate(job, SPENDS, FiltersSearched(batch.number))

    def searched(
        self, done: KeptSearched | FiltersSearched, found: tuple[bool, ...], now: Instant
    ) -> None:
        """Filters were matched: which blocks may spend a coin."""
        batch = self._batch
        if batch is None or batch.number != done.batch:
            return
        batch.working, self.moved_at = False, now
        if not found:  # Nothing was kept from here on.
            self._stream = batch.first
            self._filters.search_from(batch.first)
            return
        batch.matched, batch.last = True, batch.first + len(found) - 1
        chain = self._filters.chain
        for height, matches in enumerate(found, batch.first):
            block_hash = chain.block_hash(height)
            if matches or block_hash in self._doubted:
                batch.wanted[height] = block_hash
        self._go_on(batch, now)

    def _go_on(self, batch: SearchBatch, now: Instant) -> None:
        """Take the next block of a batch, or end it."""
        if not batch.matched:
            self._take_filters(batch)
            return
        if not batch.wanted or not batch.coins:
            self._end(batch, now)
            return
        height, block_hash = next(iter(batch.wanted.items()))
        near = list(batch.wanted.values())[:BLOCKS_AHEAD]
        missing = [
            name for name in near if name not in batch.held and not self._blocks.is_wanted(name)
        ]
        if missing:
            self._outbox.perform(self._blocks.want(missing, now))
        if block_hash in batch.held:
            peer, raw = batch.held.pop(block_hash)
            outpoints = tuple([each.claim.outpoint for each in batch.coins])
            segwit = self._tree.network.has_segwit(height)
            job = SearchBlock(block_hash, raw, outpoints, segwit)
            done = BlockSearched(batch.number, height, block_hash, peer)
            batch.working = True
            self._outbox.delegate(job, SPENDS, done)

    def received_block(
        self, session: Session, block_hash: BlockHash, raw: bytes, now: Instant
    ) -> None:
        """A block that somebody asked for; others may want it as well."""
        batch = self._batch
        if batch is None or block_hash not in batch.wanted.values():
            return
        batch.held[block_hash] = (session.peer, raw)
        if not batch.working:
            self._go_on(batch, now)

    def block_searched(
        self, done: BlockSearched, found: tuple[tuple[OutPoint, Txid], ...] | Rejected, now: Instant
    ) -> None:
        """A block was searched; Rejected if the peer sent another one."""
        batch = self._batch
        if batch is not None and batch.number == done.batch:
            batch.working = False
        else:
            batch = None  # Given up since.
        if isinstance(found, Rejected):
            fault = PeerViolation(f"Bitcoin Core: no invalid blocks: {found}")
            self._outbox.disconnect(done.peer, fault)
            self._outbox.perform(self._blocks.missing(done.peer, done.hash, now))
            return
        self._outbox.perform(self._blocks.arrived(done.hash, now))
        if batch is not None:
            self.moved_at = now
            del batch.wanted[done.height]
            self._note_spends(batch, done.height, dict(found))

    def _note_spends(self, batch: SearchBatch, height: int, found: dict[OutPoint, Txid]) -> None:
        """A block was read for a batch."""
        for group in batch.groups:
            group.blocks += 1
        entry = self._best.ancestor(height)
        for coin in batch.coins:
            if coin.claim.outpoint in found:
                coin.spent_at, coin.spent_by = entry, found[coin.claim.outpoint]
        batch.coins = [coin for coin in batch.coins if coin.spent_at is None]
        self._changed()

    def _end(self, batch: SearchBatch, now: Instant) -> None:
        """All blocks of a batch were looked at, or all its coins are spent."""
        self._abandon()
        entry = self._best.ancestor(batch.last)
        assert entry is not None, "what is searched is on the best chain"
        for coin in batch.coins:
            coin.move_up(entry)
        self.moved_at = now
        self._changed()
        self._begin()
