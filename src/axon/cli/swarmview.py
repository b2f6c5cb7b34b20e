"""What people see of a run on a terminal, and programs of its commands: lines, JSON, progress."""

from __future__ import annotations

import sys
from typing import Final

from axon.drivers.aio.clock import Clock
from axon.machine import SECOND
from axon.rpc.amounts import encode_json

REFRESH_S: Final = 1.0
"""How often a live picture is drawn."""

CLEAR: Final = "\x1b[H\x1b[2J"
"""Empties a terminal."""


def write(line: str) -> None:
    """One line of a result."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def write_json(result: object) -> None:
    """A result as JSON, its money exact."""
    write(encode_json(result, indent=2))


class RunProgress:
    """What is being done, in one line that is written over; in a file now and then a line."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = ""
        self._clock = Clock()
        self._begin = self._clock.now()
        self._told_s = -REFRESH_S

    def __call__(self, line: str) -> None:
        now_s = self.seconds()
        if line == self._last or (not self._live and now_s < self._told_s + REFRESH_S):
            return
        self._last, self._told_s = line, now_s
        text = f"{now_s:6.1f} s  {line}"
        sys.stderr.write(f"\r\x1b[K{text}" if self._live else f"{text}\n")
        sys.stderr.flush()

    def seconds(self) -> float:
        """Since the beginning."""
        return (self._clock.now() - self._begin) / SECOND

    def end(self) -> None:
        """Leave the line free for others."""
        if self._live and self._last:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._last = ""
