"""At which place a hash stands: five bytes a cell, cells for twice or three times as many hashes.

A cell has a place and seven bits of the hash, and lies where more of its bits say; when that cell
is taken, in the next free one. The bits are those of Python's own hash of bytes, whose key
(SipHash) is drawn anew by each process: nobody can choose headers that all want one cell.

A table that becomes too full is followed by a larger one. What stood in the old one moves on
bit by bit, with each addition some: so that none of them takes long.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Final

_SMALLEST: Final = 1 << 15
_LARGE: Final = 1 << 16
"""Up to this size a table is followed by one four times as large: fewer have to move on."""
_ADDED_AT_ONCE: Final = _SMALLEST // 4
"""Before it is looked whether a table is too full; the smallest has room for so many more then."""

_MOVED_AT_ONCE: Final = 4
"""How many move on with each that is added: all have before the new table is full."""


class _Cells:
    """One table; see the module. A mark of 0 is an empty cell."""

    def __init__(self, size: int) -> None:
        self.mask = size - 1
        self.most = size * 2 // 3
        self.marks = bytearray(size)
        self.places = array("I", bytes(4)) * size

    def add(self, start: int, hashes: Sequence[bytes]) -> None:
        """Hashes that are not there; their places follow each other."""
        mask, marks, places = self.mask, self.marks, self.places
        for place, number in enumerate(map(hash, hashes), start):
            cell = number & mask
            while marks[cell]:
                cell = (cell + 1) & mask
            places[cell] = place
            marks[cell] = number >> 40 & 0xFF | 1  # From now on it is found.


class HeaderIndex:
    """The places of hashes from 0 on.

    Args:
        hashes: those from one place to before another.
    """

    def __init__(self, hashes: Callable[[int, int], Sequence[bytes]]) -> None:
        self._hashes = hashes
        self._cells = _Cells(_SMALLEST)
        self._old: _Cells | None = None  # Not all of these have moved to `_cells`.
        self._old_count = 0
        self._moved = 0
        self.count = 0
        """How many hashes there are."""

    def reserve(self, count: int) -> None:
        """So many will be added at once to an index that is empty."""
        assert self.count == 0, "only an empty index is made larger in one step"
        size = _SMALLEST
        while size * 2 // 3 < count:
            size *= 2
        self._cells = _Cells(size)

    def add(self, hashes: Sequence[bytes]) -> None:
        """Hashes that are not there, at the next places."""
        for at in range(0, len(hashes), _ADDED_AT_ONCE):
            self._add_some(hashes[at : at + _ADDED_AT_ONCE])

    def _add_some(self, hashes: Sequence[bytes]) -> None:
        cells = self._cells
        cells.add(self.count, hashes)
        self.count += len(hashes)
        if self._old is not None:
            self._move(_MOVED_AT_ONCE * len(hashes))
        elif self.count > cells.most:
            self._old, self._old_count, self._moved = cells, self.count, 0
            factor = 4 if cells.mask < _LARGE else 2
            self._cells = _Cells(factor * (cells.mask + 1))

    def find(self, wanted: bytes) -> int | None:
        """The place of a hash; None if it is not there."""
        cells = self._cells
        old = self._old  # Looked at second: what another thread moves is in one of them.
        found = self._look(cells, wanted)
        if found is None and old is not None:
            return self._look(old, wanted)
        return found

    def _look(self, cells: _Cells, wanted: bytes) -> int | None:
        mask, marks, places = cells.mask, cells.marks, cells.places
        number = hash(wanted)
        cell, mark = number & mask, number >> 40 & 0xFF | 1
        while marks[cell]:
            if marks[cell] == mark and self._hashes(places[cell], places[cell] + 1)[0] == wanted:
                return places[cell]
            cell = (cell + 1) & mask
        return None

    def _move(self, most: int) -> None:
        """Move some of the old on; the old table stays whole until all have."""
        end = min(self._moved + most, self._old_count)
        self._cells.add(self._moved, self._hashes(self._moved, end))
        self._moved = end
        if end == self._old_count:
            self._old = None
