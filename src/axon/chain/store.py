"""What the chain keeps beyond the life of the process: keys and values, written all or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol


class Store(Protocol):
    """Keys and values; a dict in memory, RocksDB on disk. A key's first byte says whose it is."""

    @property
    def name(self) -> str:
        """By which one speaks of it: its folder's, empty where it has none."""

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""

    def multi_get(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """The values of several keys, in their order."""

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """All changes or none, also when the process dies; None deletes a key."""

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All pairs whose key begins so, by key in byte order."""


class MemoryStore:
    """A store that forgets everything with its process."""

    name = ""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""
        return self._values.get(key)

    def multi_get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of several keys, in their order."""
        return list(map(self._values.get, keys))

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """All changes; None deletes a key."""
        values = self._values
        for key, value in changes.items():
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All pairs whose key begins so, by key in byte order."""
        for key in sorted(key for key in self._values if key.startswith(prefix)):
            yield key, self._values[key]
