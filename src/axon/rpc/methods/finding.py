"""What callers name: blocks by hash or height, outputs that are spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from axon.chain.coins import Coin
from axon.chain.headertree import HeaderEntry
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.transaction import OutPoint, TxOut, outpoint_index, outpoint_txid
from axon.rpc.daemon import Daemon
from axon.rpc.errors import Code, RpcError


def find_block(daemon: Daemon, block_hash: BlockHash) -> HeaderEntry:
    """The header of this hash.

    Raises:
        RpcError: -5, there is none.
    """
    entry = daemon.node.headers.get(block_hash)
    if entry is None:
        raise RpcError(Code.NOT_FOUND, "Block not found")
    return entry


def find_block_or_height(daemon: Daemon, named: BlockHash | int) -> HeaderEntry:
    """The header of this hash, or at this height of the active chain.

    Raises:
        RpcError: -5 or -8, there is none.
    """
    if isinstance(named, bytes):
        return find_block(daemon, named)
    if named < 0:
        raise RpcError(Code.PARAMETER, f"Target block height {named} is negative")
    tip = daemon.node.active.height
    entry = daemon.node.active.at(named)
    if entry is None:
        raise RpcError(Code.PARAMETER, f"Target block height {named} after current tip {tip}")
    return entry


async def read_block(daemon: Daemon, entry: HeaderEntry) -> bytes:
    """The bytes of a block.

    Raises:
        RpcError: -1, they are not held.
    """
    raw = await daemon.read_block(entry.hash)
    if raw is None:
        raise not_available(daemon, entry)
    return raw


def not_available(daemon: Daemon, entry: HeaderEntry) -> RpcError:
    """Why the bytes of a block are not held."""
    pruned = daemon.node.chain.is_pruned(entry.hash)
    why = "pruned data" if pruned else "not fully downloaded"
    return RpcError(Code.MISC, f"Block not available ({why})")


async def decode_block(daemon: Daemon, entry: HeaderEntry) -> Block:
    """A block, read and decoded off the loop.

    Raises:
        RpcError: -1, its bytes are not held.
    """
    return await daemon.off_loop(Block.decode, await read_block(daemon, entry))


async def find_outputs(
    daemon: Daemon, prevouts: Sequence[OutPoint]
) -> dict[OutPoint, TxOut | None]:
    """The outputs at some outpoints: of the pool, spent there or not, or coins of the tip.

    Raises:
        RpcError: see `Daemon.read_coins`.
    """
    found: dict[OutPoint, TxOut | None] = {}
    rest: list[OutPoint] = []
    async for prevout in daemon.in_turns(prevouts):
        parent, index = daemon.node.pool.get(outpoint_txid(prevout)), outpoint_index(prevout)
        if parent is not None and index < len(parent.transaction.outputs):
            found[prevout] = parent.transaction.outputs[index]
        else:
            rest.append(prevout)
    if rest:
        _, coins = await daemon.read_coins(rest)
        found |= await daemon.off_loop(_outputs_of, coins)
    return found


def _outputs_of(coins: Mapping[OutPoint, Coin | None]) -> dict[OutPoint, TxOut | None]:
    return {
        prevout: None if coin is None else TxOut(coin.amount_sat, coin.script_pubkey)
        for prevout, coin in coins.items()
    }
