"""Entries of the pool as JSON, field by field as Bitcoin Core 31 shows them."""

from __future__ import annotations

from axon.machine import SECOND
from axon.mempool.entry import PoolEntry
from axon.mempool.table import EntryTable
from axon.primitives.hashes import to_hex
from axon.rpc.amounts import Written, format_amount, hashes_text


def entry_json(pool: EntryTable, entry: PoolEntry) -> Written:
    """What `getmempoolentry` shows, written down: thousands are shown at once."""
    facts, chunk = pool.facts(entry), entry.chunk
    depends = hashes_text(sorted(entry.parents, key=to_hex)).text
    spent_by = hashes_text(sorted(entry.children)).text
    fees = (
        f'{{"base":{format_amount(entry.fee_sat)},'
        f'"modified":{format_amount(entry.modified_fee_sat)},'
        f'"ancestor":{format_amount(facts.ancestor_fees_sat)},'
        f'"descendant":{format_amount(facts.descendant_fees_sat)},'
        f'"chunk":{format_amount(chunk.fee_sat)}}}'
    )
    return Written(
        f'{{"vsize":{entry.vsize},"weight":{entry.weight_wu},'
        f'"time":{entry.time_us // SECOND},"height":{entry.height},'
        f'"descendantcount":{facts.descendant_count},"descendantsize":{facts.descendant_vsize},'
        f'"ancestorcount":{facts.ancestor_count},"ancestorsize":{facts.ancestor_vsize},'
        f'"wtxid":"{to_hex(entry.wtxid)}","chunkweight":{chunk.weight_wu},"fees":{fees},'
        f'"depends":{depends},"spentby":{spent_by},'
        f'"bip125-replaceable":{_bool(facts.replaceable)},'
        f'"unbroadcast":{_bool(pool.is_unbroadcast(entry.txid))}}}'
    )


def _bool(value: bool) -> str:
    return "true" if value else "false"
