"""A pool with a chain to stand on, and short ways to make transactions for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from axon.mempool.acceptance import coins_that_tell, coins_to_find
from axon.mempool.entry import PoolEntry
from axon.mempool.locks import TipContext
from axon.mempool.outcome import Admitted, FoundCoins, Prepared, Refused, ReorgEffect
from axon.mempool.policy import Policy
from axon.mempool.pool import Mempool
from axon.mempool.table import EntryTable
from axon.primitives.hashes import BlockHash, Txid, sha256
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut, outpoint

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
HEIGHT = 200

PAY = b"\x00\x14" + bytes(20)
"""Pay to witness key hash: what outputs here are unless a test says otherwise."""

WITNESS = (bytes(71), bytes(33))


@dataclass(frozen=True)
class TestCoin:
    """A confirmed output."""

    __test__ = False

    amount_sat: int
    script_pubkey: bytes = PAY
    height: int = 1
    coinbase: bool = False


class Scene:
    """A pool, the coins of its chain and a clock."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.pool = Mempool(policy or Policy())
        self.coins: dict[OutPoint, TestCoin] = {}
        self.now = START
        self.tip = TipContext(HEIGHT, 1_600_000_000, BlockHash(sha256(b"tip")), self._past)
        self._serial = 0

    def _past(self, height: int) -> int:
        return self.tip.median_time_past - 600 * (self.tip.height - height)

    def coin(
        self,
        amount_sat: int = 1_000_000,
        script: bytes = PAY,
        height: int = 1,
        coinbase: bool = False,
    ) -> OutPoint:
        """A new confirmed output."""
        self._serial += 1
        point = outpoint(Txid(sha256(b"coin %d" % self._serial)), 0)
        self.coins[point] = TestCoin(amount_sat, script, height, coinbase)
        return point

    def value(self, point: OutPoint) -> int:
        """What an output holds, confirmed or in the pool."""
        output = self.pool.output(point)
        return output.amount_sat if output is not None else self.coins[point].amount_sat

    def pay(
        self,
        *points: OutPoint,
        fee: int = 1_000,
        outputs: int = 1,
        version: int = 2,
        sequence: int = 0xFFFFFFFD,
        locktime: int = 0,
        pad: int = 0,
        total: int | None = None,
    ) -> Transaction:
        """A transaction that spends these outputs and pays `fee`.

        Args:
            pad: bytes of data in one more output, to make it larger.
            total: what the outputs hold, where the pool cannot know it.
        """
        left = (sum(map(self.value, points)) if total is None else total) - fee
        share = left // outputs
        made = [TxOut(share, PAY)] * (outputs - 1) + [TxOut(left - share * (outputs - 1), PAY)]
        if pad:
            made.append(TxOut(0, b"\x6a\x4e" + pad.to_bytes(4, "little") + bytes(pad)))
        inputs = [TxIn(point, b"", sequence, WITNESS) for point in points]
        return Transaction.build(version, inputs, made, locktime)

    def looked_up(self, *transactions: Transaction) -> FoundCoins:
        """The coins that are to be found for these transactions, and no others."""
        points = coins_to_find(self.pool, transactions)
        found = {point: self.coins.get(point) for point in points}
        if None in found.values():
            found |= {point: self.coins.get(point) for point in coins_that_tell(transactions)}
        return found

    def prepare(self, transaction: Transaction) -> Prepared | Refused:
        """The first step."""
        return self.pool.prepare(transaction, self.looked_up(transaction), self.tip, self.now)

    def admit(self, prepared: Prepared, entered: int | None = None) -> Admitted | Refused:
        """The second step, scripts taken to be good."""
        moved = prepared.tip_hash != self.tip.hash
        coins = self.looked_up(prepared.transaction) if moved else {}
        return self.pool.admit(prepared, coins, self.tip, self.now, entered)

    def reorg(
        self,
        disconnected: Sequence[Sequence[Transaction]],
        connected: Sequence[Sequence[Transaction]],
    ) -> ReorgEffect:
        """The chain has moved to `tip`."""
        points = [point for block in disconnected for item in block for point in item.prevouts]
        coins = {point: self.coins.get(point) for point in points}
        return self.pool.reorg(disconnected, connected, coins, self.tip, self.now)

    def submit(self, transaction: Transaction) -> Admitted | Refused:
        """Both steps, scripts taken to be good."""
        prepared = self.prepare(transaction)
        return prepared if isinstance(prepared, Refused) else self.admit(prepared)

    def add(self, transaction: Transaction) -> PoolEntry:
        """Both steps of a transaction that must come in."""
        outcome = self.submit(transaction)
        assert isinstance(outcome, Admitted), outcome
        return outcome.entry

    def reason(self, transaction: Transaction) -> str:
        """Why it is refused; empty if it comes in."""
        outcome = self.submit(transaction)
        return str(outcome) if isinstance(outcome, Refused) else ""

    def mine(self, *transactions: Transaction) -> list[Transaction]:
        """A block with these on top of the chain; answers all of it, coinbase first."""
        self._serial += 1
        height = self.tip.height + 1
        coinbase = Transaction.build(
            2,
            [TxIn(OutPoint(bytes(32) + b"\xff" * 4), b"%08d" % self._serial)],
            [TxOut(5_000, PAY)],
        )
        block = [coinbase, *transactions]
        for transaction in block:
            for point in transaction.prevouts:
                self.coins.pop(point, None)
            for index, output in enumerate(transaction.outputs):
                self.coins[outpoint(transaction.txid, index)] = TestCoin(
                    output.amount_sat, output.script_pubkey, height, transaction is coinbase
                )
        self._move(height, coinbase.txid)
        return block

    def unmine(self, block: Sequence[Transaction], spent: dict[OutPoint, TestCoin]) -> None:
        """The block on top leaves the chain; `spent` are the coins it took."""
        for transaction in block:
            for index in range(len(transaction.outputs)):
                self.coins.pop(outpoint(transaction.txid, index), None)
        made = {transaction.txid for transaction in block}
        self.coins.update({p: c for p, c in spent.items() if Txid(p[:32]) not in made})
        self._move(self.tip.height - 1, Txid(sha256(b"back" + block[0].txid)))

    def _move(self, height: int, name: Txid) -> None:
        ahead = 600 * (height - self.tip.height)
        self.tip = replace(
            self.tip,
            height=height,
            hash=BlockHash(name),
            median_time_past=self.tip.median_time_past + ahead,
        )


def out(transaction: Transaction | PoolEntry, index: int = 0) -> OutPoint:
    """The name of one of its outputs."""
    return outpoint(transaction.txid, index)


def consistent(pool: EntryTable) -> None:
    """All that must hold of a pool at any time, worked out anew from its transactions."""
    entries = {entry.txid: entry for entry in pool.entries()}
    spent: dict[OutPoint, Txid] = {}
    for txid, entry in entries.items():
        assert pool.by_wtxid(entry.wtxid) is entry
        for point in entry.transaction.prevouts:
            assert point not in spent, "two entries spend one output"
            spent[point] = txid
            assert pool.spender(point) is entry
    for txid, entry in entries.items():
        parents = {Txid(point[:32]) for point in entry.transaction.prevouts} & set(entries)
        assert set(entry.parents) == parents
        children = {child for point, child in spent.items() if Txid(point[:32]) == txid}
        assert set(entry.children) == children
        assert all(pool.get(other) is kin for other, kin in entry.parents.items())
        assert all(pool.get(other) is kin for other, kin in entry.children.items())
    assert pool.total_vsize == sum(entry.vsize for entry in entries.values())
    assert pool.total_fee_sat == sum(entry.fee_sat for entry in entries.values())
    assert pool.usage_bytes == sum(entry.usage_bytes for entry in entries.values())
    _consistent_clusters(pool, entries)


def _consistent_clusters(pool: EntryTable, entries: dict[Txid, PoolEntry]) -> None:
    for entry in entries.values():
        cluster = entry.cluster
        members = list(cluster.entries())
        kin = {entry.txid}
        queue = [entry]
        for item in queue:
            for other in [*item.parents.values(), *item.children.values()]:
                if other.txid not in kin:
                    kin.add(other.txid)
                    queue.append(other)
        assert {item.txid for item in members} == kin
        assert cluster.count == len(members)
        assert cluster.weight_wu == sum(item.adjusted_weight_wu for item in members)
        assert sum(item is entry for item in entry.chunk.entries) == 1
        assert entry.chunk in cluster.chunks
    seen: set[Txid] = set()
    last = float("inf")
    for feerate, members_of_chunk in pool.mining_chunks():
        assert feerate <= last
        last = feerate
        for item in members_of_chunk:
            assert set(item.parents) <= seen, "a child before its parent"
            seen.add(item.txid)
        fee = sum(item.modified_fee_sat for item in members_of_chunk)
        weight = sum(item.adjusted_weight_wu for item in members_of_chunk)
        assert members_of_chunk[0].chunk[:2] == (fee, weight)
    assert seen == set(entries)
    worst = pool.worst_chunk()
    assert (worst is None) == (not entries)
    if worst is not None:
        assert worst.fee_sat / worst.weight_wu * 4_000 == last
        assert all(set(item.children) <= {e.txid for e in worst.entries} for item in worst.entries)
