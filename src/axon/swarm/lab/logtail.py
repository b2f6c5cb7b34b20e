"""The end of a log file, and what is added to it, across rotations and wiped disks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Final

from axon.errors import ConfigError

TAIL_BYTES: Final = 4 << 20
"""So much of the end of a file is looked at for its last lines."""


class LogTail:
    """One file that is being written by somebody else.

    Args:
        path: it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = 0
        self._inode = 0
        self._rest = b""

    def last(self, count: int) -> list[str]:
        """The last lines so far; what comes later is told by `more`.

        Raises:
            ConfigError: the file cannot be read.
        """
        lines = self._read(TAIL_BYTES)
        return lines[-count:] if count else []

    def more(self) -> list[str]:
        """The lines that have been finished since; raises likewise."""
        return self._read(None)

    def _read(self, limit: int | None) -> list[str]:
        try:
            with self.path.open("rb") as file:
                data = self._fresh(file, limit)
        except FileNotFoundError:  # A wiped disk; it will be written anew.
            self._inode = 0
            return []
        except OSError as error:
            raise ConfigError(f"cannot read {self.path}: {error.strerror}") from error
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def _fresh(self, file: BinaryIO, limit: int | None) -> bytes:
        """What was not read yet; all of a file that is another one or has been cut."""
        status = os.fstat(file.fileno())
        if status.st_ino != self._inode or status.st_size < self._place:
            self._inode, self._place, self._rest = status.st_ino, 0, b""
        if limit is not None and status.st_size - self._place > limit:
            self._place = status.st_size - limit
            file.seek(self._place)
            self._place += len(file.readline(limit))  # It began before.
        file.seek(self._place)
        data = file.read(TAIL_BYTES)
        self._place += len(data)
        return data
