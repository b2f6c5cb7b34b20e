"""What the methods of the Electrum server are given, and who is told when something changes.

Clients are told of one block after the other: the tip they know of (`tip`), the confirmed parts of
their scripts' statuses and the unconfirmed transactions change together, and while they do nothing
is looked up (`at_tip` waits). So no answer mixes two blocks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, ParamSpec, Protocol, TypeVar

from axon.chain.headertree import HeaderEntry
from axon.chain.scriptindex import ScriptIndex
from axon.electrum.client import Client
from axon.electrum.errors import HISTORY_TOO_LARGE, ElectrumCode, ElectrumError
from axon.electrum.following import IndexFollowing, Moved
from axon.electrum.headerproofs import HeaderProofs
from axon.electrum.poolfollowing import PoolFollowing
from axon.electrum.statuses import ConfirmedPart, StatusBook, Subscribed
from axon.errors import DamageError
from axon.node.facts import TipChanged
from axon.primitives.hashes import BlockHash, Txid
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Registry

MAX_HISTORY: Final = 10_000
"""Transactions of one script that are told, or outputs: an answer of a megabyte."""

LONG_UNCONFIRMED: Final = 500
"""More unconfirmed ones of one script are put in order off the loop."""

AGAIN_S: Final = 0.01
"""After so long it is looked again whether the index stands at the block that clients know of."""

PATIENCE_S: Final = 20.0
"""So long an answer waits for a chain that moves."""

TURN_S: Final = 0.005
"""So long statuses are worked out before others have a turn."""

THREADS: Final = 2
"""For what clients ask: reading the index, proofs. More would only take turns."""

PARTS_AT_ONCE: Final = 100
"""Histories that are read anew in one go, after a reorganisation."""

MOVE_S: Final = 1.0
"""So long statuses wait for the last block of a move; blocks may come without end."""

ROUND_PAUSE_S: Final = 0.05
"""Between two rounds of telling what changed: transactions that come at once are told at once."""

_log: Final = logging.getLogger("axon")
_P = ParamSpec("_P")
_T = TypeVar("_T")


class StatusListener(Protocol):
    """A client, as far as it is told of changes."""

    def statuses(self, changed: Sequence[tuple[bytes, str | None]]) -> None:
        """Scripts that it is subscribed to have new statuses."""

    def superseded(self, script: bytes) -> None:
        """An answer says the status of a script; what was to be told of it is older."""

    def header(self, tip: HeaderEntry) -> None:
        """The chain has a new tip; it is subscribed to that."""


class ElectrumService:
    """The server behind all connections.

    Args:
        daemon: the node.
        registry: its RPC methods.
        folder: of the index.
        software: what clients are told this server is.
    """

    def __init__(self, daemon: Daemon, registry: Registry, folder: Path, software: str) -> None:
        self.daemon = daemon
        self.registry = registry
        self.software = software
        self.proofs = HeaderProofs(self.off_loop)
        self.book = StatusBook()
        self.clients: dict[int, StatusListener] = {}
        self.header_clients: dict[int, None] = {}
        self.following = IndexFollowing(daemon, folder)
        self.pool = PoolFollowing(daemon, self._touch)
        self.tip: HeaderEntry = daemon.node.active.tip
        self._is_moving = False
        self._touched: dict[bytes, None] = {}
        self._news = asyncio.Event()
        self._calmed = asyncio.Event()  # Set when a move ends.
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="electrum-read")

    @property
    def index(self) -> ScriptIndex:
        """The index of scripts."""
        return self.following.index

    def saw(self, fact: object) -> None:
        """The node states a fact."""
        if isinstance(fact, TipChanged):
            self.following.tip_changed()
        self.pool.saw(fact)

    async def prepare(self, *, anew: bool) -> None:
        """Have the index at the tip, and the pool in view.

        Args:
            anew: the index is built anew.

        Raises:
            StorageError: the disk failed.
        """
        await self.following.open(anew=anew)
        await self.following.catch_up()
        self.tip = self._at(self.index.best)
        self.pool.begin()
        self.following.tip_changed()  # It may have moved on meanwhile.

    def _at(self, block_hash: BlockHash | None) -> HeaderEntry:
        entry = None if block_hash is None else self.daemon.node.headers.get(block_hash)
        assert entry is not None, "the index stands at a block of the node's"
        return entry

    # Looking things up.

    async def off_loop(
        self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Run slow code in a thread of the server's own: callers of the node wait for none."""
        return await self._loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """End the threads, after what they do."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def at_tip(self, read: Callable[[ScriptIndex], _T]) -> _T:
        """What is read from the index off the loop, as of `tip`, the node's own if that can be.

        Raises:
            ElectrumError: blocks come too fast.
        """
        await self.calm()
        until = self._loop.time() + PATIENCE_S
        while self._loop.time() < until:
            if not self._is_moving:
                found = await self.off_loop(_read, self.index, read)
                if found is not None and found[0] == self.tip.hash and not self._is_moving:
                    return found[1]
            await asyncio.sleep(AGAIN_S)
        raise ElectrumError("the chain moves too fast", ElectrumCode.SERVER_BUSY)

    async def confirmed_history(self, script: bytes) -> list[tuple[int, Txid]]:
        """Heights and txids of what touched a script, in the order of the chain.

        Raises:
            ElectrumError: there are too many.
        """
        history = await self.at_tip(lambda index: index.history(script, MAX_HISTORY))
        if history is None:
            raise ElectrumError(HISTORY_TOO_LARGE)
        return history

    async def unconfirmed_history(self, script: bytes) -> list[tuple[int, Txid, int]]:
        """Heights, txids and fees of the unconfirmed that touch a script, in the protocol's order.

        Raises:
            ElectrumError: there are too many.
        """
        view = self.pool.view
        count = view.count(script)
        if count > MAX_HISTORY:
            raise ElectrumError(HISTORY_TOO_LARGE)
        entries = view.touching(script)
        if count > LONG_UNCONFIRMED:
            return await self.off_loop(view.history, entries)
        return view.history(entries)

    # Telling what changes.

    async def subscribe(self, client: Client, script: bytes) -> str | None:
        """Tell a client of a script from now on; the script's status.

        Raises:
            ElectrumError: its history is too large, or there are too many scripts.
        """
        found = self.book.get(script)
        if found is None:
            if self.book.is_full:
                raise ElectrumError("too many subscriptions", ElectrumCode.SERVER_BUSY)
            part = await self._confirmed_part(script)
            found = self.book.get(script) or Subscribed(part)  # Another may have come first.
        is_new = script not in client.scripts
        client.scripts[script] = None
        self.book.subscribe(client.number, script, found)
        try:
            status = await self._status(script, found)
        except ElectrumError:
            if is_new:
                self.unsubscribe(client, script)
            raise
        if client.number in self.clients:
            self.clients[client.number].superseded(script)
        if status != found.status:  # The others hear of it here: `tell` finds nothing new any more.
            found.status = status
            others = [number for number in found.clients if number != client.number]
            self._hand_out({number: [(script, status)] for number in others})
        return status

    def unsubscribe(self, client: Client, script: bytes) -> bool:
        """Tell a client of a script no more; whether it was told."""
        if script not in client.scripts:
            return False
        del client.scripts[script]
        self.book.unsubscribe(client.number, script)
        return True

    async def _status(self, script: bytes, found: Subscribed) -> str | None:
        """The status of a script at this moment."""
        while True:
            if found.confirmed is None:  # Blocks have left the chain.
                part = await self._confirmed_part(script)
                found.confirmed = found.confirmed or part
            unconfirmed = await self.unconfirmed_history(script)
            if found.confirmed is not None:
                return found.confirmed.status(unconfirmed)

    async def _confirmed_part(self, script: bytes) -> ConfirmedPart:
        part = await self.at_tip(lambda index: _part(index, script))
        if part is None:
            raise ElectrumError(HISTORY_TOO_LARGE)
        return part

    def _touch(self, scripts: Iterable[bytes]) -> None:
        for script in scripts:
            if script in self.book:
                self._touched[script] = None
        if self._touched:
            self._news.set()

    async def moved(self, steps: list[Moved]) -> None:
        """The index went over some blocks."""
        self._is_moving = True
        for step in steps:
            touches = step.touches
            if step.joined:
                for scripts in _pieces(touches.touched, 500):
                    self._touch(self.book.connected(touches, scripts))
                    await asyncio.sleep(0)
            else:
                self._touch(self.book.disconnected(touches))
            for txids in _pieces(touches.txids, 100):
                self.pool.confirmed(txids)
                await asyncio.sleep(0)
        self.tip = self._at(self.index.best)
        self._is_moving = False
        self._calmed.set()
        if self.following.is_at_tip:
            for client in list(self.header_clients):
                self.clients[client].header(self.tip)
        self._news.set()

    async def tell(self) -> None:
        """Tell clients what changed, for ever."""
        while True:
            await self._news.wait()
            await self.calm()
            self._news.clear()
            touched, self._touched = self._touched, {}
            await self._tell(list(touched))
            await asyncio.sleep(ROUND_PAUSE_S)

    async def calm(self) -> None:
        """Wait until clients know of the node's tip; not for long, blocks may come without end."""
        until = self._loop.time() + MOVE_S
        with suppress(TimeoutError):
            while self._is_moving or not self.following.is_at_tip:
                self._calmed.clear()
                async with asyncio.timeout_at(until):
                    await self._calmed.wait()

    async def _read_anew(self, scripts: Iterable[bytes]) -> None:
        """Read what blocks that left the chain have made unknown."""
        unknown = [
            script
            for script in scripts
            if (found := self.book.get(script)) is not None and found.confirmed is None
        ]
        for some in _pieces(unknown, PARTS_AT_ONCE):
            try:
                parts = await self.at_tip(partial(_parts, scripts=some))
            except ElectrumError:
                return  # Blocks come too fast: each is tried once more by itself.
            for script, part in zip(some, parts, strict=True):
                found = self.book.get(script)
                if found is not None and found.confirmed is None:
                    found.confirmed = part

    async def _tell(self, scripts: list[bytes]) -> None:
        """Work out the statuses of some scripts, and tell those that are new."""
        await self._read_anew(scripts)
        news: dict[int, list[tuple[bytes, str | None]]] = {}
        until = self._loop.time() + TURN_S
        for script in scripts:
            found = self.book.get(script)
            if found is None:
                continue
            try:
                status = await self._status(script, found)
            except ElectrumError as error:
                _log.debug("Electrum: no status of a script: %s", error)
                continue
            if status != found.status:
                found.status = status
                for client in found.clients:
                    news.setdefault(client, []).append((script, status))
            if self._loop.time() >= until:
                self._hand_out(news)
                await asyncio.sleep(0)
                until = self._loop.time() + TURN_S
        self._hand_out(news)

    def _hand_out(self, news: dict[int, list[tuple[bytes, str | None]]]) -> None:
        for client, changed in news.items():
            if client in self.clients:
                self.clients[client].statuses(changed)
        news.clear()


def _read(
    index: ScriptIndex, read: Callable[[ScriptIndex], _T]
) -> tuple[BlockHash | None, _T] | None:
    """What is read, and the block that the index stood at; None if it moved meanwhile."""
    moves, best = index.moves, index.best
    if moves & 1:
        return None
    try:
        found = read(index)
    except DamageError:
        if index.moves != moves:
            return None
        raise
    return (best, found) if index.moves == moves else None


def _part(index: ScriptIndex, script: bytes) -> ConfirmedPart | None:
    """The confirmed part of a script's status; None if its history is too large."""
    history = index.history(script, MAX_HISTORY)
    return None if history is None else ConfirmedPart(history)


def _parts(index: ScriptIndex, scripts: Sequence[bytes]) -> list[ConfirmedPart | None]:
    return [_part(index, script) for script in scripts]


def _pieces(things: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Some of them at a time."""
    left = iter(things)
    while piece := list(islice(left, size)):
        yield piece
