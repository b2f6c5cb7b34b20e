"""Which blocks are stored: fetching one more from a peer."""

from __future__ import annotations

from axon.machine import PeerId
from axon.node.commands import FetchBlock
from axon.primitives.hashes import BlockHash
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError


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
    chain = daemon.node.chain
    if chain.headers.get(blockhash) is None:
        raise RpcError(Code.MISC, "Block header missing")
    if chain.has_block(blockhash):
        raise RpcError(Code.MISC, "Block already downloaded")
    refused = await daemon.command(FetchBlock(blockhash, PeerId(peer_id)))
    if refused is not None:
        raise RpcError(Code.MISC, str(refused))
    return {}
