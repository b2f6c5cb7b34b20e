"""Calls that wait until the chain has moved; they block nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from axon.primitives.hashes import BlockHash, to_hex
from axon.rpc.amounts import Json
from axon.rpc.daemon import LOOK_AGAIN_S, Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import Int32


async def _wait(daemon: Daemon, predicate: Callable[[], bool], timeout_ms: int) -> Json:
    """Wait, then say which block is the tip."""
    if timeout_ms < 0:
        raise RpcError(Code.MISC, "Negative timeout")
    await daemon.wait_for(predicate, timeout_ms / 1000 if timeout_ms else None)
    tip = daemon.node.active.tip
    return {"hash": to_hex(tip.hash), "height": tip.height}


@method("blockchain", waits=True)
async def waitfornewblock(
    daemon: Daemon, timeout: Int32 = 0, current_tip: BlockHash | None = None
) -> Json:
    """Waits for any new block and returns useful info about it.

    Returns the current block on timeout or exit.

    Args:
        timeout: Time in milliseconds to wait for a response. 0 indicates no timeout.
        current_tip: Method waits for the chain tip to differ from this.

    Returns:
        {                    (json object)
          "hash" : "hex",    (string) The blockhash
          "height" : n       (numeric) Block height
        }
    """
    active = daemon.node.active
    known = active.tip.hash if current_tip is None else current_tip
    return await _wait(daemon, lambda: active.tip.hash != known, timeout)


@method("blockchain", waits=True)
async def waitforblock(daemon: Daemon, blockhash: BlockHash, timeout: Int32 = 0) -> Json:
    """Waits for a specific new block and returns useful info about it.

    Returns the current block on timeout or exit.

    Args:
        blockhash: Block hash to wait for.
        timeout: Time in milliseconds to wait for a response. 0 indicates no timeout.

    Returns:
        {                    (json object)
          "hash" : "hex",    (string) The blockhash
          "height" : n       (numeric) Block height
        }
    """
    active = daemon.node.active
    return await _wait(daemon, lambda: active.tip.hash == blockhash, timeout)


@method("blockchain", waits=True)
async def waitforblockheight(daemon: Daemon, height: Int32, timeout: Int32 = 0) -> Json:
    """Waits for (at least) block height and returns the height and hash of the current tip.

    Returns the current block on timeout or exit.

    Args:
        height: Block height to wait for.
        timeout: Time in milliseconds to wait for a response. 0 indicates no timeout.

    Returns:
        {                    (json object)
          "hash" : "hex",    (string) The blockhash
          "height" : n       (numeric) Block height
        }
    """
    active = daemon.node.active
    return await _wait(daemon, lambda: active.height >= height, timeout)


@method("hidden", waits=True)
async def syncwithvalidationinterfacequeue(daemon: Daemon) -> Json:
    """Waits until coins, filters and pool have followed all blocks that are connected.

    Returns:
        null    (json null)
    """
    while not daemon.node.follows:  # noqa: ASYNC110 No fact says when they have caught up.
        await asyncio.sleep(LOOK_AGAIN_S)
    return None
