"""The index of scripts on its way after the active chain, in a thread of its own.

    far behind --steps, many blocks a write--> at the tip --a block joins or leaves--> ...

The node tells that its tip has changed; where the index stands says what is to be done: a block of
its that is not active goes back, the next active one comes. So it also finds its way after a kill.
A damaged index ends it: whoever runs it opens it anew.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, cast

from axon.chain.coins import Coin
from axon.chain.headertree import HeaderEntry
from axon.chain.scriptindex import BlockTouches, ScriptIndex
from axon.drivers.aio.stores import RocksStore
from axon.errors import StorageError
from axon.node.jobs import ReadBlock, ReadSpent
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.rpc.daemon import Daemon

FOLDER: Final = "electrum"
"""Of the index, beside the other indexes; by this name its damages go."""

STEP_BLOCKS: Final = 10
"""Blocks that are read in one step while the index is far behind."""

LAG_LIMIT: Final = 2_000
"""So many blocks may it be behind before it goes on although blocks of the first sync wait."""

GIVES_WAY_S: Final = 0.1

TELL_BLOCKS: Final = 1_000
"""After so many the log says how far it is."""

_T = TypeVar("_T")
_log: Final = logging.getLogger("axon")


@dataclass(frozen=True, slots=True)
class Moved:
    """A block that the index went over.

    Args:
        joined: whether it joined, or left.
        touches: what it did to scripts.
    """

    joined: bool
    touches: BlockTouches


class IndexFollowing:
    """Keeps an index at the node's tip.

    Args:
        daemon: the node.
        folder: of the index.
    """

    def __init__(self, daemon: Daemon, folder: Path) -> None:
        self._daemon = daemon
        self._folder = folder
        self._news = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="electrum-index")
        self._store: RocksStore | None = None
        self.index: ScriptIndex

    async def open(self, *, anew: bool) -> None:
        """Open the index, or begin one.

        Args:
            anew: what an earlier run wrote does not count.

        Raises:
            DamageError: it is damaged.
            StorageError: the disk refuses.
        """
        await self._in_thread(self._open, anew)

    def _open(self, anew: bool) -> None:
        if anew:
            shutil.rmtree(self._folder, ignore_errors=True)
        store = RocksStore(self._folder)
        try:
            self.index = ScriptIndex(store)
        except BaseException:
            store.close()
            raise
        self._store = store

    def tip_changed(self) -> None:
        """The node's chain has moved."""
        self._news.set()

    @property
    def is_at_tip(self) -> bool:
        """Whether it stands where the node does."""
        return self.index.best == self._daemon.node.active.tip.hash

    async def catch_up(self) -> None:
        """Come to the tip, however far that is; nobody is told of the blocks on the way.

        Raises:
            DamageError: the index is damaged.
            StorageError: the disk failed, or a block is not there.
        """
        node, told = self._daemon.node, self.index.height
        while not self.is_at_tip:
            if self._gives_way():
                await asyncio.sleep(GIVES_WAY_S)
                continue
            if node.active.height - self.index.height > STEP_BLOCKS:
                self.index.hold()
            await self._step(STEP_BLOCKS)
            if self.index.height >= told + TELL_BLOCKS:
                told = self.index.height
                _log.info("Index of scripts at height %d of %d", told, node.active.height)
        await self._in_thread(self.index.release)
        _log.info("Index of scripts is at the tip, height %d", self.index.height)

    def _gives_way(self) -> bool:
        """Whether blocks of the first sync wait: they need the same processors."""
        chain = self._daemon.node.chain
        near = chain.active.height - self.index.height < LAG_LIMIT
        return chain.initial_sync and bool(chain.validating) and near

    async def follow(self, moved: Callable[[list[Moved]], Awaitable[None]]) -> None:
        """Stay at the tip, for ever.

        Args:
            moved: told of blocks, those that left first; the next come when it has returned.

        Raises:
            DamageError: the index is damaged.
            StorageError: the disk failed.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            while not self.is_at_tip:
                await moved(await self._step(STEP_BLOCKS))

    async def _step(self, most: int) -> list[Moved]:
        """Some blocks nearer to the tip."""
        node, best = self._daemon.node, self.index.best
        at = None if best is None else node.headers.get(best)
        if best is not None and at is None:
            raise self.index.damage(f"it ends in block {to_hex(best)}, of which nothing is known")
        if at is not None and not node.active.contains(at):
            return await self._in_thread(self._take_back, at)
        first = 0 if at is None else at.height + 1
        entries = [node.active.at(height) for height in range(first, first + most)]
        return await self._in_thread(self._go_on, [entry for entry in entries if entry is not None])

    def _take_back(self, entry: HeaderEntry) -> list[Moved]:
        block, spent = self._read(entry)
        touches = self.index.disconnect(block, entry.hash, block.header.prev, spent)
        return [Moved(False, touches)]

    def _go_on(self, entries: list[HeaderEntry]) -> list[Moved]:
        moved: list[Moved] = []
        for entry in entries:
            block, spent = self._read(entry)
            moved.append(Moved(True, self.index.connect(block, entry.hash, entry.height, spent)))
        return moved

    def _read(self, entry: HeaderEntry) -> tuple[Block, list[list[Coin]]]:
        raw = cast(bytes | None, self._daemon.perform(ReadBlock(entry.hash)))
        spent = cast(list[list[Coin]] | None, self._daemon.perform(ReadSpent(entry.hash)))
        if raw is None or spent is None:
            raise StorageError(
                f"Block {to_hex(entry.hash)} cannot be read for the index of scripts; start once"
                " with -reindex."
            )
        return Block.decode(raw), spent

    async def close(self) -> None:
        """Write down what is held, and let go of the files.

        Raises:
            StorageError: the disk refuses.
        """
        await self._in_thread(self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._store is None:
            return
        try:
            self.index.flush()
        finally:
            self._store.close()

    async def _in_thread(self, function: Callable[..., _T], /, *args: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)
