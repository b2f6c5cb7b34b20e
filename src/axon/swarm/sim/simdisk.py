"""What a simulated node has on disk, and what a power cut leaves of it."""

from __future__ import annotations

from random import Random
from typing import Final

from axon.chain.coins import Coins, MemoryStore
from axon.chain.filterindex import FilterIndex
from axon.chain.outcome import BlockOutcome
from axon.consensus.ledger import Ledger
from axon.consensus.validator import Validator
from axon.primitives.block import Block
from axon.primitives.verdict import Rejected

SYNC_BLOCKS: Final = 12
"""So many blocks are written before they are synced: as many as a crash can take back."""


class Disk:
    """The blocks that a node has stored, in the order in which they came.

    Coins and filters follow from them, and are worked out anew when a node starts.

    Args:
        blocks: what is on it from the start, synced; parents first.

    Attributes:
        is_lost: it is gone: whoever reads or writes there fails.
    """

    def __init__(self, blocks: list[bytes]) -> None:
        self.blocks = blocks
        self.is_lost = False
        self._synced = len(blocks)

    @property
    def unsynced(self) -> int:
        """How many blocks a crash could take back."""
        return len(self.blocks) - self._synced

    def wrote(self, raw: bytes) -> None:
        """A block was stored."""
        self.blocks.append(raw)
        if self.unsynced >= SYNC_BLOCKS:
            self.sync()

    def sync(self) -> None:
        """All that was written survives from now on."""
        self._synced = len(self.blocks)

    def lose_unsynced(self, rng: Random) -> int:
        """A power cut: so many of the last blocks were lost."""
        lost = int(rng.random() * (self.unsynced + 1))
        del self.blocks[len(self.blocks) - lost :]
        self.sync()
        return lost

    def wipe(self) -> None:
        """A new disk."""
        self.blocks = []
        self.sync()


class LedgerOnDisk(Ledger):
    """A ledger whose blocks are noted on a `Disk`."""

    def __init__(self, validator: Validator, disk: Disk) -> None:
        super().__init__(validator, Coins(MemoryStore()), FilterIndex(MemoryStore()))
        self._disk = disk

    def validate(
        self, raw: bytes, *, follow: bool = True, block: Block | None = None
    ) -> BlockOutcome:
        """Validate a block, and note it if it is kept."""
        outcome = super().validate(raw, follow=follow, block=block)
        if not isinstance(outcome.verdict, Rejected):
            self._disk.wrote(raw)
        return outcome
