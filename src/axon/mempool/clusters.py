"""In which order the entries of a cluster are best mined, and whether one order beats another.

`chunk_up` looks for the set of entries that is closed (contains all ancestors of its members) and
has the highest feerate, takes it as the first chunk, and goes on with the rest. While a cluster has
few closed sets all of them are compared and the order is optimal; above that the best ancestor set
is taken each time, which is what miners did before clusters.

Where feerates are the same the smaller comes first, then who has the lower txid, as in Bitcoin Core
31: pools of the same entries are in the same order, whoever came first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush, merge
from typing import Final

from axon.mempool.entry import Chunk, Cluster, PoolEntry
from axon.primitives.hashes import Txid

CLOSED_SETS_COMPARED: Final = 200
"""Closed sets looked at for one chunk before the greedy order is taken: bounds the work that one
transaction can cause to about a millisecond."""


def chunk_up(entries: Sequence[PoolEntry]) -> tuple[tuple[Chunk, ...], bool]:
    """Cut entries into chunks, best first.

    Args:
        entries: parents before children; at most a few dozen.

    Returns:
        The chunks, and whether they are known to be the best possible.
    """
    if len(entries) == 1:
        only = entries[0]
        return (Chunk(only.modified_fee_sat, only.adjusted_weight_wu, (only,)),), True
    index = {entry.txid: i for i, entry in enumerate(entries)}
    parents = [
        sum(1 << index[txid] for txid in entry.parents if txid in index) for entry in entries
    ]
    left = (1 << len(entries)) - 1
    chunks: list[Chunk] = []
    while left:
        best = _best_closed_set(entries, parents, left)
        if best is None:
            rest = _greedy(entries, parents, left)
            return tuple(chunks) + _merge_rising(rest), False
        members = [entry for i, entry in enumerate(entries) if best >> i & 1]
        chunks.append(_chunk_of(members))
        left &= ~best
    return tuple(chunks), True


def _chunk_of(members: Sequence[PoolEntry]) -> Chunk:
    return Chunk(
        sum([entry.modified_fee_sat for entry in members]),
        sum([entry.adjusted_weight_wu for entry in members]),
        _mining_order(members),
    )


def _mining_order(members: Sequence[PoolEntry]) -> tuple[PoolEntry, ...]:
    """Entries of one chunk as they stand in a block: parents first, else the best feerate."""
    if len(members) == 1:
        return tuple(members)
    index = {entry.txid: i for i, entry in enumerate(members)}
    missing = [sum([txid in index for txid in entry.parents]) for entry in members]
    ready = [_worth(entry, i) for i, entry in enumerate(members) if not missing[i]]
    heapify(ready)
    order: list[PoolEntry] = []
    while ready:
        entry = members[heappop(ready)[-1]]
        order.append(entry)
        for txid in entry.children:
            i = index.get(txid)
            if i is not None:
                missing[i] -= 1
                if not missing[i]:
                    heappush(ready, _worth(members[i], i))
    return tuple(order)


def _worth(entry: PoolEntry, place: int) -> tuple[float, int, Txid, int]:
    weight = entry.adjusted_weight_wu
    return -entry.modified_fee_sat / weight, weight, entry.txid, place


def _best_closed_set(entries: Sequence[PoolEntry], parents: list[int], left: int) -> int | None:
    """Bits of the closed set of highest feerate, the smallest of them; None if there are many."""
    sets: list[tuple[int, int, int]] = [(0, 0, 0)]
    best, best_fee, best_weight = 0, 0, 0
    for i, entry in enumerate(entries):
        if not left >> i & 1:
            continue
        need, bit = parents[i] & left, 1 << i
        fee, weight = entry.modified_fee_sat, entry.adjusted_weight_wu
        grown = [(m | bit, f + fee, w + weight) for m, f, w in sets if m & need == need]
        if len(sets) + len(grown) > CLOSED_SETS_COMPARED:
            return None
        for mask, total_fee, total_weight in grown:
            ahead = total_fee * best_weight - best_fee * total_weight
            if ahead < 0 and best:
                continue
            if ahead == 0 and best:
                if total_weight > best_weight:
                    continue
                if total_weight == best_weight and not _is_lower(entries, mask, best):
                    continue
            best, best_fee, best_weight = mask, total_fee, total_weight
        sets += grown
    return best


def _is_lower(entries: Sequence[PoolEntry], mask: int, other: int) -> bool:
    """Whether the highest txid of a set is lower than that of another one."""

    def highest(members: int) -> Txid:
        return max([entry.txid for i, entry in enumerate(entries) if members >> i & 1])

    return highest(mask) < highest(other)


def _greedy(entries: Sequence[PoolEntry], parents: list[int], left: int) -> list[PoolEntry]:
    """The order that takes the best ancestor set each time."""
    ancestors: list[int] = []
    fees: list[int] = []
    weights: list[int] = []
    for i in range(len(entries)):
        mask = 1 << i if left >> i & 1 else 0
        for j in range(i):
            if mask and parents[i] >> j & 1:
                mask |= ancestors[j]
        ancestors.append(mask)
        members = [entry for j, entry in enumerate(entries) if mask >> j & 1]
        fees.append(sum([entry.modified_fee_sat for entry in members]))
        weights.append(sum([entry.adjusted_weight_wu for entry in members]))
    waiting = [i for i in range(len(entries)) if left >> i & 1]
    order: list[PoolEntry] = []
    while waiting:
        best = waiting[0]
        for i in waiting:
            if fees[i] * weights[best] > fees[best] * weights[i]:
                best = i
        taken = ancestors[best]
        for j in waiting:
            if taken >> j & 1:
                entry = entries[j]
                order.append(entry)
                for i in waiting:
                    if ancestors[i] >> j & 1:
                        ancestors[i] &= ~(1 << j)
                        fees[i] -= entry.modified_fee_sat
                        weights[i] -= entry.adjusted_weight_wu
        waiting = [i for i in waiting if not taken >> i & 1]
    return order


def _merge_rising(order: Iterable[PoolEntry]) -> tuple[Chunk, ...]:
    """Cut an order into chunks: what pays better than the chunk before it joins that chunk."""
    chunks: list[Chunk] = []
    for entry in order:
        last = Chunk(entry.modified_fee_sat, entry.adjusted_weight_wu, (entry,))
        while chunks and last.fee_sat * chunks[-1].weight_wu > chunks[-1].fee_sat * last.weight_wu:
            before = chunks.pop()
            last = Chunk(
                before.fee_sat + last.fee_sat,
                before.weight_wu + last.weight_wu,
                before.entries + last.entries,
            )
        chunks.append(last)
    return tuple([chunk._replace(entries=_mining_order(chunk.entries)) for chunk in chunks])


def make_cluster(entries: Sequence[PoolEntry]) -> Cluster:
    """The cluster of these entries, which hang together; parents before children."""
    chunks, optimal = chunk_up(entries)
    weight = sum([chunk.weight_wu for chunk in chunks])
    return Cluster(chunks, len(entries), weight, optimal)


def join(clusters: Sequence[Cluster], child: PoolEntry) -> Cluster:
    """The cluster that a new entry makes of its parents' clusters.

    A child that pays less than any chunk already there goes to the end, and an optimal order stays
    optimal: no closed set gains by it. That is the common case, and cheap; so is a child that pays
    as much as the last chunk of its only parents' cluster, in which it spends something.
    """
    fee, weight = child.modified_fee_sat, child.adjusted_weight_wu
    count = sum([cluster.count for cluster in clusters]) + 1
    total = sum([cluster.weight_wu for cluster in clusters]) + weight
    if _goes_last(clusters, child):
        chunks = clusters[0].chunks if len(clusters) == 1 else tuple(_merged(clusters))
        optimal = all(cluster.optimal for cluster in clusters)
        return Cluster((*chunks, Chunk(fee, weight, (child,))), count, total, optimal)
    entries = [entry for cluster in clusters for entry in cluster.entries()]
    entries.append(child)
    return make_cluster(entries)


def _goes_last(clusters: Sequence[Cluster], child: PoolEntry) -> bool:
    fee, weight = child.modified_fee_sat, child.adjusted_weight_wu
    for cluster in clusters:
        last = cluster.chunks[-1]
        ahead = fee * last.weight_wu - last.fee_sat * weight
        if ahead > 0:
            return False
        if ahead == 0:
            spends_it = any(entry.txid in child.parents for entry in last.entries)
            if len(clusters) > 1 or not spends_it:
                return False
    return True


def _merged(clusters: Sequence[Cluster]) -> Iterator[Chunk]:
    """The chunks of several clusters, best first; those of one cluster keep their order."""
    return merge(*[cluster.chunks for cluster in clusters], key=Chunk.rank)


def components(entries: Iterable[PoolEntry]) -> list[list[PoolEntry]]:
    """Entries sorted into groups that hang together by their parents.

    The order among entries is kept, and groups come in the order of their first entries.
    """
    group_of: dict[Txid, list[PoolEntry]] = {}
    position: dict[Txid, int] = {}
    for entry in entries:
        position[entry.txid] = len(position)
        group = [entry]
        for txid in entry.parents:
            other = group_of.get(txid)
            if other is None or other is group:
                continue
            if len(other) < len(group):
                other, group = group, other
            other += group
            for moved in group:
                group_of[moved.txid] = other
            group = other
        group_of[entry.txid] = group
    groups = {id(group): group for group in group_of.values()}
    for group in groups.values():
        group.sort(key=lambda entry: position[entry.txid])
    return list(groups.values())


def parents_first(entries: Iterable[PoolEntry]) -> list[PoolEntry]:
    """The same entries, parents before children, otherwise in the order given."""
    members = {entry.txid: entry for entry in entries}
    missing = {
        txid: sum([parent in members for parent in entry.parents])
        for txid, entry in members.items()
    }
    ready = [entry for txid, entry in members.items() if not missing[txid]]
    for entry in ready:  # Grows while it is walked.
        for txid, child in entry.children.items():
            if txid in missing:
                missing[txid] -= 1
                if not missing[txid]:
                    ready.append(child)
    return ready


def over_limits(
    entries: Sequence[PoolEntry], count_limit: int, weight_limit_wu: int
) -> list[PoolEntry]:
    """What must go so that no cluster is over the limits; best feerates stay.

    Entries come in by falling feerate as soon as their parents are in; one that would make its
    cluster too large stays out, and so do its descendants.

    Args:
        entries: any entries, closed under ancestors, parents before children.
    """
    members = {entry.txid: i for i, entry in enumerate(entries)}
    group: list[int] = list(range(len(entries)))
    counts, weights = [1] * len(entries), [entry.adjusted_weight_wu for entry in entries]
    missing = [sum([txid in members for txid in entry.parents]) for entry in entries]
    heap: list[tuple[float, int]] = []

    def root(i: int) -> int:
        while group[i] != i:
            group[i] = i = group[group[i]]
        return i

    def offer(i: int) -> None:
        entry = entries[i]
        heappush(heap, (-entry.modified_fee_sat / entry.adjusted_weight_wu, i))

    for i, count in enumerate(missing):
        if not count:
            offer(i)
    kept = [False] * len(entries)
    while heap:
        i = heappop(heap)[1]
        entry = entries[i]
        roots = {root(members[txid]): None for txid in entry.parents if txid in members}
        count = 1 + sum([counts[r] for r in roots])
        weight = entry.adjusted_weight_wu + sum([weights[r] for r in roots])
        if count > count_limit or weight > weight_limit_wu:
            continue
        kept[i] = True
        for r in roots:
            group[r] = i
        counts[i], weights[i] = count, weight
        for txid in entry.children:
            child = members.get(txid)
            if child is not None:
                missing[child] -= 1
                if not missing[child]:
                    offer(child)
    return [entry for i, entry in enumerate(entries) if not kept[i]]


def improves(new: Iterable[Chunk], old: Iterable[Chunk]) -> bool:
    """Whether a feerate diagram is nowhere below another one and somewhere above it.

    A diagram is the sum of fees over the sum of weights, chunk by chunk, best first; behind its end
    it goes on level.
    """
    points_new, points_old = _diagram(new), _diagram(old)
    weights = sorted({point[0] for point in points_new + points_old})
    better = False
    for (fee, scale), (old_fee, old_scale) in zip(
        _fees_at(points_new, weights), _fees_at(points_old, weights), strict=True
    ):
        ahead = fee * old_scale - old_fee * scale
        if ahead < 0:
            return False
        better = better or ahead > 0
    return better


def _feerate(chunk: Chunk) -> float:
    return chunk.fee_sat / chunk.weight_wu


def _diagram(chunks: Iterable[Chunk]) -> list[tuple[int, int]]:
    points = [(0, 0)]
    for chunk in sorted(chunks, key=_feerate, reverse=True):
        weight, fee = points[-1]
        points.append((weight + chunk.weight_wu, fee + chunk.fee_sat))
    return points


def _fees_at(points: list[tuple[int, int]], weights: list[int]) -> Iterator[tuple[int, int]]:
    """The height of a diagram at each of the rising weights, as numerator and denominator."""
    last, i = len(points) - 1, 0
    for weight in weights:
        while i < last and points[i + 1][0] <= weight:
            i += 1
        start, fee = points[i]
        if i == last or start == weight:
            yield fee, 1
            continue
        run, rise = points[i + 1][0] - start, points[i + 1][1] - fee
        yield fee * run + rise * (weight - start), run
