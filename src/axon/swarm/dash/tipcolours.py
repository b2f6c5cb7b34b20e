"""A colour for each last block: equal colours are equal last blocks, at every moment.

A block keeps its colour for as long as anybody stands on it, and no two on which somebody stands
have the same one. Where there are more blocks than colours the rest has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

COLOURS: Final = 5
"""As many as are told apart at a glance; classes `tip0` to `tip4` of the page. None of them is
green or red, which say what holds and what does not."""


class TipColours:
    """Colours in turn, so that a block and the next one differ."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self._next = 0

    def assign(self, tips: Iterable[str]) -> dict[str, int]:
        """The colours of all blocks on which somebody stands now.

        Args:
            tips: in order of appearance; what is not among them any more gives its colour back.
        """
        wanted = dict.fromkeys(tip for tip in tips if tip)
        self._taken = {tip: number for tip, number in self._taken.items() if tip in wanted}
        for tip in wanted:
            if tip not in self._taken:
                self._take(tip)
        return dict(self._taken)

    def _take(self, tip: str) -> None:
        used = self._taken.values()
        turn = ((self._next + step) % COLOURS for step in range(COLOURS))
        free = next((number for number in turn if number not in used), None)
        if free is not None:
            self._taken[tip] = free
            self._next = (free + 1) % COLOURS
