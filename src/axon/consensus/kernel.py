"""Bitcoin Core's own consensus: libbitcoinkernel behind one class.

`Kernel` holds the block index, the block files and the kernel's coins of one network, on disk or in
memory, and validates what it is fed. It answers with values: what was refused and why, which blocks
joined or left the active chain. Bytes go in without a copy and handles do not come out.

It follows the machine's clock: a block more than two hours ahead of it is refused (`time-too-new`)
and may be fed again later. A question about the index waits while a block is validated.

After a kill, opening takes in again what the index forgot of the block files (`recover`).
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

from axon.chain.cachesizes import DEFAULT_CACHES, CacheSizes
from axon.chain.coins import Coin
from axon.chain.orders import ChainOrder
from axon.consensus import kernel_read, library
from axon.consensus.blockfiles import BlockFiles
from axon.consensus.blockplaces import BlockPlaces
from axon.consensus.kernel_log import KernelCall, connect_log, failure
from axon.consensus.kernel_open import BlocksDamaged, Opening, OpenKernel, open_manager
from axon.consensus.kernel_use import KernelUse
from axon.consensus.library import KernelError
from axon.consensus.prunedblocks import PrunedBlocks
from axon.consensus.rearrange import carry_out
from axon.consensus.recover import forgotten, recover, what_is_lost
from axon.consensus.scripts import verify_scripts
from axon.consensus.validator import ScriptFlags, ValidationResult
from axon.primitives.encoding import read_compact_size
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.network import Network
from axon.primitives.transaction import Transaction, TxOut
from axon.primitives.verdict import Accepted, Rejected, Verdict

MAX_THREADS: Final = 15
"""Check threads beside the calling one; the library takes no more."""
_T = TypeVar("_T")


def default_threads() -> int:
    """One check thread for each processor but the one that calls."""
    return min(MAX_THREADS, max(0, (os.cpu_count() or 1) - 1))


class Kernel:
    """A `Validator` for every network.

    Args:
        network: whose rules hold; a signet with another challenge and a regtest with other heights
            of rules work with the library's builds for Linux.
        data_dir: holds `chainstate`; made if it does not exist. None: everything goes with this
            object; block files then lie in a temporary folder (17 MB each).
        blocks_dir: holds the block files and their index; `blocks` in `data_dir` if None.
        threads: check threads beside the calling one, 0 to 15; `default_threads()` if None.
        caches: of its coins, where this build of the library can be told (`kernelcache`).
        reindex: build index and coins anew from the block files; takes as long as a sync.
        reindex_chainstate: build the coins anew from the stored blocks.
        on_log: is given each line of the library's log, on the thread that called.
        opening: by which another thread may break this off; it may bring blocks to read.

    Raises:
        KernelError: the folder is in use or damaged; the text says what helps.
        StorageError: the folder cannot be read or written.
    """

    def __init__(
        self,
        network: Network,
        data_dir: Path | None = None,
        blocks_dir: Path | None = None,
        *,
        threads: int | None = None,
        caches: CacheSizes = DEFAULT_CACHES,
        reindex: bool = False,
        reindex_chainstate: bool = False,
        on_log: Callable[[str], None] | None = None,
        opening: Opening | None = None,
    ) -> None:
        self._on_log = on_log
        self._temporary = TemporaryDirectory(prefix="axon-") if data_dir is None else None
        folder = Path(self._temporary.name) if self._temporary is not None else data_dir
        assert folder is not None
        blocks = blocks_dir or folder / "blocks"
        self._genesis = network.genesis
        self._files = BlockFiles(blocks, network.magic)
        if self._files.prepare(self._genesis.raw) and on_log is not None:
            on_log(f"{blocks / 'xor.dat'} was damaged; the first block tells what stood there")
        opening = opening or Opening()
        self.places = BlockPlaces(self._files)
        """Where the blocks lie."""
        self._feeding = threading.Lock()
        self._use: KernelUse | None = None
        self.gone: PrunedBlocks | None = None
        """What was pruned, set by whoever prunes; None if nothing ever is."""
        self._open = partial(
            open_manager,
            network=network,
            data_dir=folder,
            blocks_dir=blocks,
            in_memory=data_dir is None,
            threads=default_threads() if threads is None else threads,
            caches=caches,
            on_warning=opening.on_warning,
        )
        try:
            connect_log()
            with KernelCall(on_log) as call:
                opened = self._open(
                    call, reindex=reindex, reindex_chainstate=reindex_chainstate, opening=opening
                )
            self._use = KernelUse(opened)
            self._take_stock()
        except BlocksDamaged as damage:
            self.close()
            lost = what_is_lost(self._files, self._genesis.hash)
            raise BlocksDamaged(f"{damage} {lost}") from damage
        except BaseException:
            self.close()
            raise

    def _take_stock(self) -> None:
        """Give back what the index forgot, and learn where the next block will be written."""
        lost = forgotten(self._files, self._has_block)
        numbers = [lost[0].number] if lost else self._files.numbers()[-1:]
        records = [record for number in numbers for record in self._files.records(number)]
        if lost:
            records = records[: records.index(lost[0])]
        following: tuple[int, int] | None = None
        if lost:
            following = (lost[0].number, lost[0].start)
        elif records:
            following = (records[-1].number, records[-1].end)
        self.places.begin([record for record in records if not record.torn], following)
        if lost and self._on_log is not None:
            self._on_log(f"Recovering {len(lost)} stored blocks that the block index does not have")
        recover(
            self._files,
            lost,
            lambda block_hash: self.height_of(block_hash) is not None,
            self.process_header,
            self.process_block,
        )

    def _has_block(self, block_hash: BlockHash) -> bool:
        return self.is_active(block_hash) or self._read_from_kernel(block_hash) is not None

    @property
    def files(self) -> BlockFiles:
        """Where the blocks lie."""
        return self._files

    # Feeding.

    def process_block(self, raw: bytes) -> ValidationResult:
        """Validate a block, store it, and move the active chain if it now has the most work.

        Args:
            raw: a whole block, witnesses included.

        Raises:
            KernelError: the disk or the library failed; the block's fate is open.
        """
        with self._calling() as opened, self._feeding, KernelCall(self._on_log) as call:
            block = library.block_create(raw, len(raw))
            if block is None:
                return ValidationResult(Rejected("bad-block-encoding", "Block decode failed"))
            new = ctypes.c_int32()
            try:
                result = library.manager_process_block(opened.manager, block, ctypes.byref(new))
            finally:
                library.block_destroy(block)
            call.check("Validation stopped")
            block_hash = Header(raw[:HEADER_SIZE]).hash
            if new.value:
                self.places.stored(block_hash, raw)
            verdict = self._verdict(opened, call, block_hash, accepted=result == 0)
            invalid = dict(call.invalid)
            if result != 0 and not (
                self._entry(opened, block_hash) is not None
                and kernel_read.is_marked(opened.manager, raw[:HEADER_SIZE])
            ):
                del invalid[block_hash]
            return ValidationResult(
                verdict,
                tuple(call.connected),
                tuple(call.disconnected),
                bool(new.value),
                tuple(invalid.items()),
            )

    def _verdict(
        self, opened: OpenKernel, call: KernelCall, block_hash: BlockHash, *, accepted: bool
    ) -> Verdict:
        refused = call.invalid.get(block_hash)
        if refused is not None:
            return refused
        if not accepted:
            raise failure("Validation stopped", call.errors)
        entry = self._entry(opened, block_hash)
        for culprit in call.invalid:
            fallen = self._entry(opened, culprit)
            if entry is not None and fallen is not None and kernel_read.descends(entry, fallen):
                return Rejected("bad-prevblk")
        return Accepted()

    def process_header(self, raw: bytes) -> Verdict:
        """Check the 80 bytes of a header and take it into the block index.

        Raises:
            KernelError: the library failed.
        """
        if len(raw) != HEADER_SIZE:
            return Rejected("bad-header-encoding", "Block header decode failed")
        with self._calling() as opened, KernelCall(self._on_log) as call:
            return kernel_read.check_header(call, opened.manager, raw)

    def carry_out(
        self, order: ChainOrder, block_hash: BlockHash, set_aside: Iterable[BlockHash] = ()
    ) -> ValidationResult:
        """Change the active chain by order, about a known block; see `rearrange`."""
        assert self._use is not None, "it is open"
        with KernelCall(self._on_log) as call:
            verdict = carry_out(self._use, order, block_hash, self._entry, set_aside)
            call.check("An order about the chain failed")
            moves = tuple(call.connected), tuple(call.disconnected)
            return ValidationResult(verdict, *moves, invalid=tuple(call.invalid.items()))

    # The block index.

    def tip(self) -> tuple[BlockHash, int]:
        """The last block of the active chain, and its height."""
        with self._calling() as opened:
            height = library.chain_height(opened.chain)
            return kernel_read.entry_hash(library.chain_at(opened.chain, height)), height

    def hash_at(self, height: int) -> BlockHash | None:
        """The block of the active chain at a height; None above the tip."""
        with self._calling() as opened:
            entry = library.chain_at(opened.chain, height) if height >= 0 else None
            return None if entry is None else kernel_read.entry_hash(entry)

    def height_of(self, block_hash: BlockHash) -> int | None:
        """The height of a block or header on any branch; None if it is unknown."""
        with self._calling() as opened:
            entry = self._entry(opened, block_hash)
            return None if entry is None else int(library.entry_height(entry))

    def is_active(self, block_hash: BlockHash) -> bool:
        """Whether a block is in the active chain."""
        with self._calling() as opened:
            entry = self._entry(opened, block_hash)
            return entry is not None and bool(library.chain_contains(opened.chain, entry))

    def is_related(self, one: BlockHash, other: BlockHash) -> bool:
        """Whether one of two known blocks builds on the other, or is it."""
        with self._calling() as opened:
            a, b = self._entry(opened, one), self._entry(opened, other)
            assert a is not None and b is not None, "both are known"  # noqa: PT018
            return kernel_read.descends(a, b) or kernel_read.descends(b, a)

    def header(self, block_hash: BlockHash) -> bytes | None:
        """The 80 bytes of a known header on any branch, or None."""
        with self._calling() as opened:
            entry = self._entry(opened, block_hash)
            return None if entry is None else kernel_read.entry_header(entry)

    def headers(self, start: int, count: int) -> list[bytes]:
        """The 80 bytes of the best header chain's headers, from height `start` upwards.

        The best header chain may be ahead of the active chain.
        """
        with self._calling() as opened:
            best = library.manager_best_entry(opened.manager)
            end = min(start + count, library.entry_height(best) + 1)
            return [
                kernel_read.entry_header(library.entry_ancestor(best, height))
                for height in range(max(start, 0), end)
            ]

    # Reading.

    def read_block(self, block_hash: BlockHash) -> bytes | None:
        """The bytes of a stored block on any branch, or None."""
        raw = self.places.read_new(block_hash)
        if raw is not None:
            return raw
        if self.gone is not None and self._is_gone(self.gone, block_hash):
            return self.gone.read(block_hash)
        return self._read_from_kernel(block_hash)

    def _is_gone(self, gone: PrunedBlocks, block_hash: BlockHash) -> bool:
        height = self.height_of(block_hash)
        return height is not None and height < gone.below

    def _read_from_kernel(self, block_hash: BlockHash) -> bytes | None:
        return self._from_kernel(block_hash, kernel_read.block_bytes)

    def _from_kernel(self, block_hash: BlockHash, read: Callable[[int, int], _T]) -> _T | None:
        with self._calling() as opened, KernelCall(self._on_log):
            entry = self._entry(opened, block_hash)
            return None if entry is None else read(opened.manager, entry)

    def read_spent(self, block_hash: BlockHash) -> list[list[Coin]] | None:
        """What each transaction of a block spent; None if never connected, unknown or pruned."""
        return self._read_undo(block_hash, kernel_read.spent_coins)

    def read_spent_sums(self, block_hash: BlockHash) -> list[int] | None:
        """What they are worth, for each transaction; None as for `read_spent`."""
        return self._read_undo(block_hash, kernel_read.spent_sums)

    def read_spent_at(self, block_hash: BlockHash, place: int) -> list[Coin] | None:
        """The coins that the transaction at a place of a block spent; None as for `read_spent`."""
        return self._read_undo(block_hash, partial(kernel_read.spent_coins_at, place=place))

    def _read_undo(self, block_hash: BlockHash, read: Callable[[int, int], _T]) -> _T | None:
        if self.gone is not None and self._is_gone(self.gone, block_hash):
            return None
        return self._from_kernel(block_hash, read)

    def transaction_count(self, block_hash: BlockHash) -> int:
        """How many transactions a block has; 0 if never stored, or pruned off the chain."""
        record = self.places.new(block_hash)
        if record is None:
            with self._calling() as opened:
                entry = self._entry(opened, block_hash)
                record = None if entry is None else kernel_read.record_of(entry, self._files)
        count = None if record is None else self._files.transaction_count(record)
        if count is not None:
            return count
        raw = self.read_block(block_hash)
        if raw is not None:
            return read_compact_size(raw, HEADER_SIZE)[0]
        height = self.height_of(block_hash)
        if self.gone is None or height is None or not self.is_active(block_hash):
            return 0
        return self.gone.count(height)

    def verify_scripts(
        self, transaction: Transaction, spent: Sequence[TxOut], *, relayed: bool = False
    ) -> Verdict:
        """Whether each input satisfies the script of the output it spends; see `scripts`."""
        flags = ScriptFlags.STANDARD if relayed else ScriptFlags.ALL
        return verify_scripts(transaction, spent, flags)

    # Its life.

    def flush(self) -> None:
        """Write everything down, the coins too; calls of other threads wait meanwhile.

        The library has no call for that, so it is closed and opened again.

        Raises:
            KernelError: it could not write, or cannot be opened again; it is closed then.
        """
        assert self._temporary is None, "in memory there is nothing to write to"
        assert self._use is not None, "it is open"

        def reopened() -> OpenKernel:
            call.check("Writing down failed")
            return self._open(call, reindex=False, reindex_chainstate=False, opening=Opening())

        with KernelCall(self._on_log) as call:
            self._use.exchange(reopened)

    def close(self) -> None:
        """Write everything down and let go of it; waits for calls of other threads to end.

        Raises:
            KernelError: the library could not write; it is closed all the same.
        """
        with KernelCall(self._on_log) as call:
            if self._use is not None:
                self._use.close()
        if self._temporary is not None:
            self._temporary.cleanup()
        call.check("Closing failed")

    def _calling(self) -> AbstractContextManager[OpenKernel]:
        if self._use is None:
            raise KernelError("The kernel is closed.")
        return self._use.call()

    @staticmethod
    def _entry(opened: OpenKernel, block_hash: BlockHash) -> int | None:
        handle = library.hash_create(block_hash)
        entry: int | None = library.manager_entry_by_hash(opened.manager, handle)
        library.hash_destroy(handle)
        return entry
