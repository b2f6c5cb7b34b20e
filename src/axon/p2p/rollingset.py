"""A bounded memory of what was seen lately.

Stands where Bitcoin Core has a rolling bloom filter: it never forgets the latest `capacity`
entries, it never holds more than twice as many, and unlike a bloom filter it is never wrong about
an entry.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Entry = TypeVar("Entry", bound=Hashable)


class RollingSet(Generic[Entry]):
    """The latest entries added, in two generations of which the older is forgotten as a whole.

    Args:
        capacity: how many of the latest distinct entries are remembered for certain; at least 1.
    """

    __slots__ = ("_capacity", "_old", "_young")

    def __init__(self, capacity: int) -> None:
        assert capacity >= 1
        self._capacity = capacity
        self._young: set[Entry] = set()
        self._old: set[Entry] = set()

    def __contains__(self, entry: Entry) -> bool:
        return entry in self._young or entry in self._old

    def __len__(self) -> int:
        """How many distinct entries are held: at most twice the capacity."""
        return len(self._young | self._old)

    def add(self, entry: Entry) -> None:
        """Remember an entry as the latest."""
        if entry in self._young:
            return
        if len(self._young) >= self._capacity:
            self._old, self._young = self._young, set()
        self._young.add(entry)

    def clear(self) -> None:
        """Remember nothing of what was added before."""
        self._young = set()
        self._old = set()
