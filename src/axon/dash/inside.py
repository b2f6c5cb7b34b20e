"""What a page shows of one node, from the answers of its calls.

The node may be this process, or another one that answers over RPC, axon or Bitcoin Core. Sums are
in satoshi, sizes in bytes, times in seconds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from math import ceil
from typing import Any, Final, Protocol

from axon.rpc.amounts import Amount
from axon.rpc.errors import Code, RpcError
from axon.rpc.peerrows import BLOCKS, peer_rows

COINS_SHOWN: Final = 60
"""A block with more transactions is told of in sums alone: nobody can tell so many lines apart."""

FEERATES: Final = (0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500)
"""The least of each group of the pool's feerates, in sat/vB."""

_SAT_PER_BTC: Final = 100_000_000
_WEIGHT_PER_VBYTE: Final = 4
_STATS: Final = (
    "height", "time", "txs", "ins", "outs", "subsidy", "totalfee", "total_out", "total_size",
    "total_weight", "utxo_increase_actual", "feerate_percentiles",
)  # fmt: skip


class NodeCalls(Protocol):
    """Calls the node."""

    def __call__(self, method: str, *params: object) -> Awaitable[Any]:
        """The result, as values of Python.

        Raises:
            RpcError: the node refuses.
        """


async def look(ask: NodeCalls, memory_bytes: int | None) -> dict[str, object]:
    """How the node is.

    Args:
        ask: calls it.
        memory_bytes: that its process holds; None if that is not known.
    """
    chain = await ask("getblockchaininfo")
    network = await ask("getnetworkinfo")
    peers = await ask("getpeerinfo")
    pool = await ask("getmempoolinfo")
    totals = await ask("getnettotals")
    timelines = await _timelines(ask)
    return {
        "node": {
            "program": network["subversion"],
            "chain": chain["chain"],
            "height": chain["blocks"],
            "headers": chain["headers"],
            "tip": chain["bestblockhash"],
            "tip_time": chain["time"],
            "syncs": chain["initialblockdownload"],
            "part": chain["verificationprogress"],
            "disk_bytes": chain["size_on_disk"],
            "warnings": chain["warnings"],
        },
        "uptime_s": await ask("uptime"),
        "memory_bytes": memory_bytes,
        "received_bytes": totals["totalbytesrecv"],
        "sent_bytes": totals["totalbytessent"],
        "pool": {
            "transactions": pool["size"],
            "vbytes": pool["bytes"],
            "usage_bytes": pool["usage"],
            "most_bytes": pool["maxmempool"],
        },
        "peers": [asdict(row) for row in peer_rows(peers, timelines)],
        "blocks": [_block_json(each) for each in timelines],
    }


async def _timelines(ask: NodeCalls) -> Sequence[Mapping[str, Any]]:
    """What happened to the newest blocks; nothing from a node that does not keep it."""
    try:
        told: Sequence[Mapping[str, Any]] = await ask("getblocktimeline", BLOCKS)
    except RpcError as error:
        if error.code != Code.METHOD_NOT_FOUND:
            raise
        return ()
    return told


def _block_json(timeline: Mapping[str, Any]) -> dict[str, object]:
    announced = timeline["announced"]
    return {
        "hash": timeline["hash"],
        "height": timeline["height"],
        "time": timeline["time"],
        "first": announced[0]["peer"] if announced else None,
        "announced": len(announced),
        "sender": timeline.get("sender"),
        "received_s": timeline.get("received"),
        "validation_ms": timeline.get("validation_ms"),
        "refused": timeline.get("refused", ""),
        "relayed_to": timeline["relayed_to"],
        "rebuilt": timeline.get("rebuilt"),
    }


async def pool_fees(ask: NodeCalls) -> dict[str, object]:
    """The pool by what its transactions pay, as miners would take them, the dearest group first."""
    points = await ask("getmempoolfeeratediagram")
    vbytes = dict.fromkeys(FEERATES, 0.0)
    for before, after in pairwise(points):
        size = (after["weight"] - before["weight"]) / _WEIGHT_PER_VBYTE
        feerate = (_sat(after["fee"]) - _sat(before["fee"])) / size
        vbytes[max(least for least in FEERATES if least <= max(0.0, feerate))] += size
    return {
        "groups": [
            {"least": least, "vbytes": ceil(size)} for least, size in reversed(vbytes.items())
        ]
    }


async def block_coins(ask: NodeCalls, block_hash: str) -> dict[str, object]:
    """What coins a block spent and made; one by one where its transactions are few."""
    stats = await ask("getblockstats", block_hash, list(_STATS))
    told: dict[str, object] = {"hash": block_hash, **{name: stats[name] for name in _STATS}}
    if stats["txs"] <= COINS_SHOWN:
        block = await ask("getblock", block_hash, 3)
        told["transactions"] = [_coins_json(each) for each in block["tx"]]
    return told


def _coins_json(transaction: Mapping[str, Any]) -> dict[str, object]:
    spent = [_sat(each["prevout"]["value"]) for each in transaction["vin"] if "prevout" in each]
    made = [_sat(each["value"]) for each in transaction["vout"]]
    return {
        "txid": transaction["txid"],
        "spent": spent[:COINS_SHOWN],
        "made": made[:COINS_SHOWN],
        "left_out": max(0, len(spent) - COINS_SHOWN) + max(0, len(made) - COINS_SHOWN),
        "mines": "coinbase" in transaction["vin"][0],
    }


def _sat(amount: Any) -> int:
    """From within the node, or as bitcoin."""
    return amount.sat if isinstance(amount, Amount) else round(float(amount) * _SAT_PER_BTC)
