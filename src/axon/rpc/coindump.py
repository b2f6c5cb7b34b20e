"""A file of all coins, written in a thread beside the node."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from axon.chain.coins import Coin, MemoryStore
from axon.chain.coinstats import CoinStats, coin_stats
from axon.chain.headertree import HeaderEntry
from axon.chain.store import Store
from axon.chain.utxosnapshot import COUNT_OFFSET, CoinRollback, encode_count, metadata, records
from axon.drivers.aio.privatefiles import open_file
from axon.drivers.aio.stores import RocksStore
from axon.errors import StorageError
from axon.node.jobs import CountTransactions, ReadBlock, ReadSpent
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.transaction import OutPoint
from axon.rpc.amounts import Json
from axon.rpc.coinscan import CoinSnapshot
from axon.rpc.daemon import Daemon
from axon.rpc.errors import Code, RpcError


@dataclass(frozen=True, slots=True)
class CoinDump:
    """One file of coins that is being written, in a thread.

    Args:
        daemon: reads blocks.
        snapshot: the coins at `tip`; gone through once.
        tip: the newest block.
        base: the block whose coins are wanted, `tip` or one below it.
        place: of the file.
        in_memory: where what changed since `base` is kept meanwhile.
    """

    daemon: Daemon
    snapshot: CoinSnapshot
    tip: HeaderEntry
    base: HeaderEntry
    place: Path
    in_memory: bool

    def write(self) -> Json:
        """Write it; what the caller is told.

        Raises:
            RpcError: it cannot be written, or blocks that it takes are gone.
        """
        unfinished = self.place.with_name(f"{self.place.name}.incomplete")
        with ExitStack() as cleaning:
            try:
                handle = open_file(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            except OSError as error:
                message = f"Couldn't open file {unfinished} for writing."
                raise RpcError(Code.PARAMETER, message) from error
            cleaning.callback(unfinished.unlink, missing_ok=True)
            try:
                stats = self._write(handle, cleaning)
                unfinished.replace(self.place)
            except (OSError, StorageError) as error:
                raise RpcError(Code.MISC, f"Cannot write {unfinished}: {error}") from error
        assert stats.set_hash is not None, "it was asked for"
        return {
            "coins_written": stats.txouts,
            "base_hash": to_hex(self.base.hash),
            "base_height": self.base.height,
            "path": str(self.place),
            "txoutset_hash": to_hex(stats.set_hash),
            "nchaintx": self._transactions(),
        }

    def _write(self, handle: int, cleaning: ExitStack) -> CoinStats:
        with os.fdopen(handle, "wb") as file:
            magic = self.daemon.node.network.magic
            file.write(metadata(magic, self.base.hash, 0))

            def written(coins: Iterable[tuple[OutPoint, Coin]]) -> Iterator[tuple[OutPoint, Coin]]:
                for record, ordered in records(coins):
                    file.write(record)
                    yield from ordered

            coins = self.snapshot.items()
            if self.base is not self.tip:
                coins = self._rolled_back(cleaning).applied(coins)
            stats = coin_stats(_Written(self.base.hash, self.base.height, written(coins)))
            file.seek(COUNT_OFFSET)
            file.write(encode_count(stats.txouts))
            file.flush()
            os.fsync(file.fileno())
        return stats

    def _rolled_back(self, cleaning: ExitStack) -> CoinRollback:
        store: Store = MemoryStore()
        if not self.in_memory:
            folder = self.place.with_name(f"temp_utxo_{self.base.height}")
            if folder.exists():
                shutil.rmtree(folder)  # Of a run that was killed: its changes are none of this one.
            cleaning.callback(shutil.rmtree, folder, ignore_errors=True)
            kept = RocksStore(folder)
            cleaning.callback(kept.close)
            store = kept
        rollback = CoinRollback(store)
        for entry in _down(self.tip, self.base.height):
            self.daemon.go_on()
            raw = self.daemon.perform(ReadBlock(entry.hash))
            spent = self.daemon.perform(ReadSpent(entry.hash))
            if not isinstance(raw, bytes) or not isinstance(spent, list):
                raise RpcError(
                    Code.MISC,
                    "Could not roll back to requested height since necessary block data is already"
                    " pruned.",
                )
            rollback.undo(Block.decode(raw), spent)
        return rollback

    def _transactions(self) -> int:
        """How many there are up to and including the base block."""
        total = 1  # The first block's.
        for entry in _down(self.base, 0):
            self.daemon.go_on()
            count = self.daemon.perform(CountTransactions(entry.hash))
            assert isinstance(count, int)
            total += count
        return total


@dataclass(frozen=True, slots=True)
class _Written:
    """Coins that are counted while they are written."""

    best: BlockHash
    height: int
    coins: Iterator[tuple[OutPoint, Coin]]

    def items(self) -> Iterator[tuple[OutPoint, Coin]]:
        """All of them, once."""
        return self.coins


def _down(top: HeaderEntry, height: int) -> Iterator[HeaderEntry]:
    """Blocks from `top` downwards, as far as they are above a height."""
    entry: HeaderEntry | None = top
    while entry is not None and entry.height > height:
        yield entry
        entry = entry.parent
