"""The fact that sums up what happened to a block."""

from __future__ import annotations

from dataclasses import dataclass

from axon.p2p.blocktimelines import BlockTimeline


@dataclass(frozen=True, slots=True)
class BlockTraced:
    """A block has its verdict, and this is what happened to it so far."""

    timeline: BlockTimeline
    initial_sync: bool

    @property
    def category(self) -> str | None:
        """Of the many blocks of the first sync only who measures wants to read."""
        return "bench" if self.initial_sync else None

    def __str__(self) -> str:
        return str(self.timeline)
