"""What RPC methods are given: the running node, its clock, and ways to ask, read and wait.

Methods read the node's parts directly, because they run on its own thread; they change things by
commands, read blocks by jobs, and do slow work in other threads.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, ParamSpec, Protocol, TypeVar

from axon.chain.cachesizes import DEFAULT_CACHES, CacheSizes
from axon.chain.coins import Coin
from axon.chain.headertree import HeaderEntry
from axon.drivers.aio.routes import Proxy
from axon.drivers.aio.workers import Workers
from axon.mempool.entry import Chunk
from axon.mempool.table import merge
from axon.mining.template import BlockLimits, BlockTemplate, next_template
from axon.mining.templates import Templates
from axon.node.facts import BlockConnected
from axon.node.full import FullNode
from axon.node.jobs import CountTransactions, ReadBlock, ReadSpent
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.netaddress import AddressNetwork
from axon.primitives.network import Network
from axon.primitives.transaction import OutPoint
from axon.rpc.amounts import format_amount
from axon.rpc.blockscan import BlockScan
from axon.rpc.coinscan import CoinScan, CoinSnapshot
from axon.rpc.context import Context
from axon.rpc.corewallet.access import Wallets
from axon.rpc.errors import Code, RpcError, shutting_down
from axon.rpc.warnings import Warnings
from axon.rpc.zmqpub.settings import ZmqNotifier

THREADS: Final = 4
"""For slow work of callers: reading and shaping blocks, scans. More would only take turns."""

COUNTS_KEPT: Final = 10_000
"""Numbers of transactions of blocks that are remembered; one costs a look into a file, or
a read of a whole block."""

AT_ONCE: Final = 50
"""Things of the node that are read before others have a turn: some milliseconds at most."""

LOOK_AGAIN_S: Final = 0.02
"""After so long it is looked whether the coins have reached the tip; blocks take about as long."""

CATCH_UP_S: Final = 60.0
"""How long a caller waits for coins that lag behind the tip, as they do after a long sync."""

_log: Final = logging.getLogger("axon")
_P = ParamSpec("_P")
_T = TypeVar("_T")


class LogCategories(Protocol):
    """The switches of the log (`logging`)."""

    def categories(self) -> Mapping[str, bool]:
        """Every category, and whether it is on."""

    def enable(self, category: str) -> bool:
        """Switch a category on, or `all`; False if there is none of this name."""

    def disable(self, category: str) -> bool:
        """Switch a category off, or `all`; False if there is none of this name."""


@dataclass(eq=False, kw_only=True)
class Daemon(Context):
    """The context of every method of a full node; see `Context` for the rest.

    Args:
        perform: does a job of `node.jobs` that only reads; called in a thread.
        save_mempool: writes the pool down; the file.
        save_peers: writes the known addresses and the bans down.
        logs: the switches of the log.
        blocks_folder: where the block files are. caches: of coins.
        warnings: what the node warns of.
        logs_feerates: of each transaction of a template, into the log (`-printpriority`).
        proxy_of: the proxy that leads to a network at present.
        pool_loaded: whether the pool of the run before has been taken in.
        scan: the scan of all coins that is under way (`scantxoutset`).
        wallets: those of the node; None if it keeps none.
        block_scan: that of blocks' filters (`scanblocks`).
        dumping: whether a file of all coins is being written (`dumptxoutset`).
        templates: the node's, for miners.
        notifiers: what is published over ZeroMQ.
    """

    node: FullNode
    perform: Callable[[object], object]
    save_mempool: Callable[[], Awaitable[Path]]
    save_peers: Callable[[], Awaitable[None]]
    logs: LogCategories
    blocks_folder: Path
    caches: CacheSizes = DEFAULT_CACHES
    warnings: Warnings = field(default_factory=Warnings)
    logs_feerates: bool = False
    proxy_of: Callable[[AddressNetwork], Proxy | None] = lambda _network: None
    pool_loaded: bool = False
    scan: CoinScan | None = None
    wallets: Wallets | None = None
    block_scan: BlockScan | None = None
    dumping: bool = False
    templates: Templates = field(init=False)
    notifiers: Sequence[ZmqNotifier] = ()
    _counts: OrderedDict[BlockHash, int] = field(default_factory=OrderedDict)
    _interrupted: bool = False
    _threads: Workers = field(default_factory=lambda: Workers(THREADS, "rpc-work"))

    def __post_init__(self) -> None:
        self.templates = Templates(self.node)

    async def run(self, job: object) -> Any:
        """Do a job of `node.jobs` that only reads, off the loop; its outcome."""
        return await self.off_loop(self.perform, job)

    async def off_loop(
        self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Run slow code in a thread. It must not touch the node, and looks at `go_on` if it can."""
        return await self._threads.run(function, *args, **kwargs)

    async def fresh_template(self) -> BlockTemplate:
        """The best next block that the pool allows at this moment."""
        node = self.node
        while True:
            tip = node.active.tip
            clusters = node.pool.cluster_chunks() if node.follows else []
            template = await self.off_loop(
                _put_together, node.network, tip, clusters, self.now_s, node.settings.limits
            )
            if node.active.tip is tip:
                self.templates.last = template
                if self.logs_feerates:
                    await self.off_loop(_log_feerates, template)
                return template

    async def current_template(self) -> BlockTemplate:
        """The same, perhaps without the newest transactions; its time is the present one."""
        version, now = self.node.pool.version, self.clock.now()
        template = self.templates.kept(now)
        if template is None:
            template = await self.fresh_template()
            self.templates.keep(template, version, now)
        return template

    async def in_turns(self, things: Iterable[_T]) -> AsyncIterator[_T]:
        """Things of the node, to be read on the loop; others have their turns in between."""
        for place, thing in enumerate(things, 1):
            yield thing
            if place % AT_ONCE == 0:
                await asyncio.sleep(0)

    async def read_block(self, block_hash: BlockHash) -> bytes | None:
        """A block as sent; None if its bytes are not held."""
        raw = await self.run(ReadBlock(block_hash))
        assert raw is None or isinstance(raw, bytes)
        return raw

    async def read_spent(self, block_hash: BlockHash) -> list[list[Coin]] | None:
        """The coins that a block spends, per transaction; None if it was never connected."""
        spent: list[list[Coin]] | None = await self.run(ReadSpent(block_hash))
        return spent

    async def transaction_count(self, block_hash: BlockHash) -> int:
        """How many transactions a block has; 0 if it never was held."""
        count = self._counts.get(block_hash)
        if count is None:
            count = await self.run(CountTransactions(block_hash))
            assert isinstance(count, int)
            if count:
                self._remember(block_hash, count)
        return count

    async def read_coins(
        self, outpoints: Sequence[OutPoint]
    ) -> tuple[HeaderEntry, dict[OutPoint, Coin | None]]:
        """The coins at some outpoints, all as of the present tip; and that tip.

        Raises:
            RpcError: -28, the coins are still behind after `CATCH_UP_S`; or the node stops.
        """
        node = self.node
        while True:
            await self.caught_up()
            self.go_on()
            tip = node.active.tip
            found = await self.off_loop(node.coins.read, outpoints, tip.hash)
            if found is not None and node.active.tip is tip:
                return tip, found
            await asyncio.sleep(LOOK_AGAIN_S)

    async def coin_snapshot(self) -> CoinSnapshot:
        """All coins as they are at the tip, to be read in a thread while the chain goes on.

        Waits until the coins are at the tip.

        Raises:
            RpcError: the node stops; reading on raises it too.
        """
        node = self.node
        while True:
            self.go_on()
            tip = node.active.tip
            if node.follows and node.coins.best == tip.hash:
                items = node.coins.items()
                first = next(items, None)  # The store shows all as it is at the first one taken.
                # The mark moves before the store does: as it has not moved, nor has the store.
                if node.coins.best == tip.hash:
                    return CoinSnapshot(tip.hash, tip.height, first, self._interruptible(items))
            await asyncio.sleep(LOOK_AGAIN_S)

    def _interruptible(self, items: Iterator[_T]) -> Iterator[_T]:
        for item in items:
            self.go_on()
            yield item

    def go_on(self) -> None:
        """For slow work in a thread, from time to time.

        Raises:
            RpcError: the node stops.
        """
        if self._interrupted:
            raise shutting_down()

    def _remember(self, block_hash: BlockHash, count: int) -> None:
        self._counts[block_hash] = count
        if len(self._counts) > COUNTS_KEPT:
            self._counts.popitem(last=False)

    def reported(self, fact: object) -> None:
        """Take in a fact that the node reported; those who wait look again."""
        if isinstance(fact, BlockConnected):
            self._remember(fact.hash, fact.transactions)
        super().reported(fact)

    async def caught_up(self) -> None:
        """Wait until coins and filters are at the tip.

        Raises:
            RpcError: -28, they are still behind after `CATCH_UP_S`.
        """
        node = self.node
        if not await self.wait_for(lambda: node.follows, CATCH_UP_S):
            raise RpcError(
                Code.WARMUP, f"Catching up with coins, {node.chain.lag} blocks left; try again"
            )

    def interrupt(self) -> None:
        """The node stops: what goes through all coins ends soon, and so do those who wait."""
        self._interrupted = True
        super().interrupt()

    def close(self) -> None:
        """End the threads, after what they do."""
        self._threads.close(wait=True)


def _put_together(
    network: Network,
    tip: HeaderEntry,
    clusters: Sequence[tuple[Chunk, ...]],
    now_s: int,
    limits: BlockLimits,
) -> BlockTemplate:
    return next_template(network, tip, merge(clusters), now_s, limits)


def _log_feerates(template: BlockTemplate) -> None:
    for entry in template.entries:
        feerate_sat_kvb = entry.modified_fee_sat * 1_000 // entry.vsize
        _log.info("fee rate %s BTC/kvB txid %s", format_amount(feerate_sat_kvb), to_hex(entry.txid))
