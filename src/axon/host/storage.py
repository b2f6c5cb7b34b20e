"""What a full node keeps on disk, opened and brought to one point.

    blocks/ chainstate/      libbitcoinkernel's
    indexes/headers.dat      every header accepted, 80 bytes each, parents first
    indexes/coins/           the coins (RocksDB)
    indexes/filters/         filters and filter headers (RocksDB)
    indexes/pruned/          what is remembered of blocks that were pruned (`-prune`)
    indexes/orders           what the operator ordered about the chain (`invalidateblock`)
    indexes/...              background indexes (`indexfiles`)

All of it is safe to lose but the first line: headers are in the kernel's index too, coins, filters
and indexes are built anew from the blocks, which a start does by itself when it finds them damaged.
A run that finds one damaged stops, and leaves its name for the next start, which builds that anew
and leaves the others as they are.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Container, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from typing import Final

from axon.chain.activechain import ActiveChain
from axon.chain.coins import Coins
from axon.chain.filterindex import FilterIndex
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.chain.orders import ChainOrder
from axon.chain.outcome import BlockOutcome
from axon.chain.telling import missing_headers, tell
from axon.consensus.blockfiles import KEY_SIZE, BlockFiles
from axon.consensus.indexing import Indexing
from axon.consensus.kernel import Kernel
from axon.consensus.kernel_open import Opening
from axon.consensus.ledger import Ledger
from axon.consensus.prunedblocks import PrunedBlocks
from axon.consensus.pruning import Pruner
from axon.consensus.rearrange import FIXED, HIDDEN, is_possible
from axon.drivers.aio.recordfile import AppendFile
from axon.drivers.aio.stores import RocksStore
from axon.errors import DamageError, StorageError
from axon.host.blockorders import ENOUGH, BlockOrders
from axon.host.damagemark import DamageMark
from axon.host.indexfiles import FOLDERS, IndexFiles
from axon.host.settings import FullNodeSettings
from axon.node.chainstate import Gone
from axon.p2p.blockdownload import WINDOW
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.network import Network
from axon.primitives.verdict import Rejected

HEADERS_AT_ONCE: Final = 10_000
"""Headers read at a time: 800 kB."""

CATCH_UP_AT_START: Final = 50
"""Blocks that coins and filters may be behind and still be caught up before the node starts."""

FOLLOWERS: Final = ("coins", "filters")
"""The folders of what the ledger itself moves along the chain."""

_KNOWN_INVALID: Final = ("duplicate-invalid", "bad-prevblk")

_log = logging.getLogger("axon")
_kernel_log = logging.getLogger("axon.kernel")


class Storage:
    """A full node's ledger on disk.

    Args:
        settings: where, and what to build anew.
        say: told what is being done, for whoever waits.
        opening: by which the longest part may be broken off; a `KernelError` is then raised.

    Raises:
        KernelError: the kernel's databases are in use or damaged.
        StorageError: another file is, and cannot be built anew.
    """

    coins: Coins
    filters: FilterIndex | None
    ledger: Ledger
    damages: DamageMark

    def __init__(
        self, settings: FullNodeSettings, say: Callable[[str], None], opening: Opening
    ) -> None:
        folder = settings.folder
        self._indexes = indexes = folder / "indexes"
        self._stores: list[RocksStore] = []
        self._with_filters, self._held_bytes = settings.filter_index, settings.caches.held_bytes
        self._index_files = IndexFiles(indexes, settings.network, settings.indexes)
        self.gone = PrunedBlocks(indexes / "pruned")
        self._orders = BlockOrders(indexes / "orders")
        if settings.reindex:
            self._orders.forget()
        self.files = BlockFiles(settings.blocks_folder, settings.network.magic)
        self.damages = DamageMark(indexes / "damaged", (*FOLLOWERS, *FOLDERS))
        damaged = self.damages.read()
        self._prepare_pruned(settings, damaged)
        self._index_files.forget(FOLDERS if settings.reindex else damaged)
        rebuilds = settings.reindex or settings.reindex_chainstate
        self._forget_followers(FOLLOWERS if rebuilds else damaged)
        self.damages.forget()
        if settings.mask_blocks:
            self.files.mask_if_new(os.urandom(KEY_SIZE))
        say("Loading block index…")
        self.kernel = Kernel(
            settings.network,
            folder,
            settings.blocks_folder,
            threads=settings.script_threads,
            caches=settings.caches,
            reindex=settings.reindex,
            reindex_chainstate=settings.reindex_chainstate,
            on_log=_kernel_log.debug,
            opening=opening,
        )
        prunes, self.kernel.gone = settings.prune_target_bytes is not None, self.gone
        self._pruner = Pruner(self.kernel, self.gone) if prunes else None
        try:
            say("Loading headers…")
            self._header_file = AppendFile(indexes / "headers.dat", HEADER_SIZE)
            self.headers = HeaderTree(settings.network)
            self._load_headers(settings.network, settings.reindex)
            self._repeat_orders()
            self._load_active_headers()
            self._exclude_invalid()
            self.active = ActiveChain(self.headers.genesis)
            self._connect_active()
            self.stored = self._side_blocks()
            spent = ((each, self.kernel.read_spent(each)) for each in self.stored)
            self.left = frozenset([each for each, coins in spent if coins is not None])
            say("Verifying blocks…")
            self._index_files.open(self.kernel, self.gone.below)
            self._open_followers()
        except BaseException:
            self._index_files.close()
            for store in self._stores:
                store.close()
            self.kernel.close()
            raise

    def _prepare_pruned(self, settings: FullNodeSettings, damaged: AbstractSet[str]) -> None:
        """Whether what was pruned leaves a way to what is wanted.

        Raises:
            StorageError: only a reindex does.
        """
        gone = self.gone
        if not gone.below:
            return
        if settings.reindex:
            self.files.delete_for_reindex()
            gone.forget()
        elif settings.prune_target_bytes is None:
            raise StorageError(
                "You need to rebuild the database using -reindex to go back to unpruned mode.  This"
                " will redownload the entire blockchain"
            )
        elif settings.reindex_chainstate or not damaged.isdisjoint(FOLLOWERS):
            raise StorageError(
                "Coins and filters cannot be built anew, for old blocks are pruned; start once with"
                " -reindex: all blocks are fetched from peers again."
            )

    def _forget_followers(self, names: Container[str]) -> None:
        """Delete coins or filters, by their folders; none of them is open afterwards."""
        for store in self._stores:
            store.close()
        self._stores.clear()
        for name in FOLLOWERS:
            if name in names:
                shutil.rmtree(self._indexes / name, ignore_errors=True)

    def _open_followers(self) -> None:
        """Open coins and filters, from nothing if damaged, and bring them near the tip."""
        left = list(FOLLOWERS)
        while True:
            try:
                self._follow()
                return
            except DamageError as damage:
                if self.gone.below:
                    raise StorageError(
                        f"{damage}, and old blocks are pruned; start once with -reindex: all blocks"
                        " are fetched from peers again."
                    ) from damage
                names = [damage.of] if damage.of in left else list(left)
                if not names:
                    raise  # They were built anew just now.
                _log.warning("%s; %s are built anew", damage, " and ".join(names))
                self._forget_followers(names)
                left = [name for name in left if name not in names]

    def _follow(self) -> None:
        self.coins = Coins(self._store("coins"), self._held_bytes)
        self.filters = FilterIndex(self._store("filters")) if self._with_filters else None
        kernel, indexes = self.kernel, self._index_files.indexes
        indexing = Indexing(kernel, indexes, kernel.files, kernel.places)
        self.ledger = Ledger(kernel, self.coins, self.filters, self._pruner, indexing)
        for name, follower in (("coins", self.coins), ("filters", self.filters)):
            best = None if follower is None else follower.best
            if best is not None and self.kernel.read_block(best) is None:
                text = f"The {name} go up to block {to_hex(best)}, which is not stored"
                raise DamageError(text, name)
            if follower is not None and follower.height + 1 < self.gone.below:
                raise StorageError(
                    f"The {name} end before the blocks that are not pruned yet. Please reindex"
                    " (which will download the whole blockchain again), or do without filters"
                    " (-blockfilterindex=0)"
                )
        while 0 < self.ledger.lag <= CATCH_UP_AT_START:
            self.ledger.catch_up(CATCH_UP_AT_START)

    def _store(self, name: str) -> RocksStore:
        store = RocksStore(self._indexes / name)
        self._stores.append(store)
        return store

    def _load_headers(self, network: Network, anew: bool) -> None:
        """The headers of the file, then those that only the kernel has."""
        if anew:
            self._header_file.truncate(0)
        count = len(self._header_file)
        try:
            for start in range(0, count, HEADERS_AT_ONCE):
                self.headers.load([self._header_file.read(start, HEADERS_AT_ONCE)])
        except DamageError as damage:
            _log.warning("indexes/headers.dat is damaged (%s); it is written anew", damage)
            self._header_file.truncate(0)
            self.headers = HeaderTree(network)
        height = 1
        while True:
            raws = self.kernel.headers(height, HEADERS_AT_ONCE)
            missing = b"".join(raw for raw in raws if self.headers.get(Header(raw).hash) is None)
            if missing:
                self.headers.load([missing])
                self._header_file.append(missing)
            if len(raws) < HEADERS_AT_ONCE:
                break
            height += HEADERS_AT_ONCE

    def _load_active_headers(self) -> None:
        """The active chain's own headers: the best ones may be on another branch."""
        block_hash, _ = self.kernel.tip()
        missing: list[bytes] = []
        while self.headers.get(block_hash) is None:
            raw = self.kernel.header(block_hash)
            assert raw is not None, "active blocks have headers, down to the first"
            missing.append(raw)
            block_hash = Header(raw).prev
        if missing:
            joined = b"".join(reversed(missing))
            self.headers.load([joined])
            self._header_file.append(joined)

    def _repeat_orders(self) -> None:
        """Carry out what the kernel may have forgotten of the operator's orders."""
        for order, block_hash in list(self._orders.pending):
            entry = self.headers.get(block_hash)
            if entry is not None:
                tell(self.kernel, entry)
            if self.kernel.height_of(block_hash) is not None:
                result = self.kernel.carry_out(order, block_hash, self._orders.set_aside)
                if result.verdict is FIXED:
                    self._orders.withdraw(block_hash)  # A kill came before it could say so.

    def _exclude_invalid(self) -> None:
        """Mark what an earlier run found invalid, as the kernel remembers it."""
        for block_hash in self._orders.set_aside:
            entry = self.headers.get(block_hash)
            if entry is not None and self._is_refused(entry):
                self.headers.mark_invalid(block_hash, set_aside=True)
        for tip in self.headers.tips():
            unknown = missing_headers(self.kernel, tip)
            entry, culprit = (unknown[-1].parent or tip) if unknown else tip, None
            while entry.parent is not None and self._is_refused(entry):
                entry, culprit = entry.parent, entry
            if culprit is not None:
                self.headers.mark_invalid(culprit.hash)

    def _is_refused(self, entry: HeaderEntry) -> bool:
        if self.kernel.is_active(entry.hash):
            return False
        verdict = self.kernel.process_header(entry.header.raw)
        return isinstance(verdict, Rejected) and verdict.reason in _KNOWN_INVALID

    def _connect_active(self) -> None:
        _, height = self.kernel.tip()
        for step in range(1, height + 1):
            block_hash = self.kernel.hash_at(step)
            assert block_hash is not None, "heights up to the tip are active"
            entry = self.headers.get(block_hash)
            assert entry is not None, "the kernel's headers were loaded"
            self.active.connect(entry)

    def _side_blocks(self) -> frozenset[BlockHash]:
        """Blocks off the active chain whose bytes are held."""
        held: list[BlockHash] = []
        for tip in self.headers.tips():
            # Blocks come within a window; headers beyond it have none.
            entry = tip.ancestor(self.active.height + WINDOW) or tip
            while not self.active.contains(entry):
                if self.kernel.read_block(entry.hash) is not None:
                    held.append(entry.hash)
                assert entry.parent is not None, "branches grow from the active chain"
                entry = entry.parent
        return frozenset(held)

    # What jobs are done with; see `node.work`.

    @property
    def validator(self) -> Kernel:
        """Decides which blocks are valid, and holds them."""
        return self.kernel

    @property
    def indexing(self) -> Indexing:
        """The background indexes."""
        return self.ledger.indexing

    @property
    def pruned(self) -> Gone:
        """What was pruned."""
        return Gone(self.gone.below, frozenset(self.gone.fetched))

    @property
    def lag(self) -> int:
        """Blocks by which coins or filters are behind."""
        return self.ledger.lag

    def validate(self, raw: bytes, *, follow: bool, block: Block | None) -> BlockOutcome:
        """Validate a block."""
        return self.ledger.validate(raw, follow=follow, block=block)

    def learn_headers(self, headers: Sequence[Header], best: HeaderEntry | None) -> None:
        """Headers that the node accepted go to the file; the kernel is told of a new best one."""
        self._header_file.append(b"".join([header.raw for header in headers]))
        self.ledger.learn_headers(headers, best)

    def catch_up(self, limit: int) -> int:
        """Move coins and filters on; while they are far behind, many blocks share one write."""
        self.ledger.hold()
        done = self.ledger.catch_up(limit)
        if self.ledger.lag == 0:
            self.ledger.release()
        return done

    def carry_out(self, order: ChainOrder, block_hash: BlockHash) -> BlockOutcome:
        """Change the active chain by order, once the order is on the disk."""

        def is_related(other: BlockHash) -> bool:
            known = self.kernel.height_of(other) is not None
            return known and self.kernel.is_related(block_hash, other)

        if not is_possible():
            return BlockOutcome(HIDDEN)
        if len(self._orders.pending) >= ENOUGH:
            self.kernel.flush()
            self._orders.settled()
        self._orders.note(order, block_hash, is_related)
        outcome = self.ledger.carry_out(order, block_hash, self._orders.set_aside)
        if outcome.verdict is FIXED:
            self._orders.withdraw(block_hash)
        return outcome

    def follow(self) -> BlockOutcome:
        """The next part of what an order moved."""
        return self.ledger.follow()

    def prune(self, up_to: int | None, target_bytes: int | None) -> int:
        """Take old blocks off the disk; below which height they are gone."""
        return self.ledger.prune(up_to, target_bytes)

    def keep(
        self, block_hash: BlockHash, raw: bytes, *, segwit: bool
    ) -> tuple[BlockHash, ...] | None:
        """Keep a block that was pruned; all that are kept so, or None if this is not it."""
        return self.ledger.keep(block_hash, raw, segwit=segwit)

    def close(self) -> None:
        """Write everything down, and let go of all files also where one of them refuses.

        Raises:
            KernelError, StorageError: the disk refuses.
        """
        with ExitStack() as closing:
            for store in self._stores:
                closing.callback(store.close)
            closing.callback(self._index_files.close)
            closing.callback(self._header_file.close)
            self.ledger.close()
            self._orders.settled()
