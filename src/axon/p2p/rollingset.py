"""A bounded memory of what was seen lately.

Stands where Bitcoin Core has a rolling bloom filter: it never forgets the latest `capacity`
entries, it never holds more than twice as many, and unlike a bloom filter it is never wrong about
an entry.
"""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Set as AbstractSet
from typing import Any, Final, Generic, TypeVar

Entry = TypeVar("Entry", bound=Hashable)

_NOTHING: Final[frozenset[Any]] = frozenset()  # A node has scores of these that stay empty.


class RollingSet(Generic[Entry]):
    """The latest entries added, in two generations of which the older is forgotten as a whole.

    Args:
        capacity: how many of the latest distinct entries are remembered for certain; at least 1.
    """

    __slots__ = ("_capacity", "_old", "_young")

    def __init__(self, capacity: int) -> None:
        assert capacity >= 1
        self._capacity = capacity
        self._young: AbstractSet[Entry] = _NOTHING
        self._old: AbstractSet[Entry] = _NOTHING

    def __contains__(self, entry: Entry) -> bool:
        return entry in self._young or entry in self._old

    def __len__(self) -> int:
        """How many distinct entries are held: at most twice the capacity."""
        return len(self._young | self._old)

    def add(self, entry: Entry) -> None:
        """Remember an entry as the latest."""
        young = self._young
        if entry in young:
            return
        if len(young) >= self._capacity:
            self._old, young = young, _NOTHING
        if isinstance(young, set):
            young.add(entry)
        else:
            self._young = {entry}

    def clear(self) -> None:
        """Remember nothing of what was added before."""
        self._young = self._old = _NOTHING
