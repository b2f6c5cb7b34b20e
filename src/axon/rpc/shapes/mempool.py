"""Entries of the pool as JSON, field by field as Bitcoin Core 31 shows them."""

from __future__ import annotations

from typing import NamedTuple

from axon.machine import SECOND
from axon.mempool.entry import Chunk, PoolEntry
from axon.mempool.table import EntryFacts, EntryTable
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import Transaction
from axon.rpc.amounts import Amount, Json

_HIGHEST_REPLACEABLE = 0xFFFF_FFFD


def signals_replacement(transaction: Transaction) -> bool:
    """Whether it says of itself that it may be replaced (BIP 125)."""
    return any(item.sequence <= _HIGHEST_REPLACEABLE for item in transaction.inputs)


class EntryView(NamedTuple):
    """An entry as it is at one moment, to be shown later in another thread."""

    entry: PoolEntry
    facts: EntryFacts
    modified_fee_sat: int
    chunk: Chunk
    parents: tuple[Txid, ...]
    children: tuple[Txid, ...]
    ancestors: tuple[Transaction, ...]
    is_unbroadcast: bool

    @classmethod
    def of(cls, pool: EntryTable, entry: PoolEntry) -> EntryView:
        """What is to be shown of an entry; read on the pool's own thread."""
        return cls(
            entry,
            pool.facts(entry),
            entry.modified_fee_sat,
            entry.chunk,
            tuple(entry.parents),
            tuple(entry.children),
            tuple([each.transaction for each in pool.ancestors(entry)]),
            pool.is_unbroadcast(entry.txid),
        )


def entry_json(view: EntryView) -> dict[str, Json]:
    """What `getmempoolentry` shows."""
    entry, facts, chunk = view.entry, view.facts, view.chunk
    replaceable = any(map(signals_replacement, (entry.transaction, *view.ancestors)))
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
            "modified": Amount(view.modified_fee_sat),
            "ancestor": Amount(facts.ancestor_fees_sat),
            "descendant": Amount(facts.descendant_fees_sat),
            "chunk": Amount(chunk.fee_sat),
        },
        "depends": sorted(map(to_hex, view.parents)),
        "spentby": [to_hex(child) for child in sorted(view.children)],
        "bip125-replaceable": replaceable,
        "unbroadcast": view.is_unbroadcast,
    }
