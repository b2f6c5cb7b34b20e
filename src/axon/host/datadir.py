"""The folder of a node: its layout, its lock, its process id.

The lock is of the kind Bitcoin Core takes, on the file it takes it on, so the two never share a
folder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from axon.drivers.aio.privatefiles import make_folder, open_file, write_atomically
from axon.errors import AxonError, ConfigError, DiskFullError, disk_refusal

MIN_FREE_BYTES: Final = 50 << 20
"""With less room no node starts, as in Bitcoin Core: what it has in memory must find a place when
it ends."""

_FOLDERS: Final = ("blocks", "chainstate", "indexes", "wallets")


class FolderInUse(ConfigError):
    """Another process holds the folder."""


_held: dict[Path, None] = {}
"""The folders held by this process: it would get its own lock a second time."""


def prepare(folder: Path) -> None:
    """Make the folder of a network with all that programs expect in it.

    Raises:
        ConfigError: it cannot be made.
        DiskFullError: there is no room for it.
    """
    try:
        for name in _FOLDERS:
            make_folder(folder / name)
    except OSError as error:
        raise _refusal(folder, error) from error


def make_blocks_folder(folder: Path) -> None:
    """Make the folder of block files, where it is not in that of the network (`-blocksdir`).

    Raises:
        ConfigError: it cannot be made.
        DiskFullError: there is no room for it.
    """
    try:
        make_folder(folder)
    except OSError as error:
        raise _refusal(folder, error) from error


def check_room(*folders: Path) -> None:
    """Refuse folders on a disk that is full, or nearly so.

    Raises:
        DiskFullError: there is less room than `MIN_FREE_BYTES`.
    """
    for folder in folders:
        free = shutil.disk_usage(folder).free
        if free < MIN_FREE_BYTES:
            raise DiskFullError(
                f"{free >> 20} MiB are free at {folder}, where a node needs "
                f"{MIN_FREE_BYTES >> 20} MiB"
            )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process alone.

    A process that forks loses the lock: take it after that.

    Raises:
        FolderInUse: another process holds it.
        ConfigError: the folder is not writable.
        DiskFullError: there is no room for the lock.
    """
    try:
        place = folder.resolve(strict=True)
        if place in _held:
            raise _in_use(folder)
        descriptor = open_file(folder / ".lock", os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise _refusal(folder, error) from error
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise _refusal(folder, error) from error
            raise _in_use(folder) from error
        _held[place] = None
        try:
            yield
        finally:
            del _held[place]
    finally:
        os.close(descriptor)


@contextmanager
def pid_file(path: Path | None) -> Iterator[None]:
    """Have this process's id in a file; None for no file.

    Raises:
        ConfigError: the file cannot be written.
        DiskFullError: there is no room for it.
    """
    if path is None:
        yield
        return
    try:
        write_atomically(path, f"{os.getpid()}\n".encode())
    except OSError as error:
        raise disk_refusal(f"Unable to create the PID file '{path}'", error, ConfigError) from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _in_use(folder: Path) -> FolderInUse:
    return FolderInUse(
        f"Cannot obtain a lock on directory {folder}. axon is probably already running."
    )


def _refusal(folder: Path, error: OSError) -> AxonError:
    refused = f"Cannot write to directory '{folder}'; check permissions"
    return disk_refusal(refused, error, ConfigError)
