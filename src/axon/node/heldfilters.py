"""Filters held in memory until somebody looks at them: from partners, and perhaps false.

Who keeps filters on disk writes them there, where a false one is written over by the true one; who
keeps none holds a few here, so that a wallet need not ask nodes for what a partner gave it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.primitives.hashes import BlockHash

MAX_HELD_BYTES: Final = 16_000_000
"""Some 800 filters of full blocks: five days of a chain, of a wallet that may take 80 MB."""


class HeldFilters:
    """Filters by block, up to a size."""

    def __init__(self) -> None:
        self._filters: dict[BlockHash, bytes] = {}
        self._size_bytes = 0

    def hold(self, filters: Sequence[tuple[BlockHash, bytes]]) -> int:
        """Hold filters, from the first on, as long as there is room; how many."""
        for count, (name, data) in enumerate(filters):
            self.let_go((name,))
            if self._size_bytes + len(data) > MAX_HELD_BYTES:
                return count
            self._filters[name] = data
            self._size_bytes += len(data)
        return len(filters)

    def get(self, block_hash: BlockHash) -> bytes | None:
        """The filter of a block; None if it is not held."""
        return self._filters.get(block_hash)

    def let_go(self, hashes: Sequence[BlockHash]) -> None:
        """These are not needed any more."""
        for name in hashes:
            self._size_bytes -= len(self._filters.pop(name, b""))
