"""Entries of the pool as JSON, field by field as Bitcoin Core 31 shows them."""

from __future__ import annotations

from axon.machine import SECOND
from axon.mempool.entry import PoolEntry
from axon.mempool.table import EntryTable
from axon.primitives.hashes import to_hex
from axon.rpc.amounts import Written, format_amount


def entry_json(pool: EntryTable, entry: PoolEntry) -> Written:
    """What `getmempoolentry` shows, written down: thousands are shown at once."""
    facts, chunk = pool.facts(entry), entry.chunk
    depends = _hashes(sorted([to_hex(txid) for txid in entry.parents]))
    spent_by = _hashes([to_hex(txid) for txid in sorted(entry.children)])
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


def _hashes(names: list[str]) -> str:
    """A list of them."""
    joined = '","'.join(names)
    return f'["{joined}"]' if names else "[]"


def _bool(value: bool) -> str:
    return "true" if value else "false"
