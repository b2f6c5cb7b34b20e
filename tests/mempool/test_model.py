"""A pool that goes through anything at all stays right about itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random

import pytest

from axon.mempool.entry import PoolEntry
from axon.mempool.outcome import Admitted, CrowdedOut, Prepared, Refused
from axon.mempool.policy import Policy
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, Transaction
from tests.mempool.scene import SECOND, Scene, TestCoin, consistent, out

POLICY = Policy(max_mempool_bytes=60_000, cluster_count=6, cluster_vsize=1_500, expiry_s=50_000)


class PoolModel:
    """Adds, replaces, prioritises, confirms, reorganises and waits, in any order.

    The model knows which entries should be here: each step says what came and what went.
    """

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.scene = Scene(POLICY)
        self.points = [self.scene.coin(100_000) for _ in range(60)]
        self.blocks: list[tuple[list[Transaction], dict[OutPoint, TestCoin]]] = []
        self.held: list[Prepared] = []
        self.model: dict[Txid, PoolEntry] = {}
        self.seen: Counter[str] = Counter()

    def _came(self, outcome: Admitted | Refused) -> None:
        if isinstance(outcome, Admitted):
            self._went(outcome.replaced, "replaced")
            assert outcome.entry.txid not in self.model
            self.model[outcome.entry.txid] = outcome.entry
            self._went(outcome.evicted, "evicted")
            return
        self.seen[outcome.reason] += 1
        if isinstance(outcome, CrowdedOut):
            self._went(outcome.replaced, "replaced")
            self._went(outcome.evicted, "evicted")

    def _went(self, entries: Iterable[PoolEntry], why: str) -> None:
        for entry in entries:
            assert self.model.pop(entry.txid) is entry
            self.seen[why] += 1

    def _transaction(self) -> Transaction:
        rng, scene = self.rng, self.scene
        made = [
            out(entry, index)
            for entry in scene.pool.entries()
            for index in range(len(entry.transaction.outputs))
        ]
        known = [point for point in self.points if point in scene.coins] + made
        if not known:
            known = [scene.coin(100_000)]
            self.points += known
        return scene.pay(
            *rng.sample(known, min(len(known), rng.choice([1, 1, 1, 2, 3]))),
            fee=rng.choice([rng.randint(0, 400), rng.randint(0, 4_000)]),
            outputs=rng.randint(1, 3),
            version=rng.choice([2, 2, 2, 2, 2, 3]),
            sequence=rng.choice([0xFFFFFFFD, 0xFFFFFFFD, 0xFFFFFFFD, 0, 1]),
            pad=rng.choice([0, 0, 0, 500]),
        )

    def submit(self) -> None:
        for _ in range(self.rng.randint(1, 12)):
            self._came(self.scene.submit(self._transaction()))

    def hold(self) -> None:
        prepared = self.scene.prepare(self._transaction())
        if isinstance(prepared, Prepared):
            self.held.append(prepared)

    def admit_what_was_held(self) -> None:
        scene = self.scene
        self.rng.shuffle(self.held)
        while self.held:
            self._came(scene.admit(self.held.pop()))

    def prioritise(self) -> None:
        entries = list(self.scene.pool.entries())
        if entries:
            entry = self.rng.choice(entries)
            self.scene.pool.prioritise(entry.txid, self.rng.randint(-3_000, 3_000))

    def _mined(self) -> list[Transaction]:
        order = [entry for _, chunk in self.scene.pool.mining_chunks() for entry in chunk]
        taken = [e.transaction for e in order[: self.rng.randint(0, len(order))]]
        spent = {point for transaction in taken for point in transaction.prevouts}
        free = [p for p in self.points if p in self.scene.coins and p not in spent]
        if free:
            taken.append(self.scene.pay(self.rng.choice(free), fee=7))
        self.points += [self.scene.coin(100_000) for _ in range(3)]
        return taken

    def _connect(self, transactions: list[Transaction]) -> list[Transaction]:
        before = dict(self.scene.coins)
        block = self.scene.mine(*transactions)
        self.blocks.append((block, before))
        return block

    def block(self) -> None:
        effect = self.scene.pool.block_connected(self._connect(self._mined()), self.scene.now)
        self._went(effect.confirmed, "confirmed")
        self._went(effect.conflicting, "conflicting")

    def reorg(self) -> None:
        disconnected: list[list[Transaction]] = []
        for _ in range(min(self.rng.randint(1, 3), len(self.blocks))):
            block, before = self.blocks.pop()
            self.scene.unmine(block, before)
            disconnected.append(block)
        if not disconnected:
            return
        scene, coins = self.scene, self.scene.coins
        again = [
            transaction
            for transaction in disconnected[-1][1:]
            if self.rng.random() < 0.5 and all(point in coins for point in transaction.prevouts)
        ]
        rival = [scene.pay(p, fee=9) for p in self.points if p in coins][:1]
        taken = {point for transaction in again for point in transaction.prevouts}
        again += [item for item in rival if item.prevouts[0] not in taken]
        connected = [self._connect(again)] if self.rng.random() < 0.7 else []
        effect = scene.reorg(disconnected, connected)
        self._went(effect.confirmed, "confirmed")
        self._went(effect.conflicting, "conflicting")
        self._went(effect.removed, "removed")
        for entry in effect.returned:
            assert entry.txid not in self.model
            self.model[entry.txid] = entry
            self.seen["returned"] += 1

    def wait(self) -> None:
        self.scene.now += self.rng.randint(1, 15_000) * SECOND
        self._went(self.scene.pool.enforce_limits(self.scene.now), "expired")

    def check(self) -> None:
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

    def step(self) -> None:
        steps = [self.submit] * 6 + [self.hold] * 2
        steps += [self.admit_what_was_held, self.prioritise, self.block, self.reorg, self.wait]
        self.rng.choice(steps)()


def run(seed: int, steps: int) -> Counter[str]:
    """Many steps, everything checked after each; what happened, counted."""
    model = PoolModel(Random(seed))
    for _ in range(steps):
        model.step()
        model.check()
    return model.seen


@pytest.mark.parametrize("seed", range(8))
def test_pool_is_right_whatever_happens(seed: int) -> None:
    run(seed, 120)


def test_runs_go_where_a_pool_can_go_wrong() -> None:
    seen = run(0, 120) + run(1, 120)
    for event in ("replaced", "evicted", "confirmed", "conflicting", "returned", "removed"):
        assert seen[event], event
    assert seen["too-large-cluster"]


def test_same_seed_same_run() -> None:
    assert run(1, 40) == run(1, 40)
