"""Which blocks are stored: old ones pruned, one fetched from a peer."""

from __future__ import annotations

from typing import Final

from axon.machine import PeerId
from axon.node.commands import FetchBlock, PruneChain
from axon.primitives.hashes import BlockHash
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError

FIRST_TIMESTAMP: Final = 1_000_000_000
"""What is above it cannot be a height, and is a time; what is not cannot be a block's time."""

TIMESTAMP_MARGIN_S: Final = 2 * 3600
"""A block's time may be wrong by so much."""


@method("blockchain")
async def getblockfrompeer(daemon: Daemon, blockhash: BlockHash, peer_id: int) -> Json:
    """Attempt to fetch block from a given peer.

    Its header must be known, e.g. by submitheader. Peers ignore requests for a stale block that
    they never verified, or one that is more than a month old. A peer that does not answer with the
    block is disconnected. Another call for the same block takes the place of the one before.

    Args:
        blockhash: The block hash to try to fetch
        peer_id: The peer to fetch it from (see getpeerinfo for peer IDs)

    Returns:
        {}    (empty JSON object) if it was asked for
    """
    node, chain = daemon.node, daemon.node.chain
    entry = chain.headers.get(blockhash)
    if entry is None:
        raise RpcError(Code.MISC, "Block header missing")
    if node.settings.is_pruned and entry.height > chain.active.height:
        raise RpcError(
            Code.MISC,
            "In prune mode, only blocks that the node has already synced previously can be fetched"
            " from a peer",
        )
    if chain.is_held(blockhash):
        raise RpcError(Code.MISC, "Block already downloaded")
    refused = await daemon.command(FetchBlock(blockhash, PeerId(peer_id)))
    if refused is not None:
        raise RpcError(Code.MISC, str(refused))
    return {}


@method("blockchain")
async def pruneblockchain(daemon: Daemon, height: float) -> Json:
    """Attempts to delete block and undo data up to a specified height or timestamp.

    Requires -prune. Block files go as a whole, when all their blocks may: of 128 MiB each, and
    never the last 288 blocks. What is pruned can be fetched again only block by block, by
    getblockfrompeer.

    Args:
        height: The block height to prune up to. May be set to a discrete height, or to a UNIX epoch
            time to prune blocks whose block time is at least 2 hours older than the provided
            timestamp.

    Returns:
        n    (numeric) Height of the last block pruned; -1 if none is
    """
    node = daemon.node
    if not node.settings.is_pruned:
        raise RpcError(Code.MISC, "Cannot prune blocks because node is not in prune mode.")
    if not height.is_integer() or not -(1 << 31) <= height < 1 << 31:
        raise RpcError(Code.MISC, "JSON integer out of range")
    height = int(height)
    if height < 0:
        raise RpcError(Code.PARAMETER, "Negative block height.")
    if height > FIRST_TIMESTAMP:
        height = await _height_at(daemon, height - TIMESTAMP_MARGIN_S)
    tip = node.active.height
    if tip < node.network.prune_after_height:
        raise RpcError(Code.MISC, "Blockchain is too short for pruning.")
    if height > tip:
        raise RpcError(Code.PARAMETER, "Blockchain is shorter than the attempted prune height.")
    below = await daemon.command(PruneChain(height))
    assert isinstance(below, int)
    return below - 1


async def _height_at(daemon: Daemon, time_s: int) -> int:
    """The first block of the active chain that is no older.

    Raises:
        RpcError: -8, all are.
    """
    active = daemon.node.active
    async for height in daemon.in_turns(range(active.height + 1)):
        entry = active.at(height)
        if entry is not None and entry.time >= time_s:
            return height
    raise RpcError(Code.PARAMETER, "Could not find block with at least the specified timestamp.")
