"""Where a wallet's transactions stand in the node's pool, for the choice of coins.

The pool is read on the event loop, the wallet in its lane: so a wallet is asked first which of its
own wait for a block, and is told of each what it hangs together with.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from axon.mempool.entry import PoolEntry
from axon.primitives.hashes import Txid
from axon.rpc.corewallet.access import LoadedWallet
from axon.rpc.corewallet.paying import WantedPayment
from axon.rpc.daemon import Daemon

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

PoolPlaces = dict[Txid, tuple[int, int, int, int, Sequence[tuple[Txid, int, int, int]]]]
"""The fields of the wallet's `PoolPlace`, of each transaction."""


async def pool_places(daemon: Daemon, wallet: LoadedWallet) -> PoolPlaces:
    """Of all transactions of a wallet that are in the pool."""
    pool, found = daemon.node.pool, PoolPlaces()
    async for txid in daemon.in_turns(await wallet.ask(_InPool())):
        entry = pool.get(txid)
        if entry is not None:
            cluster = entry.cluster
            name = next(cluster.entries()).sequence
            kin = [_kin(each) for each in (entry, *pool.ancestors(entry))]
            found[txid] = (len(kin), name, cluster.count, cluster.weight_wu, kin)
    return found


def _kin(entry: PoolEntry) -> tuple[Txid, int, int, int]:
    """The fields of the wallet's `PoolKin`."""
    mined_sat_kvb = 4_000 * entry.chunk.fee_sat // entry.chunk.weight_wu
    return entry.txid, entry.vsize, entry.modified_fee_sat, mined_sat_kvb


@asynccontextmanager
async def one_at_a_time(wallet: LoadedWallet) -> AsyncIterator[None]:
    """Within, no other payment of a wallet is made: each is to know of the one before.

    Two that are made at once may spend the change of the same unconfirmed transaction's kin, and
    each by itself be small enough for the pool.
    """
    async with wallet.paying:
        await wallet.synced()
        yield


@dataclass(frozen=True, slots=True)
class _InPool:
    def run(self, desk: DescriptorDesk) -> Sequence[Txid]:
        return desk.wallet.holdings.in_pool_now()


async def placed(daemon: Daemon, wallet: LoadedWallet, wanted: WantedPayment) -> WantedPayment:
    """A payment that spends only what the pool would take it with."""
    places = await pool_places(daemon, wallet)
    return replace(wanted, terms={**wanted.terms, "pool": places})
