"""The facts that sum up what happened to a block, and where its transactions came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from axon.p2p.blocktimelines import BlockTimeline
from axon.p2p.compactblock import Sources
from axon.primitives.hashes import BlockHash, to_hex


@dataclass(frozen=True, slots=True)
class BlockRebuilt:
    """A compact block was made whole; it is validated next."""

    category: ClassVar[str | None] = "cmpctblock"
    hash: BlockHash
    sources: Sources

    def __str__(self) -> str:
        found = self.sources
        return (
            f"Successfully reconstructed block {to_hex(self.hash)} with {found.prefilled} txn "
            f"prefilled, {found.pool + found.extra} txn from mempool (incl at least {found.extra} "
            f"from extra pool) and {found.requested} txn requested"
        )


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


BlockStory = BlockRebuilt | BlockTraced
