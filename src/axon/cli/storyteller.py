"""Tells a story on the terminal while it happens, as wide as the terminal is."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Final

from axon.swarm.story.checks import FAILS, HOLDS, Check, table, verdict
from axon.swarm.story.runner import Listener
from axon.swarm.story.story import Outcome

WIDEST: Final = 100
"""Longer lines are hard to read."""

NARROWEST: Final = 40

_ENDS: Final = (".", "!", "?", ":", ")")
"""Of a sentence; a line without one of these goes on in the next."""

_BOLD, _GREEN, _RED, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[0m"


class Teller(Listener):
    """Writes on standard output, in colours if that is a terminal that has any.

    Args:
        title: what it is about, in the first lines.
    """

    def __init__(self, title: str) -> None:
        shown = shutil.get_terminal_size().columns
        self.width = max(NARROWEST, min(shown, WIDEST))
        self._coloured = (
            sys.stdout.isatty()
            and "NO_COLOR" not in os.environ
            and os.environ.get("TERM") != "dumb"
        )
        self._begun = ""
        self.wrapped(title)

    def step(self, number: int, title: str) -> None:
        """An act begins."""
        self.write(f"\n{self._paint(_BOLD, f'Act {number}. {title}')}")

    def say(self, line: str) -> None:
        """Something happens."""
        self._begun = f"{self._begun} {line}".strip()
        if line.endswith(_ENDS):
            self._finish()

    def check(self, item: Check) -> None:
        """Something was checked."""
        text = f"{item.claim}: {item.seen}"
        if not item.holds:
            text += f" (expected: {item.expected})"
        first, *more = self._lines(text, 8)
        self.write(f"    {self._verdict(item.word)}  {first}")
        for line in more:
            self.write(f"        {line}")

    def end(self, outcome: Outcome, kept: Path | None) -> None:
        """The table, the times, the verdict."""
        self.write("")
        for line in table(outcome.checks, self.width):
            body, gap, word = line.rpartition("  ")
            painted = word if word not in (HOLDS, FAILS) else self._verdict(word)
            self.write(f"{body}{gap}{painted}")
        self.write("")
        for number, step in enumerate(outcome.steps, start=1):
            self.write(f"{step.seconds:6.1f} s  act {number}. {step.title}")
        self.write(f"{outcome.seconds:6.1f} s  in all")
        if kept is not None:
            self.write(f"The folders of nodes and wallets are in {kept}.")
        colour = _GREEN if outcome.holds else _RED
        self.write(f"\n{self._paint(colour, verdict(outcome.checks))}")

    def wrapped(self, text: str) -> None:
        """A paragraph."""
        for line in self._lines(text, 0):
            self.write(line)

    def write(self, line: str) -> None:
        """A line as it stands, behind what has been said."""
        self._finish()
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def _finish(self) -> None:
        """Write what has been said of a sentence."""
        begun, self._begun = self._begun, ""
        if begun:
            for line in self._lines(begun, 2):
                self.write(f"  {line}")

    def _lines(self, text: str, indent: int) -> list[str]:
        return textwrap.wrap(text, self.width - indent, break_on_hyphens=False) or [""]

    def _verdict(self, word: str) -> str:
        return self._paint(_GREEN if word == HOLDS else _RED, word)

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._coloured else text
