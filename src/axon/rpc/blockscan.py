"""Looking through the filters of blocks, in a thread beside the node."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from axon.chain.filters import match_any
from axon.chain.headerentry import HeaderEntry

AT_ONCE: Final = 100
"""Filters that are read in one go: a second's work; a scan is broken off in between."""


@dataclass(eq=False, slots=True)
class BlockScan:
    """A search for blocks that touch certain scripts; may be watched and broken off meanwhile.

    Args:
        first, last: heights, both included.
    """

    first: int
    last: int
    height: int = field(init=False)
    aborted: bool = False
    found: list[HeaderEntry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.height = self.first

    @property
    def progress(self) -> int:
        """Percent of the blocks that were looked at."""
        if self.last == self.first:
            return 100
        return (self.height - self.first) * 100 // (self.last - self.first)

    def run(
        self,
        stop: HeaderEntry,
        scripts: Collection[bytes],
        filters: Callable[[Sequence[HeaderEntry]], Sequence[bytes | None]],
        is_real: Callable[[HeaderEntry], bool],
    ) -> bool:
        """Look through all filters; whether the end was reached.

        Args:
            stop: the block at `last`.
            scripts: those that are looked for.
            filters: reads filters.
            is_real: whether a block that matches is to be told.
        """
        for begin in range(self.first, self.last + 1, AT_ONCE):
            heights = range(begin, min(begin + AT_ONCE, self.last + 1))
            entries = [entry for entry in map(stop.ancestor, heights) if entry is not None]
            for entry, data in zip(entries, filters(entries), strict=True):
                if self.aborted:
                    return False
                matches = data is not None and match_any(data, entry.hash, scripts)
                if matches and is_real(entry):
                    self.found.append(entry)
                self.height = entry.height
        return True
