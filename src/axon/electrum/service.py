"""What the methods of the Electrum server are given, and who is told when something changes.

Clients are told of one block after the other: the tip they know of (`tip`), the confirmed parts of
their scripts' statuses and the unconfirmed transactions change together, and while they do nothing
is looked up (`at_tip` waits) and no status is worked out. So nothing that is said mixes two blocks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from axon.chain.headertree import HeaderEntry
from axon.chain.scriptindex import ScriptIndex
from axon.electrum.client import Client, StatusListener
from axon.electrum.errors import HISTORY_TOO_LARGE, ElectrumCode, ElectrumError
from axon.electrum.following import IndexFollowing, Moved
from axon.electrum.headerproofs import HeaderProofs
from axon.electrum.indexreading import MAX_HISTORY, pieces, read_part, read_parts, read_whole
from axon.electrum.poolfollowing import PoolFollowing
from axon.electrum.shares import Shares
from axon.electrum.statuses import (
    MAX_SUBSCRIBED,
    ConfirmedPart,
    StatusBook,
    StatusChange,
    Subscribed,
    status_of,
)
from axon.electrum.unconfirmed import in_order
from axon.node.facts import TipChanged
from axon.primitives.hashes import BlockHash, Txid
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Registry

LONG_UNCONFIRMED: Final = 500
"""More transactions or outputs of one script are put in order, or shown, off the loop."""

AGAIN_S: Final = 0.01
"""After so long it is looked again whether the index stands at the block that clients know of."""

PATIENCE_S: Final = 20.0
"""So long an answer waits for a chain that moves."""

TURN_S: Final = 0.005
"""So long statuses are worked out before others have a turn."""

THREADS: Final = 1
"""For what clients ask: reading the index, proofs. The loop would wait for a second one, too."""

PARTS_AT_ONCE: Final = 20
"""Histories that are read anew in one go, after a reorganisation: half a second if all are long."""

FORGOTTEN_AT_ONCE: Final = 500
"""Subscriptions of a client that has gone: a millisecond's work, and many may go at once."""

MOVE_S: Final = 1.0
"""So long it is waited for the last block of a move; blocks may come without end."""

ROUND_PAUSE_S: Final = 0.05
"""Between two rounds of telling what changed: transactions that come at once are told at once.
After a longer round the pause is as long, so that telling takes half of the time at most."""

LONG_S: Final = 0.25
"""So long in a round: statuses of many unconfirmed ones. Who has few does not wait for them."""

_log: Final = logging.getLogger("axon")
_P = ParamSpec("_P")
_T = TypeVar("_T")


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
        self.shares = Shares(MAX_SUBSCRIBED)
        self.clients: dict[int, StatusListener] = {}
        self.header_clients: dict[int, None] = {}
        self.following = IndexFollowing(daemon, folder)
        self.pool = PoolFollowing(daemon, self._touch)
        self.tip: HeaderEntry = daemon.node.active.tip
        self._moves = 0  # Counts up when a block begins to move what clients know, and at its end.
        self._touched: dict[bytes, None] = {}
        self._news = asyncio.Event()
        self._calmed = asyncio.Event()  # Set when a move ends.
        self._still = asyncio.Event()  # Set while there is none.
        self._still.set()
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

    async def off_loop(
        self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Run slow code in a thread of the server's own: callers of the node wait for none."""
        return await self._loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))

    async def close(self) -> None:
        """End the threads, after what they do, and write down what the index holds.

        Raises:
            StorageError: the disk refuses.
        """
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        await self.following.close()

    async def off_loop_if_long(self, count: int, function: Callable[..., _T], *args: object) -> _T:
        """Do something with so many transactions or outputs."""
        if count > LONG_UNCONFIRMED:
            return await self.off_loop(function, *args)
        return function(*args)

    async def at_tip(self, read: Callable[[ScriptIndex], _T]) -> _T:
        """What is read from the index off the loop, as of `tip`, the node's own if that can be.

        Raises:
            ElectrumError: blocks come too fast.
        """
        await self.calm()
        until = self._loop.time() + PATIENCE_S
        while self._loop.time() < until:
            if not self._still.is_set():
                await self._still.wait()
                continue
            moves = self._moves
            found = await self.off_loop(read_whole, self.index, read)
            if found is not None and found[0] == self.tip.hash and self._moves == moves:
                return found[1]
            await asyncio.sleep(AGAIN_S)
        raise ElectrumError("the chain moves too fast", ElectrumCode.SERVER_BUSY)

    async def confirmed_history(self, client: Client, script: bytes) -> list[tuple[int, Txid]]:
        """Heights and txids of what touched a script, in the order of the chain.

        Raises:
            ElectrumError: there are too many.
        """
        history = await self.at_tip(lambda index: index.history(script, MAX_HISTORY))
        client.caused(MAX_HISTORY if history is None else len(history))
        if history is None:
            raise ElectrumError(HISTORY_TOO_LARGE)
        return history

    async def unconfirmed_history(
        self, client: Client, script: bytes
    ) -> list[tuple[int, Txid, int]]:
        """Heights, txids and fees of the unconfirmed that touch a script, in the protocol's order.

        Raises:
            ElectrumError: there are too many.
        """
        entries = self.pool.touching(script)
        client.caused(len(entries))
        return await self.off_loop_if_long(len(entries), in_order, entries)

    # Telling what changes.

    async def subscribe(self, client: Client, script: bytes) -> str | None:
        """Tell a client of a script from now on; the script's status.

        Raises:
            ElectrumError: its history is too large, or there are too many subscriptions.
        """
        is_new = script not in client.scripts
        if is_new:
            if not self.shares.take(client.holder, 1):
                raise ElectrumError("too many subscriptions", ElectrumCode.SERVER_BUSY)
            client.scripts[script] = None
        try:
            found = self.book.get(script)
            if found is None:
                part = await self._confirmed_part(script)
                client.caused(part.count)
                found = self.book.get(script) or Subscribed(part)  # Another may have come first.
            self.book.subscribe(client.number, script, found)
            status, count = await self._status(script, found)
        except BaseException:
            if is_new:
                self.unsubscribe(client, script)
            raise
        client.caused(count)
        if client.number in self.clients:
            self.clients[client.number].superseded(script)
        if status != found.status:  # The others hear of it here: `tell` finds nothing new any more.
            found.status = status
            others = [number for number in found.clients if number != client.number]
            self._hand_out({number: [StatusChange(script, status, count)] for number in others})
        return status

    def unsubscribe(self, client: Client, script: bytes) -> bool:
        """Tell a client of a script no more; whether it was told."""
        if script not in client.scripts:
            return False
        del client.scripts[script]
        self.shares.give_back(client.holder, 1)
        self.book.unsubscribe(client.number, script)
        return True

    def left(self, client: Client) -> None:
        """A client has gone: what it was subscribed to is forgotten, some at a time."""
        for script in list(islice(client.scripts, FORGOTTEN_AT_ONCE)):
            self.unsubscribe(client, script)
        if client.scripts:
            self._loop.call_soon(self.left, client)

    async def _status(self, script: bytes, found: Subscribed) -> tuple[str | None, int]:
        """The status of a script as of one block, and of how many unconfirmed ones it is made.

        Raises:
            ElectrumError: its history is too large, or blocks come too fast.
        """
        until = self._loop.time() + PATIENCE_S
        while self._loop.time() < until:
            if found.confirmed is None:  # Blocks have left the chain.
                part = await self._confirmed_part(script)
                found.confirmed = found.confirmed or part
            if not self._still.is_set():
                await self._still.wait()
                continue
            moves, entries = self._moves, self.pool.touching(script)
            count = len(entries)
            status = await self.off_loop_if_long(count, status_of, found.confirmed, entries)
            if self._moves == moves:
                return status, count
        raise ElectrumError("the chain moves too fast", ElectrumCode.SERVER_BUSY)

    async def _confirmed_part(self, script: bytes) -> ConfirmedPart:
        part = await self.at_tip(lambda index: read_part(index, script))
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
        self._moves += 1
        self._still.clear()
        for step in steps:
            touches = step.touches
            if step.joined:
                for scripts in pieces(touches.touched, 500):
                    self._touch(self.book.connected(touches, scripts))
                    await asyncio.sleep(0)
            else:
                self._touch(self.book.disconnected(touches))
            await self.pool.confirmed(touches.txids)
        self.tip = self._at(self.index.best)
        self._moves += 1
        self._still.set()
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
            began = self._loop.time()
            await self._tell(list(touched))
            await asyncio.sleep(max(ROUND_PAUSE_S, self._loop.time() - began))

    async def calm(self) -> None:
        """Wait until clients know of the node's tip; not for long, blocks may come without end."""
        until = self._loop.time() + MOVE_S
        with suppress(TimeoutError):
            # Not where the index stands: it is there a moment before clients know.
            while not (self._still.is_set() and self.tip.hash == self.daemon.node.active.tip.hash):
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
        for some in pieces(unknown, PARTS_AT_ONCE):
            try:
                parts = await self.at_tip(partial(read_parts, scripts=some))
            except ElectrumError:
                return  # Blocks come too fast: each is tried once more by itself.
            for script, part in zip(some, parts, strict=True):
                found = self.book.get(script)
                if found is not None and found.confirmed is None:
                    found.confirmed = part

    async def _tell(self, scripts: list[bytes]) -> None:
        """Tell the new statuses of some scripts: what is quickly done, and of the others some."""
        await self._read_anew(scripts)
        long: list[bytes] = []
        await self._work_out(self._short(scripts, long))
        until = self._loop.time() + LONG_S
        for place, script in enumerate(long, 1):
            await self._work_out((script,))
            if self._loop.time() >= until:
                self._touch(long[place:])
                break

    def _short(self, scripts: Iterable[bytes], long: list[bytes]) -> Iterator[bytes]:
        """Scripts of few unconfirmed ones; the others are put aside."""
        for script in scripts:
            if self.pool.view.count(script) > LONG_UNCONFIRMED:
                long.append(script)
            else:
                yield script

    async def _work_out(self, scripts: Iterable[bytes]) -> None:
        news: dict[int, list[StatusChange]] = {}
        until = self._loop.time() + TURN_S
        for script in scripts:
            found = self.book.get(script)
            if found is None:
                continue
            try:
                if not self._still.is_set():
                    self._hand_out(news)  # They are as of the block before.
                status, count = await self._status(script, found)
            except ElectrumError as error:
                _log.debug("Electrum: no status of a script: %s", error)
                if error.code == ElectrumCode.SERVER_BUSY:
                    self._touch((script,))  # It is tried again.
                continue
            if status != found.status:
                found.status, change = status, StatusChange(script, status, count)
                for client in found.clients:
                    news.setdefault(client, []).append(change)
            if self._loop.time() >= until:
                self._hand_out(news)
                await asyncio.sleep(0)
                until = self._loop.time() + TURN_S
        self._hand_out(news)

    def _hand_out(self, news: dict[int, list[StatusChange]]) -> None:
        """Tell what has not changed again meanwhile: who found that out has told it."""
        for client, changed in news.items():
            if client in self.clients:
                self.clients[client].statuses([each for each in changed if self.book.is_told(each)])
        news.clear()
