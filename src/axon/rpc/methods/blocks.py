"""Questions about single blocks: their hash, header, transactions, filter and statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from axon.chain.coins import Coin
from axon.chain.headertree import HeaderEntry
from axon.node.jobs import ReadBlock, ReadSpent, ReadSpentSums
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.network import Network
from axon.rpc.amounts import Json, Written, hex_text
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.methods.finding import (
    decode_block,
    find_block,
    find_block_or_height,
    not_available,
)
from axon.rpc.parameters import Int32, expect_texts
from axon.rpc.shapes.blocks import block_json, header_json
from axon.rpc.shapes.blockstats import block_stats

_WITH_FEES: Final = 2
"""Of `getblock`: transactions with their fees, without what they spend."""


@method("blockchain")
def getblockhash(daemon: Daemon, height: Int32) -> Json:
    """Returns hash of block in best-block-chain at height provided.

    Args:
        height: The height index

    Returns:
        "hex"    (string) The block hash
    """
    entry = daemon.node.active.at(height)
    if entry is None:
        raise RpcError(Code.PARAMETER, "Block height out of range")
    return to_hex(entry.hash)


@method("blockchain", labels={"blockhash": "hash"})
async def getblockheader(daemon: Daemon, blockhash: BlockHash, verbose: bool = True) -> Json:
    """If verbose is false, returns a string that is serialized, hex-encoded data for the header.
    If verbose is true, returns an Object with information about it.

    Args:
        blockhash: The block hash
        verbose: true for a json object, false for the hex-encoded data

    Returns:
        {                               (json object)
          "hash" : "hex",               (string) the block hash (same as provided)
          "confirmations" : n,          (numeric) its depth, or -1 if it is not on the main chain
          "height" : n,                 (numeric) The block height or index
          "version" : n,                (numeric) The block version
          "versionHex" : "hex",         (string) The block version formatted in hexadecimal
          "merkleroot" : "hex",         (string) The merkle root
          "time" : xxx,                 (numeric) The block time, in seconds since 1970
          "mediantime" : xxx,           (numeric) The median of the last eleven times
          "nonce" : n,                  (numeric) The nonce
          "bits" : "hex",               (string) The target in compact form
          "target" : "hex",             (string) The target
          "difficulty" : n,             (numeric) The difficulty
          "chainwork" : "hex",          (string) The work of the chain up to this block
          "nTx" : n,                    (numeric) The number of transactions in the block
          "previousblockhash" : "hex",  (string, optional) The hash of the previous block
          "nextblockhash" : "hex"       (string, optional) The hash of the next block
        }
    """
    entry = find_block(daemon, blockhash)
    if not verbose:
        return entry.raw.hex()
    count = await daemon.transaction_count(entry.hash)
    return header_json(entry, daemon.node.active, count)


@method("blockchain", aliases={"verbosity": "verbose"})
async def getblock(daemon: Daemon, blockhash: BlockHash, verbosity: bool | Int32 = 1) -> Json:
    """If verbosity is 0, returns a string that is serialized, hex-encoded data for the block.
    If verbosity is 1, returns an Object with information about it.
    If verbosity is 2, returns the same and information about each transaction.
    If verbosity is 3, returns the same, including prevout information for inputs.

    Args:
        blockhash: The block hash
        verbosity: 0 for hex-encoded data, 1 for a JSON object, 2 for JSON object with transaction
            data, and 3 for JSON object with transaction data including prevout information

    Returns:
        {                        (json object)
          ...,                   The fields of getblockheader
          "strippedsize" : n,    (numeric) The block size excluding witness data
          "size" : n,            (numeric) The block size
          "weight" : n,          (numeric) The block weight as defined in BIP 141
          "coinbase_tx" : {      (json object) Coinbase transaction metadata
            "version" : n,       (numeric) The coinbase transaction version
            "locktime" : n,      (numeric) Its locktime
            "sequence" : n,      (numeric) Its input's sequence number
            "coinbase" : "hex",  (string) Its input's script
            "witness" : "hex"    (string, optional) Its input's first witness element
          },
          "tx" : [ ... ]         (json array) The transaction ids, or the transactions in the format
                                 of getrawtransaction
        }
    """
    entry = find_block(daemon, blockhash)
    perform, network, level = daemon.perform, daemon.node.network, int(verbosity)
    head = header_json(entry, daemon.node.active, 0) if level > 0 else {}
    shown = await daemon.off_loop(_read_and_shown, perform, entry.hash, network, level)
    if shown is None:
        raise not_available(daemon, entry)
    return shown if isinstance(shown, Written) else {**head, **shown}


async def shown_block(
    daemon: Daemon, entry: HeaderEntry, raw: bytes, level: int
) -> dict[str, Json]:
    """A block in JSON.

    Args:
        raw: its bytes.
        level: 1 for the transactions' ids, 2 for all of them, 3 for what they spend, too.
    """
    head = header_json(entry, daemon.node.active, 0)
    shape = await daemon.off_loop(
        _shown, daemon.perform, raw, entry.hash, daemon.node.network, level
    )
    return {**head, **shape}


def _read_and_shown(
    perform: Callable[[object], object], block_hash: BlockHash, network: Network, level: int
) -> Written | dict[str, Json] | None:
    """A block in hex, or its fields; None if it is not held. For a thread, all in one go."""
    raw = perform(ReadBlock(block_hash))
    if raw is None:
        return None
    assert isinstance(raw, bytes)
    return hex_text(raw) if level <= 0 else _shown(perform, raw, block_hash, network, level)


def _shown(
    perform: Callable[[object], object],
    raw: bytes,
    block_hash: BlockHash,
    network: Network,
    level: int,
) -> dict[str, Json]:
    """The fields of a block without those of its header but `nTx`."""
    block = Block.decode(raw)
    if level <= 1:
        return block_json(block, network, level)
    if level == _WITH_FEES:
        sums = cast("list[int] | None", perform(ReadSpentSums(block_hash)))
        return block_json(block, network, level, sums)
    spent = cast("list[list[Coin]] | None", perform(ReadSpent(block_hash)))
    sums = None if spent is None else [sum(coin.amount_sat for coin in coins) for coins in spent]
    return block_json(block, network, level, sums, spent)


@method("blockchain")
def getblockfilter(daemon: Daemon, blockhash: BlockHash, filtertype: str = "basic") -> Json:
    """Retrieve a BIP 157 content filter for a particular block.

    Args:
        blockhash: The hash of the block
        filtertype: The type name of the filter

    Returns:
        {                      (json object)
          "filter" : "hex",    (string) the hex-encoded filter data
          "header" : "hex"     (string) the hex-encoded filter header
        }
    """
    if filtertype != "basic":
        raise RpcError(Code.NOT_FOUND, "Unknown filtertype")
    filters = daemon.node.filters
    if filters is None:
        raise RpcError(Code.MISC, "Index is not enabled for filtertype basic")
    entry = find_block(daemon, blockhash)
    (data,), (header,) = filters.filters([entry.hash]), filters.headers([entry.hash])
    if data is None or header is None:
        if daemon.node.active.contains(entry):
            raise RpcError(
                Code.MISC,
                "Filter not found. Block filters are still in the process of being indexed.",
            )
        raise RpcError(Code.NOT_FOUND, "Filter not found. Block was not connected to active chain.")
    return {"filter": data.hex(), "header": to_hex(header)}


@method("blockchain", shown={"stats": "stats"})
async def getblockstats(
    daemon: Daemon, hash_or_height: Int32 | BlockHash, stats: list[str] | None = None
) -> Json:
    """Compute per block statistics for a given window. All amounts are in satoshis.

    Args:
        hash_or_height: The block hash or height of the target block
        stats: Values to plot, all by default

    Returns:
        {                                (json object)
          "avgfee" : n,                  (numeric, optional) Average fee in the block
          "feerate_percentiles" : [...], (json array, optional) Feerates at the 10th, 25th, 50th,
                                         75th and 90th percentile weight unit
          ...                            and so on for fees, feerates, sizes, inputs and outputs
        }
    """
    entry = find_block_or_height(daemon, hash_or_height)
    block = await decode_block(daemon, entry)
    spent = await daemon.read_spent(entry.hash) if entry.height else [[]]
    if spent is None:
        pruned = daemon.node.chain.pruned_below > entry.height
        why = " (pruned data)" if pruned else ""
        raise RpcError(Code.MISC, f"Undo data not available{why}")
    counted = await daemon.off_loop(block_stats, block, spent, genesis=entry.height == 0)
    shown: dict[str, Json] = {
        **counted,
        "blockhash": to_hex(entry.hash),
        "height": entry.height,
        "mediantime": entry.median_time_past(),
        "subsidy": daemon.node.network.subsidy_sat(entry.height),
        "time": entry.time,
    }
    if not stats:
        return {name: shown[name] for name in sorted(shown, key=_place_of_all)}
    for name in sorted(set(expect_texts(stats))):
        if name not in shown:
            raise RpcError(Code.PARAMETER, f"Invalid selected statistic '{name}'")
    return {name: shown[name] for name in sorted(set(stats))}


def _place_of_all(name: str) -> tuple[bool, str]:
    """Where a statistic stands when all are shown."""
    return name.endswith("_actual"), name
