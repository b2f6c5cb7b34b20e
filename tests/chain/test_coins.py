"""The coins: forward and back with the chain, held or written at once, whole after any crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.chain.coins import Coin, Coins, MemoryStore
from axon.chain.parts import spends_and_makes
from axon.errors import StorageError
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.transaction import (
    COIN,
    NULL_OUTPOINT,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
)
from tests.chain.chains import (
    any_coin,
    block_on,
    coin_at,
    coinbase,
    coins_at,
    first_blocks,
    made_up_txid,
    spending,
)
from tests.data import mainnet_data

Model = dict[OutPoint, Coin]
SCRIPT = b"\x00\x14" + bytes(20)
OP_RETURN = b"\x6a\x01\x00"


@dataclass
class Step:
    """A connected block, and the model before it."""

    block: Block
    spent: list[list[Coin]]
    before: Model


class RecordingStore(MemoryStore):
    """Remembers each batch, to play back what a crash leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[dict[bytes, bytes | None]] = []

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        self.batches.append(dict(changes))
        super().write(changes)


def _contents(coins: Coins) -> Model:
    return dict(coins.items())


def _apply(model: Model, block: Block, height: int) -> list[list[Coin]]:
    """What connecting a block means, written without any thought of speed."""
    spent: list[list[Coin]] = []
    for position, transaction in enumerate(block.transactions):
        spent.append([model.pop(point) for point in transaction.prevouts if position > 0])
        for index, output in enumerate(transaction.outputs):
            script = output.script_pubkey
            if script[:1] != b"\x6a" and len(script) <= 10_000:
                coin = Coin(height, position == 0, output.amount_sat, script)
                model[outpoint(transaction.txid, index)] = coin
    return spent


def _random_block(rng: Random, model: Model, prev: BlockHash, height: int) -> Block:
    scripts = [b"", SCRIPT, OP_RETURN, b"\x51" * 10_000, b"\x51" * 10_001]
    available = sorted(model)
    rng.shuffle(available)
    transactions = [coinbase(height, TxOut(50, SCRIPT), TxOut(0, OP_RETURN))]
    for _ in range(rng.randrange(4)):
        taken = [available.pop() for _ in range(min(len(available), rng.randrange(1, 4)))]
        if not taken:
            break
        made = [TxOut(rng.randrange(100), rng.choice(scripts)) for _ in range(rng.randrange(1, 4))]
        transactions.append(spending(taken, made))
        for index, output in enumerate(made):
            if output.script_pubkey in (b"", SCRIPT) and rng.random() < 0.6:
                available.append(outpoint(transactions[-1].txid, index))  # Spent in this block.
    return block_on(prev, *transactions)


def _started() -> Coins:
    coins = Coins(MemoryStore())
    assert coins.connect(REGTEST.genesis, REGTEST.genesis.hash, 0) == [[]]
    return coins


def test_nothing_is_there_before_the_genesis_block() -> None:
    coins = Coins(MemoryStore())
    assert (coins.best, coins.height) == (None, -1)
    coins.flush()
    assert _contents(coins) == {}


def test_the_genesis_block_makes_no_coin() -> None:
    coins = _started()
    assert (coins.best, coins.height) == (REGTEST.genesis.hash, 0)
    assert _contents(coins) == {}


def test_a_coin_is_made_and_spent() -> None:
    coins = _started()
    first = coinbase(1, TxOut(50 * COIN, SCRIPT), TxOut(7, OP_RETURN))
    one = block_on(REGTEST.genesis.hash, first)
    assert coins.connect(one, one.hash, 1) == [[]]
    point = outpoint(first.txid, 0)
    assert coin_at(coins, point) == Coin(1, True, 50 * COIN, SCRIPT)
    assert coin_at(coins, outpoint(first.txid, 1)) is None
    pays = spending([point], [TxOut(3, b""), TxOut(4, SCRIPT)])
    two = block_on(one.hash, coinbase(2, TxOut(50, SCRIPT)), pays)
    spent = coins.connect(two, two.hash, 2)
    assert spent == [[], [Coin(1, True, 50 * COIN, SCRIPT)]]
    made = [outpoint(pays.txid, 0), point, outpoint(pays.txid, 1)]
    assert coins_at(coins, made) == [Coin(2, False, 3, b""), None, Coin(2, False, 4, SCRIPT)]
    coins.disconnect(two, two.hash, one.hash, spent)
    assert (coins.best, coins.height) == (one.hash, 1)
    assert _contents(coins) == {point: Coin(1, True, 50 * COIN, SCRIPT)}


# Read while another thread moves them.


class MeddlingStore(MemoryStore):
    """Something happens while it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.meddle: Callable[[], object] = lambda: None

    def multi_get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        found = super().multi_get(keys)
        meddle, self.meddle = self.meddle, lambda: None
        meddle()
        return found


class WatchedCoins(Coins):
    """Told when a block has begun to move them."""

    begun: Callable[[], object] = staticmethod(lambda: None)

    def _spend(self, gone: list[bytes]) -> None:
        self.begun()
        super()._spend(gone)


class WatchedSpent(list[list[Coin]]):
    """Told when they are put back."""

    begun: Callable[[], object] = staticmethod(lambda: None)

    def __reversed__(self) -> Iterator[list[Coin]]:
        self.begun()
        return super().__reversed__()


def _two_blocks() -> tuple[Block, Block, OutPoint]:
    """The second spends a coin of the first."""
    first = coinbase(1, TxOut(50, SCRIPT))
    one = block_on(REGTEST.genesis.hash, first)
    point = outpoint(first.txid, 0)
    pays = spending([point], [TxOut(3, SCRIPT)])
    return one, block_on(one.hash, coinbase(2, TxOut(50, SCRIPT)), pays), point


def test_coins_of_another_block_are_not_read() -> None:
    coins = _started()
    one, two, point = _two_blocks()
    assert coins.read([point], one.hash) is None
    coins.connect(one, one.hash, 1)
    assert coins.read([point], one.hash) == {point: Coin(1, True, 50, SCRIPT)}
    assert coins.read([point], two.hash) is None
    assert coins.read([point], REGTEST.genesis.hash) is None


def test_what_was_read_while_the_coins_moved_is_thrown_away() -> None:
    store = MeddlingStore()
    coins = Coins(store)
    coins.connect(REGTEST.genesis, REGTEST.genesis.hash, 0)
    one, two, point = _two_blocks()
    coins.connect(one, one.hash, 1)
    store.meddle = lambda: coins.connect(two, two.hash, 2)
    assert coins.read([point], one.hash) is None

    def there_and_back() -> None:
        spent = [[], [Coin(1, True, 50, SCRIPT)]]
        coins.disconnect(two, two.hash, one.hash, spent)
        coins.connect(two, two.hash, 2)

    store.meddle = there_and_back  # The mark is the same afterwards.
    assert coins.read([point], two.hash) is None
    assert coins.read([point], two.hash) == {point: None}


def test_half_a_block_is_never_read() -> None:
    coins = WatchedCoins(MemoryStore())
    coins.connect(REGTEST.genesis, REGTEST.genesis.hash, 0)
    one, two, point = _two_blocks()
    coins.connect(one, one.hash, 1)
    seen: list[object] = []

    def look() -> None:
        seen.extend(coins.read([point], block.hash) for block in (one, two))

    coins.begun = look
    spent = WatchedSpent(coins.connect(two, two.hash, 2))
    spent.begun = look
    coins.disconnect(two, two.hash, one.hash, spent)
    assert seen == [None] * 4
    assert coin_at(coins, point) == Coin(1, True, 50, SCRIPT)


def test_largest_values_survive() -> None:
    coins = _started()
    script = b"\x51" * 10_000
    only = coinbase(1, *[TxOut(21_000_000 * COIN, script)] * 300)
    block = block_on(REGTEST.genesis.hash, only)
    coins.connect(block, block.hash, 1)
    assert coin_at(coins, outpoint(only.txid, 299)) == Coin(1, True, 21_000_000 * COIN, script)
    assert len(_contents(coins)) == 300


def test_what_is_spent_in_its_own_block_never_touches_the_store() -> None:
    store = RecordingStore()
    coins = Coins(store)
    coins.connect(REGTEST.genesis, REGTEST.genesis.hash, 0)
    first = coinbase(1, TxOut(1, SCRIPT))
    one = block_on(REGTEST.genesis.hash, first)
    coins.connect(one, one.hash, 1)
    link = spending([outpoint(first.txid, 0)], [TxOut(1, SCRIPT)])
    chain = [link]
    for _ in range(5):
        chain.append(spending([outpoint(chain[-1].txid, 0)], [TxOut(1, SCRIPT)]))
    two = block_on(one.hash, coinbase(2), *chain)
    spent = coins.connect(two, two.hash, 2)
    assert [len(item) for item in spent] == [0, 1, 1, 1, 1, 1, 1]
    assert spent[2] == [Coin(2, False, 1, SCRIPT)]
    # The first coin goes, the last comes, and the mark moves.
    assert len(store.batches[-1]) == 3
    coins.disconnect(two, two.hash, one.hash, spent)
    assert _contents(coins) == {outpoint(first.txid, 0): Coin(1, True, 1, SCRIPT)}


@pytest.mark.parametrize("held", [False, True])
def test_a_coinbase_that_comes_twice_overwrites(held: bool) -> None:
    coins = _started()
    if held:
        coins.hold()
    twin = coinbase(7, TxOut(50, SCRIPT))
    one = block_on(REGTEST.genesis.hash, twin)
    two = block_on(one.hash, twin)
    coins.connect(one, one.hash, 1)
    coins.connect(two, two.hash, 2)
    point = outpoint(twin.txid, 0)
    assert coin_at(coins, point) == Coin(2, True, 50, SCRIPT)
    three = block_on(two.hash, coinbase(3), spending([point], [TxOut(9, OP_RETURN)]))
    assert coins.connect(three, three.hash, 3) == [[], [Coin(2, True, 50, SCRIPT)]]
    assert coin_at(coins, point) is None
    coins.release()
    assert _contents(coins) == {}


def test_a_transaction_that_comes_again_after_its_coins_were_spent() -> None:
    # Before BIP 34 a coinbase and all that descends from it could repeat.
    coins = _started()
    twin = coinbase(7, TxOut(50, SCRIPT))
    pays = spending([outpoint(twin.txid, 0)], [TxOut(50, SCRIPT)])
    burns = spending([outpoint(pays.txid, 0)], [TxOut(50, OP_RETURN)])
    one = block_on(REGTEST.genesis.hash, twin)
    two = block_on(one.hash, coinbase(2), pays)
    three = block_on(two.hash, twin, burns)
    four = block_on(three.hash, coinbase(4), pays)
    five = block_on(four.hash, coinbase(5), burns)
    coins.connect(one, one.hash, 1)
    coins.connect(two, two.hash, 2)
    coins.hold()
    coins.connect(three, three.hash, 3)
    coins.connect(four, four.hash, 4)
    assert coin_at(coins, outpoint(pays.txid, 0)) == Coin(4, False, 50, SCRIPT)
    coins.connect(five, five.hash, 5)
    coins.release()
    assert _contents(coins) == {}


def test_a_missing_coin_means_damage_and_changes_nothing() -> None:
    coins = _started()
    coins.hold()
    first = coinbase(1, TxOut(1, SCRIPT))
    one = block_on(REGTEST.genesis.hash, first)
    coins.connect(one, one.hash, 1)
    strange = outpoint(made_up_txid(1), 5)
    before = _contents(coins)
    for missing in (strange, outpoint(first.txid, 1)):
        bad = block_on(one.hash, coinbase(2), spending([outpoint(first.txid, 0), missing], []))
        with pytest.raises(StorageError, match=r"the coin [0-9a-f]{64}:[15] is missing"):
            coins.connect(bad, bad.hash, 2)
    assert (coins.best, coins.height) == (one.hash, 1)
    assert _contents(coins) == before


def test_blocks_out_of_order_are_a_bug() -> None:
    coins = _started()
    stranger = block_on(BlockHash(bytes(32)), coinbase(1))
    right = block_on(REGTEST.genesis.hash, coinbase(1))
    with pytest.raises(AssertionError):
        coins.connect(stranger, stranger.hash, 1)
    with pytest.raises(AssertionError):
        coins.connect(right, right.hash, 2)
    with pytest.raises(AssertionError):
        coins.disconnect(right, right.hash, REGTEST.genesis.hash, [[]])
    with pytest.raises(AssertionError):
        coins.disconnect(REGTEST.genesis, REGTEST.genesis.hash, right.hash, [[]])


def test_what_is_held_is_written_when_it_grows_too_large() -> None:
    store = RecordingStore()
    coins = Coins(store)
    coins.hold(100_000)
    prev, batches = REGTEST.genesis.hash, []
    coins.connect(REGTEST.genesis, prev, 0)
    for height in range(1, 41):
        block = block_on(prev, coinbase(height, TxOut(1, b"\x51" * 9_000)))
        coins.connect(block, block.hash, height)
        prev = block.hash
        batches.append(len(store.batches))
    assert batches == [at // 11 for at in range(1, 41)]
    assert coins.height == 40
    coins.release()
    assert len(store.batches) == 4
    assert len(_contents(Coins(store))) == 40


def test_coins_made_and_spent_while_held_leave_no_trace() -> None:
    store = RecordingStore()
    coins = Coins(store)
    coins.connect(REGTEST.genesis, REGTEST.genesis.hash, 0)
    first = coinbase(1, TxOut(1, SCRIPT))
    one = block_on(REGTEST.genesis.hash, first)
    coins.connect(one, one.hash, 1)
    coins.hold(100_000)
    point, prev, script = outpoint(first.txid, 0), one.hash, b"\x51" * 9_000
    for height in range(2, 30):
        pays = spending([point], [TxOut(1, script)])
        block = block_on(prev, coinbase(height), pays)
        coins.connect(block, block.hash, height)
        point, prev = outpoint(pays.txid, 0), block.hash
    assert len(store.batches) == 2
    coins.release()
    assert len(store.batches[-1]) == 3
    assert _contents(coins) == {point: Coin(29, False, 1, script)}


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.lists(st.sampled_from("ccccdhrfo"), max_size=25))
def test_agrees_with_a_naive_model_and_survives_a_crash(seed: int, moves: list[str]) -> None:
    rng = Random(seed)
    store = RecordingStore()
    coins = Coins(store)
    coins.connect(REGTEST.genesis, REGTEST.genesis.hash, 0)
    model: Model = {}
    line: list[Step] = []
    models: dict[BlockHash, Model] = {REGTEST.genesis.hash: {}}
    for move in moves:
        if move == "c":
            prev = line[-1].block.hash if line else REGTEST.genesis.hash
            block = _random_block(rng, model, prev, len(line) + 1)
            before = dict(model)
            spent = _apply(model, block, len(line) + 1)
            assert coins.connect(block, block.hash, len(line) + 1) == spent
            line.append(Step(block, spent, before))
            models[block.hash] = dict(model)
        elif move == "d" and line:
            step = line.pop()
            coins.disconnect(step.block, step.block.hash, step.block.header.prev, step.spent)
            model = step.before
        elif move == "h":
            coins.hold(rng.choice([1_000, 30_000, 1_000_000]))
        elif move == "r":
            coins.release()
        elif move == "f":
            coins.flush()
        elif move == "o":
            coins.flush()
            coins = Coins(store)
        points = [*sorted(model)[:5], outpoint(made_up_txid(1), 0)]
        assert coins_at(coins, points) == [model.get(point) for point in points]
        assert coins.height == len(line)
    coins.flush()
    assert _contents(coins) == model
    _check_every_crash(store, models)


def _check_every_crash(store: RecordingStore, models: dict[BlockHash, Model]) -> None:
    survivor = MemoryStore()
    for batch in store.batches:
        survivor.write(batch)
        found = Coins(survivor)
        assert found.best is not None
        assert _contents(found) == models[found.best]


def test_first_blocks_of_the_main_chain() -> None:
    coins = Coins(MemoryStore())
    coins.connect(MAINNET.genesis, MAINNET.genesis.hash, 0)
    coins.hold()
    done: list[tuple[Block, list[list[Coin]]]] = []
    for height, block in enumerate(first_blocks(mainnet_data()), start=1):
        done.append((block, coins.connect(block, block.hash, height)))
    coins.release()
    assert coins.height == len(done) > 250
    assert sum(coin.amount_sat for _, coin in coins.items()) == len(done) * 50 * COIN
    (payment,) = done[169][0].transactions[1:]  # The first payment ever, in block 170.
    assert done[169][1][1][0].height == 9
    assert coin_at(coins, outpoint(payment.txid, 0)) == Coin(
        170, False, 10 * COIN, payment.outputs[0].script_pubkey
    )
    for block, spent in reversed(done):
        coins.disconnect(block, block.hash, block.header.prev, spent)
    assert _contents(coins) == {}
    assert coins.best == MAINNET.genesis.hash


def test_five_real_blocks_forward_and_back() -> None:
    folder = mainnet_data() / "blocks"
    blocks = [Block.decode((folder / f"{h}.bin").read_bytes()) for h in range(831_328, 831_333)]
    model: Model = {}
    for block in blocks:
        made = [transaction.txid for transaction in block.transactions]
        for transaction in block.transactions[1:]:
            for point in spends_and_makes(transaction)[0]:
                if point[:32] not in made:
                    model[OutPoint(point)] = any_coin()
    for block in blocks:  # What one of them makes for another must not be there yet.
        for transaction in block.transactions:
            for index in range(len(transaction.outputs)):
                model.pop(outpoint(transaction.txid, index), None)
    before = dict(model)
    coins = Coins(_store_with(model, blocks[0].header.prev, 831_327))
    done = []
    for height, block in enumerate(blocks, start=831_328):
        spent = coins.connect(block, block.hash, height)
        assert spent == _apply(model, block, height)
        done.append(spent)
    assert _contents(coins) == model
    for block, spent in zip(reversed(blocks), reversed(done), strict=True):
        coins.disconnect(block, block.hash, block.header.prev, spent)
    assert _contents(coins) == before


def _store_with(model: Model, best: BlockHash, height: int) -> MemoryStore:
    """A store whose coins are these: made by one block, then marked as that of another."""
    store = MemoryStore()
    coins = Coins(store)
    coins.connect(REGTEST.genesis, REGTEST.genesis.hash, 0)
    empty = Transaction.build(1, [TxIn(NULL_OUTPOINT, b"\x01\x01")], [])
    block = block_on(REGTEST.genesis.hash, empty)
    coins.connect(block, block.hash, 1)
    unspending = block_on(block.hash, empty, spending(list(model), []))
    coins.best, coins.height = unspending.hash, height + 1
    coins.disconnect(unspending, unspending.hash, best, [[], list(model.values())])
    return store
