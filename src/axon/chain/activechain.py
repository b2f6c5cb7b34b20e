"""The active chain: the one line of blocks, by height, that the ledger stands on.

It follows the validator's verdicts, not the header tree: its tip is a block that was validated and
connected, while the best header may be far ahead.
"""

from __future__ import annotations

from array import array

from axon.chain.headerentry import HeaderEntry


class ActiveChain:
    """The connected blocks from the genesis block to the tip.

    Args:
        genesis: the lowest entry; it never disconnects.
    """

    def __init__(self, genesis: HeaderEntry) -> None:
        self._table = genesis.table
        self._slots = array("I", [genesis.slot])  # There: a main chain has close to a million.
        self._base = genesis.height
        self._tip = genesis

    @property
    def tip(self) -> HeaderEntry:
        """The highest connected block."""
        return self._tip

    @property
    def height(self) -> int:
        """The tip's height."""
        return self._tip.height

    def at(self, height: int) -> HeaderEntry | None:
        """The block at a height; None above the tip and below the lowest."""
        index = height - self._base
        return self._table.at(self._slots[index]) if 0 <= index < len(self._slots) else None

    def contains(self, entry: HeaderEntry) -> bool:
        """Whether a block is connected."""
        index = entry.height - self._base
        known = 0 <= index < len(self._slots) and self._slots[index] == entry.slot
        return known and entry.table is self._table

    def next(self, entry: HeaderEntry) -> HeaderEntry | None:
        """The block after a connected one; None after the tip and for one not connected."""
        return self.at(entry.height + 1) if self.contains(entry) else None

    def fork_of(self, entry: HeaderEntry) -> HeaderEntry:
        """The highest connected block that `entry` builds on; itself if connected."""
        return _common(self.tip, entry)

    def connect(self, entry: HeaderEntry) -> None:
        """Put a block on top of the tip."""
        assert entry.parent is self.tip, "a block connects to the tip only"
        self._slots.append(entry.slot)
        self._tip = entry

    def disconnect(self) -> HeaderEntry:
        """Take the tip off; the block that was it."""
        assert len(self._slots) > 1, "the genesis block never disconnects"
        tip = self._tip
        self._slots.pop()
        self._tip = self._table.at(self._slots[-1])
        return tip


def _common(a: HeaderEntry, b: HeaderEntry) -> HeaderEntry:
    common = a.fork_with(b)
    assert common is not None, "the active chain and the entry belong to one tree"
    return common
