"""What is remembered of blocks that were pruned, and those that were fetched again.

below        the height below which all blocks are gone, as text
counts       how many transactions each had: 4 bytes for each height, little-endian
HASH.block   a block that was fetched again, as sent
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from axon.errors import StorageError, disk_refusal
from axon.primitives.hashes import BlockHash, from_hex, to_hex

MAX_FETCHED: Final = 20
"""Blocks fetched again that are kept, 80 MB at most; the oldest gives way."""

_COUNT_SIZE: Final = 4
_SUFFIX: Final = ".block"


class PrunedBlocks:
    """The memory of one node.

    Args:
        folder: its own; made when the first block is pruned.

    Raises:
        StorageError: it cannot be read, or is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.below = 0
        """Blocks of the active chain below this height are gone; 0 if none is."""
        self._fetched: dict[BlockHash, None] = {}
        try:
            mark = folder / "below"
            if mark.exists():
                self.below = int(mark.read_text())
            kept = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
            self._fetched = {BlockHash(from_hex(path.stem)): None for path in kept}
        except OSError as error:
            raise disk_refusal(f"Cannot read {folder}", error) from error
        except ValueError as error:
            raise StorageError(
                f"{folder} is damaged ({error}); start once with -reindex: all blocks are fetched"
                " from peers again."
            ) from error

    @property
    def fetched(self) -> tuple[BlockHash, ...]:
        """The blocks that were fetched again, the oldest first."""
        return tuple(self._fetched)

    def raise_to(self, below: int) -> None:
        """Write down that blocks below this height are gone, if that is news.

        Raises:
            OSError: the disk refuses.
        """
        if below <= self.below:
            return
        self._write("below", str(below).encode())
        self.below = below

    def note_counts(self, counts: Mapping[int, int]) -> None:
        """How many transactions active blocks have, by height; on the disk when this returns.

        Raises:
            OSError: the disk refuses.
        """
        self._make_folder()
        handle = os.open(self._folder / "counts", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            for height, count in counts.items():
                os.pwrite(handle, count.to_bytes(_COUNT_SIZE, "little"), height * _COUNT_SIZE)
            os.fsync(handle)
        finally:
            os.close(handle)
        _sync(self._folder)

    def count(self, height: int) -> int:
        """What `note_counts` was told; 0 if nothing."""
        try:
            with (self._folder / "counts").open("rb") as file:
                file.seek(height * _COUNT_SIZE)
                return int.from_bytes(file.read(_COUNT_SIZE), "little")
        except FileNotFoundError:
            return 0

    def keep(self, block_hash: BlockHash, raw: bytes) -> None:
        """Keep a block that was fetched again.

        Raises:
            StorageError: the disk refuses.
        """
        try:
            self._write(to_hex(block_hash) + _SUFFIX, raw)
            self._fetched[block_hash] = None
            while len(self._fetched) > MAX_FETCHED:
                oldest = next(iter(self._fetched))
                del self._fetched[oldest]
                self._path(oldest).unlink(missing_ok=True)
        except OSError as error:
            raise disk_refusal("Cannot keep a block", error) from error

    def read(self, block_hash: BlockHash) -> bytes | None:
        """A block that was fetched again; None if it is not kept."""
        if block_hash not in self._fetched:
            return None
        try:
            return self._path(block_hash).read_bytes()
        except FileNotFoundError:
            return None  # It gave way to another one just now.

    def forget(self) -> None:
        """Nothing is pruned any more: all blocks will be fetched again."""
        for name in ("below", "counts"):
            (self._folder / name).unlink(missing_ok=True)
        for block_hash in self._fetched:
            self._path(block_hash).unlink(missing_ok=True)
        self.below = 0
        self._fetched.clear()

    def _path(self, block_hash: BlockHash) -> Path:
        return self._folder / (to_hex(block_hash) + _SUFFIX)

    def _write(self, name: str, data: bytes) -> None:
        """All of it, on the disk when this returns, or nothing."""
        self._make_folder()
        fresh = self._folder / f"{name}.new"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / name)
        _sync(self._folder)

    def _make_folder(self) -> None:
        if not self._folder.exists():
            self._folder.mkdir(0o700, parents=True, exist_ok=True)
            _sync(self._folder.parent)


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk, too: files that follow from them are emptied next."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
