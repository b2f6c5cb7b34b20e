"""How much of something clients may hold at a time, so that something is left for others.

What comes from this machine has one half of it, and all others the other. What a holder has may be
no more than a part of what it leaves. So whoever comes when others have all they can get still gets
something: behind ten as greedy networks a tenth of what the first of them got.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

LEAVES_LOCAL: Final = 2
"""So many times what it has a connection of this machine leaves: alone it has a third of all."""

LEAVES_STRANGERS: Final = 4
"""And a network of strangers: alone it has a fifth of what is theirs."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose share something is taken from.

    Args:
        name: who comes from one network (`places.networks_of`) is one. What comes from this machine
            may be anybody's, through Tor or a proxy, so there each connection is one.
        is_local: whether it comes from this machine.
    """

    name: str
    is_local: bool


class Shares:
    """What there is of one thing, and who holds how much of it.

    Args:
        most: so much, of bytes or of things.
    """

    def __init__(self, most: int) -> None:
        self._left = {True: most // 2, False: most - most // 2}  # By whether it is local.
        self._held: Counter[Holder] = Counter()

    def left(self, *, is_local: bool) -> int:
        """How much nobody holds, of one half."""
        return self._left[is_local]

    def take(self, holder: Holder, count: int) -> bool:
        """Take so much, if enough is left then for others; whether it was taken."""
        held = self._held[holder] + count
        left = self._left[holder.is_local] - count
        if held * (LEAVES_LOCAL if holder.is_local else LEAVES_STRANGERS) > left:
            return False
        self._held[holder], self._left[holder.is_local] = held, left
        return True

    def give_back(self, holder: Holder, count: int) -> None:
        """So much is held no more."""
        self._left[holder.is_local] += count
        self._held[holder] -= count
        if not self._held[holder]:
            del self._held[holder]
