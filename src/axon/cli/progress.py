"""What a person at the terminal sees of a node: how far the sync is, then calm."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Final, TextIO

from axon.machine import Endpoint
from axon.node.facts import Fact, HeadersAdvanced, TipChanged

STEP_S: Final = 0.5
"""From one line to the next on a terminal."""

PLAIN_STEP_S: Final = 10.0
"""The same where lines cannot be overwritten: a pipe, a file."""


class Progress:
    """Prints facts as one line that changes.

    Args:
        stream: where to.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._headers = 0
        self._height = 0
        self._printed_at = 0.0
        self._calm = False
        self._open_line = False

    def started(self, name: str, endpoints: Sequence[Endpoint], height: int) -> None:
        """The node listens."""
        self._height = self._headers = height
        where = ", ".join(map(str, endpoints)) or "no port"
        self._line(f"axon node on {name}, height {height:,}, listening on {where}; ctrl-C stops it")

    def saw(self, fact: Fact) -> None:
        """Take in one fact."""
        match fact:
            case HeadersAdvanced():
                self._headers = max(self._headers, fact.height)
            case TipChanged():
                self._height = fact.height
                self._headers = max(self._headers, fact.height)
            case _:
                return
        self._show()

    def _show(self) -> None:
        if self._height >= self._headers:
            if not self._calm and self._height:
                self._line(f"in sync at height {self._height:,}")
            self._calm = True
            return
        if self._headers - self._height < 2:
            return  # One new block is no sync.
        self._calm = False
        now = time.monotonic()
        if now - self._printed_at < (STEP_S if self._live else PLAIN_STEP_S):
            return
        self._printed_at = now
        part = self._height / self._headers
        text = f"syncing: block {self._height:,} of {self._headers:,} ({part:.1%})"
        if self._live:
            self._stream.write(f"\r{text}\x1b[K")
            self._open_line = True
            self._stream.flush()
        else:
            self._line(text)

    def _line(self, text: str) -> None:
        if self._open_line:
            self._stream.write("\r\x1b[K")
            self._open_line = False
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def say(self, text: str) -> None:
        """One sentence."""
        self._line(text)
