"""Files of records of one size, which grow at their end.

They survive `kill -9` at any instant: a record is in the file or it is not. What was synced
survives a power cut as well. Whatever the disk refuses comes out as `StorageError`.
"""

from __future__ import annotations

import os
from pathlib import Path
from weakref import finalize

from axon.drivers.aio.privatefiles import open_file, write_atomically
from axon.errors import AxonError, StorageError, disk_refusal


class FileOctets:
    """The bytes of a file, read in pieces when they are wanted (`primitives.octets.StoredOctets`).

    They are read and not mapped into memory: of a mapped file a kernel counts two megabytes for
    each byte that is looked at, and whoever looks at what was cut off is killed.

    Args:
        path: by which one speaks of it.
        file: a descriptor; another one to the same file is kept.
        size: how many bytes there are.
    """

    def __init__(self, path: Path, file: int, size: int) -> None:
        self._path = path
        self._file = os.dup(file)
        self._size = size
        finalize(self, os.close, self._file)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, piece: slice, /) -> bytes:
        start, stop, _ = piece.indices(self._size)
        try:
            data = os.pread(self._file, stop - start, start)
        except OSError as error:
            raise disk_refusal(f"cannot read {self._path}", error) from error
        if len(data) != stop - start:
            raise StorageError(f"cannot read {self._path}: it is shorter than it was")
        return data


class AppendFile:
    """A file of records of one size, which grows at its end and is cut there.

    A record that a crash left incomplete is cut off when the file is opened.

    Args:
        path: created if missing.
        record_size_bytes: of every record.
        read_only: another process writes; nothing is changed here, and an incomplete record may be
            one that it is just writing.

    Raises:
        StorageError: the disk refuses.
    """

    def __init__(self, path: Path, record_size_bytes: int, *, read_only: bool = False) -> None:
        self._path = path
        self._record_size_bytes = record_size_bytes
        mode = os.O_RDONLY if read_only else os.O_RDWR
        try:
            self._file = open_file(path, mode | os.O_CREAT)
            self._count = os.fstat(self._file).st_size // record_size_bytes
            if not read_only:
                os.ftruncate(self._file, self._count * record_size_bytes)
        except OSError as error:
            raise self._refusal("open", error) from error

    def __len__(self) -> int:
        return self._count

    def append(self, records: bytes) -> None:
        """Add whole records at the end.

        Args:
            records: a multiple of the record size, records one after the other.

        Raises:
            StorageError: the disk refuses; none of these records counts then.
        """
        added, rest = divmod(len(records), self._record_size_bytes)
        assert rest == 0, "only whole records are appended"
        offset = self._count * self._record_size_bytes
        try:
            with memoryview(records) as left:
                written = 0
                while written < len(left):
                    written += os.pwrite(self._file, left[written:], offset + written)
        except OSError as error:
            raise self._refusal("write", error) from error
        self._count += added

    def read(self, start: int = 0, count: int | None = None) -> bytes:
        """Records in one piece: `count` of them from number `start`, fewer at the end, None: all.

        Raises:
            StorageError: the disk refuses, or the file has become shorter than it was.
        """
        stop = self._count if count is None else min(start + count, self._count)
        size = max(stop - start, 0) * self._record_size_bytes
        try:
            data = os.pread(self._file, size, start * self._record_size_bytes)
        except OSError as error:
            raise self._refusal("read", error) from error
        if len(data) != size:
            raise StorageError(f"cannot read {self._path}: it is shorter than it was")
        return data

    def octets(self) -> FileOctets:
        """All records that are there now, read as they are looked at; also after `close`.

        What is cut off the file must not be looked at any more.

        Raises:
            StorageError: the disk refuses.
        """
        try:
            return FileOctets(self._path, self._file, self._count * self._record_size_bytes)
        except OSError as error:
            raise self._refusal("open", error) from error

    def replace(self, records: bytes) -> None:
        """Put another file in the place of this one; whoever reads the old one goes on.

        Raises:
            StorageError: the disk refuses; the old one is still there.
        """
        try:
            write_atomically(self._path, records)
            file = open_file(self._path, os.O_RDWR)
        except OSError as error:
            raise self._refusal("write", error) from error
        os.close(self._file)
        self._file, self._count = file, len(records) // self._record_size_bytes

    def truncate(self, count: int) -> None:
        """Keep the first `count` records only.

        Args:
            count: at most as many as there are.

        Raises:
            StorageError: the disk refuses.
        """
        assert 0 <= count <= self._count, "a file is cut, never filled up"
        try:
            os.ftruncate(self._file, count * self._record_size_bytes)
        except OSError as error:
            raise self._refusal("cut", error) from error
        self._count = count

    def sync(self) -> None:
        """Wait until the disk holds all records.

        Raises:
            StorageError: the disk refuses.
        """
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._refusal("write", error) from error

    def close(self) -> None:
        """Let go of the file. Nothing may be asked afterwards."""
        os.close(self._file)

    def _refusal(self, verb: str, error: OSError) -> AxonError:
        return disk_refusal(f"cannot {verb} {self._path}", error)
