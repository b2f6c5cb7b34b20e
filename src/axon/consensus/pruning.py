"""Old blocks taken off the disk (`-prune`), beside a kernel that cannot do it.

libbitcoinkernel has no call for pruning, and at each start it looks whether every file is there of
which its index speaks. It looks into none of them, and never again into one that it has filled, but
for a block that leaves the active chain. So a file whose blocks are all old enough is made empty,
with its file of undo data, and stays where it is. In this order, so that a kill at any instant
leaves what the next start can live with:

    the kernel writes down its coins: from older ones it would go on with the blocks that go now
    -> it is written down up to which height blocks are gone
    -> the files are emptied

Whatever is below that height counts as gone, also a block that still lies in a younger file. How
many transactions it had is noted, and a block that is fetched again (`getblockfrompeer`) is kept
here, for the kernel's index says that it has it.
"""

from __future__ import annotations

from typing import Final, Protocol

from axon.consensus.blockfiles import BlockFiles
from axon.consensus.prunedblocks import PrunedBlocks
from axon.errors import disk_refusal
from axon.primitives.hashes import BlockHash

MIN_BLOCKS_TO_KEEP: Final = 288
"""Below the tip: two days, as a peer that offers NETWORK_LIMITED promises (BIP 159)."""

MIB: Final = 1024 * 1024

HEADROOM_BYTES: Final = 17 * MIB
"""The kernel makes its files longer by so much at a time, blocks and undo data: room is made before
that, as in Bitcoin Core."""


class FlushingValidator(Protocol):
    """As `consensus.kernel.Kernel`, as far as pruning needs it."""

    @property
    def files(self) -> BlockFiles:
        """Where the blocks lie."""

    def height_of(self, block_hash: BlockHash) -> int | None:
        """The height of a known block."""

    def is_active(self, block_hash: BlockHash) -> bool:
        """Whether a block is in the active chain."""

    def flush(self) -> None:
        """Write everything down, the coins too."""


class Pruner:
    """Empties a kernel's oldest files.

    Args:
        kernel: on disk.
        gone: what was pruned before; moved on here.
    """

    def __init__(self, kernel: FlushingValidator, gone: PrunedBlocks) -> None:
        self._kernel = kernel
        self._files = kernel.files
        self._heights: dict[int, int] = {}  # The highest block of each file that was looked at.
        self.gone = gone

    def prune(self, last: int, target_bytes: int | None = None) -> int:
        """Empty files whose blocks are at most so high, the oldest first.

        Args:
            last: the highest block that may go.
            target_bytes: which all files together are to stay below; None to empty all that may be.

        Returns:
            Below this height blocks are gone now.

        Raises:
            KernelError: the kernel could not write its coins; nothing is pruned.
            StorageError: the disk refuses.
        """
        chosen: list[int] = []
        used = self._files.size_bytes()
        for number in self._files.numbers()[:-1]:
            size_bytes = self._files.size_bytes(number)
            if target_bytes is not None and used + HEADROOM_BYTES < target_bytes:
                break
            if self._files.is_empty(number) or self._highest(number) > last:
                continue
            chosen.append(number)
            used -= size_bytes
        if chosen:
            self._empty(chosen)
        return self.gone.below

    def _empty(self, numbers: list[int]) -> None:
        self._kernel.flush()
        try:
            counts: dict[int, int] = {}
            for number in numbers:
                counts |= self._counts(number)
            self.gone.note_counts(counts)
            self.gone.raise_to(max(self._highest(number) for number in numbers) + 1)
            for number in numbers:
                self._files.empty(number)
        except OSError as error:
            raise disk_refusal("Cannot prune blocks", error) from error

    def _highest(self, number: int) -> int:
        """The height of the highest block in a file that is full."""
        known = self._heights.get(number)
        if known is None:
            heights = [self._kernel.height_of(item.hash) for item in self._files.records(number)]
            known = max((height for height in heights if height is not None), default=0)
            self._heights[number] = known
        return known

    def _counts(self, number: int) -> dict[int, int]:
        """How many transactions the active blocks of a file have, by height."""
        found: dict[int, int] = {}
        for record in self._files.records(number):
            block_hash = record.hash
            height = self._kernel.height_of(block_hash)
            count = self._files.transaction_count(record)
            if height is not None and count is not None and self._kernel.is_active(block_hash):
                found[height] = count
        return found
