"""Bytes read as a series of decisions: how a target for a state machine draws its events."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Source:
    """Draws numbers and pieces from bytes; when they have run out, zeros and empty pieces.

    A small change of the bytes is a small change of what is drawn, so that a fuzzer that follows
    coverage can work its way from one series of events to the next.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    @property
    def is_empty(self) -> bool:
        """Whether all bytes have been used."""
        return self._offset >= len(self._data)

    def take(self, size: int) -> bytes:
        """The next bytes, at most `size`; fewer at the end."""
        piece = self._data[self._offset : self._offset + size]
        self._offset += size
        return piece

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(max(0, len(self._data) - self._offset))

    def number(self, size: int) -> int:
        """An unsigned number of so many bytes, little-endian."""
        return int.from_bytes(self.take(size), "little")

    def below(self, bound: int) -> int:
        """A number from 0 to `bound` - 1; `bound` is at most 65,536."""
        return self.number(1 if bound <= 256 else 2) % bound

    def flag(self) -> bool:
        """Yes or no."""
        return bool(self.number(1) & 1)

    def piece(self) -> bytes:
        """Bytes behind their length, at most 255."""
        return self.take(self.number(1))

    def choose(self, items: Sequence[T]) -> T:
        """One of several; there is at least one."""
        return items[self.below(len(items))]


class SourceRandom(Random):
    """A `Random` whose choices come from a source, and from a seed once that is empty.

    For code that is driven by a `Random` already: a model of a test becomes a target.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(1)
        self._source = source

    def random(self) -> float:
        """From 0 up to 1."""
        if self._source.is_empty:
            return super().random()
        return self._source.number(2) / (1 << 16)

    def getrandbits(self, k: int, /) -> int:
        """So many bits."""
        if self._source.is_empty:
            return super().getrandbits(k)
        size = (k + 7) // 8
        return self._source.number(size) & ((1 << k) - 1)
