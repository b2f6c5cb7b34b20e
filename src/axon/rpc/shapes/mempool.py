"""Entries of the pool as JSON, field by field as Bitcoin Core 31 shows them."""

from __future__ import annotations

from axon.machine import SECOND
from axon.mempool.entry import PoolEntry
from axon.mempool.table import EntryTable
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import Transaction
from axon.rpc.amounts import Amount, Json

_HIGHEST_REPLACEABLE = 0xFFFF_FFFD


def signals_replacement(transaction: Transaction) -> bool:
    """Whether it says of itself that it may be replaced (BIP 125)."""
    return any(item.sequence <= _HIGHEST_REPLACEABLE for item in transaction.inputs)


def entry_json(pool: EntryTable, entry: PoolEntry) -> dict[str, Json]:
    """What `getmempoolentry` shows."""
    facts = pool.facts(entry)
    chunk = entry.chunk
    replaceable = signals_replacement(entry.transaction) or any(
        signals_replacement(parent.transaction) for parent in pool.ancestors(entry)
    )
    return {
        "vsize": entry.vsize,
        "weight": entry.weight_wu,
        "time": entry.time_us // SECOND,
        "height": entry.height,
        "descendantcount": facts.descendant_count,
        "descendantsize": facts.descendant_vsize,
        "ancestorcount": facts.ancestor_count,
        "ancestorsize": facts.ancestor_vsize,
        "wtxid": to_hex(entry.wtxid),
        "chunkweight": chunk.weight_wu,
        "fees": {
            "base": Amount(entry.fee_sat),
            "modified": Amount(entry.modified_fee_sat),
            "ancestor": Amount(facts.ancestor_fees_sat),
            "descendant": Amount(facts.descendant_fees_sat),
            "chunk": Amount(chunk.fee_sat),
        },
        "depends": sorted(map(to_hex, entry.parents)),
        "spentby": sorted(map(to_hex, entry.children)),
        "bip125-replaceable": replaceable,
        "unbroadcast": pool.is_unbroadcast(entry.txid),
    }
