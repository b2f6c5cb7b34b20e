"""Questions about the chain as a whole: its tip and other tips, its rules, its statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.network import TARGET_SPACING_S
from axon.primitives.target import difficulty
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.methods.finding import find_block
from axon.rpc.parameters import Int32
from axon.rpc.shapes.blocks import target_json
from axon.rpc.shapes.deployments import deployments_json, script_flags

RECENT_S: Final = 2 * 3600
"""A best header no older than this is taken for the newest there is."""

COUNTED_BLOCKS: Final = 2_000
"""Up to this height all transactions are counted for `getchaintxstats`; each block is read once.
Longer chains are those of real networks, whose blocks are too many to read for one call."""

MONTH_S: Final = 30 * 24 * 3600


@method("blockchain")
async def getblockchaininfo(daemon: Daemon) -> Json:
    """Returns an object containing various state info regarding blockchain processing.

    Returns:
        {                                       (json object)
          "chain" : "str",                      (string) current network name
          "blocks" : n,                         (numeric) the height of the validated chain
          "headers" : n,                        (numeric) the height of the best known header
          "bestblockhash" : "str",              (string) the hash of the currently best block
          "bits" : "hex",                       (string) its target in compact form
          "target" : "hex",                     (string) its target
          "difficulty" : n,                     (numeric) its difficulty
          "time" : xxx,                         (numeric) its time, in seconds since 1970
          "mediantime" : xxx,                   (numeric) the median of the last eleven times
          "verificationprogress" : n,           (numeric) estimate of verification progress [0..1]
          "initialblockdownload" : true|false,  (boolean) whether this node is in initial sync
          "chainwork" : "hex",                  (string) the work of the active chain
          "size_on_disk" : n,                   (numeric) bytes of block and undo files
          "pruned" : true|false,                (boolean) if the blocks are subject to pruning
          "pruneheight" : n,                    (numeric, optional) the first block unpruned, all
                                                previous blocks were pruned (if pruning is enabled)
          "automatic_pruning" : true|false,     (boolean, optional) whether automatic pruning is
                                                enabled (if pruning is enabled)
          "prune_target_size" : n,              (numeric, optional) the target size used by pruning
                                                (if automatic pruning is enabled)
          "signet_challenge" : "hex",           (string, optional) the block challenge (signet)
          "warnings" : [ "str", ... ]           (json array) any warnings
        }
    """
    node = daemon.node
    tip = node.active.tip
    shown: dict[str, Json] = {
        "chain": node.network.name,
        "blocks": tip.height,
        "headers": node.headers.best.height,
        "bestblockhash": to_hex(tip.hash),
        **target_json(tip.bits),
        "time": tip.time,
        "mediantime": tip.median_time_past(),
        "verificationprogress": verification_progress(daemon),
        "initialblockdownload": node.initial_sync,
        "chainwork": f"{tip.chainwork:064x}",
        "size_on_disk": await daemon.off_loop(_stored_bytes, daemon.blocks_folder),
        "pruned": node.settings.is_pruned,
    }
    target = node.settings.prune_target_bytes
    if target is not None:
        shown |= {"pruneheight": node.chain.pruned_below, "automatic_pruning": target > 0}
        if target:
            shown["prune_target_size"] = target
    if node.network.signet_challenge is not None:
        shown["signet_challenge"] = node.network.signet_challenge.hex()
    return {**shown, "warnings": daemon.warnings.to_json()}


def verification_progress(daemon: Daemon) -> float:
    """Which part of the chain is connected, from 0 to 1.

    Headers that are missing are estimated by the time that has passed since the best one.
    """
    best, height = daemon.node.headers.best, daemon.node.active.height
    age_s = daemon.now_s - best.time
    expected = best.height + (age_s // TARGET_SPACING_S if age_s > RECENT_S else 0)
    return min(1.0, height / expected) if expected else 1.0


def _stored_bytes(folder: Path) -> int:
    """Bytes of all block and undo files."""
    return sum(file.stat().st_size for file in folder.glob("*.dat"))


@method("blockchain")
def getblockcount(daemon: Daemon) -> Json:
    """Returns the height of the most-work fully-validated chain.
    The genesis block has height 0.

    Returns:
        n    (numeric) The current block count
    """
    return daemon.node.active.height


@method("blockchain")
def getbestblockhash(daemon: Daemon) -> Json:
    """Returns the hash of the best (tip) block in the most-work fully-validated chain.

    Returns:
        "hex"    (string) the block hash, hex-encoded
    """
    return to_hex(daemon.node.active.tip.hash)


@method("blockchain")
def getdifficulty(daemon: Daemon) -> Json:
    """Returns the proof-of-work difficulty as a multiple of the minimum difficulty.

    Returns:
        n    (numeric) the proof-of-work difficulty as a multiple of the minimum difficulty.
    """
    return difficulty(daemon.node.active.tip.bits)


@method("blockchain")
def getchaintips(daemon: Daemon) -> Json:
    """Return information about all known tips in the block tree, including the main chain as well
    as orphaned branches.

    Returns:
        [                        (json array)
          {                      (json object)
            "height" : n,        (numeric) height of the chain tip
            "hash" : "hex",      (string) block hash of the tip
            "branchlen" : n,     (numeric) zero for main chain, otherwise blocks between
                                 the tip and the main chain
            "status" : "str"     (string) "active", "valid-fork", "valid-headers", "headers-only" or
                                 "invalid"
          },
          ...
        ]
    """
    node = daemon.node
    tips = dict.fromkeys([node.active.tip, *node.headers.tips()])
    return [
        {
            "height": tip.height,
            "hash": to_hex(tip.hash),
            "branchlen": tip.height - node.active.fork_of(tip).height,
            "status": node.chain.status(tip),
        }
        for tip in sorted(tips, key=lambda tip: -tip.height)
    ]


@method("blockchain")
def getdeploymentinfo(daemon: Daemon, blockhash: BlockHash | None = None) -> Json:
    """Returns an object containing various state info regarding deployments of consensus changes.

    Args:
        blockhash: The block hash at which to query deployment state

    Returns:
        {                                (json object)
          "hash" : "str",                (string) requested block hash (or tip)
          "height" : n,                  (numeric) requested block height (or tip)
          "script_flags" : [ "str",... ] (json array) script verify flags for the block
          "deployments" : {              (json object)
            "xxxx" : {                   (json object) name of the deployment
              "type" : "str",            (string) one of "buried", "bip9"
              "height" : n,              (numeric, optional) from which height the rules hold
              "active" : true|false,     (boolean) true if they hold for the next block
              "bip9" : { ... }           (json object, optional) status of bip9 softforks
            }
          }
        }
    """
    node = daemon.node
    entry = node.active.tip if blockhash is None else find_block(daemon, blockhash)
    return {
        "hash": to_hex(entry.hash),
        "height": entry.height,
        "script_flags": list(script_flags(entry, node.network)),
        "deployments": deployments_json(entry, node.network),
    }


@method("blockchain")
async def getchaintxstats(
    daemon: Daemon, nblocks: Int32 | None = None, blockhash: BlockHash | None = None
) -> Json:
    """Compute statistics about the total number and rate of transactions in the chain.

    Args:
        nblocks: Size of the window in number of blocks (default: one month)
        blockhash: The hash of the block that ends the window (default: chain tip)

    Returns:
        {                                     (json object)
          "time" : xxx,                       (numeric) The time of the final block in the window
          "txcount" : n,                      (numeric, optional) All transactions up to that point,
                                              if known
          "window_final_block_hash" : "hex",  (string) The hash of the final block
          "window_final_block_height" : n,    (numeric) The height of the final block
          "window_block_count" : n,           (numeric) Size of the window in number of blocks
          "window_interval" : n,              (numeric, optional) Seconds that the window lasted
          "window_tx_count" : n,              (numeric, optional) Its transactions, if known
          "txrate" : n                        (numeric, optional) Transactions per second, if known
        }
    """
    last = daemon.node.active.tip if blockhash is None else find_block(daemon, blockhash)
    if not daemon.node.active.contains(last):
        raise RpcError(Code.PARAMETER, "Block is not in main chain")
    if nblocks is None:
        nblocks = max(0, min(MONTH_S // TARGET_SPACING_S, last.height - 1))
    elif nblocks < 0 or (nblocks > 0 and nblocks >= last.height):
        raise RpcError(
            Code.PARAMETER,
            "Invalid block count: should be between 0 and the block's height - 1",
        )
    first = last.ancestor(last.height - nblocks)
    assert first is not None, "heights from the genesis block on have an ancestor"
    counts = await _counts(daemon, last)
    shown: dict[str, Json] = {"time": last.time}
    if counts:
        shown["txcount"] = sum(counts)
    shown["window_final_block_hash"] = to_hex(last.hash)
    shown["window_final_block_height"] = last.height
    shown["window_block_count"] = nblocks
    if nblocks:
        interval = last.median_time_past() - first.median_time_past()
        shown["window_interval"] = interval
        if counts:
            inside = sum(counts[first.height + 1 :])
            shown["window_tx_count"] = inside
            if interval > 0:
                shown["txrate"] = inside / interval
    return shown


async def _counts(daemon: Daemon, last: HeaderEntry) -> list[int]:
    """How many transactions each block up to `last` has; empty where those are too many."""
    if last.height > COUNTED_BLOCKS:
        return []
    counts: list[int] = []
    entry: HeaderEntry | None = last
    while entry is not None:
        counts.append(await daemon.transaction_count(entry.hash))
        entry = entry.parent
    counts.reverse()
    return counts
