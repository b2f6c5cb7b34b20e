"""A wallet of a node, while it is loaded: its file, its lane, and what of the node it is shown.

One thread does all that reads or changes the wallet, in order: what entered the node's pool,
blocks, and what callers want. The event loop only hands over. This module loads the wallet's
library; it is imported when the first wallet is asked for.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from time import monotonic
from typing import Any, Final, TypeVar

from axon.consensus.inputs import InputVerifier
from axon.drivers.aio.driver import Stopped
from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import AxonError, StorageError, WalletError
from axon.host.walletnotice import Notifier
from axon.host.walletrefusals import refusal
from axon.host.walletrescan import WalletRescan
from axon.node.commands import SendTransaction
from axon.node.facts import TransactionAccepted, TransactionRemoved
from axon.node.walletfollow import LookAt, StepBack, WalletFollow, look
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction
from axon.rpc.corewallet.access import DeskCommand
from axon.rpc.corewallet.settings import NodeWalletSettings
from axon.rpc.daemon import Daemon
from axon.rpc.errors import Code, RpcError
from axon.rpc.waiters import Waiters
from axon.wallet.descriptordesk import DescriptorDesk
from axon.wallet.descriptorwallet import DescriptorWallet
from axon.wallet.errors import NoWallet
from axon.wallet.sealedkeys import Entropy

AT_ONCE_S: Final = 0.2
"""So long blocks are looked through before callers of the same wallet have a turn."""

RESEND_S: Final = 30 * 60.0
"""How often payments that are in no block and not in the pool are handed to the node again."""

WALLET_FILE: Final = "wallet.sqlite"

_T = TypeVar("_T")
_log: Final = logging.getLogger("axon.wallet")


class OpenWallet:
    """A loaded wallet; a `rpc.corewallet.access.LoadedWallet`.

    Args:
        name: its own.
        path: of its file.
        daemon: of the node.
        settings: of its wallets.
    """

    def __init__(self, name: str, path: Path, daemon: Daemon, settings: NodeWalletSettings) -> None:
        self.name = name
        self.path = path
        self._daemon = daemon
        self._settings = settings
        self._lane = ThreadPoolExecutor(1, thread_name_prefix=f"wallet-{name[:20]}")
        self._pooled: deque[tuple[Transaction | None, Txid, int]] = deque()
        self._draining = False
        self._news = asyncio.Event()
        self._waiters = Waiters()
        self._failure: BaseException | None = None
        self.paying = asyncio.Lock()
        self._rescan = WalletRescan(
            daemon.node.active, lambda step: self._run(self._look_through, step)
        )
        self._resend_at = 0.0  # By the clock of the machine.
        self._closed = False
        self._lock_timer: asyncio.TimerHandle | None = None
        self.unlocked_until = 0
        self._notifier = Notifier(settings.notify, name)
        self._store: SqliteStore | None = None
        self._desk: DescriptorDesk  # From `_load` on.
        self._follow: WalletFollow | None = None

    # Opened and closed.

    async def open(self) -> None:
        """Open the file, take in what is in the pool, and follow the chain to its tip.

        Raises:
            WalletError, StorageError: it cannot be opened.
        """
        await self._run(self._load)
        node = self._daemon.node
        if not self._desk.wallet.ledger.meet(node.network):
            raise NoWallet(f"this wallet is one of {self._desk.wallet.network.name}")
        marks = [(mark.height, mark.hash) for mark in self._desk.wallet.marks()]
        follow = self._follow = WalletFollow(node.headers, node.active, marks)
        await self._take_pool()
        while not follow.is_done:
            await self._advance(follow)
        await self._rescan_due()
        await self._resend()

    def _load(self) -> None:
        self._store = SqliteStore(self.path)
        wallet = DescriptorWallet.load(self._store, Entropy(SystemRandom()))
        wallet.tell = self._notifier.tell
        if wallet.rewrite_due:
            self._rewrite(wallet)
        wallet.holdings.spends_change = self._settings.spends_change
        self._desk = DescriptorDesk(wallet, self._settings.ahead, InputVerifier())

    async def follow(self) -> None:
        """Follow the node until cancelled."""
        follow = self._follow
        assert follow is not None, "it is open"
        try:
            while True:
                self._news.clear()
                while not follow.is_done:
                    await self._advance(follow)
                    self._waiters.wake()
                self._waiters.wake()
                if monotonic() >= self._resend_at:
                    await self._resend()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._resend_at - monotonic()):
                        await self._news.wait()
        except AxonError as failure:
            self._failure = failure
            self._waiters.wake()
            raise

    async def close(self) -> None:
        """Let go of the file, after what is under way."""
        if self._lock_timer is not None:
            self._lock_timer.cancel()
        self._closed = True
        self._rescan.abort()
        self._waiters.close()
        self._notifier.close()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._shut)

    def _shut(self) -> None:
        self._lane.shutdown(wait=True)
        if self._store is not None:
            self._store.close()

    # The chain and the pool.

    def reported(self, fact: object) -> None:
        """Take in a fact of the node, on the loop."""
        match fact:
            case TransactionAccepted(txid):
                entry = self._daemon.node.pool.get(txid)
                if entry is not None:
                    self._hand_over(entry.transaction, txid)
            case TransactionRemoved(txid):
                self._hand_over(None, txid)
            case _:
                if self._follow is not None and not self._follow.is_done:
                    self._news.set()

    def _hand_over(self, transaction: Transaction | None, txid: Txid) -> None:
        self._pooled.append((transaction, txid, self._daemon.now_s))
        if not self._draining and not self._closed:
            self._draining = True
            self._lane.submit(self._drain).add_done_callback(self._drained)

    async def _take_pool(self) -> None:
        pool = self._daemon.node.pool
        async for entry in self._daemon.in_turns(list(pool.entries())):
            if entry.txid in pool:  # It may have left since.
                self._hand_over(entry.transaction, entry.txid)

    def _drain(self) -> None:
        """In the lane: take in what entered and left the pool."""
        self._draining = False  # What comes from here on is handed over anew.
        wallet = self._desk.wallet
        while self._pooled:
            transaction, txid, now_s = self._pooled.popleft()
            if transaction is None:
                wallet.unpooled(txid)
            else:
                wallet.pooled(transaction, now_s)

    def _drained(self, done: Any) -> None:
        failure = done.exception()
        if failure is not None:
            self._failure = failure
            _log.error("wallet %s: %s", self.name, failure)

    async def _advance(self, follow: WalletFollow) -> None:
        """One step along the chain."""
        step = follow.next_step()
        if step is None:
            return
        headers = self._daemon.node.headers
        if isinstance(step, StepBack):
            await self._run(self._step_back, step)
            follow.done(headers, step.hash)
            return
        count = await self._run(self._look, step)
        if count == 0:
            raise StorageError(
                f"wallet {self.name!r} must see block {step.blocks[0][0]}, whose bytes are gone"
                " (-prune): start with -reindex, or without this wallet"
            )
        follow.done(headers, step.blocks[count - 1][1])

    def _step_back(self, step: StepBack) -> None:
        self._desk.wallet.follow_chain(step.height, step.height, step.hash, step.below)

    def _look(self, step: LookAt) -> int:
        """In the lane: show blocks to the wallet for a while, and say how far it has seen."""
        wallet = self._desk.wallet
        count = self._look_through(step)
        if count:
            height, name = step.blocks[count - 1]
            wallet.follow_chain(None, height, name, step.below)
        return count

    def _look_through(self, step: LookAt) -> int:
        wallet, until = self._desk.wallet, monotonic() + AT_ONCE_S
        before = dict.fromkeys(wallet.ledger.confirmed if self._notifier.is_on else ())
        count = look(
            wallet,
            step,
            self._daemon.perform,
            self._daemon.now_s,
            has_filters=self._daemon.node.filters is not None,
            go_on=lambda: monotonic() < until,
        )
        if self._notifier.is_on:
            for txid, found in wallet.ledger.confirmed.items():
                if txid not in before and txid in wallet.ledger.notes:
                    self._notifier.tell(txid, (found.height, found.hash))
        return count

    async def _resend(self) -> None:
        """Hand payments to the node that are in no block and not in its pool."""
        self._resend_at = monotonic() + RESEND_S
        if not self._settings.broadcasts:
            return
        node = self._daemon.node
        for transaction in await self._run(lambda: self._desk.wallet.unsettled()):
            if transaction.txid not in node.pool and node.follows:
                await self._daemon.command(SendTransaction(transaction))

    # What callers want.

    async def ask(self, command: DeskCommand[_T]) -> _T:
        """See `LoadedWallet`."""
        if self._failure is not None:
            raise RpcError(Code.WALLET, f"the wallet has failed: {self._failure}")
        try:
            return await self._run(command.run, self._desk)
        except WalletError as error:
            raise refusal(error) from None

    async def synced(self) -> None:
        """See `LoadedWallet`."""
        active, follow = self._daemon.node.active, self._follow
        assert follow is not None, "it is open"
        height = active.height

        def seen() -> bool:
            if self._failure is not None or follow.is_done:
                return True
            return follow.seen.height >= height and active.contains(follow.seen)

        await self._waiters.wait_for(seen, None)

    @property
    def scanning(self) -> tuple[int, float] | None:
        """See `LoadedWallet`."""
        return self._rescan.progress

    async def rescan(self, start_height: int, stop_height: int | None) -> tuple[int, int]:
        """See `LoadedWallet`."""
        active = self._daemon.node.active
        stop = active.height if stop_height is None else stop_height
        due = await self._run(lambda: self._desk.wallet.rescan_due)
        covers_due = due is not None and start_height <= due and stop_height is None
        try:
            await self._rescan.run(start_height, stop)
        except RpcError as error:
            # Who asked is told; what is due after a crash is what nobody was told of.
            if covers_due and error.code != Code.WALLET:
                await self._run(self._desk.wallet.rescanned)
            raise
        if covers_due:
            await self._run(self._desk.wallet.rescanned)
        if stop >= active.height:
            await self._take_pool()
        return start_height, stop

    async def _rescan_due(self) -> None:
        """Do what an earlier run did not come to."""
        due = await self._run(lambda: self._desk.wallet.rescan_due)
        if due is None:
            return
        try:
            await self.rescan(due, None)
        except RpcError as error:
            _log.warning("wallet %s: %s", self.name, error.message)

    def abort_rescan(self) -> bool:
        """See `LoadedWallet`."""
        return self._rescan.abort()

    def unlocked_for(self, seconds: int) -> int:
        """See `LoadedWallet`."""
        if self._lock_timer is not None:
            self._lock_timer.cancel()
        self.unlocked_until = self._daemon.now_s + seconds
        loop = asyncio.get_running_loop()
        self._lock_timer = loop.call_later(seconds, self._lock_again)
        return self.unlocked_until

    def locked(self) -> None:
        """See `LoadedWallet`."""
        if self._lock_timer is not None:
            self._lock_timer.cancel()
        self._lock_timer, self.unlocked_until = None, 0

    def _lock_again(self) -> None:
        self._lock_timer, self.unlocked_until = None, 0
        self._lane.submit(lambda: self._desk.wallet.keyring.lock())

    async def back_up(self, path: Path) -> None:
        """See `LoadedWallet`."""
        try:
            await self._run(self._copy, path)
        except (OSError, sqlite3.Error) as error:
            _log.error("cannot back up the wallet %s to %s: %s", self.name, path, error)
            raise RpcError(Code.WALLET, "Error: Wallet backup failed!") from None

    def _copy(self, target: Path) -> None:
        assert self._store is not None, "it is open"
        path = target / WALLET_FILE if target.is_dir() else target
        if path.exists() and path.resolve().is_relative_to(self.path.parent.parent.resolve()):
            raise RpcError(
                Code.WALLET, f"Error: Wallet backup failed! {path} may be a wallet of this node"
            )
        self._store.copy_to(path)

    async def forget_deleted(self) -> None:
        """See `LoadedWallet`."""
        await self._run(self._rewrite, self._desk.wallet)

    def _rewrite(self, wallet: DescriptorWallet) -> None:
        assert self._store is not None, "it is open"
        self._store.rewrite()
        wallet.rewritten()

    async def _run(self, function: Callable[..., _T], *args: Any) -> _T:
        if self._closed:
            raise Stopped("the node is stopping")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._lane, function, *args)
