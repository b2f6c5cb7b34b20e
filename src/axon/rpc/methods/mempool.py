"""Questions about unconfirmed transactions."""

from __future__ import annotations

from collections.abc import Sequence

from axon.mempool.entry import Chunk, PoolEntry
from axon.mempool.table import merge_chunks
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import Transaction
from axon.rpc.amounts import Amount, Json, LazyObject, Written, hashes_text
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import type_name
from axon.rpc.shapes.mempool import entry_json


@method("blockchain")
def getmempoolinfo(daemon: Daemon) -> Json:
    """Returns details on the active state of the TX memory pool.

    Returns:
        {                                    (json object)
          "loaded" : true|false,             (boolean) True if the pool of the last run is read back
          "size" : n,                        (numeric) Current transaction count
          "bytes" : n,                       (numeric) Sum of all virtual sizes
          "usage" : n,                       (numeric) Total memory usage for the mempool
          "total_fee" : n,                   (numeric) Total fees in BTC, without modified ones
          "maxmempool" : n,                  (numeric) Maximum memory usage for the mempool
          "mempoolminfee" : n,               (numeric) Minimum feerate in BTC/kvB to be accepted
          "minrelaytxfee" : n,               (numeric) Current minimum relay feerate
          "incrementalrelayfee" : n,         (numeric) minimum feerate increment of replacements
          "unbroadcastcount" : n,            (numeric) transactions that nobody asked for yet
          "fullrbf" : true|false,            (boolean) True: all transactions may be replaced
          "permitbaremultisig" : true|false, (boolean) True if bare multisig outputs are accepted
          "maxdatacarriersize" : n,          (numeric) Most bytes in all OP_RETURN scripts
          "limitclustercount" : n,           (numeric) Maximum transactions in a cluster
          "limitclustersize" : n,            (numeric) Maximum virtual size of a cluster
          "optimal" : true|false             (boolean) If all clusters are in the best order
        }
    """
    pool, policy = daemon.node.pool, daemon.node.pool.policy
    minimum = max(pool.min_feerate(daemon.clock.now()), policy.min_relay_feerate_sat_kvb)
    return {
        "loaded": daemon.pool_loaded,
        "size": len(pool),
        "bytes": pool.total_vsize,
        "usage": pool.usage_bytes,
        "total_fee": Amount(pool.total_fee_sat),
        "maxmempool": policy.max_mempool_bytes,
        "mempoolminfee": Amount(minimum),
        "minrelaytxfee": Amount(policy.min_relay_feerate_sat_kvb),
        "incrementalrelayfee": Amount(policy.incremental_feerate_sat_kvb),
        "unbroadcastcount": len(pool.unbroadcast),
        "fullrbf": True,
        "permitbaremultisig": policy.permit_bare_multisig,
        "maxdatacarriersize": policy.max_datacarrier_bytes,
        "limitclustercount": policy.cluster_count,
        "limitclustersize": policy.cluster_vsize,
        "optimal": pool.optimal,
    }


@method("blockchain")
async def getrawmempool(
    daemon: Daemon, verbose: bool = False, mempool_sequence: bool = False
) -> Json:
    """Returns all transaction ids in memory pool as a json array of string transaction ids.

    Hint: use getmempoolentry to fetch a specific transaction from the mempool.

    Args:
        verbose: True for a json object, false for array of transaction ids
        mempool_sequence: If verbose=false, returns a json object with transaction list and mempool
            sequence number attached.

    Returns:
        [ "hex", ... ]    (json array) The transaction ids; with verbose a json object of what
                          getmempoolentry shows, with mempool_sequence one of txids and
                          mempool_sequence
    """
    pool = daemon.node.pool
    if verbose:
        if mempool_sequence:
            message = "Verbose results cannot contain mempool sequence values."
            raise RpcError(Code.PARAMETER, message)
        entries = await daemon.off_loop(_in_order, pool.cluster_chunks())
        shown = [
            (entry.txid, entry_json(pool, entry))
            async for entry in daemon.in_turns(entries)
            if pool.get(entry.txid) is entry  # Some leave meanwhile.
        ]
        return LazyObject(_named, shown)
    sequence = pool.sequence
    txids = await daemon.off_loop(_txids, pool.cluster_chunks())
    return {"txids": txids, "mempool_sequence": sequence} if mempool_sequence else txids


def _in_order(clusters: Sequence[tuple[Chunk, ...]]) -> list[PoolEntry]:
    """As they would be mined."""
    return [entry for chunk in merge_chunks(clusters) for entry in chunk.entries]


def _txids(clusters: Sequence[tuple[Chunk, ...]]) -> Written:
    return hashes_text([entry.txid for entry in _in_order(clusters)])


def _named(shown: tuple[Txid, Written]) -> tuple[str, Written]:
    return to_hex(shown[0]), shown[1]


def _entries_json(daemon: Daemon, entries: Sequence[PoolEntry]) -> dict[str, Json]:
    pool = daemon.node.pool
    return {to_hex(entry.txid): entry_json(pool, entry) for entry in entries}


def _find(daemon: Daemon, txid: Txid) -> PoolEntry:
    entry = daemon.node.pool.get(txid)
    if entry is None:
        raise RpcError(Code.NOT_FOUND, "Transaction not in mempool")
    return entry


@method("blockchain")
def getmempoolentry(daemon: Daemon, txid: Txid) -> Json:
    """Returns mempool data for given transaction.

    Args:
        txid: The transaction id (must be in mempool)

    Returns:
        {                                     (json object)
          "vsize" : n,                        (numeric) virtual size, adjusted for sigops
          "weight" : n,                       (numeric) weight as defined in BIP 141
          "time" : xxx,                       (numeric) when it entered the pool, UNIX time
          "height" : n,                       (numeric) block height when it entered the pool
          "descendantcount" : n,              (numeric) in-mempool descendants, including this one
          "descendantsize" : n,               (numeric) virtual size of these
          "ancestorcount" : n,                (numeric) in-mempool ancestors, including this one
          "ancestorsize" : n,                 (numeric) virtual size of these
          "wtxid" : "hex",                    (string) hash of the transaction with its witness
          "chunkweight" : n,                  (numeric) sigops-adjusted weight of its chunk
          "fees" : {                          (json object) all in BTC
            "base" : n,                       (numeric) transaction fee
            "modified" : n,                   (numeric) with deltas used for mining priority
            "ancestor" : n,                   (numeric) modified fees of the ancestors
            "descendant" : n,                 (numeric) modified fees of the descendants
            "chunk" : n                       (numeric) modified fees of its chunk
          },
          "depends" : [ "hex", ... ],         (json array) unconfirmed transactions it spends
          "spentby" : [ "hex", ... ],         (json array) unconfirmed transactions that spend it
          "bip125-replaceable" : true|false,  (boolean) Whether it signals BIP125 replaceability
          "unbroadcast" : true|false          (boolean) Whether nobody asked for it yet
        }
    """
    return entry_json(daemon.node.pool, _find(daemon, txid))


@method("blockchain")
def getmempoolancestors(daemon: Daemon, txid: Txid, verbose: bool = False) -> Json:
    """If txid is in the mempool, returns all in-mempool ancestors.

    Args:
        txid: The transaction id (must be in mempool)
        verbose: True for a json object, false for array of transaction ids

    Returns:
        [ "hex", ... ]    (json array) The ids; with verbose a json object of what getmempoolentry
                          shows
    """
    kin = daemon.node.pool.ancestors(_find(daemon, txid))
    return _entries_json(daemon, kin) if verbose else [to_hex(entry.txid) for entry in kin]


@method("blockchain")
def getmempooldescendants(daemon: Daemon, txid: Txid, verbose: bool = False) -> Json:
    """If txid is in the mempool, returns all in-mempool descendants.

    Args:
        txid: The transaction id (must be in mempool)
        verbose: True for a json object, false for array of transaction ids

    Returns:
        [ "hex", ... ]    (json array) The ids; with verbose a json object of what getmempoolentry
                          shows
    """
    kin = daemon.node.pool.descendants(_find(daemon, txid))
    return _entries_json(daemon, kin) if verbose else [to_hex(entry.txid) for entry in kin]


@method("blockchain")
async def savemempool(daemon: Daemon) -> Json:
    """Dumps the mempool to disk. It will fail until the previous dump is fully loaded.

    Returns:
        {                      (json object)
          "filename" : "str"   (string) the directory and file where the mempool was saved
        }
    """
    if not daemon.pool_loaded:
        raise RpcError(Code.MISC, "The mempool was not loaded yet")
    return {"filename": str(await daemon.save_mempool())}


@method("hidden")
def getorphantxs(daemon: Daemon, verbosity: Json = 0) -> Json:
    """Shows transactions in the tx orphanage.

    EXPERIMENTAL warning: this call may be changed in future releases.

    Args:
        verbosity: 0 for an array of txids (may contain duplicates), 1 for an array of objects with
            tx details, and 2 for details from (1) and tx hex

    Returns:
        [                        (json array) or the transaction ids only
          {                      (json object)
            "txid" : "hex",      (string) The transaction hash in hex
            "wtxid" : "hex",     (string) The transaction witness hash in hex
            "bytes" : n,         (numeric) The serialized transaction size in bytes
            "vsize" : n,         (numeric) The virtual transaction size as defined in BIP 141
            "weight" : n,        (numeric) The transaction weight as defined in BIP 141
            "from" : [ n, ... ], (json array) the peers that announced it
            "hex" : "hex"        (string, optional) The serialized, hex-encoded transaction data
          },
          ...
        ]
    """
    level = _verbosity(verbosity)
    orphans = daemon.node.transactions.orphans
    if level == 0:
        return [to_hex(orphan.txid) for orphan in orphans.transactions()]
    return [
        {
            **_orphan_json(orphan),
            "from": list(orphans.announcers(orphan.wtxid)),
            **({"hex": orphan.raw.hex()} if level == 2 else {}),
        }
        for orphan in orphans.transactions()
    ]


def _verbosity(value: object) -> int:
    if isinstance(value, bool):
        raise RpcError(Code.TYPE, "Verbosity was boolean but only integer allowed")
    if not isinstance(value, int):
        given = type_name(value)
        raise RpcError(Code.TYPE, f"JSON value of type {given} is not of expected type number")
    if not 0 <= value <= 2:
        raise RpcError(Code.PARAMETER, f"Invalid verbosity value {value}")
    return value


def _orphan_json(orphan: Transaction) -> dict[str, Json]:
    return {
        "txid": to_hex(orphan.txid),
        "wtxid": to_hex(orphan.wtxid),
        "bytes": orphan.size_bytes,
        "vsize": orphan.vsize,
        "weight": orphan.weight_wu,
    }
