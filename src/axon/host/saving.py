"""The state files of a running node, written off its event loop.

A copy is taken on the loop, where nothing changes meanwhile; it is turned into bytes and written in
a thread, one file at a time, so that a later copy never reaches the disk before an earlier one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from axon.drivers.aio.clock import Clock
from axon.host.statefiles import StateFiles
from axon.mempool.persist import snapshot
from axon.mempool.pool import Mempool
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.primitives.netaddress import NetAddress


class StateSaver:
    """Writes the state files of one node.

    Args:
        files: where they lie.
        clock: the node's.
    """

    def __init__(self, files: StateFiles, clock: Clock) -> None:
        self._files = files
        self._clock = clock
        self._turn = asyncio.Lock()

    async def save_addresses(self, addrman: AddrMan, bans: BanList) -> None:
        """Write the known addresses and the banned ones.

        Raises:
            StorageError: the disk refuses.
        """
        async with self._turn:
            known, banned = addrman.snapshot(), bans.encode(self._clock.now())
            await asyncio.to_thread(self._files.save_peers, known)
            await asyncio.to_thread(self._files.save_bans, banned)

    async def save_pool(self, pool: Mempool) -> Path:
        """Write the pool; the file.

        Raises:
            StorageError: the disk refuses.
        """
        async with self._turn:
            return await asyncio.to_thread(self._files.save_pool, snapshot(pool))

    async def save_anchors(self, anchors: Sequence[NetAddress]) -> None:
        """Write the block relay peers.

        Raises:
            StorageError: the disk refuses.
        """
        async with self._turn:
            await asyncio.to_thread(self._files.save_anchors, anchors)
