"""A wallet against a naive model, over random chains that fork, and over a disk that fails."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import pytest

from axon.chain.store import MemoryStore
from axon.errors import StorageError
from axon.primitives.hashes import Txid
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut
from axon.primitives.verdict import Accepted
from axon.wallet.records import Keychain
from axon.wallet.wallet import Wallet
from tests.wallet.model import Model
from tests.wallet.scene import BOB, START_S, coin, make_block, new_wallet, paying

STEPS = 30
REACH = 400
"""Scripts of each keychain that the model knows; the wallet finds its way to them."""


def all_scripts() -> dict[bytes, Keychain]:
    """Far more of the wallet's scripts than it looks for."""
    book = new_wallet().ledger.book
    for keychain in Keychain:
        book.reveal(keychain, REACH)
    return {
        book.script(keychain, index): keychain for keychain in Keychain for index in range(REACH)
    }


SCRIPTS = all_scripts()


class World:
    """A chain that forks, a wallet that follows it, and the model of what it must say."""

    def __init__(self, rng: Random, wallet: Wallet) -> None:
        self.rng = rng
        self.wallet = wallet
        self.model = Model(SCRIPTS)
        self.blocks = [wallet.network.genesis]
        self.made = {self.blocks[0].hash: self.blocks[0]}  # Those that left the chain, too.
        self.serial = 0
        self.now_s = START_S

    def step(self) -> None:
        """Anything that can happen."""
        self.now_s += 1_000
        chosen = self.rng.random()
        if chosen < 0.45:
            self.mine()
        elif chosen < 0.6:
            self.fork()
        elif chosen < 0.8:
            self.receive()
        else:
            self.send()

    def walk(self, steps: int) -> None:
        """Many steps, unlooked at."""
        for _ in range(steps):
            self.step()

    # What happens.

    def mine(self) -> None:
        """A block with some of what waits, and with payments nobody received of."""
        transactions = [self.payment() for _ in range(self.rng.randrange(3))]
        counted = self.model.counted(self.blocks)
        for item in counted.values():
            parents = {Txid(point[:32]) for point in item.prevouts} & set(counted)
            if self.rng.random() < 0.5 and parents <= {each.txid for each in transactions}:
                transactions.append(item)
        self.add_block(transactions)

    def fork(self) -> None:
        """Some blocks leave the chain, others come, with double spends of what was in the first."""
        depth = self.rng.randrange(1, 4)
        if len(self.blocks) <= depth:
            return
        lost = self.blocks[-depth:]
        self.blocks = self.blocks[:-depth]
        height = len(self.blocks) - 1
        for block in lost:
            for item in block.transactions:
                if self.knows(item) and not item.is_coinbase:
                    self.model.wait(item)
        self.wallet.follow_chain(height, height, self.blocks[-1].hash)
        self.check()
        for _ in range(self.rng.randrange(depth + 2)):
            self.mine_rivals(lost[0].transactions[1:])

    def mine_rivals(self, lost: tuple[Transaction, ...]) -> None:
        """A block that spends what lost transactions of Bob's had spent, otherwise."""
        mined = {
            point for block in self.blocks for item in block.transactions for point in item.prevouts
        }
        rivals = [
            self.rival(item)
            for item in lost
            if self.rng.random() < 0.3 and not mined & set(item.prevouts)
        ]
        self.add_block([rival for rival in rivals if rival is not None])

    def receive(self) -> None:
        """A payment, or a double spend of one that waits."""
        counted = list(self.model.counted(self.blocks).values())
        rival = None
        if counted and self.rng.random() < 0.4:
            rival = self.rival(self.rng.choice(counted))
        received = rival or self.payment()
        waiting = self.model.waiting.values()
        built_on = {Txid(point[:32]) for item in waiting for point in item.prevouts}
        others = [item for item in waiting if set(item.prevouts) & set(received.prevouts)]
        pays_us = any(output.script_pubkey in SCRIPTS for output in received.outputs)
        kept = pays_us or received is rival
        assert self.wallet.take_unconfirmed(received, self.now_s) == kept
        if kept:
            # Payments of ours would fall with what they build on: it is kept, and believed least.
            first = any(item.txid in built_on for item in others)
            self.model.wait(received, first=first)

    def send(self) -> None:
        """A payment of the wallet's own; the chain here asks for no signatures."""
        coins = [each for each in self.wallet.coins() if each.spendable]
        if not coins:
            return
        spent = self.rng.sample(coins, self.rng.randint(1, min(3, len(coins))))
        total_sat = sum(each.amount_sat for each in spent)
        change = self.wallet.ledger.book.script(Keychain.CHANGE, self.rng.randrange(20))
        outputs = [TxOut(total_sat // 3, BOB.script), TxOut(total_sat // 2, change)]
        inputs = [TxIn(each.outpoint, witness=(b"signature",)) for each in spent]
        payment = Transaction.build(2, inputs, outputs)
        self.wallet.record_sent(payment, self.now_s)
        self.model.wait(payment)

    # Its parts.

    def script(self) -> bytes:
        """A script of ours within reach of the wallet, or Bob's."""
        if self.rng.random() < 0.2:
            return BOB.script
        return self.rng.choice(self.wallet.watched_scripts())

    def payment(self) -> Transaction:
        """Bob pays somebody."""
        self.serial += 1
        return paying(self.script(), self.rng.randrange(1_000, COIN), self.serial)

    def rival(self, lost: Transaction) -> Transaction | None:
        """Another transaction that spends the same; None if the coin was not Bob's."""
        for serial in range(self.serial + 1):
            if coin(serial).outpoint in lost.prevouts:
                return paying(self.script(), self.rng.randrange(1_000, COIN), serial)
        return None

    def knows(self, item: Transaction) -> bool:
        """Whether it concerns the wallet."""
        return item.txid in self.wallet.ledger.transactions

    def add_block(self, transactions: list[Transaction]) -> None:
        """The next block, looked through."""
        self.serial += 1
        miner = self.script() if self.rng.random() < 0.3 else BOB.script
        height = len(self.blocks)
        block = make_block(self.blocks[-1].hash, height, transactions, miner, self.serial)
        self.blocks.append(block)
        self.made[block.hash] = block
        assert self.wallet.take_block(block.hash, height, block.raw).verdict == Accepted()
        if self.rng.random() < 0.7:
            self.wallet.follow_chain(None, height, block.hash)

    def check(self) -> None:
        """The wallet says what the model says, once it knows how long the chain is."""
        self.wallet.follow_chain(None, len(self.blocks) - 1, self.blocks[-1].hash)
        assert self.wallet.balance() == self.model.balance(self.blocks)
        coins = self.model.coins(self.blocks)
        said = {each.outpoint: each for each in self.wallet.coins()}
        assert set(said) == set(coins)
        for point, (output, height, _) in coins.items():
            confirmations = len(self.blocks) - height if height >= 0 else 0
            assert said[point].amount_sat == output.amount_sat
            assert said[point].confirmations == confirmations


@pytest.mark.parametrize("seed", range(15))
def test_the_wallet_agrees_with_the_model(seed: int) -> None:
    store = MemoryStore()
    world = World(Random(seed), new_wallet(store))
    for number in range(STEPS):
        world.step()
        try:
            world.check()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, step {number}: {error}") from error
    again = Wallet.load(store)
    assert again.history() == world.wallet.history(), f"seed {seed}"
    assert again.coins() == world.wallet.coins()
    assert again.watched_scripts() == world.wallet.watched_scripts()
    assert again.unconfirmed_own() == world.wallet.unconfirmed_own()


class Dying(MemoryStore):
    """A store whose disk says no after a number of writes."""

    left = 1 << 60

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        if self.left == 0:
            raise StorageError("the disk is full")
        self.left -= 1
        super().write(changes)


def resume(wallet: Wallet, world: World) -> None:
    """What a light client does when it comes back: step back to the fork, then go on."""
    mark = wallet.scanned
    if mark is None:
        height = 0
    else:
        height, block_hash = mark.height, mark.hash
        while height >= len(world.blocks) or world.blocks[height].hash != block_hash:
            height, block_hash = height - 1, world.made[block_hash].header.prev
        if height < mark.height:
            wallet.follow_chain(height, height, block_hash)
    for number in range(height + 1, len(world.blocks)):
        block = world.blocks[number]
        wallet.take_block(block.hash, number, block.raw)
    wallet.follow_chain(None, len(world.blocks) - 1, world.blocks[-1].hash)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(15))
def test_a_disk_that_fails_leaves_a_wallet_that_goes_on(seed: int) -> None:
    rng, store = Random(seed), Dying()
    world = World(rng, new_wallet(store))
    store.left = rng.randrange(60)
    with pytest.raises(StorageError, match="full"):
        world.walk(1_000)
    store.left = 1 << 60
    world.wallet = Wallet.load(store)
    resume(world.wallet, world)
    ledger = world.wallet.ledger
    unconfirmed = [txid for txid in ledger.seen if txid not in ledger.confirmed]
    unconfirmed.sort(key=lambda txid: ledger.seen[txid].last_s)
    world.model.waiting = {txid: ledger.transactions[txid] for txid in unconfirmed}
    for _ in range(5):
        try:
            world.check()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        world.step()
