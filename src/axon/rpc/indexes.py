"""What methods ask of the background indexes."""

from __future__ import annotations

from typing import Final

from axon.chain.txindex import TxIndex
from axon.consensus.indexing import ConfirmedTransaction
from axon.node.jobs import FindTransaction
from axon.primitives.hashes import Txid
from axon.rpc.daemon import Daemon
from axon.rpc.errors import Code, RpcError

FOLLOWS_S: Final = 60.0
"""How long a caller waits for an index that follows the chain: it takes a moment for each block."""


async def is_ready(daemon: Daemon, name: str) -> bool:
    """Whether an index may be asked: it is switched on, and is at the tip.

    One that follows the chain is waited for; one that is still being built is not.

    Raises:
        RpcError: -28, it does not reach the tip in `FOLLOWS_S`.
    """
    node = daemon.node
    index = node.indexes.get(name)
    if index is None or not node.blocks.followers.indexes.is_synced(name):
        return False

    def has_tip() -> bool:
        best = None if index.best is None else node.headers.get(index.best)
        tip = node.active.tip
        return best is not None and best.ancestor(tip.height) is tip

    if not has_tip() and not await daemon.wait_for(has_tip, FOLLOWS_S):
        left = node.active.height - index.height
        raise RpcError(Code.WARMUP, f"Catching up with the {name}, {left} blocks left; try again")
    return True


async def find_confirmed(daemon: Daemon, txid: Txid) -> ConfirmedTransaction | None:
    """A transaction that is in a block; None if there is no `-txindex`, or it does not have it."""
    if TxIndex.name not in daemon.node.indexes:
        return None
    found = await daemon.run(FindTransaction(txid))
    assert found is None or isinstance(found, ConfirmedTransaction)
    return found
