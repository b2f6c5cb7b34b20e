"""Background indexes over both validators: built late, reorganised, switched off, killed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from axon.chain.backgroundindex import BackgroundIndex
from axon.chain.coins import Coins
from axon.chain.store import MemoryStore
from axon.chain.txindex import TxIndex
from axon.chain.txospenderindex import TxoSpenderIndex
from axon.consensus import indexing as indexing_module
from axon.consensus.indexing import AT_ONCE_BLOCKS, Indexing
from axon.consensus.kernel import Kernel
from axon.consensus.ledger import FOLLOWER_MARGIN, Ledger
from axon.consensus.memoryvalidator import MemoryValidator, World
from axon.consensus.pruning import MIN_BLOCKS_TO_KEEP, Pruner
from axon.consensus.validator import Validator
from axon.errors import DamageError, StorageError
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, outpoint
from tests.consensus.chains import (
    GENESIS,
    GENESIS_SPOT,
    block_on,
    chain_on,
    spend,
    spot_of,
)

BASE = chain_on(GENESIS_SPOT, 105)
TIP = spot_of(BASE[-1], 105)
FIRST = spend([(BASE[0].transactions[0], 0)], outputs=2)
SECOND = spend([(FIRST, 0), (BASE[1].transactions[0], 0)])
SPENDER = block_on(TIP, [FIRST, SECOND], fees_sat=2000)
RIVALS = chain_on(TIP, 2, tag=7)


class RecordingStore(MemoryStore):
    """Remembers each batch, to play back what a crash leaves."""

    def __init__(self, batches: Sequence[Mapping[bytes, bytes | None]] = ()) -> None:
        super().__init__()
        self.batches: list[dict[bytes, bytes | None]] = []
        for batch in batches:
            self.write(batch)

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        self.batches.append(dict(changes))
        super().write(changes)


class Bench:
    """Both indexes over a validator."""

    def __init__(self, validator: Validator) -> None:
        self.validator = validator
        self.stores = {name: RecordingStore() for name in (TxIndex.name, TxoSpenderIndex.name)}
        self.reopen()

    def reopen(self) -> None:
        """Begin a new run with what is stored."""
        made: list[BackgroundIndex] = [
            TxIndex(self.stores[TxIndex.name]),
            TxoSpenderIndex(self.stores[TxoSpenderIndex.name]),
        ]
        indexes = {index.name: index for index in made}
        kernel = self.validator
        if isinstance(kernel, Kernel):
            self.indexing = Indexing(kernel, indexes, kernel.files, kernel.places)
        else:
            self.indexing = Indexing(kernel, indexes)

    def feed(self, *blocks: Block) -> None:
        for block in blocks:
            self.validator.process_block(block.raw)

    def follow(self) -> None:
        for name in self.indexing.indexes:
            while self.indexing.advance(name):
                pass

    def found(self, transaction: Transaction) -> tuple[BlockHash, int] | None:
        """Where it is told to be."""
        found = self.indexing.transaction(transaction.txid)
        if found is None:
            return None
        assert found.transaction == transaction
        return found.block_hash, found.place

    def spender(self, transaction: Transaction, index: int) -> Transaction | None:
        found = self.indexing.spender(outpoint(transaction.txid, index))
        return None if found is None else found.transaction


@pytest.fixture(params=["kernel", "memory"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    validator: Validator
    if request.param == "kernel":
        validator = Kernel(REGTEST, tmp_path, threads=0)
    else:
        validator = MemoryValidator(World(), lambda: int(time.time() * 1_000_000))
    yield Bench(validator)
    validator.close()


def test_transactions_and_their_spenders_are_found(bench: Bench) -> None:
    bench.feed(*BASE, SPENDER)
    bench.follow()
    for height, block in enumerate(BASE, 1):
        assert bench.found(block.transactions[0]) == (block.hash, 0), height
    assert bench.found(FIRST) == (SPENDER.hash, 1)
    assert bench.found(SECOND) == (SPENDER.hash, 2)
    assert bench.spender(BASE[0].transactions[0], 0) == FIRST
    assert bench.spender(FIRST, 0) == bench.spender(BASE[1].transactions[0], 0) == SECOND
    assert bench.spender(FIRST, 1) is None
    assert bench.indexing.transaction(Txid(bytes(32))) is None
    for index in bench.indexing.indexes.values():
        assert (index.best, index.height) == (SPENDER.hash, 106)


def test_the_transaction_of_the_genesis_block_is_left_out(bench: Bench) -> None:
    bench.follow()
    assert bench.found(GENESIS.transactions[0]) is None
    assert {index.height for index in bench.indexing.indexes.values()} == {0}


def test_after_a_reorganisation_confirmed_spends_are_those_of_the_new_branch(bench: Bench) -> None:
    bench.feed(*BASE, SPENDER)
    bench.follow()
    bench.feed(*RIVALS)
    assert {bench.indexing.lag(index) for index in bench.indexing.indexes.values()} == {1}
    bench.follow()
    assert bench.spender(FIRST, 0) is bench.spender(BASE[0].transactions[0], 0) is None
    # As in Bitcoin Core, what was in a block is still found there; whether that is active, says
    # the chain.
    assert bench.found(FIRST) == (SPENDER.hash, 1)
    third = block_on(spot_of(RIVALS[-1], 107), [FIRST], fees_sat=1000)
    bench.feed(third)
    bench.follow()
    assert bench.found(FIRST) == (third.hash, 1)
    assert bench.spender(BASE[0].transactions[0], 0) == FIRST


def test_a_branch_that_wins_again_is_as_it_was(bench: Bench) -> None:
    bench.feed(*BASE, SPENDER)
    bench.follow()
    bench.feed(*RIVALS)
    bench.follow()
    bench.feed(*chain_on(spot_of(SPENDER, 106), 2))
    bench.follow()
    assert bench.spender(FIRST, 0) == SECOND
    assert bench.found(FIRST) == (SPENDER.hash, 1)


def test_an_index_goes_on_where_it_stood_when_it_was_switched_off(bench: Bench) -> None:
    bench.feed(*BASE, SPENDER)
    bench.follow()
    bench.feed(*RIVALS)  # Meanwhile nothing follows.
    bench.reopen()
    bench.follow()
    assert bench.found(RIVALS[1].transactions[0]) == (RIVALS[1].hash, 0)
    assert bench.spender(FIRST, 0) is None
    assert {index.best for index in bench.indexing.indexes.values()} == {RIVALS[1].hash}


def test_a_kill_between_any_two_writes_loses_nothing(bench: Bench) -> None:
    bench.feed(*BASE, SPENDER)
    bench.follow()
    bench.feed(*RIVALS)
    bench.follow()
    whole = bench.stores
    for cut in range(len(whole[TxIndex.name].batches)):
        if 3 < cut < 100:
            continue  # They are all alike.
        bench.stores = {name: RecordingStore(store.batches[:cut]) for name, store in whole.items()}
        bench.reopen()
        bench.follow()
        assert {index.best for index in bench.indexing.indexes.values()} == {RIVALS[1].hash}
        assert bench.found(RIVALS[1].transactions[0]) == (RIVALS[1].hash, 0)
        assert bench.spender(BASE[0].transactions[0], 0) is None
        spends = [key for key, _ in bench.stores[TxoSpenderIndex.name].items(b"s")]
        assert spends == []


def test_an_index_moves_a_few_blocks_at_a_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.feed(*BASE)
    monkeypatch.setattr(indexing_module, "AT_ONCE_BLOCKS", 40)
    assert [bench.indexing.advance(TxIndex.name) for _ in range(3)] == [66, 26, 0]
    monkeypatch.setattr(indexing_module, "AT_ONCE_BYTES", 1)
    assert [bench.indexing.advance(TxoSpenderIndex.name) for _ in range(2)] == [105, 104]


def test_a_place_where_the_block_lies_no_more_is_a_hint_only(tmp_path: Path) -> None:
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    bench = Bench(kernel)
    bench.feed(*BASE, SPENDER)
    bench.follow()
    record = kernel.places.new(BASE[0].hash)
    assert record is not None
    kernel.files.path(record.number).rename(tmp_path / "blocks" / "blk00007.dat")
    assert bench.found(BASE[0].transactions[0]) is None  # The block is gone, for the kernel too.
    (tmp_path / "blocks" / "blk00007.dat").rename(kernel.files.path(record.number))
    assert bench.found(BASE[0].transactions[0]) == (BASE[0].hash, 0)
    kernel.close()


def test_an_index_that_goes_up_to_a_lost_block_is_damaged() -> None:
    validator = MemoryValidator(World(), lambda: int(time.time() * 1_000_000))
    bench = Bench(validator)
    bench.feed(*BASE[:2])
    bench.follow()
    bench.validator = MemoryValidator(World(), lambda: int(time.time() * 1_000_000))
    bench.reopen()
    with pytest.raises(DamageError, match="which is lost"):
        bench.indexing.advance(TxIndex.name)


def test_a_lost_block_of_the_active_chain_ends_the_program() -> None:
    class Forgetful(MemoryValidator):
        def read_block(self, block_hash: BlockHash) -> bytes | None:
            return None if block_hash == BASE[1].hash else super().read_block(block_hash)

    bench = Bench(Forgetful(World(), lambda: int(time.time() * 1_000_000)))
    bench.feed(*BASE[:3])
    with pytest.raises(StorageError, match="start once with -reindex"):
        bench.follow()


class NotingPruner(Pruner):
    """Takes nothing off the disk, and notes how high it might have gone."""

    def __init__(self) -> None:
        self.lasts: list[int] = []

    def prune(self, last: int, target_bytes: int | None = None) -> int:
        del target_bytes
        self.lasts.append(last)
        return 0


def test_blocks_that_an_index_still_needs_are_not_pruned() -> None:
    bench = Bench(MemoryValidator(World(), lambda: int(time.time() * 1_000_000)))
    pruner = NotingPruner()
    coins = Coins(MemoryStore())
    ledger = Ledger(bench.validator, coins, pruner=pruner, indexing=bench.indexing)
    bench.feed(*chain_on(GENESIS_SPOT, MIN_BLOCKS_TO_KEEP + 50))
    while ledger.lag:
        ledger.catch_up(100)
    ledger.prune(None, None)
    bench.indexing.advance(TxIndex.name)
    bench.indexing.advance(TxoSpenderIndex.name)
    ledger.prune(None, None)
    bench.follow()
    ledger.prune(None, None)
    behind = AT_ONCE_BLOCKS - 1 - FOLLOWER_MARGIN - 1
    assert pruner.lasts == [-1 - FOLLOWER_MARGIN - 1, min(behind, 50), 50]
