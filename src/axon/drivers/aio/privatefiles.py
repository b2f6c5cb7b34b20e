"""Who may read what axon writes: its owner, and nobody else. Folders are 0700 and files 0600.

The rule holds whatever the umask. All that axon itself makes, it makes by the functions below. Its
libraries (RocksDB, SQLite, libbitcoinkernel) go by the umask of the process, so a program of axon
sets that first, `keep_private`. A program of somebody else that uses axon keeps its own umask: then
the folders around those libraries' files are closed.

What exists already belongs to the person, who may have opened it to others: it stays as it is.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600

_NOBODY_ELSE: Final = 0o077


def keep_private() -> None:
    """Have every file of this process closed to others, also those that libraries make."""
    os.umask(_NOBODY_ELSE)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing; after a power cut they are still there.

    Raises:
        OSError: the system refuses.
    """
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    path.mkdir(FOLDER_MODE, exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Wait until the disk holds the names of what is in a folder: a file's own `fsync` does not.

    Raises:
        OSError: the disk refuses.
    """
    try:
        folder = os.open(path, os.O_RDONLY)
    except PermissionError:
        return  # One may write into it and not read it; then nobody can wait for it.
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def open_file(path: Path, flags: int) -> int:
    """The descriptor of a file.

    Args:
        flags: of `os.open`; with `O_CREAT` the file is made if it is missing.

    Raises:
        OSError: the system refuses.
    """
    return os.open(path, flags, FILE_MODE)


def write_file(path: Path, data: bytes) -> None:
    """Write a file in place of what was there; a power cut may leave half of it.

    Raises:
        OSError: the system refuses.
    """
    with os.fdopen(open_file(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
        file.write(data)


def write_atomically(path: Path, data: bytes, mode: int = FILE_MODE) -> None:
    """Write a file so that at any instant, power cuts included, all of it is there or nothing.

    Raises:
        OSError: the disk said no; what was there before is still there.
    """
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    try:
        with os.fdopen(open_file(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)  # Half a file would only take room on a full disk.
        raise
    sync_folder(path.parent)
