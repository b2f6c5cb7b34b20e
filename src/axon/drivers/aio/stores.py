"""What a machine's jobs keep on disk: key-value stores.

All of it survives `kill -9` at any instant: a batch is in the store or it is not. What was synced
survives a power cut as well. Whatever the disk refuses comes out as `StorageError`, what it holds
but damaged as `DamageError`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    Options,
    Rdict,
    ReadOptions,
    WriteBatch,
    WriteOptions,
)

from axon.drivers.aio.keyvalue import KeyValueFile
from axon.drivers.aio.privatefiles import make_folder
from axon.errors import DamageError, DiskFullError, StorageError, disk_refusal

CACHE_BYTES = 8 << 20
"""Blocks of the store kept in memory; grows to this only with use."""

WRITE_BUFFER_BYTES = 4 << 20
"""Writes gathered in memory (and in the log) before they become a sorted file; two at most."""

LOG_MAX_BYTES = 16 << 20
"""Size of the write-ahead log that is read again after a crash: a fraction of a second."""

BLOOM_BITS_PER_KEY = 10
"""One in a hundred keys that are absent costs a read from disk."""

MAX_OPEN_FILES = 64
"""Of one store: a process of the lab has several and no more than 1,024 descriptors in all."""


_FULL: Final = ("No space left on device", "Disk quota exceeded")


class RocksStore(KeyValueFile):
    """A persistent map from bytes to bytes, kept in key order; one process, any of its threads.

    Idle it takes 2 MB of memory, under load up to some 20.

    Args:
        path: its folder; created if missing, with the folders above it.

    Raises:
        DamageError: files of it are damaged or missing.
        StorageError: another process has it open, or the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found_full = False
        try:
            make_folder(path)
            self._rocks = Rdict(str(path), _options())
        except Exception as error:
            raise self._refusal("open", error) from error
        self._synced = WriteOptions()
        self._synced.sync = True
        self._unsynced = WriteOptions()

    def multi_get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of several keys, in the order of the keys; None where one is absent."""
        try:
            return cast(list[bytes | None], self._rocks.get(list(keys)))
        except Exception as error:
            raise self._refusal("read", error) from error

    def write(self, changes: Mapping[bytes, bytes | None], *, sync: bool = False) -> None:
        """Apply all changes or none.

        Args:
            changes: the new value of each key; None removes it.
            sync: also wait until the disk holds them. Without it a crash of the whole machine (not
                of this process) may undo the last writes, latest first.
        """
        batch = WriteBatch(raw_mode=True)
        try:
            for key, value in changes.items():
                if value is None:
                    batch.delete(key)
                else:
                    batch.put(key, value)
            self._rocks.write(batch, self._synced if sync else self._unsynced)
        except Exception as error:
            raise self._refusal("write to", error) from error

    def items(self, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """All pairs whose key begins with `prefix`, in key order, as of the first one taken."""
        cursor = self._rocks.iter(ReadOptions())
        cursor.seek(prefix)
        while cursor.valid():
            key = cast(bytes, cursor.key())
            if not key.startswith(prefix):
                return
            yield key, cast(bytes, cursor.value())
            cursor.next()
        try:
            cursor.status()  # A damaged block ends the iteration like the last key does.
        except Exception as error:
            raise self._refusal("read", error) from error

    def close(self) -> None:
        """Write what is buffered and let go of the folder. Nothing may be asked afterwards.

        Raises:
            StorageError: the disk refuses, or did before; what was written is in the log.
        """
        try:
            self._rocks.close()
        except Exception as error:
            raise self._refusal("close", error) from error

    def _refusal(self, verb: str, error: Exception) -> Exception:
        """The error to raise for one that the library raised: its own bare `Exception`s are ours
        to name, anything else (a key that is no bytes) is a bug and stays what it is."""
        if type(error) is not Exception and not isinstance(error, OSError):
            return error
        refused = f"cannot {verb} the store {self._path}"
        if isinstance(error, OSError):
            return disk_refusal(refused, error)
        reason = str(error)
        self._found_full |= any(text in reason for text in _FULL)
        if self._found_full:  # All that the library says after that follows from it.
            return DiskFullError(refused)
        if reason.endswith(("Resource temporarily unavailable", "No locks available")):
            reason = "another process has it open"
        elif reason.startswith("Corruption") or "No such file or directory" in reason:
            return DamageError(f"{refused}: it is damaged ({reason})", self.name)
        return StorageError(f"{refused}: {reason}")


def _options() -> Options:
    table = BlockBasedOptions()
    table.set_block_cache(Cache(CACHE_BYTES))
    table.set_cache_index_and_filter_blocks(True)  # Else they grow with the store, uncounted.
    table.set_bloom_filter(BLOOM_BITS_PER_KEY, False)
    options = Options(raw_mode=True)
    options.set_block_based_table_factory(table)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(2)
    options.set_max_total_wal_size(LOG_MAX_BYTES)
    options.set_max_open_files(MAX_OPEN_FILES)
    options.set_compression_type(DBCompressionType.none())  # Hashes and keys do not compress.
    options.set_keep_log_file_num(1)  # RocksDB's chatter, not the write-ahead log.
    options.set_stats_dump_period_sec(0)
    options.set_stats_persist_period_sec(0)
    return options
