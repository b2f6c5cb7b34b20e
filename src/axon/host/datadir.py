"""The folder of a node: its layout, its lock, its process id.

The lock is of the kind Bitcoin Core takes, on the file it takes it on, so the two never share a
folder.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from axon.errors import ConfigError

_FOLDERS: Final = ("blocks", "chainstate", "indexes", "wallets")

_held: dict[Path, None] = {}
"""The folders held by this process: it would get its own lock a second time."""


def prepare(folder: Path) -> None:
    """Make the folder of a network with all that programs expect in it.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        for name in _FOLDERS:
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process alone.

    A process that forks loses the lock: take it after that.

    Raises:
        ConfigError: another process holds it, or the folder is not writable.
    """
    try:
        place = folder.resolve(strict=True)
        if place in _held:
            raise _in_use(folder)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unwritable(folder) from error
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise _unwritable(folder) from error
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
    """
    if path is None:
        yield
        return
    try:
        write_atomically(path, f"{os.getpid()}\n".encode())
    except OSError as error:
        raise ConfigError(f"Unable to create the PID file '{path}': {error.strerror}") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file so that at any instant, power cuts included, all of it is there or nothing.

    Raises:
        OSError: the disk said no; what was there before is still there.
    """
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _in_use(folder: Path) -> ConfigError:
    return ConfigError(
        f"Cannot obtain a lock on directory {folder}. axon is probably already running."
    )


def _unwritable(folder: Path) -> ConfigError:
    return ConfigError(f"Cannot write to directory '{folder}'; check permissions.")
