"""The mempool as miners see it, chunk by chunk, and a mempool taken in from a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from axon.errors import DecodeError
from axon.mempool.entry import Chunk
from axon.mempool.persist import Dump, load
from axon.mempool.table import merge_chunks
from axon.node.commands import RestorePool
from axon.primitives.hashes import Txid, to_hex
from axon.rpc.amounts import Amount, Json, made_list
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError

_log = logging.getLogger("axon")


@method("blockchain")
def getmempoolcluster(daemon: Daemon, txid: Txid) -> Json:
    """Returns mempool data for given cluster

    Args:
        txid: The txid of a transaction in the cluster

    Returns:
        {                               (json object)
          "clusterweight" : n,          (numeric) total sigops-adjusted weight
          "txcount" : n,                (numeric) number of transactions
          "chunks" : [                  (json array) chunks in this cluster (in mining order)
            {                           (json object)
              "chunkfee" : n,           (numeric) fees of the transactions in this chunk
              "chunkweight" : n,        (numeric) sigops-adjusted weight of all of them
              "txs" : [ "hex", ... ]    (json array) their txids, in mining order
            },
            ...
          ]
        }
    """
    entry = daemon.node.pool.get(txid)
    if entry is None:
        raise RpcError(Code.NOT_FOUND, "Transaction not in mempool")
    cluster = entry.cluster
    return {
        "clusterweight": cluster.weight_wu,
        "txcount": cluster.count,
        "chunks": [
            {
                "chunkfee": Amount(chunk.fee_sat),
                "chunkweight": chunk.weight_wu,
                "txs": [to_hex(member.txid) for member in chunk.entries],
            }
            for chunk in cluster.chunks
        ],
    }


@method("hidden")
async def getmempoolfeeratediagram(daemon: Daemon) -> Json:
    """Returns the feerate diagram for the whole mempool.

    Returns:
        [                     (json array) mempool chunks
          {                   (json object)
            "weight" : n,     (numeric) cumulative sigops-adjusted weight
            "fee" : n         (numeric) cumulative fee
          },
          ...
        ]
    """
    clusters = daemon.node.pool.cluster_chunks()
    points = await daemon.off_loop(lambda: list(_diagram(clusters)))
    return made_list(lambda point: {"weight": point[0], "fee": Amount(point[1])}, points)


def _diagram(clusters: Sequence[tuple[Chunk, ...]]) -> Iterator[tuple[int, int]]:
    """Weight and fees up to the end of each chunk, best first; from nothing on."""
    weight_wu = fee_sat = 0
    yield weight_wu, fee_sat
    for chunk in merge_chunks(clusters):
        weight_wu += chunk.weight_wu
        fee_sat += chunk.fee_sat
        yield weight_wu, fee_sat


@method("blockchain", nulls=True)
async def importmempool(
    daemon: Daemon,
    filepath: str,
    *,
    use_current_time: bool = True,
    apply_fee_delta_priority: bool = False,
    apply_unbroadcast_set: bool = False,
) -> Json:
    """Import a mempool.dat file and attempt to add its contents to the mempool.

    What the file says beside its transactions is believed only where an option says so: do not
    believe a stranger's file.

    Args:
        filepath: The mempool file
        use_current_time: Whether to use the current system time or use the entry time metadata from
            the mempool file.
        apply_fee_delta_priority: Whether to apply the fee delta metadata from the mempool file. It
            will be added to any existing fee deltas.
        apply_unbroadcast_set: Whether to apply the unbroadcast set metadata from the mempool file.

    Returns:
        {}    (empty JSON object)
    """
    if daemon.node.initial_sync:
        raise RpcError(
            Code.INITIAL_DOWNLOAD,
            "Can only import the mempool after the block download and sync is done.",
        )
    try:
        dump = await daemon.off_loop(lambda: load(Path(filepath).read_bytes()))
    except (OSError, DecodeError, ValueError) as error:
        _log.info("Failed to import mempool data from %r: %s", filepath, error)
        raise RpcError(
            Code.MISC, "Unable to import mempool file, see debug log for details."
        ) from error
    now_s = daemon.now_s
    saved = [
        replace(
            each,
            time_s=now_s if use_current_time else each.time_s,
            delta_sat=each.delta_sat if apply_fee_delta_priority else 0,
        )
        for each in dump.transactions
    ]
    chosen = Dump(
        tuple(saved),
        dump.deltas if apply_fee_delta_priority else {},
        dump.unbroadcast if apply_unbroadcast_set else (),
    )
    kept = await daemon.command(RestorePool(chosen))
    _log.info("Imported mempool transactions from file: %s kept", kept)
    return {}
