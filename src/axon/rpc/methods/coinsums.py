"""What the coins are in sum, now or at a block."""

from __future__ import annotations

from pathlib import Path

from axon.chain.coinstats import SetHash, coin_stats
from axon.chain.coinstatsindex import CoinStatsIndex, IndexedStats
from axon.chain.headertree import HeaderEntry
from axon.consensus.kernelmuhash import muhash
from axon.primitives.hashes import BlockHash, to_hex
from axon.rpc.amounts import Amount, Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.indexes import is_ready
from axon.rpc.methods.finding import find_block_or_height
from axon.rpc.parameters import expect_text, parse_hash

_UNREADABLE = "Unable to read UTXO set"


@method("blockchain")
async def gettxoutsetinfo(
    daemon: Daemon,
    hash_type: str = "hash_serialized_3",
    hash_or_height: Json = None,
    use_index: bool = True,
) -> Json:
    """Returns statistics about the unspent transaction output set.
    Note this call may take some time if you are not using coinstatsindex.

    Args:
        hash_type: Which UTXO set hash should be calculated. Options: 'hash_serialized_3' (the
            legacy algorithm), 'muhash', 'none'.
        hash_or_height: The block hash or height of the target height (only available with
            coinstatsindex).
        use_index: Use coinstatsindex, if available.

    Returns:
        {                               (json object)
          "height" : n,                 (numeric) The block height of the returned statistics
          "bestblock" : "hex",          (string) The hash of that block
          "txouts" : n,                 (numeric) The number of unspent transaction outputs
          "bogosize" : n,               (numeric) Database-independent metric of the set's size
          "hash_serialized_3" : "hex",  (string, optional) The serialized hash, if chosen
          "muhash" : "hex",             (string, optional) The MuHash of the set, if chosen
          "total_amount" : n,           (numeric) The total amount of coins in the UTXO set
          "transactions" : n,           (numeric, optional) The number of transactions with unspent
                                        outputs (not with coinstatsindex)
          "disk_size" : n,              (numeric, optional) The estimated size of the chainstate on
                                        disk (not with coinstatsindex)
          "total_unspendable_amount" : n, (numeric, optional) What is excluded from the set for ever
                                        (only with coinstatsindex)
          "block_info" : {              (json object, optional) Amounts in the block at this height
                                        (only with coinstatsindex)
            "prevout_spent" : n,        (numeric) Total amount of all prevouts spent in this block
            "coinbase" : n,             (numeric) Coinbase subsidy amount of this block
            "new_outputs_ex_coinbase" : n, (numeric) Total amount of other new outputs of this block
            "unspendable" : n,          (numeric) Amount of unspendable outputs of this block
            "unspendables" : {          (json object) Detailed view of the unspendable categories
              "genesis_block" : n,      (numeric) The subsidy of the Genesis block
              "bip30" : n,              (numeric) Transactions overridden by duplicates
              "scripts" : n,            (numeric) Amounts sent to scripts that are unspendable
              "unclaimed_rewards" : n   (numeric) Rewards that miners did not claim
            }
          }
        }
    """
    kind = _kind(hash_type)
    entry = None
    if hash_or_height is not None:
        entry = _asked_for(daemon, kind, hash_or_height, use_index)
    if use_index and kind is not SetHash.SERIALIZED and CoinStatsIndex.name in daemon.node.indexes:
        return await _from_index(daemon, kind, entry)
    snapshot = await daemon.coin_snapshot()
    stats = await daemon.off_loop(coin_stats, snapshot, kind, muhash())
    shown: dict[str, Json] = {
        "height": stats.height,
        "bestblock": to_hex(snapshot.best),
        "txouts": stats.txouts,
        "bogosize": stats.bogosize,
    }
    if stats.set_hash is not None:
        shown[kind.value] = to_hex(stats.set_hash)
    shown["total_amount"] = Amount(stats.total_amount_sat)
    shown["transactions"] = stats.transactions
    shown["disk_size"] = await daemon.off_loop(_folder_bytes, daemon.folder / "chainstate")
    return shown


def _kind(hash_type: str) -> SetHash:
    try:
        return SetHash(hash_type)
    except ValueError:
        message = f"'{hash_type}' is not a valid hash_type"
        raise RpcError(Code.PARAMETER, message) from None


def _asked_for(daemon: Daemon, kind: SetHash, named: Json, use_index: bool) -> HeaderEntry:
    """The block that a caller names.

    Raises:
        RpcError: -8 or -5, nothing can be said of a block, or there is none.
    """
    if CoinStatsIndex.name not in daemon.node.indexes:
        raise RpcError(Code.PARAMETER, "Querying specific block heights requires coinstatsindex")
    if kind is SetHash.SERIALIZED:
        message = "hash_serialized_3 hash type cannot be queried for a specific block"
        raise RpcError(Code.PARAMETER, message)
    if not use_index:
        message = "Cannot set use_index to false when querying for a specific block"
        raise RpcError(Code.PARAMETER, message)
    return find_block_or_height(daemon, _height_or_hash(named))


def _height_or_hash(named: Json) -> int | BlockHash:
    """A height or a hash, looked at last of all, as in Bitcoin Core."""
    if isinstance(named, int | float) and not isinstance(named, bool):
        if type(named) is not int or not -(1 << 31) <= named < 1 << 31:
            raise RpcError(Code.MISC, "JSON integer out of range")
        return named
    return BlockHash(parse_hash("hash_or_height", expect_text(named)))


async def _from_index(daemon: Daemon, kind: SetHash, entry: HeaderEntry | None) -> Json:
    """The figures that the index keeps of a block; of the tip if none is named.

    Raises:
        RpcError: -32603, it does not know them, or not yet.
    """
    index = daemon.node.indexes[CoinStatsIndex.name]
    assert isinstance(index, CoinStatsIndex)
    ready = await is_ready(daemon, CoinStatsIndex.name)
    if not ready and entry is not None and entry.height > index.height:
        raise RpcError(
            Code.INTERNAL_ERROR,
            "Unable to get data because coinstatsindex is still syncing. Current height:"
            f" {index.height}",
        )
    block = entry or daemon.node.active.tip
    stats = await daemon.off_loop(index.stats, block.hash)
    before: IndexedStats | None = IndexedStats(b"")
    if block.parent is not None:
        before = await daemon.off_loop(index.stats, block.parent.hash)
    if stats is None or before is None:
        raise RpcError(Code.INTERNAL_ERROR, _UNREADABLE)
    shown: dict[str, Json] = {
        "height": block.height,
        "bestblock": to_hex(block.hash),
        "txouts": stats.txouts,
        "bogosize": stats.bogosize,
    }
    if kind is SetHash.MUHASH:
        shown["muhash"] = to_hex(stats.muhash)
    return {
        **shown,
        "total_amount": Amount(stats.total_amount_sat),
        "total_unspendable_amount": Amount(stats.unspendable_sat),
        "block_info": _block_json(stats, before),
    }


def _block_json(stats: IndexedStats, before: IndexedStats) -> dict[str, Json]:
    """What one block added to the figures."""
    return {
        "prevout_spent": Amount(stats.prevout_spent_sat - before.prevout_spent_sat),
        "coinbase": Amount(stats.coinbase_sat - before.coinbase_sat),
        "new_outputs_ex_coinbase": Amount(stats.new_outputs_sat - before.new_outputs_sat),
        "unspendable": Amount(stats.unspendable_sat - before.unspendable_sat),
        "unspendables": {
            "genesis_block": Amount(stats.genesis_sat - before.genesis_sat),
            "bip30": Amount(stats.bip30_sat - before.bip30_sat),
            "scripts": Amount(stats.scripts_sat - before.scripts_sat),
            "unclaimed_rewards": Amount(stats.unclaimed_sat - before.unclaimed_sat),
        },
    }


def _folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*") if file.is_file())
