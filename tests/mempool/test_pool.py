"""How entries leave the pool, and what it tells of those that stay."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from axon.errors import ConfigError
from axon.mempool.entry import PoolEntry
from axon.mempool.outcome import Admitted, CrowdedOut, Prepared, Refused
from axon.mempool.policy import Policy
from axon.mempool.pool import MAX_RETURNED_BYTES
from axon.mempool.table import INPUT_USAGE, OUTPUT_USAGE
from axon.primitives.transaction import OutPoint, Transaction
from tests.mempool.scene import HEIGHT, SECOND, Scene, TestCoin, consistent, out

HOUR = 3_600 * SECOND
SMALL = Policy(max_mempool_bytes=4_040_000)


def chain(scene: Scene, length: int, fee: int = 1_000) -> list[PoolEntry]:
    """Entries each of which spends the one before."""
    entries = [scene.add(scene.pay(scene.coin(10_000_000), fee=fee))]
    while len(entries) < length:
        entries.append(scene.add(scene.pay(out(entries[-1]), fee=fee)))
    return entries


def fill(scene: Scene, fee: int = 50_000) -> list[PoolEntry]:
    """Large entries, each paying a little more, until one has to go."""
    entries: list[PoolEntry] = []
    while True:
        transaction = scene.pay(scene.coin(), fee=fee, pad=60_000)
        fee += 100
        outcome = scene.submit(transaction)
        assert isinstance(outcome, Admitted), outcome
        entries.append(outcome.entry)
        if outcome.evicted:
            assert list(outcome.evicted) == entries[:1]
            return entries[1:]


def test_pool_too_small_for_its_clusters_is_refused() -> None:
    Policy(max_mempool_bytes=4_040_000)
    with pytest.raises(ConfigError, match="-maxmempool must be at least 5 MB"):
        Policy(max_mempool_bytes=4_000_000)


def test_cluster_limits() -> None:
    scene = Scene()
    entries = chain(scene, 64)
    assert scene.reason(scene.pay(out(entries[-1]))) == "too-large-cluster"
    assert scene.reason(scene.pay(out(entries[-1]), scene.coin())) == "too-large-cluster"
    heavy = Scene()
    parent = heavy.add(heavy.pay(heavy.coin(), fee=20_000, pad=60_000))
    assert heavy.reason(heavy.pay(out(parent), fee=20_000, pad=41_000)) == "too-large-cluster"
    assert heavy.reason(heavy.pay(out(parent), fee=20_000, pad=40_000)) == ""
    consistent(scene.pool)


def test_facts_of_an_entry() -> None:
    scene = Scene()
    entries = chain(scene, 4)
    scene.pool.prioritise(entries[0].txid, 50)
    facts = scene.pool.facts(entries[1])
    sizes = [entry.vsize for entry in entries]
    assert (facts.ancestor_count, facts.ancestor_vsize) == (2, sum(sizes[:2]))
    assert (facts.descendant_count, facts.descendant_vsize) == (3, sum(sizes[1:]))
    assert (facts.ancestor_fees_sat, facts.descendant_fees_sat) == (2_050, 3_000)
    assert scene.pool.ancestors(entries[2]) == [entries[1], entries[0]]
    assert scene.pool.descendants(entries[2]) == [entries[3]]


def test_best_chunks_are_mined_first() -> None:
    scene = Scene()
    low = scene.add(scene.pay(scene.coin(), fee=500))
    high = scene.add(scene.pay(scene.coin(), fee=5_000))
    parent = scene.add(scene.pay(scene.coin(), fee=100))
    child = scene.add(scene.pay(out(parent), fee=3_900))
    order = [entries for _, entries in scene.pool.mining_chunks()]
    assert order == [(high,), (parent, child), (low,)]
    feerate = next(iter(scene.pool.mining_chunks()))[0]
    assert feerate == 5_000 * 4_000 / high.weight_wu
    assert parent.chunk is child.chunk
    assert parent.chunk.fee_sat == 4_000
    assert scene.pool.optimal
    scene.pool.prioritise(low.txid, 100_000)
    assert next(iter(scene.pool.mining_chunks()))[1] == (low,)


def test_mining_shows_the_pool_as_it_was_at_the_start() -> None:
    scene = Scene()
    entries = [scene.add(scene.pay(scene.coin(), fee=fee)) for fee in (3_000, 2_000, 1_000)]
    chunks = scene.pool.mining_chunks()
    assert next(chunks)[1] == (entries[0],)
    scene.pool.block_connected(scene.mine(entries[1].transaction), scene.now)
    assert [one for _, one in chunks] == [(entries[1],), (entries[2],)]


def test_priority_adds_up_and_can_be_taken_back() -> None:
    scene = Scene()
    entry = scene.add(scene.pay(scene.coin(), fee=1_000))
    scene.pool.prioritise(entry.txid, 500)
    scene.pool.prioritise(entry.txid, 250)
    assert (entry.modified_fee_sat, entry.chunk.fee_sat) == (1_750, 1_750)
    assert dict(scene.pool.deltas) == {entry.txid: 750}
    scene.pool.prioritise(entry.txid, -750)
    assert entry.modified_fee_sat == 1_000
    assert not scene.pool.deltas
    assert scene.pool.total_fee_sat == 1_000


def test_unbroadcast() -> None:
    scene = Scene()
    entries = [scene.add(scene.pay(scene.coin())) for _ in range(2)]
    scene.pool.mark_unbroadcast(entries[0].txid)
    scene.pool.mark_unbroadcast(entries[1].txid)
    scene.pool.mark_unbroadcast(scene.pay(scene.coin()).txid)
    assert scene.pool.unbroadcast == (entries[0].txid, entries[1].txid)
    scene.pool.mark_broadcast(entries[0].txid)
    assert not scene.pool.is_unbroadcast(entries[0].txid)
    scene.pool.block_connected(scene.mine(entries[1].transaction), scene.now)
    assert len(scene.pool.unbroadcast) == 0


def test_sequence_counts_what_comes_and_goes() -> None:
    scene = Scene()
    first = scene.add(scene.pay(scene.coin()))
    second = scene.add(scene.pay(scene.coin()))
    assert (first.sequence, second.sequence, scene.pool.sequence) == (1, 2, 3)
    scene.pool.block_connected(scene.mine(first.transaction), scene.now)
    assert scene.pool.sequence == 4


def test_full_pool_lets_the_worst_chunk_go_and_asks_for_more() -> None:
    scene = Scene(SMALL)
    entries = fill(scene)
    assert scene.pool.usage_bytes <= SMALL.max_mempool_bytes
    floor = scene.pool.min_feerate(scene.now)
    gone = 50_000 * 1_000 // entries[0].vsize
    assert floor == gone + SMALL.incremental_feerate_sat_kvb
    outcome = scene.submit(scene.pay(scene.coin(), fee=50, pad=100))
    assert isinstance(outcome, Refused)
    assert outcome.reason == "mempool min fee not met"
    consistent(scene.pool)


def test_parents_go_with_what_they_cannot_pay_for() -> None:
    scene = Scene(SMALL)
    parent = scene.add(scene.pay(scene.coin(), fee=20_000, pad=60_000))
    child = scene.add(scene.pay(out(parent), fee=20_000, pad=20_000))
    fee = 50_000
    while True:
        fee += 100
        outcome = scene.submit(scene.pay(scene.coin(), fee=fee, pad=60_000))
        assert isinstance(outcome, Admitted)
        if outcome.evicted:
            break
    assert outcome.evicted == (parent, child)
    consistent(scene.pool)


def test_newcomer_that_pays_least_is_crowded_out() -> None:
    scene = Scene(SMALL)
    point = scene.coin()
    old = scene.add(scene.pay(point, fee=60_000, pad=60_000))
    while scene.pool.usage_bytes + old.usage_bytes < SMALL.max_mempool_bytes:
        scene.add(scene.pay(scene.coin(), fee=90_000, pad=60_000))
    outcome = scene.submit(scene.pay(scene.coin(), fee=50_000, pad=60_000))
    assert isinstance(outcome, CrowdedOut)
    assert outcome.reason == "mempool full"
    assert (outcome.replaced, outcome.evicted) == ((), ())
    assert old.txid in scene.pool
    consistent(scene.pool)


def test_floor_falls_by_half_in_twelve_hours_after_a_block() -> None:
    scene = Scene(SMALL)
    fill(scene)
    floor = scene.pool.min_feerate(scene.now)
    scene.now += 24 * HOUR
    assert scene.pool.min_feerate(scene.now) == floor
    scene.pool.block_connected(scene.mine(), scene.now)
    scene.now += 12 * HOUR
    assert abs(scene.pool.min_feerate(scene.now) - floor / 2) <= 1
    scene.now += 12 * HOUR
    assert abs(scene.pool.min_feerate(scene.now) - floor / 4) <= 1
    scene.now += 48 * HOUR
    assert scene.pool.min_feerate(scene.now) == 0


def test_floor_falls_faster_in_an_empty_pool() -> None:
    scene = Scene(SMALL)
    entries = fill(scene)
    floor = scene.pool.min_feerate(scene.now)
    block = scene.mine(*[entry.transaction for entry in entries])
    scene.pool.block_connected(block, scene.now)
    assert len(scene.pool) == 0
    scene.now += 3 * HOUR
    assert abs(scene.pool.min_feerate(scene.now) - floor / 2) <= 1


@pytest.mark.parametrize(
    ("share", "hours"), [(0.21, 3), (0.24, 3), (0.27, 6), (0.48, 6), (0.54, 12)]
)
def test_floor_falls_by_how_full_the_pool_is(share: float, hours: int) -> None:
    scene = Scene(SMALL)
    entries = fill(scene)
    floor = scene.pool.min_feerate(scene.now)
    left = round(share * SMALL.max_mempool_bytes / entries[-1].usage_bytes)
    block = scene.mine(*[entry.transaction for entry in entries if entry.txid in scene.pool][left:])
    scene.pool.block_connected(block, scene.now)
    assert abs(scene.pool.usage_bytes / SMALL.max_mempool_bytes - share) < 0.01
    scene.now += hours * HOUR
    assert abs(scene.pool.min_feerate(scene.now) - floor / 2) <= 1


def test_old_entries_go_with_their_descendants() -> None:
    scene = Scene()
    old = chain(scene, 2)
    scene.now += 300 * HOUR
    young = scene.add(scene.pay(out(old[-1])))
    other = scene.add(scene.pay(scene.coin()))
    scene.now += 36 * HOUR
    assert scene.pool.enforce_limits(scene.now) == ()
    scene.now += SECOND
    outcome = scene.submit(scene.pay(scene.coin()))
    assert isinstance(outcome, Admitted)
    assert set(outcome.evicted) == {*old, young}
    assert other.txid in scene.pool
    consistent(scene.pool)


def test_entry_read_back_keeps_its_time() -> None:
    scene = Scene()
    prepared = scene.prepare(scene.pay(scene.coin()))
    assert isinstance(prepared, Prepared)
    entered = scene.now - 335 * HOUR
    outcome = scene.admit(prepared, entered)
    assert isinstance(outcome, Admitted)
    assert outcome.entry.time_us == entered
    assert scene.pool.enforce_limits(scene.now + 2 * HOUR) == (outcome.entry,)


def test_block_confirms_and_ends_what_conflicts() -> None:
    scene = Scene()
    point = scene.coin()
    parent, child = chain(scene, 2)
    loser = scene.add(scene.pay(point, fee=1_000))
    its_child = scene.add(scene.pay(out(loser)))
    scene.pool.prioritise(parent.txid, 10)
    block = scene.mine(parent.transaction, scene.pay(point, fee=900))
    effect = scene.pool.block_connected(block, scene.now)
    assert effect.confirmed == (parent,)
    assert effect.conflicting == (loser, its_child)
    assert list(scene.pool.entries()) == [child]
    assert not child.parents
    assert not scene.pool.deltas
    consistent(scene.pool)


class Chain:
    """A scene with blocks that can be taken back."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.blocks: list[tuple[list[Transaction], dict[OutPoint, TestCoin]]] = []

    def extend(self, *transactions: Transaction) -> list[Transaction]:
        before = dict(self.scene.coins)
        block = self.scene.mine(*transactions)
        self.blocks.append((block, before))
        return block

    def connect(self, *transactions: Transaction) -> None:
        self.scene.pool.block_connected(self.extend(*transactions), self.scene.now)

    def back(self) -> list[Transaction]:
        block, before = self.blocks.pop()
        self.scene.unmine(block, before)
        return block

    def reorg(
        self, depth: int, *blocks: Sequence[Transaction]
    ) -> tuple[list[PoolEntry], list[PoolEntry]]:
        disconnected = [self.back() for _ in range(depth)]
        connected = [self.extend(*block) for block in blocks]
        scene = self.scene
        effect = scene.reorg(disconnected, connected)
        consistent(scene.pool)
        return list(effect.returned), list(effect.removed)


def test_transactions_of_lost_blocks_come_back_with_their_children() -> None:
    chain_, scene = (c := Chain()), c.scene
    parent, child = chain(scene, 2)
    stranger = scene.pay(scene.coin(), fee=0)  # Its fee would not do, but it was in a block.
    chain_.connect(parent.transaction, stranger)
    late = scene.add(scene.pay(out(child)))
    chain_.connect(child.transaction)
    latest = scene.add(scene.pay(out(late)))
    returned, removed = chain_.reorg(2)
    assert [entry.txid for entry in returned] == [parent.txid, stranger.txid, child.txid]
    assert removed == []
    assert [entry.sequence for entry in returned] == [0, 0, 0]  # Any peer may ask for them.
    assert scene.pool.ancestors(latest)[-1].txid == parent.txid
    assert late.parents == {child.txid: scene.pool.get(child.txid)}


def test_what_the_new_chain_confirms_does_not_come_back() -> None:
    lost, scene = (c := Chain()), c.scene
    point = scene.coin()
    first, second = scene.pay(point), scene.pay(scene.coin())
    rival = scene.pay(point, fee=2_000)
    lost.connect(first, second)
    child = scene.add(scene.pay(out(first), total=999_000))
    returned, removed = lost.reorg(1, [second], [rival])
    assert returned == []
    assert removed == [child]
    assert len(scene.pool) == 0


def test_what_both_chains_confirm_keeps_its_children() -> None:
    lost, scene = (c := Chain()), c.scene
    first, other = scene.pay(scene.coin()), scene.pay(scene.coin())
    lost.connect(first, other)
    child = scene.add(scene.pay(out(first), total=999_000))
    returned, removed = lost.reorg(1, [first], [])
    assert [entry.txid for entry in returned] == [other.txid]
    assert removed == []
    assert child.txid in scene.pool


def test_coinbase_that_is_lost_takes_its_spenders_along() -> None:
    lost, scene = (c := Chain()), c.scene
    lost.connect()
    coinbase = lost.blocks[0][0][0]
    for _ in range(99):
        lost.connect()
    scene.add(scene.pay(out(coinbase), fee=500))
    scene.add(scene.pay(scene.coin()))
    _, removed = lost.reorg(1, [])
    assert removed == []
    _, removed = lost.reorg(1)
    assert [entry.coinbase_height for entry in removed] == [HEIGHT + 1]
    assert len(scene.pool) == 1


def test_lock_times_that_are_no_longer_met() -> None:
    lost, scene = (c := Chain()), c.scene
    point = scene.coin(height=HEIGHT)
    lost.connect()
    by_height = scene.add(scene.pay(scene.coin(), locktime=HEIGHT + 1))
    by_time = scene.add(scene.pay(scene.coin(), locktime=scene.tip.median_time_past - 1))
    by_age = scene.add(scene.pay(point, sequence=2))
    below = scene.add(scene.pay(out(by_age)))
    stays = scene.add(scene.pay(scene.coin(height=HEIGHT), sequence=1))
    _, removed = lost.reorg(1)
    assert removed == [by_height, by_time, by_age, below]
    assert list(scene.pool.entries()) == [stays]


def test_an_age_counts_from_where_the_new_chain_made_the_coin() -> None:
    lost, scene = (c := Chain()), c.scene
    made = scene.pay(scene.coin())
    lost.connect(made)
    lost.connect()
    young = scene.add(scene.pay(out(made), sequence=2, total=999_000))
    stays = scene.add(scene.pay(scene.coin(height=HEIGHT), sequence=2))
    _, removed = lost.reorg(2, [], [], [made])
    assert removed == [young]
    assert list(scene.pool.entries()) == [stays]


def test_what_was_unconfirmed_when_it_was_spent_keeps_its_spender() -> None:
    lost, scene = (c := Chain()), c.scene
    parent = scene.add(scene.pay(scene.coin()))
    child = scene.add(scene.pay(out(parent), sequence=0))
    lost.connect(parent.transaction)
    lost.connect()
    _, removed = lost.reorg(1)
    assert removed == []
    _, removed = lost.reorg(1)
    assert removed == []
    assert child.txid in scene.pool


def test_returning_parents_do_not_make_clusters_too_large() -> None:
    lost, scene = (c := Chain()), c.scene
    root = scene.add(scene.pay(scene.coin(100_000_000), outputs=90, fee=50_000))
    lost.connect(root.transaction)
    children = [scene.add(scene.pay(out(root, i), fee=1_000 + i)) for i in range(90)]
    returned, removed = lost.reorg(1)
    assert len(returned) == 1
    assert removed == children[:27]  # They pay the least.
    assert len(scene.pool) == 64


def test_newest_of_very_many_lost_transactions_are_given_up() -> None:
    lost, scene = (c := Chain()), c.scene
    big = [scene.pay(scene.coin(), fee=99_000, pad=90_000) for _ in range(222)]
    assert sum(item.size_bytes for item in big[:-1]) < MAX_RETURNED_BYTES
    lost.connect(*big[:100])
    lost.connect(*big[100:])
    child = scene.add(scene.pay(out(big[-1]), total=900_000))
    returned, removed = lost.reorg(2)
    assert [entry.txid for entry in returned] == [item.txid for item in big[:-1]]
    assert removed == [child]


def test_memory_is_counted_by_size_inputs_and_outputs() -> None:
    def entry(inputs: int, outputs: int) -> PoolEntry:
        scene = Scene()
        return scene.add(scene.pay(*[scene.coin() for _ in range(inputs)], outputs=outputs))

    def beyond_size(some: PoolEntry) -> int:
        return some.usage_bytes - 2 * some.transaction.size_bytes

    one = entry(1, 1)
    assert beyond_size(one) > 0
    assert beyond_size(entry(4, 1)) - beyond_size(one) == 3 * INPUT_USAGE
    assert beyond_size(entry(1, 4)) - beyond_size(one) == 3 * OUTPUT_USAGE


def test_each_entry_that_leaves_counts_as_a_change() -> None:
    scene = Scene()
    entry = scene.add(scene.pay(scene.coin()))
    before = scene.pool.version
    scene.pool.block_connected(scene.mine(entry.transaction), scene.now)
    assert scene.pool.version > before


def test_outputs_end_behind_the_last() -> None:
    scene = Scene()
    entry = scene.add(scene.pay(scene.coin()))
    assert scene.pool.output(out(entry)) == entry.transaction.outputs[0]
    assert scene.pool.output(out(entry, 1)) is None


def test_all_entries_by_wtxid_are_those_of_the_moment_and_copied_once() -> None:
    scene = Scene()
    first = scene.add(scene.pay(scene.coin(10_000_000)))
    before = scene.pool.by_wtxids()
    assert scene.pool.by_wtxids() is before
    second = scene.add(scene.pay(scene.coin(10_000_000)))
    assert list(before.values()) == [first], "a job reads it beside the loop"
    assert list(scene.pool.by_wtxids().values()) == [first, second]
    scene.pool._remove([first])
    assert list(scene.pool.by_wtxids().values()) == [second]


def test_the_same_feerates_are_mined_by_size_and_then_by_txid() -> None:
    for turned in (False, True):
        scene = Scene()
        fee = 10 * scene.pay(scene.coin()).vsize
        equal = [scene.pay(scene.coin(), fee=fee) for _ in range(4)]
        chain = scene.pay(scene.coin(), fee=fee)
        below = scene.pay(out(chain), fee=fee, total=1_000_000 - fee)
        large = scene.pay(scene.coin(), fee=0, pad=400)
        large = scene.pay(large.prevouts[0], fee=10 * large.vsize, pad=400)
        singles = sorted([*equal, chain], key=lambda item: item.txid)
        coming = [*equal, chain, below, large]
        for item in [chain, below, large, *equal] if turned else coming:
            scene.add(item)
        mined = [entry.txid for _, chunk in scene.pool.mining_chunks() for entry in chunk]
        assert mined == [item.txid for item in [*singles, below, large]]
        worst = []
        while (chunk := scene.pool.worst_chunk()) is not None:
            worst += [entry.txid for entry in chunk.entries]
            scene.pool._remove(chunk.entries)
        assert worst == mined[::-1]
