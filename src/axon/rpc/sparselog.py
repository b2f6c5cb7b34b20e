"""Warnings that callers bring about as often as they like: some lines a minute, then a count."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

LINES_A_PERIOD: Final = 5
"""Lines with one text; what comes beyond them is counted."""

PERIOD_S: Final = 60.0
"""After so long the count is told, and lines are written again."""


class SparseLog:
    """The warnings of one server, on the event loop on which they are given.

    Args:
        log: where they go.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._counts: dict[str, int] = {}

    def warning(self, text: str, *details: object) -> None:
        """Write a line, or count it.

        Args:
            text: as `logging` takes it; lines with the same one are counted together.
            details: what stands in its places.
        """
        count = self._counts.get(text, 0) + 1
        self._counts[text] = count
        if count == 1:
            asyncio.get_running_loop().call_later(PERIOD_S, self._tell, text)
        if count <= LINES_A_PERIOD:
            self._log.warning(text, *details)

    def close(self) -> None:
        """Tell what has been left out up to now."""
        for text in list(self._counts):
            self._tell(text)

    def _tell(self, text: str) -> None:
        left_out = self._counts.pop(text, 0) - LINES_A_PERIOD
        if left_out > 0:
            shown = text.replace("%s", "...").replace("%d", "...")
            self._log.warning("%d more lines were left out: %s", left_out, shown)
