"""Which files are emptied and what is remembered; block files written by hand, no kernel.

With the library itself: `tests/host/test_pruning.py`, where a file has its 128 MiB.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from axon.consensus.blockfiles import BlockFiles
from axon.consensus.library import KernelError
from axon.consensus.prunedblocks import MAX_FETCHED, PrunedBlocks
from axon.consensus.pruning import HEADROOM_BYTES, Pruner
from axon.errors import StorageError
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from tests.consensus.chains import GENESIS_SPOT, chain_on

BLOCKS = chain_on(GENESIS_SPOT, 12)
PER_FILE = 3


@dataclass
class Kept:
    """Blocks by height, and how often the coins were written down."""

    files: BlockFiles
    heights: dict[BlockHash, int]
    aside: frozenset[BlockHash] = frozenset()
    flushes: int = 0
    refuses: bool = False
    files_when_flushed: list[bool] = field(default_factory=list)

    def height_of(self, block_hash: BlockHash) -> int | None:
        return self.heights.get(block_hash)

    def is_active(self, block_hash: BlockHash) -> bool:
        return block_hash not in self.aside

    def flush(self) -> None:
        if self.refuses:
            raise KernelError("no room")
        self.flushes += 1
        self.files_when_flushed.append(self.files.is_empty(0))


def write_files(folder: Path, blocks: list[Block]) -> BlockFiles:
    """So many blocks a file, in this order, with some undo data."""
    folder.mkdir(exist_ok=True)
    for number in range(0, len(blocks), PER_FILE):
        records = [
            REGTEST.magic + len(block.raw).to_bytes(4, "little") + block.raw
            for block in blocks[number : number + PER_FILE]
        ]
        (folder / f"blk{number // PER_FILE:05}.dat").write_bytes(b"".join(records))
        (folder / f"rev{number // PER_FILE:05}.dat").write_bytes(b"undo")
    return BlockFiles(folder, REGTEST.magic)


def scene(tmp_path: Path, blocks: list[Block] = BLOCKS) -> tuple[Pruner, Kept]:
    files = write_files(tmp_path / "blocks", blocks)
    kept = Kept(files, {block.hash: height for height, block in enumerate(BLOCKS, 1)})
    return Pruner(kept, PrunedBlocks(tmp_path / "pruned")), kept


def test_files_whose_blocks_are_all_old_are_emptied(tmp_path: Path) -> None:
    pruner, kept = scene(tmp_path)
    assert pruner.prune(7) == 7  # Files 0 and 1 hold blocks up to 6; file 2 goes up to 9.
    assert [kept.files.is_empty(number) for number in range(4)] == [True, True, False, False]
    assert sorted(path.name for path in (tmp_path / "blocks").iterdir()) == sorted(
        f"{kind}{number:05}.dat" for kind in ("blk", "rev") for number in range(4)
    )
    assert (tmp_path / "blocks" / "rev00001.dat").read_bytes() == b""
    assert (kept.flushes, kept.files_when_flushed) == (1, [False])
    assert [pruner.gone.count(height) for height in (0, 1, 6, 7, 99)] == [0, 1, 1, 0, 0]
    assert pruner.prune(7) == 7
    assert kept.flushes == 1, "nothing to do, so nothing is written"
    assert PrunedBlocks(tmp_path / "pruned").below == 7


def test_the_last_file_is_never_emptied(tmp_path: Path) -> None:
    pruner, kept = scene(tmp_path)
    assert pruner.prune(1_000) == 10
    assert not kept.files.is_empty(3)


def test_a_file_with_one_young_block_stays(tmp_path: Path) -> None:
    mixed = [*BLOCKS[1:3], BLOCKS[9], BLOCKS[0], *BLOCKS[3:9], *BLOCKS[10:]]
    pruner, kept = scene(tmp_path, mixed)
    assert pruner.prune(8) == 9
    assert [kept.files.is_empty(number) for number in range(3)] == [False, True, True]


def test_files_are_emptied_until_the_rest_is_small_enough(tmp_path: Path) -> None:
    pruner, kept = scene(tmp_path)
    used = kept.files.size_bytes()
    assert pruner.prune(9, used + HEADROOM_BYTES + 1) == 0
    assert pruner.prune(9, used + HEADROOM_BYTES) == 4
    assert pruner.prune(9, 0) == 10


def test_without_coins_written_down_nothing_goes(tmp_path: Path) -> None:
    pruner, kept = scene(tmp_path)
    kept.refuses = True
    with pytest.raises(KernelError):
        pruner.prune(9)
    assert not kept.files.is_empty(0)
    assert PrunedBlocks(tmp_path / "pruned").below == 0


def test_blocks_beside_the_chain_have_no_count(tmp_path: Path) -> None:
    pruner, kept = scene(tmp_path)
    kept.aside = frozenset((BLOCKS[1].hash,))
    pruner.prune(3)
    assert [pruner.gone.count(height) for height in (1, 2, 3)] == [1, 0, 1]


def test_a_reindex_deletes_what_it_cannot_use(tmp_path: Path) -> None:
    pruner, kept = scene(tmp_path)
    kept.files.empty(1)
    kept.files.delete_for_reindex()
    assert [path.name for path in (tmp_path / "blocks").iterdir()] == ["blk00000.dat"]
    pruner.gone.raise_to(5)
    pruner.gone.keep(BLOCKS[0].hash, BLOCKS[0].raw)
    pruner.gone.forget()
    fresh = PrunedBlocks(tmp_path / "pruned")
    assert (fresh.below, fresh.fetched, fresh.read(BLOCKS[0].hash)) == (0, (), None)


def test_blocks_fetched_again_are_kept_and_the_oldest_gives_way(tmp_path: Path) -> None:
    gone = PrunedBlocks(tmp_path)
    names = [BlockHash(bytes([number]) * 32) for number in range(MAX_FETCHED + 2)]
    for name in names:
        gone.keep(name, b"block" + name)
    assert gone.fetched == tuple(names[2:])
    assert gone.read(names[0]) is None
    assert gone.read(names[2]) == b"block" + names[2]
    assert set(PrunedBlocks(tmp_path).fetched) == set(names[2:])
    assert len(list(tmp_path.iterdir())) == MAX_FETCHED


def test_what_was_pruned_never_becomes_less(tmp_path: Path) -> None:
    gone = PrunedBlocks(tmp_path)
    gone.raise_to(9)
    gone.raise_to(4)
    assert (gone.below, PrunedBlocks(tmp_path).below) == (9, 9)


def test_a_damaged_memory_is_said(tmp_path: Path) -> None:
    (tmp_path / "below").write_text("many")
    with pytest.raises(StorageError, match="-reindex"):
        PrunedBlocks(tmp_path)


def test_what_is_remembered_is_on_the_disk_before_a_file_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names too: after a power cut nothing may be gone of which nobody knows."""
    pruner, _ = scene(tmp_path)
    done: list[int] = []  # What was synced, by its number on the disk; 0 where a file was emptied.
    sync, folder = os.fsync, tmp_path / "pruned"

    def synced(handle: int) -> None:
        done.append(os.fstat(handle).st_ino)
        sync(handle)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(BlockFiles, "empty", lambda *_: done.append(0))
    pruner.prune(7)
    names = (tmp_path, folder / "counts", folder, folder / "below", folder)
    assert done[: done.index(0)] == [each.stat().st_ino for each in names]
