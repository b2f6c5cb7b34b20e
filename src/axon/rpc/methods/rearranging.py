"""The active chain changed by order: blocks taken for invalid, taken back, preferred."""

from __future__ import annotations

import logging
import math
from datetime import UTC, datetime
from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.chain.orders import ChainOrder
from axon.node.commands import OrderBlock
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.verdict import Rejected
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.methods.finding import find_block

_log: Final = logging.getLogger("axon")


@method("hidden")
async def invalidateblock(daemon: Daemon, blockhash: BlockHash) -> Json:
    """Has a block counted as invalid, and all that builds on it, until reconsiderblock.

    The node moves to the best chain without it. Transactions of the ten highest blocks that leave
    the chain come back into the mempool where they still fit. Nothing is held against peers that
    send the block.

    Args:
        blockhash: the hash of the block to mark as invalid

    Returns:
        null    (json null)
    """
    await _order(daemon, ChainOrder.INVALIDATE, blockhash)
    # Test suites wait for these lines.
    _log.info("InvalidChainFound: invalid block=%s", _line(find_block(daemon, blockhash)))
    _log.info("InvalidChainFound:  current best=%s", _line(daemon.node.active.tip))
    return None


@method("hidden")
async def reconsiderblock(daemon: Daemon, blockhash: BlockHash) -> Json:
    """Takes the mark of invalidity from a block, its ancestors and its descendants.

    They are validated like any others, and join the chain if it is the best then. This undoes
    invalidateblock.

    Args:
        blockhash: the hash of the block to reconsider

    Returns:
        null    (json null)
    """
    return await _order(daemon, ChainOrder.RECONSIDER, blockhash)


@method("blockchain")
async def preciousblock(daemon: Daemon, blockhash: BlockHash) -> Json:
    """Treats a block as if it had come before all others with the same work.

    A later call takes the place of an earlier one. The preference ends with the next start of the
    node, which goes on with the chain that it then has.

    Args:
        blockhash: the hash of the block to mark as precious

    Returns:
        null    (json null)
    """
    return await _order(daemon, ChainOrder.PREFER, blockhash)


async def _order(daemon: Daemon, order: ChainOrder, block_hash: BlockHash) -> Json:
    find_block(daemon, block_hash)
    verdict = await daemon.command(OrderBlock(order, block_hash))
    if isinstance(verdict, Rejected):
        raise RpcError(Code.DATABASE, str(verdict))
    return None


def _line(entry: HeaderEntry) -> str:
    date = datetime.fromtimestamp(entry.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    work = math.log2(entry.chainwork)
    return f"{to_hex(entry.hash)}  height={entry.height}  log2_work={work:f}  date={date}"
