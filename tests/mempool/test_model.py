"""A pool that goes through anything at all stays right about itself."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from axon.mempool.entry import Entry
from axon.mempool.outcome import Admitted, Prepared, Refused
from axon.mempool.policy import Policy
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, Transaction
from tests.mempool.scene import SECOND, Scene, TestCoin, consistent, out

POLICY = Policy(max_mempool_bytes=120_000, cluster_count=6, cluster_vsize=3_000, expiry_s=50_000)


class PoolMachine(RuleBasedStateMachine):
    """Adds, replaces, prioritises, confirms, reorganises and waits, in any order.

    The model knows which transactions should be here: each step says what came and what went.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(POLICY)
        self.points = [self.scene.coin(100_000) for _ in range(40)]
        self.blocks: list[tuple[list[Transaction], dict[OutPoint, TestCoin]]] = []
        self.held: list[Prepared] = []
        self.model: dict[Txid, Entry] = {}

    def _came(self, outcome: Admitted | Refused) -> None:
        if isinstance(outcome, Admitted):
            self._went(outcome.replaced)
            assert outcome.entry.txid not in self.model
            self.model[outcome.entry.txid] = outcome.entry
            self._went(outcome.evicted)
        else:
            self._went(getattr(outcome, "replaced", ()))
            self._went(getattr(outcome, "evicted", ()))

    def _went(self, entries: tuple[Entry, ...]) -> None:
        for entry in entries:
            assert self.model.pop(entry.txid) is entry

    def _spendable(self) -> list[OutPoint]:
        made = [
            out(entry, index)
            for entry in self.scene.pool.entries()
            for index in range(len(entry.transaction.outputs))
        ]
        return [point for point in self.points if point in self.scene.coins] + made

    def _transaction(self, data: st.DataObject) -> Transaction:
        known = self._spendable()
        points = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
        return self.scene.pay(
            *points,
            fee=data.draw(st.integers(0, 2_000)),
            outputs=data.draw(st.integers(1, 3)),
            version=data.draw(st.sampled_from([2, 2, 2, 3])),
            sequence=data.draw(st.sampled_from([0xFFFFFFFD, 0, 1])),
            pad=data.draw(st.sampled_from([0, 0, 500])),
        )

    @precondition(lambda self: self._spendable())
    @rule(data=st.data())
    def submit(self, data: st.DataObject) -> None:
        self._came(self.scene.submit(self._transaction(data)))

    @precondition(lambda self: self._spendable())
    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        prepared = self.scene.prepare(self._transaction(data))
        if isinstance(prepared, Prepared):
            self.held.append(prepared)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def admit_what_was_held(self, data: st.DataObject) -> None:
        prepared = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        scene = self.scene
        self._came(scene.pool.admit(prepared, scene.coins, scene.tip, scene.now))

    @precondition(lambda self: len(self.scene.pool))
    @rule(data=st.data(), delta=st.integers(-3_000, 3_000))
    def prioritise(self, data: st.DataObject, delta: int) -> None:
        entries = list(self.scene.pool.entries())
        self.scene.pool.prioritise(data.draw(st.sampled_from(entries)).txid, delta)

    def _mined(self, data: st.DataObject) -> list[Transaction]:
        order = [entry for _, chunk in self.scene.pool.mining_chunks() for entry in chunk]
        taken = [e.transaction for e in order[: data.draw(st.integers(0, len(order)))]]
        spent = {point for transaction in taken for point in transaction.prevouts}
        free = [p for p in self.points if p in self.scene.coins and p not in spent]
        if free and data.draw(st.booleans()):
            taken.append(self.scene.pay(data.draw(st.sampled_from(free)), fee=7))
        return taken

    def _connect(self, transactions: list[Transaction]) -> list[Transaction]:
        before = dict(self.scene.coins)
        block = self.scene.mine(*transactions)
        self.blocks.append((block, before))
        return block

    @rule(data=st.data())
    def block(self, data: st.DataObject) -> None:
        block = self._connect(self._mined(data))
        effect = self.scene.pool.block_connected(block, self.scene.now)
        self._went(effect.confirmed)
        self._went(effect.conflicting)

    @precondition(lambda self: self.blocks)
    @rule(data=st.data())
    def reorg(self, data: st.DataObject) -> None:
        disconnected = []
        for _ in range(data.draw(st.integers(1, min(3, len(self.blocks))))):
            block, before = self.blocks.pop()
            self.scene.unmine(block, before)
            disconnected.append(block)
        again = [t for t in disconnected[-1][1:] if data.draw(st.booleans())]
        made = {transaction.txid for transaction in disconnected[-1]}
        coins = self.scene.coins
        again = [t for t in again if all(p in coins and p[:32] not in made for p in t.prevouts)]
        connected = [self._connect(again)] if data.draw(st.booleans()) else []
        scene = self.scene
        effect = scene.pool.reorg(disconnected, connected, scene.coins, scene.tip, scene.now)
        self._went(effect.confirmed)
        self._went(effect.conflicting)
        self._went(effect.removed)
        for entry in effect.returned:
            assert entry.txid not in self.model
            self.model[entry.txid] = entry

    @rule(seconds=st.integers(1, 30_000))
    def wait(self, seconds: int) -> None:
        self.scene.now += seconds * SECOND
        self._went(self.scene.pool.enforce_limits(self.scene.now))

    @invariant()
    def pool_is_right(self) -> None:
        pool, coins = self.scene.pool, self.scene.coins
        assert {entry.txid: entry for entry in pool.entries()} == self.model
        consistent(pool)
        assert pool.usage_bytes <= POLICY.max_mempool_bytes
        for entry in pool.entries():
            assert entry.cluster.count <= POLICY.cluster_count
            assert entry.cluster.weight_wu <= POLICY.cluster_vsize * 4
            assert entry.time_us >= self.scene.now - POLICY.expiry_s * SECOND
            for point in entry.prevouts:
                assert point in coins or pool.output(point) is not None


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
