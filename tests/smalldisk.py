"""A disk of a few megabytes, for tests of what happens when it is full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

_PIECE_BYTES: Final = 1 << 20
_FILLING: Final = "filling"


class SmallDisk:
    """A mounted tmpfs.

    Args:
        folder: where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def leave(self, free_bytes: int) -> None:
        """Fill it until only so much is free, to the page."""
        self.empty()
        with (self.folder / _FILLING).open("wb", buffering=0) as file:
            while (surplus := self._free_bytes() - free_bytes) > 0:
                file.write(bytes(min(_PIECE_BYTES, surplus)))

    def empty(self) -> None:
        """Take away what `leave` put there."""
        (self.folder / _FILLING).unlink(missing_ok=True)

    def _free_bytes(self) -> int:
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """A disk of this size, until the block is left; the test is skipped where none can be had."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(["mount", *options], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount on this machine")
    if mounted.returncode != 0:
        pytest.skip(f"only root mounts a small disk: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
