"""The index of script hashes: forward and back with the chain, as a naive model has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.chain.coins import Coin
from axon.chain.scriptindex import ScriptIndex, ScriptPlace
from axon.chain.store import MemoryStore
from axon.errors import DamageError, StorageError
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid, sha256
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, TxOut, outpoint, scan_transaction
from tests.chain.chains import block_on, coinbase, made_up_txid, spending

SCRIPTS = [b"\x00\x14" + bytes((number,)) * 20 for number in range(4)]
OP_RETURN = b"\x6a\x01\x00"
MANY = 1_000


@dataclass
class Model:
    """What a script has seen, found by looking at everything."""

    coins: dict[OutPoint, Coin] = field(default_factory=dict)
    history: dict[bytes, list[tuple[int, Txid]]] = field(default_factory=dict)
    places: dict[Txid, ScriptPlace] = field(default_factory=dict)
    order: dict[OutPoint, tuple[int, int, int]] = field(default_factory=dict)

    def copy(self) -> Model:
        """One that does not change with this one."""
        history = {script: list(items) for script, items in self.history.items()}
        return Model(dict(self.coins), history, dict(self.places), dict(self.order))

    def connect(self, block: Block, height: int) -> list[list[Coin]]:
        """A block joins; the coins that its transactions spend."""
        spent: list[list[Coin]] = []
        for position, transaction in enumerate(block.transactions):
            coins = [self.coins.pop(point) for point in transaction.prevouts if position]
            spent.append(coins)
            self.places[transaction.txid] = ScriptPlace(height, position)
            scripts = [coin.script_pubkey for coin in coins]
            for index, output in enumerate(transaction.outputs):
                if output.script_pubkey != OP_RETURN:
                    scripts.append(output.script_pubkey)
                    point = outpoint(transaction.txid, index)
                    coin = Coin(height, not position, output.amount_sat, output.script_pubkey)
                    self.coins[point] = coin
                    self.order[point] = (height, position, index)
            for script in dict.fromkeys(scripts):
                self.history.setdefault(script, []).append((height, transaction.txid))
        return spent


def started() -> ScriptIndex:
    """An index at the genesis block."""
    index = ScriptIndex(MemoryStore())
    index.connect(REGTEST.genesis, REGTEST.genesis.hash, 0, [[]])
    return index


def random_block(rng: Random, model: Model, prev: BlockHash, height: int) -> Block:
    """A block that spends some of what is there, and some of what it makes."""
    free = sorted(model.coins)
    rng.shuffle(free)
    transactions = [coinbase(height, TxOut(50, rng.choice(SCRIPTS)), TxOut(0, OP_RETURN))]
    for _ in range(rng.randrange(5)):
        taken = [free.pop() for _ in range(min(len(free), rng.randrange(1, 4)))]
        if taken:
            made = [
                TxOut(rng.randrange(100), rng.choice([*SCRIPTS, OP_RETURN]))
                for _ in range(rng.randrange(1, 4))
            ]
            transactions.append(spending(taken, made))
            for number, output in enumerate(made):
                if output.script_pubkey != OP_RETURN and rng.random() < 0.6:
                    free.append(outpoint(transactions[-1].txid, number))
    return block_on(prev, *transactions)


def agree(index: ScriptIndex, model: Model) -> None:
    """The index says what the model says."""
    for script_pubkey in SCRIPTS:
        script = sha256(script_pubkey)
        assert index.history(script, MANY) == model.history.get(script_pubkey, [])
        mine = [point for point, coin in model.coins.items() if coin.script_pubkey == script_pubkey]
        found = index.unspent(script, MANY)
        assert found is not None
        assert [each.outpoint for each in found] == sorted(mine, key=model.order.__getitem__)
        for each in found:
            coin = model.coins[each.outpoint]
            assert (each.height, each.amount_sat) == (coin.height, coin.amount_sat)
    for txid, place in model.places.items():
        known = index.place_of(txid)
        assert known is not None
        assert known[0] == place
        assert index.txids_at(place.height)[place.position] == txid


@given(st.integers(0, 1 << 32))
def test_any_chain_forward_and_back(seed: int) -> None:
    rng, index, model = Random(seed), started(), Model()
    steps: list[tuple[Block, list[list[Coin]], Model]] = []
    for _ in range(12):
        tip = steps[-1][0].hash if steps else REGTEST.genesis.hash
        if steps and rng.random() < 0.3:
            block, spent, before = steps.pop()
            gone = index.disconnect(block, block.hash, block.header.prev, spent)
            assert set(gone.touched) == scripts_of(block, spent)
            model = before
        else:
            block = random_block(rng, model, tip, len(steps) + 1)
            before, height = model.copy(), len(steps) + 1
            spent = model.connect(block, height)
            touches = index.connect(block, block.hash, height, spent)
            steps.append((block, spent, before))
            assert set(touches.touched) == scripts_of(block, spent)
            for script, positions in touches.touched.items():
                history = index.history(script, MANY)
                assert history is not None
                told = [(height, touches.txids[position]) for position in positions]
                assert history[-len(told) :] == told
        agree(index, model)


def scripts_of(block: Block, spent: Sequence[Sequence[Coin]]) -> set[bytes]:
    """The hashes of the scripts that a block touches."""
    made = [output.script_pubkey for item in block.transactions for output in item.outputs]
    scripts = [*made, *[coin.script_pubkey for coins in spent for coin in coins]]
    return {sha256(script) for script in scripts if script != OP_RETURN}


def test_a_transaction_is_found_in_the_bytes_of_its_block() -> None:
    index, rng, model = started(), Random(3), Model()
    prev = REGTEST.genesis.hash
    for height in range(1, 6):
        block = random_block(rng, model, prev, height)
        index.connect(block, block.hash, height, model.connect(block, height))
        prev = block.hash
        for transaction in block.transactions:
            known = index.place_of(transaction.txid)
            assert known is not None
            assert scan_transaction(block.raw, known[1])[0] == transaction
    assert index.place_of(made_up_txid(1)) is None


def test_the_genesis_block_is_there_and_its_output_is_not() -> None:
    index = started()
    (first,) = REGTEST.genesis.transactions
    assert index.txids_at(0) == [first.txid]
    assert index.place_of(first.txid) is None
    script = sha256(first.outputs[0].script_pubkey)
    assert index.history(script, MANY) == []
    assert index.unspent(script, MANY) == []


def test_a_history_that_is_too_long_is_not_read() -> None:
    index = started()
    prev = REGTEST.genesis.hash
    for height in range(1, 4):
        block = block_on(prev, coinbase(height, TxOut(50, SCRIPTS[0])))
        index.connect(block, block.hash, height, [[]])
        prev = block.hash
    script = sha256(SCRIPTS[0])
    assert index.history(script, 2) is None
    assert index.unspent(script, 2) is None
    assert len(index.history(script, 3) or ()) == len(index.unspent(script, 3) or ()) == 3


class RecordingStore(MemoryStore):
    """Remembers each batch, to play back what a kill leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[dict[bytes, bytes | None]] = []

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        self.batches.append(dict(changes))
        super().write(changes)


@pytest.mark.parametrize("holds", [False, True])
def test_a_kill_between_any_two_writes_leaves_one_block(holds: bool) -> None:
    store, rng, model = RecordingStore(), Random(5), Model()
    index = ScriptIndex(store)
    if holds:
        index.hold(2_000)
    blocks, models = [REGTEST.genesis], [model.copy()]
    spents: list[list[list[Coin]]] = [[[]]]
    index.connect(REGTEST.genesis, REGTEST.genesis.hash, 0, [[]])
    for height in range(1, 12):
        block = random_block(rng, model, blocks[-1].hash, height)
        spents.append(model.connect(block, height))
        index.connect(block, block.hash, height, spents[-1])
        blocks.append(block)
        models.append(model.copy())
    index.release()
    assert len(store.batches) == 12 or holds
    left = MemoryStore()
    for batch in store.batches:
        left.write(batch)
        found = ScriptIndex(left)
        assert found.best == blocks[found.height].hash
        agree(found, models[found.height])
    again = ScriptIndex(left)
    again.disconnect(blocks[-1], blocks[-1].hash, blocks[-2].hash, spents[-1])
    agree(again, models[-2])


def test_a_place_that_is_lost_is_noticed() -> None:
    store = MemoryStore()
    index = ScriptIndex(store)
    index.connect(REGTEST.genesis, REGTEST.genesis.hash, 0, [[]])
    block = block_on(REGTEST.genesis.hash, coinbase(1, TxOut(50, SCRIPTS[0])))
    index.connect(block, block.hash, 1, [[]])
    store.write({key: None for key, _ in store.items(b"t")})
    with pytest.raises(DamageError):
        index.history(sha256(SCRIPTS[0]), MANY)


class FailingStore(MemoryStore):
    """Reads nothing more once so many reads are done."""

    def __init__(self) -> None:
        super().__init__()
        self.reads_left = 1 << 30

    def multi_get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        self.reads_left -= 1
        if self.reads_left < 0:
            raise StorageError("the disk is gone")
        return super().multi_get(keys)


@pytest.mark.parametrize("reads", [0, 1, 2])
def test_a_block_that_cannot_be_taken_back_whole_is_not_taken_back_at_all(reads: int) -> None:
    store, rng, model = FailingStore(), Random(8), Model()
    index = ScriptIndex(store)
    index.connect(REGTEST.genesis, REGTEST.genesis.hash, 0, [[]])
    tip = REGTEST.genesis
    while True:
        block = random_block(rng, model, tip.hash, index.height + 1)
        spent = model.connect(block, index.height + 1)
        index.connect(block, block.hash, index.height + 1, spent)
        if len(block.transactions) > 4:
            break
        tip = block
    store.reads_left = reads
    with pytest.raises(StorageError, match="the disk is gone"):
        index.disconnect(block, block.hash, block.header.prev, spent)
    index.flush()  # As at the end of a run.
    store.reads_left = 1 << 30
    assert index.moves % 2 == 0
    for found in (index, ScriptIndex(store)):
        assert found.best == block.hash
        agree(found, model)
