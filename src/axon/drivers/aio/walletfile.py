"""A wallet's own file: keys and values in one SQLite database.

What was written survives `kill -9` and a power cut: a batch is in the file or it is not. One
process has it open at a time. The file says whose it is (`application_id`) and in which form
(`user_version`), so that a database of another program is never written to.

A disk may give back other bytes than it was given, and SQLite notices that only where its own
structure breaks. So every record carries a checksum of its key and value, and all of them are
checked when the file is opened. Form 1 had none; it is converted at once.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from axon.drivers.aio.keyvalue import KeyValueFile
from axon.drivers.aio.privatefiles import make_folder, open_file, sync_folder
from axon.errors import DamageError, DiskFullError, StorageError, disk_refusal

APPLICATION_ID: Final = 0x61786F6E  # "axon"
FILE_FORMAT: Final = 2

CHECKSUM_SIZE: Final = 8
"""Bytes before every value: the first of the SHA-256 of key and value."""

_UNCHECKED_FORMAT: Final = 1
_WAY_OUT: Final = "take the file from a backup, or restore the wallet from its words"
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""All statements here are right, so one that SQLite cannot understand is about a broken schema."""

_SCHEMA = (
    "CREATE TABLE records (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {FILE_FORMAT}",
)


class WalletInUse(StorageError):
    """Another process has the file open."""


class SqliteStore(KeyValueFile):
    """A persistent map from bytes to bytes; for one thread at a time.

    Args:
        path: the file; created if missing, for its owner's eyes only, with the folders above it.

    Raises:
        DamageError: the file is damaged.
        WalletInUse: another process has it open.
        StorageError: it belongs to another program or a newer axon, or
            the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            make_folder(path.parent)
            os.close(open_file(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))
            sync_folder(path.parent)
        except FileExistsError:
            pass  # Not opened here: closing it would end a lock that this process has on it.
        except OSError as error:
            raise disk_refusal(f"cannot open the wallet {path}", error) from error
        try:
            self._database = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise self._refusal("open", error) from error
        self._database.text_factory = bytes  # A damaged type must not fail as text.
        try:
            self._open()
        except sqlite3.Error as error:
            self._database.close()
            raise self._refusal("open", error) from error
        except StorageError:
            self._database.close()
            raise

    def multi_get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of several keys, in their order."""
        find = "SELECT value FROM records WHERE key = ?"
        try:
            rows = [self._database.execute(find, (key,)).fetchone() for key in keys]
        except sqlite3.Error as error:
            raise self._refusal("read", error) from error
        return [
            None if row is None else self._checked(key, row[0])
            for key, row in zip(keys, rows, strict=True)
        ]

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """All changes or none, and the disk holds them when this returns; None deletes a key."""
        kept = [
            (key, _checksum(key, value) + value)
            for key, value in changes.items()
            if value is not None
        ]
        gone = [(key,) for key, value in changes.items() if value is None]
        database = self._database
        try:
            database.execute("BEGIN")
            database.executemany("INSERT OR REPLACE INTO records VALUES (?, ?)", kept)
            database.executemany("DELETE FROM records WHERE key = ?", gone)
            database.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._refusal("write to", error) from error

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All pairs whose key begins so, by key in byte order, as of the first one taken."""
        end = _after(prefix)
        find = (
            "SELECT key, value FROM records WHERE key >= ? AND (? IS NULL OR key < ?) ORDER BY key"
        )
        try:
            rows = self._database.execute(find, (prefix, end, end)).fetchall()
        except sqlite3.Error as error:
            raise self._refusal("read", error) from error
        for key, value in rows:
            yield key, self._checked(key, value)

    def copy_to(self, path: Path) -> None:
        """Write a copy of the file as it is now, for its owner's eyes only; whole, or not at all.

        Raises:
            OSError: the disk refuses.
            sqlite3.Error: likewise.
        """
        part = path.with_name(path.name + ".part")
        part.unlink(missing_ok=True)
        os.close(open_file(part, os.O_RDWR | os.O_CREAT | os.O_EXCL))
        copy = sqlite3.connect(part)
        try:
            self._database.backup(copy)
        finally:
            copy.close()
        part.replace(path)
        sync_folder(path.parent)

    def rewrite(self) -> None:
        """Write the file anew, so that nothing of what was deleted is left in it.

        Raises:
            StorageError: the disk refuses.
        """
        try:
            self._database.execute("VACUUM")
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise self._refusal("write to", error) from error

    def close(self) -> None:
        """Let go of the file. Nothing may be asked afterwards."""
        self._database.close()

    def _open(self) -> None:
        database = self._database
        # Before anything else touches the file.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        if self._number("application_id") != APPLICATION_ID:
            self._refuse_foreign()
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("BEGIN EXCLUSIVE")
        if self._number("application_id") != APPLICATION_ID:
            for statement in _SCHEMA:
                database.execute(statement)
        form = self._number("user_version")
        if form > FILE_FORMAT:
            raise StorageError(
                f"cannot open the wallet {self._path}: a newer axon wrote it, use that one"
            )
        verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != b"ok" or form < _UNCHECKED_FORMAT:
            raise self._damage(f" ({verdict.decode('utf-8', 'replace')})")
        if form == _UNCHECKED_FORMAT:
            self._add_checksums()
        database.execute("COMMIT")
        self._check_all()

    def _add_checksums(self) -> None:
        checked = [(_checksum(key, value) + value, key) for key, value in self._rows()]
        self._database.executemany("UPDATE records SET value = ? WHERE key = ?", checked)
        self._database.execute(f"PRAGMA user_version = {FILE_FORMAT}")

    def _check_all(self) -> None:
        for key, stored in self._rows():
            self._checked(key, stored)

    def _rows(self) -> list[tuple[bytes, bytes]]:
        """All records as they are stored; asked for without a condition, which might miss one."""
        find = "SELECT typeof(key), key, typeof(value), value FROM records"
        found = self._database.execute(find).fetchall()
        if any(row[0] != b"blob" or row[2] != b"blob" for row in found):
            raise self._damage()
        return [(row[1], row[3]) for row in found]

    def _checked(self, key: bytes, stored: bytes) -> bytes:
        """The value of a record as it is stored.

        Raises:
            DamageError: its checksum is another.
        """
        value = stored[CHECKSUM_SIZE:]
        if stored[:CHECKSUM_SIZE] != _checksum(key, value):
            raise self._damage()
        return value

    def _damage(self, found: str = "") -> DamageError:
        return DamageError(f"cannot open the wallet {self._path}: it is damaged{found}: {_WAY_OUT}")

    def _refuse_foreign(self) -> None:
        """A file without our mark is ours to fill only while nothing is in it."""
        tables = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables or self._number("application_id"):
            raise StorageError(
                f"cannot open the wallet {self._path}: it is a database of another program"
            )

    def _number(self, pragma: str) -> int:
        number: int = self._database.execute(f"PRAGMA {pragma}").fetchone()[0]
        return number

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # The first error is the one to tell.
            self._database.execute("ROLLBACK")

    def _refusal(self, verb: str, error: sqlite3.Error) -> Exception:
        """The error to raise for one of SQLite's; misuse (a key that is no bytes) stays itself."""
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            return error
        if code & 0xFF in _DAMAGE:
            return DamageError(
                f"cannot {verb} the wallet {self._path}: it is damaged or no wallet ({error}):"
                f" {_WAY_OUT}"
            )
        if code & 0xFF == sqlite3.SQLITE_FULL:
            return DiskFullError(f"cannot {verb} the wallet {self._path}")
        if code & 0xFF == sqlite3.SQLITE_BUSY:
            return WalletInUse(
                f"cannot {verb} the wallet {self._path}: another process has it open; try again"
                " when that has ended"
            )
        return StorageError(f"cannot {verb} the wallet {self._path}: {error}")


def _checksum(key: bytes, value: bytes) -> bytes:
    return sha256(len(key).to_bytes(4, "little") + key + value).digest()[:CHECKSUM_SIZE]


def _after(prefix: bytes) -> bytes | None:
    """The first key behind all that begin so; None if there is none."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes((trimmed[-1] + 1,)) if trimmed else None
