"""The view of unconfirmed transactions on its way after the pool.

The node tells which transactions came and went. Of what they spend the scripts are needed, too:
outputs of others in the pool are at hand, coins are looked up off the loop, many at once. A
transaction that a block confirmed stays in the view until the index of scripts has that block, so
that no client sees it nowhere. Nothing is noted before the view begins, however long the index of
scripts takes to come to the tip: what is in the pool then is taken in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from typing import Final

from axon.chain.coins import Coin
from axon.electrum.errors import HISTORY_TOO_LARGE, ElectrumError
from axon.electrum.indexreading import MAX_HISTORY
from axon.electrum.unconfirmed import Unconfirmed, UnconfirmedView
from axon.mempool.entry import PoolEntry
from axon.node.facts import TransactionAccepted, TransactionRemoved
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, TxOut
from axon.rpc.daemon import Daemon
from axon.rpc.errors import RpcError

AT_ONCE: Final = 50
"""Transactions that are taken in before others have a turn."""

AGAIN_S: Final = 0.05
"""After so long it is looked again for a coin that moved while it was looked up."""

TURN_S: Final = 0.005
"""So long transactions are taken in or out before others have a turn: some have thousands of
outputs."""

SETTLED_S: Final = 10.0
"""So long a client waits for what it sent to be in view: that is soon, or its coins are behind."""

Touched = Callable[[Iterable[bytes]], None]
"""Told of scripts for which something has changed."""


class PoolFollowing:
    """Keeps a view at the node's pool.

    Args:
        daemon: the node.
        touched: told what changes.
    """

    def __init__(self, daemon: Daemon, touched: Touched) -> None:
        self.view = UnconfirmedView()
        self._daemon = daemon
        self._touched = touched
        self._loop = asyncio.get_running_loop()
        self._has_begun = False
        self._waiting: dict[Txid, None] = {}  # All but a few are in the pool, which bounds them.
        self._news = asyncio.Event()
        self._done = asyncio.Event()

    def saw(self, fact: object) -> None:
        """The node states a fact."""
        if not self._has_begun:
            return
        match fact:
            case TransactionAccepted(txid=txid):
                self._waiting[txid] = None
                self._news.set()
            case TransactionRemoved(txid=txid) if txid not in self._daemon.node.pool:
                self._waiting.pop(txid, None)
                self._done.set()
                self._touched(self.view.remove((txid,)))

    async def confirmed(self, txids: Iterable[Txid]) -> None:
        """The index has a block with these transactions."""
        until = self._loop.time() + TURN_S
        for txid in txids:
            if txid not in self._daemon.node.pool:
                self._waiting.pop(txid, None)
                self._touched(self.view.remove((txid,)))
            if self._loop.time() >= until:
                await asyncio.sleep(0)
                until = self._loop.time() + TURN_S
        self._done.set()

    def touching(self, script: bytes) -> list[tuple[int, Txid, int]]:
        """Heights, txids and fees of those that touch a script, in no order.

        Raises:
            ElectrumError: there are too many.
        """
        if self.view.count(script) > MAX_HISTORY:
            raise ElectrumError(HISTORY_TOO_LARGE)
        return self.view.touching(script)

    async def settled(self, txids: Iterable[Txid]) -> None:
        """Wait until transactions of the pool are in the view, or have left; not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLED_S):
                for txid in txids:
                    while txid in self._waiting:
                        self._done.clear()
                        await self._done.wait()

    def begin(self) -> None:
        """Take in what is in the pool already, and from now on what comes."""
        self._has_begun = True
        self._waiting.update(
            dict.fromkeys([entry.txid for entry in self._daemon.node.pool.entries()])
        )
        self._news.set()

    async def follow(self) -> None:
        """Take in what comes, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                if not await self._take_in(list(islice(self._waiting, AT_ONCE))):
                    await asyncio.sleep(AGAIN_S)

    async def _take_in(self, txids: list[Txid]) -> bool:
        """Take some in; whether all of them were."""
        pool = self._daemon.node.pool
        entries = [entry for txid in txids if (entry := pool.get(txid)) is not None]
        wanted = [
            point for entry in entries for point in entry.prevouts if pool.output(point) is None
        ]
        try:
            _, coins = await self._daemon.read_coins(wanted)
        except RpcError:  # The coins are still behind the chain.
            self._forget(txids)
            return False
        is_whole = True
        until = self._loop.time() + TURN_S
        for txid in txids:
            current = pool.get(txid)
            found = None if current is None else self._unconfirmed(current, coins)
            self._waiting.pop(txid, None)
            if current is not None and found is None:
                is_whole = False  # A block has just moved what it spends; others go first.
                self._waiting[txid] = None
            elif found is not None:
                self._touched(self.view.add(found))
            if self._loop.time() >= until:
                await asyncio.sleep(0)
                until = self._loop.time() + TURN_S
        self._done.set()
        return is_whole

    def _forget(self, txids: Iterable[Txid]) -> None:
        """Those that have left the pool meanwhile are waited for no more."""
        for txid in txids:
            if txid not in self._daemon.node.pool:
                self._waiting.pop(txid, None)
        self._done.set()

    def _unconfirmed(
        self, entry: PoolEntry, coins: dict[OutPoint, Coin | None]
    ) -> Unconfirmed | None:
        """What the view keeps of an entry; None if a coin that it spends is not known."""
        pool = self._daemon.node.pool
        spends: list[tuple[OutPoint, bytes, int]] = []
        for point in entry.prevouts:
            output: TxOut | Coin | None = pool.output(point) or coins.get(point)
            if output is None:
                return None
            spends.append((point, sha256(output.script_pubkey).digest(), output.amount_sat))
        makes = tuple(
            [
                (sha256(output.script_pubkey).digest(), output.amount_sat)
                for output in entry.transaction.outputs
            ]
        )
        return Unconfirmed(entry.txid, entry.fee_sat, entry.vsize, tuple(spends), makes)
