"""The fact that old blocks have left the disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class BlocksPruned:
    """Old blocks were taken off the disk.

    Args:
        below: all of the active chain below this height are gone.
    """

    category: ClassVar[str | None] = "prune"
    below: int

    def __str__(self) -> str:
        return f"Blocks below height {self.below} are pruned"
