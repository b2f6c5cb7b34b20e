"""Whether new transactions may take the place of entries that spend the same outputs.

The rules of Bitcoin Core 31: any transaction may be replaced; the new ones pay all the fees of what
goes and the relay of themselves; few clusters are touched; and the pool's feerate diagram, the fees
a miner gets over the block space used, gets strictly better.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from axon.mempool.clusters import components, improves, make_cluster
from axon.mempool.entry import Chunk, Cluster, PoolEntry
from axon.mempool.outcome import Refusal, Refused
from axon.mempool.policy import MAX_REPLACED_CLUSTERS, Policy, fee_at, money
from axon.mempool.table import EntryTable
from axon.primitives.hashes import Txid, to_hex

DIAGRAM_DETAIL = "insufficient feerate: does not improve feerate diagram"


def entries_to_replace(
    table: EntryTable, conflicts: Iterable[PoolEntry], txid: Txid
) -> list[PoolEntry] | str:
    """The entries that a replacement takes out: the conflicting ones and all their descendants.

    Args:
        conflicts: entries that spend what it spends.
        txid: of the replacement, for the text.

    Returns:
        Each entry once; or why they are too many, as Bitcoin Core words it.
    """
    direct = list(conflicts)
    clusters = len({id(entry.cluster) for entry in direct})
    if clusters > MAX_REPLACED_CLUSTERS:
        return (
            f"rejecting replacement {to_hex(txid)}; too many conflicting clusters"
            f" ({clusters} > {MAX_REPLACED_CLUSTERS})"
        )
    found: dict[Txid, PoolEntry] = {}
    for entry in direct:
        found[entry.txid] = entry
        for item in table.descendants(entry):
            found[item.txid] = item
    return list(found.values())


def unpaid(
    replaced: Sequence[PoolEntry], fee_sat: int, vsize: int, policy: Policy, txid: Txid
) -> str | None:
    """Why the fee does not pay for what goes and for the relay of what comes; None if it does.

    Args:
        replaced: what goes.
        fee_sat: of the replacement, with what the operator added.
        vsize: of the replacement, adjusted for sigops.
        policy: for the incremental feerate.
        txid: of the replacement, for the text.
    """
    old_fee = sum([entry.modified_fee_sat for entry in replaced])
    if fee_sat < old_fee:
        return (
            f"rejecting replacement {to_hex(txid)}, less fees than conflicting txs;"
            f" {money(fee_sat)} < {money(old_fee)}"
        )
    relay_fee = fee_at(policy.incremental_feerate_sat_kvb, vsize)
    if fee_sat - old_fee < relay_fee:
        return (
            f"rejecting replacement {to_hex(txid)}, not enough additional fees to relay;"
            f" {money(fee_sat - old_fee)} < {money(relay_fee)}"
        )
    return None


def clusters_after(
    replaced: Sequence[PoolEntry], added: Sequence[PoolEntry]
) -> list[list[PoolEntry]]:
    """The groups that the touched clusters would fall into: without what goes, with what comes.

    Touched are the clusters of `replaced`, and those of parents of `added`.

    Args:
        replaced: entries that go, with all their descendants.
        added: their `parents` are filled in; parents before children.

    Returns:
        Groups of entries that hang together, each with parents before children.
    """
    gone = {entry.txid for entry in replaced}
    members = [
        entry
        for cluster in _touched(replaced, added)
        for entry in cluster.entries()
        if entry.txid not in gone
    ]
    return components([*members, *added])


def _touched(replaced: Sequence[PoolEntry], added: Sequence[PoolEntry]) -> list[Cluster]:
    own = {entry.txid for entry in added}
    parents = [
        parent for entry in added for parent in entry.parents.values() if parent.txid not in own
    ]
    found = {id(entry.cluster): entry.cluster for entry in [*replaced, *parents]}
    return list(found.values())


def over_cluster_limits(group: Sequence[PoolEntry], policy: Policy) -> bool:
    """Whether a cluster of these entries would be larger than the pool allows."""
    weight = sum([entry.adjusted_weight_wu for entry in group])
    return policy.is_too_large(len(group), weight)


def diagram_improves(
    replaced: Sequence[PoolEntry], added: Sequence[PoolEntry], groups: Iterable[Sequence[PoolEntry]]
) -> bool:
    """Whether the touched clusters are worth more to a miner after the replacement.

    Args:
        groups: what `clusters_after` said.
    """
    before = [chunk for cluster in _touched(replaced, added) for chunk in cluster.chunks]
    after: list[Chunk] = []
    for group in groups:
        after += make_cluster(group).chunks
    return improves(after, before)


def check_replacement(
    table: EntryTable,
    entry: PoolEntry,
    conflicts: Iterable[PoolEntry],
    policy: Policy,
    sibling: bool = False,
) -> Refused | list[PoolEntry]:
    """The rules for one transaction that comes alone.

    Args:
        conflicts: what it spends the outputs of, and the TRUC sibling it pushes out.
        sibling: whether there is such a sibling; it is named in the reason.

    Returns:
        The entries that go, or the refusal.
    """
    suffix = " (including sibling eviction)" if sibling else ""
    replaced = entries_to_replace(table, conflicts, entry.txid)
    if isinstance(replaced, str):
        return Refused(f"too many potential replacements{suffix}", replaced)
    unfit = unpaid(replaced, entry.modified_fee_sat, entry.vsize, policy, entry.txid)
    if unfit is not None:
        return Refused(f"insufficient fee{suffix}", unfit, Refusal.RECONSIDERABLE)
    groups = clusters_after(replaced, [entry])
    if any(over_cluster_limits(group, policy) for group in groups):
        return Refused("too-large-cluster")
    if not diagram_improves(replaced, [entry], groups):
        return Refused("replacement-failed", DIAGRAM_DETAIL, Refusal.RECONSIDERABLE)
    return replaced
