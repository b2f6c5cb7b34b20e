"""Filters that come before their filter headers: a partner gives them while no node is in reach.

    wanted --asked of a partner--> held, unchecked --filter headers of nodes--> checked, or thrown

Nothing rests on them: whoever reads them holds each against the filter header on which nodes agree
by then, and a false one is asked of nodes like one that is missing. All that a liar takes from us
is room, and of that he has a bounded piece.
"""

from __future__ import annotations

from typing import Final

from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.node.scanflow import ScanFlow
from axon.primitives.hashes import BlockHash
from axon.wire.messages.filters import MAX_CFILTERS

MAX_UNCHECKED_BYTES: Final = 1_000_000_000
"""Taken in one run ahead of their filter headers: those of a year of full blocks."""


class EarlyFilters:
    """Which filters a partner may give ahead of their filter headers.

    Args:
        tree: all headers known.
        scan: of the wallet: filters are wanted from its next block on.
    """

    def __init__(self, tree: HeaderTree, scan: ScanFlow) -> None:
        self._tree = tree
        self._scan = scan
        self._top: HeaderEntry | None = None  # The last block whose filter is held.
        self._taken_bytes = 0
        self._full_at: int | None = None  # The scan's height when there was no more room.

    def wanted(self) -> tuple[int, BlockHash] | None:
        """First height and hash of the last block of those that are wanted next."""
        best, first = self._tree.best, self._first()
        is_full = self._full_at == self._scan.height or self._taken_bytes >= MAX_UNCHECKED_BYTES
        if is_full or first > best.height:
            return None
        return first, self.names(first, MAX_CFILTERS)[-1]

    def names(self, start: int, count: int) -> tuple[BlockHash, ...]:
        """The blocks of the best chain from a height on."""
        best = self._tree.best
        found = [best.ancestor(at) for at in range(start, min(start + count - 1, best.height) + 1)]
        return tuple([entry.hash for entry in found if entry is not None])

    def taken(self, names: tuple[BlockHash, ...], sizes: tuple[int, ...], count: int) -> None:
        """Of filters that came, so many were taken.

        Args:
            names: of their blocks.
            sizes: of the filters, in bytes.
            count: how many, from the first on.
        """
        self._taken_bytes += sum(sizes[:count])
        self._full_at = None if count == len(names) else self._scan.height
        if count:
            self._top = self._tree.get(names[count - 1])
            self._scan.held_ahead()

    def _first(self) -> int:
        if self._top is None:
            return max(1, self._scan.next_height)
        return max(self._tree.fork(self._top, self._tree.best).height, self._scan.height) + 1
