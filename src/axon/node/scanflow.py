"""How a light client finds its payments: filters along the chain, and the blocks that match.

    idle --filters--> matching --some match--> reading --last block taken--> following --> idle
    any --the chain left what was scanned--> following (back at the fork) --> idle

Filters come in batches, each strictly after the one before. The blocks that match are taken in
order, so that what is spent was found before; if a block makes the wallet look for more scripts,
the filters of the batch behind it are matched once more. When a batch is done the wallet is told
how far it has seen; after a kill it goes on from there. Filters that were kept in earlier runs are
read before any are asked for: a new key, or an earlier birthday, costs no bytes for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.machine import DAY, SECOND, Instant, PeerId
from axon.node.facts import PaymentFound, ScanAdvanced
from axon.node.outbox import Outbox
from axon.node.scanbatch import (
    BlockScanned,
    ChainFollowed,
    FiltersMatched,
    KeptFiltersRead,
    ScanBatch,
)
from axon.node.session import Session
from axon.node.unconfirmedwatch import UnconfirmedWatch
from axon.node.walletjobs import (
    WALLET,
    FollowChain,
    MatchFilters,
    ReadKeptFilters,
    TakeBlock,
    Taken,
)
from axon.p2p.blockfetch import BlockFetch
from axon.p2p.faults import PeerViolation
from axon.p2p.filtersync import FilterSync
from axon.primitives.hashes import BlockHash, Txid, sha256d
from axon.primitives.transaction import Transaction
from axon.primitives.verdict import Rejected

BATCH: Final = 200
"""Filters of one batch: of full blocks they are matched in a fraction of a second."""

BLOCKS_AHEAD: Final = 8
"""Blocks asked for and held before their turn: 32 MB of the largest."""

BIRTHDAY_MARGIN_S: Final = DAY // SECOND
"""Blocks may carry times hours off, and so may the clock by which a birthday was noted."""


@dataclass(frozen=True, slots=True)
class ScanStart:
    """Where a wallet's scan goes on.

    Args:
        height: of the last block that the wallet has seen; None for a new wallet.
        hash: its hash; None with it.
        birthday_s: of a new wallet: nothing was paid to it before, in seconds since 1970.
    """

    height: int | None
    hash: BlockHash | None
    birthday_s: int = 0


class ScanFlow:
    """The scan of one wallet.

    Args:
        outbox: where effects go.
        tree: all headers known.
        filters: brings filters in order.
        blocks: brings blocks.
        own: told which transactions are confirmed, and which are so no longer.
        start: where to go on.
    """

    def __init__(
        self,
        outbox: Outbox,
        tree: HeaderTree,
        filters: FilterSync,
        blocks: BlockFetch,
        own: UnconfirmedWatch,
        start: ScanStart,
    ) -> None:
        self._outbox = outbox
        self._tree = tree
        self._filters = filters
        self._blocks = blocks
        self._own = own
        self._start: ScanStart | None = start  # Until the chain is known well enough to place it.
        self._scanned: HeaderEntry = tree.genesis
        self._batch: ScanBatch | None = None
        self._batches = 0
        self._following = False  # The wallet is being told.
        self._doubted: dict[BlockHash, None] = {}  # Read whatever their filters say.
        self._reading = False  # Kept filters are being read.
        self._may_be_kept = True  # The next filters may be among those kept.

    @property
    def height(self) -> int:
        """Up to which block the wallet has seen everything; -1 before the scan begins."""
        return -1 if self._start is not None else self._scanned.height

    @property
    def next_height(self) -> int:
        """Of the block that the wallet is to see next, as far as known headers tell."""
        start = self._start
        if start is None or start.height is not None:
            return (self._scanned.height if start is None else start.height or 0) + 1
        return self._before(start.birthday_s - BIRTHDAY_MARGIN_S).height + 1

    @property
    def is_done(self) -> bool:
        """Whether the wallet has seen the block of the best header."""
        return self._start is None and self._scanned is self._tree.best and not self._following

    @property
    def is_following(self) -> bool:
        """Whether the wallet is just being told how far it has seen."""
        return self._following

    # What happened.

    def advance(self, now: Instant, *, headers_known: bool) -> None:
        """Go on with whatever can be done now.

        Args:
            now: the present.
            headers_known: some peer has no more headers for us, so a birthday can be placed.
        """
        if self._start is not None and not self._place(self._start, headers_known):
            return
        if self._following or self._reading:
            return
        back = self._filters.take_rollback()
        if not self._is_on_best(self._scanned):
            self._step_back()
        elif back is not None:
            self._return_to(back - 1)
        elif self._batch is None:
            self._begin()
        elif not self._batch.working:
            self._go_on(self._batch, now)

    def rescan(self, height: int, now: Instant) -> None:
        """Scan again from a height on; the wallet forgets what it knows from there."""
        if self._start is not None:
            self._start = None  # Wherever it was to begin, it is told now.
            self._scanned = self._tree.best
        self._return_to(height - 1)
        self.advance(now, headers_known=True)

    def held_ahead(self) -> None:
        """Filters of blocks to come were kept: they are read before others are asked for."""
        self._may_be_kept = True
        self._filters.downloads.scan.waits = True

    def doubt(self, block_hash: BlockHash) -> None:
        """Two filters of this block are claimed and neither is refuted: read it in any case."""
        self._doubted[block_hash] = None

    def received_block(
        self, session: Session, block_hash: BlockHash, raw: bytes, now: Instant
    ) -> bool:
        """A block that was asked for; whether this part wanted it."""
        batch = self._batch
        if batch is None or block_hash not in batch.wanted.values():
            return False
        batch.held[block_hash] = (session.peer, raw)
        if not batch.working:
            self._go_on(batch, now)
        return True

    # Where to begin.

    def _place(self, start: ScanStart, headers_known: bool) -> bool:
        """Find the block after which to go on; False as long as that is not known."""
        tree = self._tree
        if start.hash is not None and start.height is not None:
            entry = tree.get(start.hash)
            if entry is None:
                if not headers_known:
                    return False
                # The wallet saw a chain that these headers do not know: begin again below it.
                entry = tree.best.ancestor(min(start.height, tree.best.height)) or tree.genesis
                self._start, self._scanned = None, entry
                self._follow(max(0, entry.height - 1), back=True)
                return False
        else:
            if not headers_known:
                return False
            entry = self._before(start.birthday_s - BIRTHDAY_MARGIN_S)
        self._start, self._scanned = None, entry  # Those that were kept are read first.
        self._outbox.report(ScanAdvanced(entry.height, tree.best.height))
        return True

    def _before(self, time_s: int) -> HeaderEntry:
        """The last block of the best chain before a time; the genesis block if all are later.

        A time beyond the end of the chain is that of a clock that was wrong, or else no block would
        be missing: then it says nothing, and all are looked through.
        """
        best, genesis = self._tree.best, self._tree.genesis
        return genesis if best.time < time_s else best.last_before(time_s) or genesis

    # Along the chain.

    def _begin(self) -> None:
        if self._may_be_kept and self._read_kept():
            return
        if not self._filters.is_begun and (self.is_done or not self._may_be_kept):
            self._filters.scan_from(self._scanned.height + 1)  # Nothing is missing before that.
        taken = self._filters.take_filters(BATCH)
        if not taken:
            return
        assert taken[0].height == self._scanned.height + 1, "filters come without a gap"
        filters = {height: (block_hash, data) for height, block_hash, data in taken}
        self._match(self._open_batch(filters), taken[0].height)

    def _open_batch(self, filters: dict[int, tuple[BlockHash, bytes]]) -> ScanBatch:
        self._batches += 1
        self._batch = ScanBatch(self._batches, filters)
        return self._batch

    def _read_kept(self) -> bool:
        """Look for the next filters among those kept; whether there may be any."""
        chain, first = self._filters.chain, self._scanned.height + 1
        heights = range(max(first, chain.start_height), min(chain.height, first + BATCH - 1) + 1)
        self._may_be_kept = not heights or heights[0] == first
        if not heights or not self._may_be_kept:
            return False
        names = tuple([chain.block_hash(height) for height in heights])
        self._reading = True
        self._outbox.delegate(ReadKeptFilters(names), WALLET, KeptFiltersRead(first, names))
        return True

    def kept_read(
        self, done: KeptFiltersRead, found: tuple[bytes | None, ...], now: Instant
    ) -> None:
        """Filters of earlier runs were read; None where one was not kept."""
        self._reading = False
        back = self._filters.take_rollback()
        if back is not None:
            self._return_to(back - 1)
            return
        filters: dict[int, tuple[BlockHash, bytes]] = {}
        named = zip(done.names, found, strict=True)
        for height, (name, data) in enumerate(named, done.first_height):
            if data is None or not self._still_fits(height, name, data):
                self._may_be_kept = False
                break
            filters[height] = (name, data)
        if filters and self._batch is None and self._is_on_best(self._scanned):
            batch = self._open_batch(filters)
            self._filters.scan_from(batch.last + 1, waits=self._may_be_kept)
            self._match(batch, done.first_height)
        else:
            if not self._filters.is_begun:
                self._filters.scan_from(self._scanned.height + 1)
            self.advance(now, headers_known=True)

    def _still_fits(self, height: int, name: BlockHash, data: bytes) -> bool:
        """Whether a kept filter is the one that the filter header of its block commits to."""
        chain = self._filters.chain
        held = height <= chain.height and chain.block_hash(height) == name
        return held and chain.fits(height, sha256d(data))

    def _match(self, batch: ScanBatch, first: int) -> None:
        """Ask the wallet which blocks from a height on concern it."""
        heights = tuple([height for height in batch.filters if height >= first])
        job = MatchFilters(tuple([batch.filters[height] for height in heights]))
        batch.working = True
        self._outbox.delegate(job, WALLET, FiltersMatched(batch.number, heights))

    def matched(self, done: FiltersMatched, outcome: tuple[bool, ...], now: Instant) -> None:
        """The wallet has looked at filters: which blocks may concern it."""
        batch = self._batch
        if batch is None or batch.number != done.batch:
            self.advance(now, headers_known=True)
            return
        batch.working = False
        for height, matches in zip(done.heights, outcome, strict=True):
            block_hash = batch.filters[height][0]
            if matches or block_hash in self._doubted:
                batch.wanted[height] = block_hash
        batch.wanted = dict(sorted(batch.wanted.items()))
        self._go_on(batch, now)

    def _go_on(self, batch: ScanBatch, now: Instant) -> None:
        """Take the next block of a batch, or end it."""
        if any(not self._is_known(block_hash) for block_hash, _ in batch.filters.values()):
            self._abandon()
            self.advance(now, headers_known=True)
            return
        if not batch.wanted:
            self._batch = None
            self._follow(batch.last)
            return
        height, block_hash = next(iter(batch.wanted.items()))
        held = batch.held.pop(block_hash, None)
        near = list(batch.wanted.values())[:BLOCKS_AHEAD]
        missing = [item for item in near if item not in batch.held and item != block_hash]
        if held is None:
            missing.insert(0, block_hash)
        self._outbox.perform(self._blocks.want(missing, now))
        if held is not None:
            self._take(batch, height, block_hash, *held)

    def _take(
        self, batch: ScanBatch, height: int, block_hash: BlockHash, peer: PeerId, raw: bytes
    ) -> None:
        batch.working = True
        job = TakeBlock(block_hash, height, raw)
        self._outbox.delegate(job, WALLET, BlockScanned(batch.number, height, block_hash, peer))

    def taken(self, done: BlockScanned, taken: Taken, now: Instant) -> None:
        """The wallet has looked through a block."""
        batch = self._batch
        if batch is not None and batch.number == done.batch:
            batch.working = False
        else:
            batch = None  # Given up since.
        if isinstance(taken.verdict, Rejected):
            fault = PeerViolation(f"Bitcoin Core: no invalid blocks: {taken.verdict}")
            self._outbox.disconnect(done.peer, fault)
            self._outbox.perform(self._blocks.missing(done.peer, done.hash, now))
        else:
            self._found(taken.found, done.height)
            self._outbox.perform(self._blocks.arrived(done.hash, now))
            if batch is not None:
                batch.wanted.pop(done.height, None)
        if batch is None:
            self.advance(now, headers_known=True)
        elif taken.scripts_grew and done.height < batch.last:
            self._match(batch, done.height + 1)
        else:
            self._go_on(batch, now)

    def _found(self, txids: tuple[Txid, ...], height: int) -> None:
        for txid in txids:
            self._own.settled(txid)
            self._outbox.report(PaymentFound(txid, height))

    def _follow(self, height: int, *, back: bool = False) -> None:
        """Tell the wallet how far it has seen; with `back` that what is above has gone."""
        entry = self._tree.best.ancestor(height) or self._tree.genesis
        self._following = True
        job = FollowChain(entry.height if back else None, entry.height, entry.hash)
        self._outbox.delegate(job, WALLET, ChainFollowed(entry, back))

    def followed(
        self, done: ChainFollowed, unsettled: tuple[Transaction, ...], now: Instant
    ) -> None:
        """The wallet knows how far it has seen; its own payments that left the chain go out."""
        self._following = False
        self._may_be_kept = self._may_be_kept or done.back
        for transaction in unsettled:
            self._own.send(transaction, now)
        self._scanned = done.entry
        if done.back:
            self._filters.scan_from(done.entry.height + 1, waits=True)
        self._outbox.report(ScanAdvanced(done.entry.height, self._tree.best.height))
        self.advance(now, headers_known=True)

    # The chain moves.

    def _step_back(self) -> None:
        """What was scanned has left the chain: go back to where the branches part."""
        self._abandon()
        self._follow(self._tree.fork(self._scanned, self._tree.best).height, back=True)

    def _return_to(self, height: int) -> None:
        """What was handed out above a height does not hold: go back, if so much was scanned."""
        self._abandon()
        if height >= self._scanned.height:
            self._filters.scan_from(self._scanned.height + 1)
        else:
            self._follow(max(height, 0), back=True)

    def _abandon(self) -> None:
        self._batch = None
        self._blocks.cancel_all()

    def _is_on_best(self, entry: HeaderEntry) -> bool:
        return self._tree.best.ancestor(entry.height) is entry

    def _is_known(self, block_hash: BlockHash) -> bool:
        entry = self._tree.get(block_hash)
        return entry is not None and self._is_on_best(entry)
