"""`axon lesson`: the story of `axon demo`, act by act, for somebody who shows it to others.

It stops before each act until a key is pressed; meanwhile everything runs, and can be looked at:
each node has a page of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from axon.cli.arguments import and_see, meant
from axon.cli.demo import story_folder
from axon.cli.keyboard import LEAVE, Key, keyboard
from axon.cli.stoppable import stoppable
from axon.cli.storyteller import Teller
from axon.dash.nodepage import URL_FILE
from axon.primitives.network import REGTEST
from axon.swarm.lab.processes import free_port
from axon.swarm.story.story import STEPS, tell

_HELP: Final = """Usage: axon lesson

Tells the story of axon demo act by act, on this machine, with real nodes and
wallets: one server that everybody needs, two nodes, three, a cheat, a split,
wallets that know one address, a single survivor, wallets that pay each other,
and the verdict. It takes as long as you like; a class needs about 45 minutes.

Before each act it waits for a key:

  Enter, space   go on
  ?              the addresses of pages that show each node, to be opened in a
                 browser of this machine, and a line to call a node by
  q, ctrl-C      end the lesson; everything that was started is ended

Exit code: 0 if all that was checked holds, 1 if something does not, 2 if it was
called wrongly, 130 if it was left before its end.
"""
_TITLE: Final = (
    "A lesson with real Bitcoin nodes and wallets on this machine, on a test chain where mining is "
    "cheap. Before each act it waits: Enter goes on, ? says what can be looked at, q leaves."
)
_GO_ON: Final = ("\n", "\r", " ")
_LEFT: Final = 130
_WAIT_S: Final = 3600.0


def main(arguments: Sequence[str]) -> int:
    """Tell the story; the exit code."""
    if any(word in ("--help", "-help", "-h", "-?") for word in arguments):
        sys.stdout.write(_HELP)
        return 0
    if arguments:
        told = f"axon lesson does not know {arguments[0]!r}{meant(arguments[0], ('--help',))}"
        sys.stderr.write(f"Error: {told}{and_see(told)} axon lesson --help\n")
        return 2
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        sys.stderr.write(
            "Error: axon lesson waits for keys, and this is no terminal; axon demo tells the story"
            " without waiting\n"
        )
        return 2
    try:
        with keyboard() as key, story_folder(None) as folder, stoppable():
            teller = LessonTeller(folder, key)
            outcome = tell(folder, teller, node_options=lambda: (f"-dash={free_port()}",))
        teller.end(outcome, None)
    except KeyboardInterrupt:
        sys.stderr.write("\nThe lesson is over; every process that was started here has ended.\n")
        return _LEFT
    return 0 if outcome.holds else 1


class LessonTeller(Teller):
    """Waits before each act but the first, and when all is told.

    Args:
        folder: in which each node has a folder.
        key: waits for a key.
    """

    def __init__(self, folder: Path, key: Key) -> None:
        super().__init__(_TITLE)
        self._folder = folder
        self._key = key

    def step(self, number: int, title: str) -> None:
        """An act begins, once somebody says so."""
        self.write("")
        self._wait(f"[Enter: act {number} of {len(STEPS)}, {title}; ?; q]")
        super().step(number, title)

    def played(self) -> None:
        """The story is told."""
        self.write("")
        self._wait("[Enter: the table of what was checked, and the end; ?; q]")

    def _wait(self, said: str) -> None:
        """Wait for the key that goes on.

        Raises:
            KeyboardInterrupt: it was the one that leaves.
        """
        self.write(said)
        while (pressed := self._key(_WAIT_S)) not in _GO_ON:
            if pressed in LEAVE:
                raise KeyboardInterrupt
            if pressed == "?":
                self._show()
                self.write(said)

    def _show(self) -> None:
        pages = sorted(self._folder.glob(f"node*/{REGTEST.folder}/{URL_FILE}"))
        if not pages:
            self.write("  No node lives now.")
        for page in pages:
            node = page.parents[1]
            self.write(f"  {node.name.replace('node', 'node ')}  {page.read_text().strip()}")
        if pages:
            self.write("  In another terminal, for one:")
            self.write(f"  axon rpc -datadir={pages[0].parents[1]} -getinfo")
