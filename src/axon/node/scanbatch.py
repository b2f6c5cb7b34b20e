"""A batch of filters on its way through the wallet, and what follows each job done for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from axon.chain.headertree import HeaderEntry
from axon.machine import PeerId
from axon.primitives.hashes import BlockHash


@dataclass(frozen=True, slots=True)
class KeptFiltersRead:
    """Continuation: filters of earlier runs were read.

    Args:
        first_height: of the first.
        names: of their blocks, upwards.
    """

    first_height: int
    names: tuple[BlockHash, ...]


@dataclass(frozen=True, slots=True)
class FiltersMatched:
    """Continuation: the wallet has looked at filters.

    Args:
        batch: of which batch.
        heights: of which blocks.
    """

    batch: int
    heights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BlockScanned:
    """Continuation: the wallet has looked through a block.

    Args:
        batch: of which batch.
        height: of the block.
        hash: of the block.
        peer: who sent it.
    """

    batch: int
    height: int
    hash: BlockHash
    peer: PeerId


@dataclass(frozen=True, slots=True)
class ChainFollowed:
    """Continuation: the wallet knows how far it has seen.

    Args:
        entry: up to which block.
        back: whether it has forgotten what is above.
    """

    entry: HeaderEntry
    back: bool


@dataclass(eq=False, slots=True)
class ScanBatch:
    """Filters whose blocks are being read."""

    number: int
    filters: dict[int, tuple[BlockHash, bytes]]  # By height.
    wanted: dict[int, BlockHash] = field(default_factory=dict)  # Matching, not taken yet.
    held: dict[BlockHash, tuple[PeerId, bytes]] = field(default_factory=dict)  # Before their turn.
    working: bool = False  # A job of this batch is under way.

    @property
    def last(self) -> int:
        """The height of its last block."""
        return max(self.filters)
