"""The entries of the pool, found by every name they have, and kept in clusters.

This is the part that cannot be wrong about itself: no two entries spend the same output, parents
and children know each other, clusters hold exactly what hangs together, and the sums are right.
What may come in is decided elsewhere (`acceptance`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from types import MappingProxyType
from typing import Final

from axon.mempool.clusters import components, join, make_cluster, parents_first
from axon.mempool.entry import Chunk, Cluster, EntryFacts, PoolEntry
from axon.mempool.journal import PoolJournal
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import MAX_MONEY_SAT, OutPoint, TxOut, outpoint_index

ENTRY_USAGE: Final = 1_200
"""Bytes of memory behind one entry with its cluster and its places in the tables (measured)."""

INPUT_USAGE: Final = 290
OUTPUT_USAGE: Final = 120
"""Bytes of memory behind one input and one output once they have been read, beside the bytes of
their scripts, which are held twice (measured)."""

_HEAP_SLACK: Final = 1_000

_Badness = tuple[float, int, int, int, Cluster]
"""Of a cluster's last chunk, the reverse of `_standing`; the cluster behind a number of its own."""


def usage_of(entry: PoolEntry) -> int:
    """Bytes of memory an entry is taken to need."""
    transaction = entry.transaction
    inputs, outputs = len(entry.prevouts), len(transaction.outputs)
    return ENTRY_USAGE + 2 * transaction.size_bytes + INPUT_USAGE * inputs + OUTPUT_USAGE * outputs


def merge(clusters: Sequence[tuple[Chunk, ...]]) -> Iterator[tuple[float, tuple[PoolEntry, ...]]]:
    """The chunks of clusters as `EntryTable.mining_chunks` yields them."""
    for chunk in merge_chunks(clusters):
        yield 4_000 * (chunk.fee_sat / chunk.weight_wu), chunk.entries


def merge_chunks(clusters: Sequence[tuple[Chunk, ...]]) -> Iterator[Chunk]:
    """The chunks of clusters in the order in which they would be mined."""
    heap = [(*_standing(chunks, 0, 0), serial, 0, chunks) for serial, chunks in enumerate(clusters)]
    heapify(heap)
    while heap:
        _, size, _, serial, place, chunks = heap[0]
        yield chunks[place]
        place += 1
        if place == len(chunks):
            heappop(heap)
        else:
            heapreplace(heap, (*_standing(chunks, place, size), serial, place, chunks))


def _standing(chunks: Sequence[Chunk], place: int, size_before: int) -> tuple[float, int, Txid]:
    """What a chunk is sorted by among those of other clusters; the lower, the earlier it is mined.

    Feerate, then the weight of all chunks of its cluster with the same feerate up to it, then the
    highest txid in it: Bitcoin Core 31's order.

    Args:
        size_before: that weight of the chunk before it.
    """
    chunk = chunks[place]
    size = chunk.weight_wu
    if place:
        before = chunks[place - 1]
        if before.fee_sat * size == chunk.fee_sat * before.weight_wu:
            size += size_before
    return -chunk.fee_sat / chunk.weight_wu, size, chunk.highest_txid


class EntryTable:
    """All entries. Only `_insert`, `_remove` and `prioritise` change them."""

    def __init__(self) -> None:
        self._entries: dict[Txid, PoolEntry] = {}
        self._by_wtxid: dict[Wtxid, PoolEntry] = {}
        self._snapshot: Mapping[Wtxid, PoolEntry] | None = None
        self._spenders: dict[OutPoint, PoolEntry] = {}
        self._deltas: dict[Txid, int] = {}
        self._unbroadcast: dict[Txid, None] = {}
        self._worst: list[_Badness] | None = None
        self._serials = count()
        self._suboptimal = 0
        self.version = 0
        """Counts up with every change, fees that the operator adds included."""
        self.journal = PoolJournal()
        self.total_vsize = 0
        self.total_fee_sat = 0
        self.usage_bytes = 0

    # Looking things up.

    @property
    def sequence(self) -> int:
        """Counts up with every entry that comes or goes."""
        return self.journal.sequence

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, txid: Txid) -> bool:
        return txid in self._entries

    def entries(self) -> Iterator[PoolEntry]:
        """Every entry, in the order in which they came in."""
        return iter(self._entries.values())

    def get(self, txid: Txid) -> PoolEntry | None:
        """The entry of this transaction; None if it is not in the pool."""
        return self._entries.get(txid)

    def require(self, txid: Txid) -> PoolEntry:
        """The entry of a transaction that is known to be here."""
        return self._entries[txid]

    def by_wtxid(self, wtxid: Wtxid) -> PoolEntry | None:
        """The entry of exactly this transaction, witness included."""
        return self._by_wtxid.get(wtxid)

    def by_wtxids(self) -> Mapping[Wtxid, PoolEntry]:
        """All entries by wtxid, as they are now: made once for all who ask until one changes."""
        if self._snapshot is None:
            self._snapshot = MappingProxyType(self._by_wtxid.copy())
        return self._snapshot

    def spender(self, point: OutPoint) -> PoolEntry | None:
        """The entry that spends this output; None if none does."""
        return self._spenders.get(point)

    def output(self, point: OutPoint) -> TxOut | None:
        """An unconfirmed output, spent in the pool or not."""
        entry = self._entries.get(Txid(point[:32]))
        if entry is None:
            return None
        outputs = entry.transaction.outputs
        index = outpoint_index(point)
        return outputs[index] if index < len(outputs) else None

    def ancestors(self, entry: PoolEntry) -> list[PoolEntry]:
        """The entry's parents, their parents and so on, without itself; nearest first."""
        return _closure(entry, upwards=True)

    def descendants(self, entry: PoolEntry) -> list[PoolEntry]:
        """The entry's children, their children and so on, without itself; nearest first."""
        return _closure(entry, upwards=False)

    def facts(self, entry: PoolEntry) -> EntryFacts:
        """Counts, sizes and fees of an entry's kin."""
        above, below = self.ancestors(entry), self.descendants(entry)
        vsize, fee_sat = entry.vsize, entry.modified_fee_sat
        return EntryFacts(
            1 + len(above),
            vsize + sum([item.vsize for item in above]),
            fee_sat + sum([item.modified_fee_sat for item in above]),
            1 + len(below),
            vsize + sum([item.vsize for item in below]),
            fee_sat + sum([item.modified_fee_sat for item in below]),
            entry.signals or any(item.signals for item in above),
        )

    @property
    def optimal(self) -> bool:
        """Whether every cluster is known to be in the best order."""
        return self._suboptimal == 0

    # The order in which entries are mined, and the reverse.

    def _clusters(self) -> Iterator[Cluster]:
        """Every cluster once."""
        for entry in self._entries.values():
            cluster = entry.cluster
            if cluster.chunks[0].entries[0] is entry:
                yield cluster

    def mining_chunks(self) -> Iterator[tuple[float, tuple[PoolEntry, ...]]]:
        """What to mine, best first.

        Shows the pool as it was when the first chunk was taken.

        Yields:
            Feerate of the chunk (satoshi per 1,000 sigops-adjusted virtual bytes, with prioritised
            fees) and its entries. Taken in this order, parents always come before children; who
            leaves a chunk out must leave out all later chunks of `entries[0].cluster`.
        """
        yield from merge(self.cluster_chunks())

    def cluster_chunks(self) -> list[tuple[Chunk, ...]]:
        """The chunks of each cluster, best first. No later change shows in them."""
        return [cluster.chunks for cluster in self._clusters()]

    def worst_chunk(self) -> Chunk | None:
        """The chunk that would be mined last; None if the pool is empty."""
        heap = self._worst
        if heap is None:
            # Kept up to date from here on: a full pool asks with each entry that comes in.
            heap = self._worst = [
                _badness(cluster, next(self._serials)) for cluster in self._clusters()
            ]
            heapify(heap)
        while heap:
            cluster = heap[0][-1]
            chunk = cluster.chunks[-1]
            first = chunk.entries[0]
            if first.cluster is cluster and self._entries.get(first.txid) is first:
                return chunk
            heappop(heap)
        return None

    # Fees that the operator adds.

    @property
    def deltas(self) -> Mapping[Txid, int]:
        """What `prioritisetransaction` added, in satoshi, also for transactions not here."""
        return self._deltas

    def prioritise(self, txid: Txid, delta_sat: int) -> None:
        """Add to the fee by which a transaction is judged and mined; it may not be here yet."""
        delta = _saturated(self._deltas.get(txid, 0) + delta_sat)
        if delta:
            self._deltas[txid] = delta
        else:
            self._deltas.pop(txid, None)
        self.version += 1
        entry = self._entries.get(txid)
        if entry is not None:
            entry.modified_fee_sat = _saturated(entry.modified_fee_sat + delta_sat)
            old = entry.cluster
            self._suboptimal -= not old.optimal
            self._install(make_cluster(list(old.entries())))

    # What no peer has asked for yet.

    @property
    def unbroadcast(self) -> tuple[Txid, ...]:
        """Transactions handed in by the operator that no peer has asked for yet."""
        return tuple(self._unbroadcast)

    def is_unbroadcast(self, txid: Txid) -> bool:
        """Whether the operator handed it in and no peer has asked for it yet."""
        return txid in self._unbroadcast

    def mark_unbroadcast(self, txid: Txid) -> None:
        """It was handed in by the operator; ignored if it is not in the pool."""
        if txid in self._entries:
            self._unbroadcast[txid] = None

    def mark_broadcast(self, txid: Txid) -> None:
        """A peer asked for it; ignored if it was not waited for."""
        self._unbroadcast.pop(txid, None)

    # Change.

    def _insert(self, entry: PoolEntry) -> None:
        """Take in an entry whose `parents` are filled in; its outputs are unspent in the pool.

        It is not in the journal yet.
        """
        txid = entry.txid
        clusters: list[Cluster] = []
        for parent in entry.parents.values():
            parent.children[txid] = entry
            if parent.cluster not in clusters:
                clusters.append(parent.cluster)
        self._snapshot = None
        self._entries[txid] = entry
        self._by_wtxid[entry.wtxid] = entry
        for point in entry.prevouts:
            self._spenders[point] = entry
        entry.usage_bytes = usage_of(entry)
        self.usage_bytes += entry.usage_bytes
        self.total_vsize += entry.vsize
        self.total_fee_sat += entry.fee_sat
        self.version += 1
        if clusters:
            self._suboptimal -= sum([not cluster.optimal for cluster in clusters])
            self._install(join(clusters, entry))
            return
        weight = entry.adjusted_weight_wu
        entry.chunk = chunk = Chunk(entry.modified_fee_sat, weight, (entry,))
        entry.cluster = cluster = Cluster((chunk,), 1, weight, True)
        if self._worst is not None:
            self._rank(cluster, self._worst)

    def _rank(self, cluster: Cluster, heap: list[_Badness]) -> None:
        """Remember a new cluster's last chunk; clusters that are no more are passed over later."""
        heappush(heap, _badness(cluster, next(self._serials)))
        if len(heap) > 2 * len(self._entries) + _HEAP_SLACK:
            self._worst = None  # Mostly clusters that are no more; built anew when asked for.

    def _install(self, cluster: Cluster) -> None:
        """Make a cluster known to its entries."""
        for chunk in cluster.chunks:
            for entry in chunk.entries:
                entry.chunk = chunk
                entry.cluster = cluster
        self._suboptimal += not cluster.optimal
        if self._worst is not None:
            self._rank(cluster, self._worst)

    def _remove(self, entries: Iterable[PoolEntry], *, noted: bool = False) -> None:
        """Let entries go. Their descendants must go with them, unless they are confirmed.

        Args:
            noted: they are in the journal already.
        """
        self._snapshot = None  # Not kept any longer: what has gone is to leave the memory.
        gone = {entry.txid: entry for entry in entries}
        for entry in () if noted else sorted(gone.values(), key=_txid_of):
            self.journal.left(entry.transaction)
        touched: dict[int, Cluster] = {}
        for txid, entry in gone.items():
            touched[id(entry.cluster)] = entry.cluster
            for parent in entry.parents.values():
                parent.children.pop(txid, None)
            for child in entry.children.values():
                child.parents.pop(txid, None)
            del self._entries[txid]
            del self._by_wtxid[entry.wtxid]
            for point in entry.prevouts:
                del self._spenders[point]
            self._unbroadcast.pop(txid, None)
            self.usage_bytes -= entry.usage_bytes
            self.total_vsize -= entry.vsize
            self.total_fee_sat -= entry.fee_sat
        self.version += len(gone)
        for cluster in touched.values():
            self._suboptimal -= not cluster.optimal
            if cluster.count == 1:
                continue
            rest = [entry for entry in cluster.entries() if entry.txid not in gone]
            for group in components(rest):
                self._install(make_cluster(group))

    def _recluster(self, entries: Iterable[PoolEntry]) -> None:
        """Put clusters right after entries were linked to each other from outside."""
        old: dict[int, Cluster] = {}
        for entry in entries:
            old[id(entry.cluster)] = entry.cluster
        members = [entry for cluster in old.values() for entry in cluster.entries()]
        self._suboptimal -= sum([not cluster.optimal for cluster in old.values()])
        self.version += 1
        for group in components(parents_first(members)):
            self._install(make_cluster(group))


def _txid_of(entry: PoolEntry) -> Txid:
    return entry.txid


def _closure(entry: PoolEntry, upwards: bool) -> list[PoolEntry]:
    if not (entry.parents if upwards else entry.children):
        return []
    seen: dict[Txid, PoolEntry] = {entry.txid: entry}
    found: list[PoolEntry] = [entry]
    for item in found:  # Grows while it is walked.
        for txid, kin in (item.parents if upwards else item.children).items():
            if txid not in seen:
                seen[txid] = kin
                found.append(kin)
    return found[1:]


def _badness(cluster: Cluster, serial: int) -> _Badness:
    chunks = cluster.chunks
    last = chunks[-1]
    size = 0
    for chunk in reversed(chunks):
        if chunk.fee_sat * last.weight_wu != last.fee_sat * chunk.weight_wu:
            break
        size += chunk.weight_wu
    order = -int.from_bytes(last.highest_txid)
    return last.fee_sat / last.weight_wu, -size, order, serial, cluster


def _saturated(amount_sat: int) -> int:
    return max(-MAX_MONEY_SAT, min(MAX_MONEY_SAT, amount_sat))
