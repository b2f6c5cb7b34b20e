"""Facts about what follows the chain: coins, filters and the background indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class IndexesCaughtUp:
    """Coins and filters have reached the tip after they had lagged behind."""

    category: ClassVar[str | None] = None
    height: int

    def __str__(self) -> str:
        return f"coins and filters have caught up at height={self.height}"


@dataclass(frozen=True, slots=True)
class IndexEnabled:
    """A background index has reached the tip for the first time in this run.

    Args:
        name: as `getindexinfo` calls it.
        height: of the tip.
    """

    category: ClassVar[str | None] = None
    name: str
    height: int

    def __str__(self) -> str:
        return f"{self.name} is enabled at height {self.height}"


@dataclass(frozen=True, slots=True)
class IndexFollowed:
    """A background index has followed the chain to its tip again."""

    category: ClassVar[str | None] = "blockstorage"
    name: str
    height: int

    def __str__(self) -> str:
        return f"{self.name} is at height {self.height}"


IndexFact = IndexesCaughtUp | IndexEnabled | IndexFollowed
