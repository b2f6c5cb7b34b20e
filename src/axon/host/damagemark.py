"""A file that says what a run has found damaged, for the next start to build it anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from axon.drivers.aio.privatefiles import write_file
from axon.errors import DamageError, disk_refusal


class DamageMark:
    """The name of what is damaged; a file without one is for all.

    Args:
        path: of the file.
        names: what may be damaged, by the folders.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._path = path
        self._names = frozenset(names)

    def read(self) -> frozenset[str]:
        """What is to be built anew; nothing where there is no file."""
        if not self._path.exists():
            return frozenset()
        named = self._path.read_bytes().decode("utf-8", "replace")
        return frozenset((named,)) & self._names or self._names

    def note(self, damage: DamageError) -> bool:
        """Remember a damage; False if it is of something else.

        Raises:
            StorageError: the disk refuses.
        """
        if damage.of not in self._names:
            return False
        try:
            write_file(self._path, damage.of.encode())
        except OSError as error:
            raise disk_refusal(f"cannot write {self._path}", error) from error
        return True

    def forget(self) -> None:
        """It was read, and what is damaged is gone."""
        self._path.unlink(missing_ok=True)
