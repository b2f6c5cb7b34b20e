"""Joins what looks, what acts and what shows: threads tell it, open pages hear it.

Everything here runs in one event loop. One order is carried out at a time, in a thread of its own;
a controller that ends while one is under way harms nobody (`lifecycle`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from axon.drivers.aio.clock import Clock
from axon.errors import AxonError, ConfigError
from axon.machine import Instant
from axon.rpc.client import Unauthorized, Unreachable
from axon.rpc.errors import RpcError
from axon.swarm.dash.board import Board, PageMessage
from axon.swarm.dash.livecheck import check_run
from axon.swarm.dash.livesearch import LiveSearch
from axon.swarm.dash.orders import Deed, PageOrder, carry_out
from axon.swarm.dash.runframe import Look
from axon.swarm.dash.runwatch import RunWatch
from axon.swarm.dash.travel import Sighting
from axon.swarm.invariants import Finding
from axon.swarm.lab import lifecycle
from axon.swarm.lab.checking import choose
from axon.swarm.lab.members import node_of
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.verdict import exit_code

SETTLE_EVERY_S: Final = 0.1
"""So long sightings of several nodes are gathered before they are put into order."""

MAX_PAGES: Final = 32
"""Open at once: each costs a socket, and every message is written to each."""

MAX_UNREAD: Final = 512
"""Messages that wait for a page; one that takes none is left, and asks anew when it can."""

LEAVE_LIMIT_S: Final = 5.0
"""How long an order under way may take to come to an end when the program is to end."""

Mail = asyncio.Queue[PageMessage | None]
"""What a page is to be told; None at the end."""


class Hub:
    """One run, its pages, and what they ask for; it works while it is entered.

    Args:
        folder: of the run.
        board: what pages show.
    """

    def __init__(self, folder: Path, board: Board) -> None:
        self._folder = folder
        self._board = board
        self._clock = Clock()
        self._pages: dict[Mail, None] = {}
        self._busy = ""
        self._stopped = threading.Event()
        self._ended = False
        self._worker: threading.Thread | None = None
        self._search: LiveSearch | None = None

    async def __aenter__(self) -> Hub:
        self._loop = asyncio.get_running_loop()
        self._watch = RunWatch(self._folder, self)
        self._watch.__enter__()
        self._settling = asyncio.create_task(self._settle())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended = True
        self.stop()
        self._settling.cancel()
        for mail in list(self._pages):
            self._leave(mail)
        await asyncio.to_thread(self._join)

    def _join(self) -> None:
        self._watch.__exit__()
        if self._worker is not None:
            self._worker.join(LEAVE_LIMIT_S)

    @property
    def busy(self) -> str:
        """What is being done, in words; empty if nothing is."""
        return self._busy

    def node(self, name: str) -> NodeProcess:
        """A node of the run, to be asked.

        Raises:
            ConfigError: there is no run, or no such node in it.
        """
        manifest = lifecycle.load(self._folder)
        if name not in [item.name for item in manifest.nodes]:
            raise ConfigError(f"there is no node {name[:40]!r} in this run")
        return node_of(manifest, name)

    # Pages.

    @contextmanager
    def page(self) -> Iterator[Mail]:
        """A page that is open; it hears all that is known first.

        Raises:
            ConfigError: too many are open, or the program is about to end.
        """
        if self._ended:
            raise ConfigError("axon swarm dash is about to end")
        if len(self._pages) >= MAX_PAGES:
            raise ConfigError(f"{MAX_PAGES} pages are open already; close one")
        mail: Mail = asyncio.Queue(MAX_UNREAD)
        for message in self._board.greeting():
            mail.put_nowait(message)
        self._pages[mail] = None
        try:
            yield mail
        finally:
            self._pages.pop(mail, None)

    def _tell(self, messages: list[PageMessage]) -> None:
        for mail in list(self._pages):
            try:
                for message in messages:
                    mail.put_nowait(message)
            except asyncio.QueueFull:
                self._leave(mail)

    def _leave(self, mail: Mail) -> None:
        del self._pages[mail]
        if mail.full():
            mail.get_nowait()
        mail.put_nowait(None)

    # What is seen; called in other threads.

    def looked(self, look: Look, close: tuple[str, ...]) -> None:
        """As of `runwatch.Observer`."""
        self._hear(lambda: self._board.looked(look, close))

    def gone(self, said: str, at: Instant) -> None:
        """Likewise."""
        self._hear(lambda: self._board.gone(said, at))

    def saw(self, sighting: Sighting) -> None:
        """Likewise."""
        self._hear(lambda: self._seen(sighting))

    def _seen(self, sighting: Sighting) -> list[PageMessage]:
        self._board.saw(sighting)
        return []

    def _hear(self, change: Callable[[], list[PageMessage]]) -> None:
        """Change the board in the loop, and tell all pages what follows."""
        with suppress(RuntimeError):  # The loop has ended, and with it all that could hear.
            self._loop.call_soon_threadsafe(lambda: self._tell(change()))

    async def _settle(self) -> None:
        while True:
            await asyncio.sleep(SETTLE_EVERY_S)
            self._tell(self._board.settle())

    # What is asked for.

    def begin(self, order: PageOrder) -> None:
        """Carry an order out; pages hear how it goes.

        Raises:
            ConfigError: another one is being carried out.
        """
        if self._busy:
            raise ConfigError(f"wait until this has ended: {self._busy}")
        self._busy = order.doing
        self._stopped.clear()
        self._search = LiveSearch(self._folder, self._rows) if order.deed is Deed.SEARCH else None
        self._tell(self._board.order_began(order))
        self._worker = threading.Thread(target=self._work, args=(order,), name="order", daemon=True)
        self._worker.start()

    def stop(self) -> None:
        """Let a check or a search come to its end; anything else is done to its own."""
        self._stopped.set()
        if self._search is not None:
            self._search.stop()

    def _work(self, order: PageOrder) -> None:
        said, failed = "", True
        try:
            if order.deed is Deed.CHECK:
                said = self._check()
            elif order.deed is Deed.SEARCH:
                assert self._search is not None, "made with the order"
                said = self._search.run()
            else:
                said = carry_out(self._folder, order, self._say)
            failed = False
        except (AxonError, Unreachable, Unauthorized, RpcError, OSError) as error:
            said = str(error)
        self._watch.look_now()
        self._hear(lambda: self._done(order, said, failed=failed))

    def _done(self, order: PageOrder, said: str, *, failed: bool) -> list[PageMessage]:
        self._busy = ""
        return self._board.order_ended(
            said, self._clock.now(), failed=failed, is_seen=order.is_seen
        )

    def _say(self, line: str) -> None:
        self._hear(lambda: self._board.order_said(line))

    def _rows(self, rows: dict[str, object]) -> None:
        self._hear(lambda: self._board.searched(rows))

    def _check(self) -> str:
        chosen = choose((), harm=False)
        found: list[Finding] = []
        why = "the check could not be carried out"

        def tell(finding: Finding) -> None:
            found.append(finding)
            self._hear(lambda: self._board.check_found(finding))

        def say(line: str) -> None:
            self._hear(lambda: self._board.check_said(line))

        self._hear(lambda: self._board.check_began(chosen.names))
        try:
            check_run(self._folder, chosen, tell, say, self._stopped)
            why = ""
        except AxonError as error:
            why = str(error)
            raise
        finally:
            self._hear(lambda: self._board.check_ended(why))
        return f"checked: {exit_code(found).name.lower()}"
