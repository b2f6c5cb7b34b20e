"""Bytes that are parsed in small pieces, a few of them in each turn of the event loop.

What a parser needs for some bytes may be out of proportion: a chunked body (RFC 9112, 7.1) may
have a chunk for each byte. All connections of a server share the turns, so that many of them at
once hold other callers up no longer than one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

PIECE_BYTES: Final = 2048
"""Parsed in one go: a millisecond at the very worst, in chunks of one byte."""

TURN_S: Final = 0.001
"""After so long the event loop goes on with other things; long chunks come far in that time."""


class PieceTurns:
    """Whose turn it is to have a piece parsed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Callable[[], bool]] = deque()
        self._is_due = False

    def add(self, take_piece: Callable[[], bool]) -> None:
        """Have pieces of one source taken from now on.

        Args:
            take_piece: takes one piece; whether there is a further one.
        """
        self._waiting.append(take_piece)
        self._schedule()

    def _schedule(self) -> None:
        if self._waiting and not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._is_due = False
        end = self._loop.time() + TURN_S
        try:
            while self._waiting:
                take_piece = self._waiting.popleft()
                if take_piece():
                    self._waiting.append(take_piece)
                if self._loop.time() >= end:
                    break
        finally:
            self._schedule()
