"""The order in which entries are mined, against trying everything."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations

from hypothesis import given
from hypothesis import strategies as st

from axon.mempool.clusters import (
    chunk_up,
    components,
    improves,
    join,
    make_cluster,
    over_limits,
    parents_first,
)
from axon.mempool.entry import Chunk, PoolEntry
from axon.primitives.hashes import sha256
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut


def entry(serial: int, fee: int, weight: int, parents: list[PoolEntry]) -> PoolEntry:
    """An entry of any fee and weight that hangs below others."""
    name = OutPoint(sha256(b"%d" % serial) + bytes(4))
    transaction = Transaction.build(2, [TxIn(name)], [TxOut(serial, b"")])
    made = PoolEntry(transaction, fee, weight, weight, 0, 0, 0)
    for parent in parents:
        made.parents[parent.txid] = parent
        parent.children[made.txid] = made
    return made


def graph(shape: list[tuple[int, int, list[int]]]) -> list[PoolEntry]:
    """Entries of (fee, weight, parents by place)."""
    entries: list[PoolEntry] = []
    for serial, (fee, weight, parents) in enumerate(shape):
        entries.append(entry(serial, fee, weight, [entries[place] for place in parents]))
    return entries


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> list[PoolEntry]:
    shape: list[tuple[int, int, list[int]]] = []
    for place in range(draw(st.integers(1, most))):
        parents = draw(st.sets(st.integers(0, place - 1), max_size=3)) if place else set()
        weight = draw(st.integers(1, 20))
        shape.append((draw(st.integers(-5, 50)), weight, sorted(parents)))
    return graph(shape)


def closed_sets(entries: list[PoolEntry]) -> list[tuple[PoolEntry, ...]]:
    return [
        group
        for size in range(1, len(entries) + 1)
        for group in combinations(entries, size)
        if all(parent in group for item in group for parent in item.parents.values())
    ]


def feerate(group: tuple[PoolEntry, ...]) -> Fraction:
    return Fraction(
        sum(item.modified_fee_sat for item in group), sum(item.adjusted_weight_wu for item in group)
    )


@given(graphs())
def test_first_chunk_is_the_best_closed_set(entries: list[PoolEntry]) -> None:
    chunks, optimal = chunk_up(entries)
    assert optimal
    left = entries
    for chunk in chunks:
        kept = {item.txid for item in left}
        for item in left:
            item.parents = {txid: p for txid, p in item.parents.items() if txid in kept}
        best = max(map(feerate, closed_sets(left)))
        assert feerate(chunk.entries) == best == Fraction(chunk.fee_sat, chunk.weight_wu)
        left = [item for item in left if item not in chunk.entries]
        for item in left:
            item.parents = {txid: p for txid, p in item.parents.items() if p not in chunk.entries}
    assert left == []


@given(graphs(most=40))
def test_every_order_is_one_that_can_be_mined(entries: list[PoolEntry]) -> None:
    chunks, _ = chunk_up(entries)
    seen: set[bytes] = set()
    last = Fraction(10**9)
    for chunk in chunks:
        assert feerate(chunk.entries) <= last
        last = feerate(chunk.entries)
        for item in chunk.entries:
            assert set(item.parents) <= seen
            seen.add(item.txid)
    assert seen == {item.txid for item in entries}


def test_large_cluster_is_ordered_by_what_pays_best() -> None:
    # Too many closed sets to compare: the best ancestor set is taken each time.
    (parent, *children) = graph([(0, 10, []), *((fee * 10, 10, [0]) for fee in range(1, 31))])
    cluster = make_cluster([parent, *children])
    assert not cluster.optimal
    first, *rest = cluster.chunks
    # 300, 290, ... 240 and the parent's nothing: 231 each, and the next pays 230.
    assert first.entries == (parent, *children[:-8:-1])
    assert [chunk.entries for chunk in rest] == [(child,) for child in children[-8::-1]]


def test_the_order_of_the_same_feerates_does_not_depend_on_who_came_first() -> None:
    shapes: list[tuple[int, int, list[int]]] = [
        (100, 10, []),
        *[(100, 10, [0])] * 3,
        (200, 20, [0]),
    ]
    parent, *children, larger = graph(shapes)
    expected = [parent, *sorted(children, key=lambda child: child.txid), larger]
    for order in permutations([*children, larger]):
        chunks, optimal = chunk_up([parent, *order])
        assert optimal
        assert [chunk.entries for chunk in chunks] == [(item,) for item in expected]


def test_within_a_chunk_the_best_paid_comes_first() -> None:
    parent, poor, rich, same, last = graph(
        [(0, 10, []), (20, 10, [0]), (30, 10, [0]), (30, 10, [0]), (900, 10, [1, 2, 3])]
    )
    (chunk,), _ = chunk_up([parent, poor, same, rich, last])
    assert chunk.entries == (parent, *sorted([rich, same], key=lambda item: item.txid), poor, last)


def test_children_pay_for_their_parent_together() -> None:
    parent: tuple[int, int, list[int]] = (0, 100, [])
    entries = graph([parent, *[(50, 100, [0])] * 20])
    chunks, optimal = chunk_up(entries)
    assert not optimal  # A million closed sets: the greedy order is taken, and finds it too.
    assert len(chunks) == 1
    assert chunks[0].fee_sat == 1_000


@given(graphs(), st.integers(-5, 60), st.integers(1, 20))
def test_joining_is_as_good_as_starting_anew(
    entries: list[PoolEntry], fee: int, weight: int
) -> None:
    groups = components(entries)
    clusters = [make_cluster(group) for group in groups]
    child = entry(99, fee, weight, [group[-1] for group in groups])
    joined = join(clusters, child)
    anew = make_cluster([*[item for group in groups for item in group], child])
    assert not improves(anew.chunks, joined.chunks)
    assert not improves(joined.chunks, anew.chunks)
    assert (joined.count, joined.weight_wu) == (anew.count, anew.weight_wu)


@given(graphs(most=20))
def test_components_hang_together_and_keep_the_order(entries: list[PoolEntry]) -> None:
    groups = components(entries)
    assert sorted(item.transaction.outputs[0].amount_sat for g in groups for item in g) == list(
        range(len(entries))
    )
    where = {item.txid: number for number, group in enumerate(groups) for item in group}
    for item in entries:
        assert all(where[txid] == where[item.txid] for txid in item.parents)
    for group in groups:
        places = [entries.index(item) for item in group]
        assert places == sorted(places)
        reached = {group[0].txid}
        for _ in group:
            for item in group:
                if reached & {item.txid, *item.parents, *item.children}:
                    reached |= {item.txid, *item.parents, *item.children}
        assert reached == {item.txid for item in group}


@given(graphs(most=15), st.randoms(use_true_random=False))
def test_parents_first(entries: list[PoolEntry], rng: object) -> None:
    shuffled = list(entries)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    seen: set[bytes] = set()
    for item in parents_first(shuffled):
        assert set(item.parents) <= seen
        seen.add(item.txid)
    assert len(seen) == len(entries)


@given(graphs(most=25), st.integers(1, 6), st.integers(20, 60))
def test_what_is_left_keeps_the_limits(entries: list[PoolEntry], count: int, weight: int) -> None:
    gone = over_limits(entries, count, weight)
    kept = [item for item in entries if item not in gone]
    for item in gone:
        assert all(child in gone for child in item.children.values())
    names = {item.txid for item in kept}
    for item in kept:
        item.parents = {txid: p for txid, p in item.parents.items() if txid in names}
    for group in components(kept):
        assert len(group) <= count
        assert sum(item.adjusted_weight_wu for item in group) <= weight


def test_nothing_goes_while_limits_hold() -> None:
    assert over_limits(graph([(1, 10, []), (2, 10, [0]), (3, 10, [])]), 2, 20) == []


def chunk(fee: int, weight: int) -> Chunk:
    return Chunk(fee, weight, ())


def test_diagrams() -> None:
    assert improves([chunk(11, 10)], [chunk(10, 10)])
    assert not improves([chunk(10, 10)], [chunk(10, 10)])
    assert not improves([chunk(9, 10)], [chunk(10, 10)])
    assert improves([chunk(10, 5)], [chunk(10, 10)])
    assert not improves([chunk(10, 10)], [chunk(10, 5)])
    # More in all, but less at first.
    assert not improves([chunk(20, 20)], [chunk(15, 10)])
    assert improves([chunk(30, 20)], [chunk(15, 10)])
    assert improves([chunk(15, 10), chunk(1, 50)], [chunk(15, 10)])
    assert not improves([], [chunk(1, 1)])
    assert improves([chunk(1, 1)], [])


@given(
    st.lists(st.tuples(st.integers(-5, 30), st.integers(1, 9)), max_size=6),
    st.lists(st.tuples(st.integers(-5, 30), st.integers(1, 9)), max_size=6),
)
def test_diagrams_are_compared_point_by_point(
    new: list[tuple[int, int]], old: list[tuple[int, int]]
) -> None:
    def heights(chunks: list[tuple[int, int]]) -> list[Fraction]:
        points = [Fraction(0)]
        for fee, weight in sorted(chunks, key=lambda c: Fraction(*c), reverse=True):
            points += [points[-1] + Fraction(fee, weight) * (i + 1) for i in range(weight)]
        return points + [points[-1]] * (60 - len(points))

    pairs = list(zip(heights(new), heights(old), strict=True))
    expected = all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)
    assert improves([chunk(*c) for c in new], [chunk(*c) for c in old]) == expected


def test_equals_are_mined_one_by_one() -> None:
    parent, child = graph([(10, 10, []), (10, 10, [0])])
    chunks, optimal = chunk_up([parent, child])
    assert [chunk.entries for chunk in chunks] == [(parent,), (child,)]
    assert optimal


def test_work_for_one_cluster_is_bounded() -> None:
    for children, compared in ((7, True), (8, False), (38, False)):  # Each doubles the closed sets.
        family = graph([(1, 10, []), *[(fee, 10, [0]) for fee in range(2, 2 + children)]])
        chunks, optimal = chunk_up(family)
        assert optimal is compared
        assert sum(len(chunk.entries) for chunk in chunks) == len(family)
