"""A wallet, a chain without work to feed it from, and people who pay it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from axon.chain.store import MemoryStore, Store
from axon.primitives.address import decode_address
from axon.primitives.block import WITNESS_MAGIC, Block
from axon.primitives.hashes import ZERO_HASH, BlockHash, Txid, sha256, sha256d
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.network import REGTEST
from axon.primitives.transaction import (
    COIN,
    NULL_OUTPOINT,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
)
from axon.primitives.verdict import Accepted
from axon.wallet.keys import AccountKind, Source, from_words, new_words
from axon.wallet.scan import BlockTaken
from axon.wallet.wallet import Wallet
from tests.signing import Signer, Spendable

START_S = 1_700_000_000
PASSPHRASE = "correct horse"
LOG_N = 4
"""Sealing in tests is cheap."""

WORDS = new_words(bytes(range(16)))
BOB = Signer("Bob")


def source(kind: AccountKind = AccountKind.BIP84, words: str = WORDS) -> Source:
    """Keys for a wallet on regtest."""
    return from_words(words, REGTEST, kind, PASSPHRASE, bytes(16), bytes(12), log_n=LOG_N)


def new_wallet(store: Store | None = None, made_of: Source | None = None) -> Wallet:
    """A new wallet on regtest."""
    return Wallet.create(
        MemoryStore() if store is None else store,
        REGTEST,
        source() if made_of is None else made_of,
        birthday_s=START_S,
    )


def coin(name: object) -> Spendable:
    """A coin of Bob's that was always there."""
    return Spendable(outpoint(Txid(sha256(repr(name).encode())), 0), 100 * COIN)


def paying(script: bytes, amount_sat: int, name: object = 0, fee_sat: int = 1_000) -> Transaction:
    """A payment of Bob's, with change; another name, another coin."""
    spent = coin(name)
    change = TxOut(spent.amount_sat - amount_sat - fee_sat, BOB.script)
    return BOB.pay([spent], [TxOut(amount_sat, script), change])


def coinbase(height: int, outputs: Sequence[TxOut], salt: int = 0) -> Transaction:
    """The first transaction of a block."""
    script_sig = height.to_bytes(4, "little") + salt.to_bytes(4, "little")
    entry = TxIn(NULL_OUTPOINT, script_sig, witness=(ZERO_HASH,))
    return Transaction.build(2, [entry], outputs)


def make_block(
    prev: BlockHash,
    height: int,
    transactions: Sequence[Transaction] = (),
    miner: bytes = BOB.script,
    salt: int = 0,
) -> Block:
    """A block with its commitments right and no work."""
    root = merkle_root([ZERO_HASH, *(item.wtxid for item in transactions)])
    commitment = TxOut(0, WITNESS_MAGIC + sha256d(root + ZERO_HASH))
    first = coinbase(height, [TxOut(50 * COIN, miner), commitment], salt)
    everything = [first, *transactions]
    tree = merkle_root([item.txid for item in everything])
    header = Header.build(4, prev, tree, START_S + 600 * height, 0x207FFFFF, salt)
    return Block.build(header, everything)


@dataclass
class Scene:
    """A wallet that follows a chain."""

    wallet: Wallet = field(default_factory=new_wallet)
    blocks: list[Block] = field(default_factory=lambda: [REGTEST.genesis])
    _salt: int = 0

    @property
    def height(self) -> int:
        """Of the tip."""
        return len(self.blocks) - 1

    @property
    def now_s(self) -> int:
        """Some time after the tip."""
        return START_S + 600 * self.height + 60

    def script(self) -> bytes:
        """A new address of the wallet, as a script."""
        return decode_address(self.wallet.new_address(beyond_gap=True), REGTEST)

    def mine(self, *transactions: Transaction, miner: bytes = BOB.script) -> BlockTaken:
        """The next block; the wallet looks through it."""
        self._salt += 1
        height = self.height + 1
        block = make_block(self.blocks[-1].hash, height, transactions, miner, self._salt)
        self.blocks.append(block)
        return self.show(height)

    def show(self, height: int) -> BlockTaken:
        """The wallet looks through a block and has seen all up to it."""
        block = self.blocks[height]
        taken = self.wallet.take_block(block.hash, height, block.raw)
        assert isinstance(taken.verdict, Accepted), taken
        self.wallet.follow_chain(None, height, block.hash)
        return taken

    def pass_blocks(self, count: int) -> None:
        """Empty blocks, of which the wallet hears only how many there are."""
        for _ in range(count):
            self._salt += 1
            height = self.height + 1
            self.blocks.append(make_block(self.blocks[-1].hash, height, salt=self._salt))
        self.wallet.follow_chain(None, self.height, self.blocks[-1].hash)

    def unwind(self, count: int) -> list[Block]:
        """The last blocks leave the chain; which ones."""
        kept = len(self.blocks) - count
        lost, self.blocks = self.blocks[kept:], self.blocks[:kept]
        self.wallet.follow_chain(self.height, self.height, self.blocks[-1].hash)
        return lost

    def receive(self, amount_sat: int, name: object = 0) -> OutPoint:
        """Bob pays the wallet, in a block; the coin."""
        payment = paying(self.script(), amount_sat, name)
        self.mine(payment)
        return outpoint(payment.txid, 0)
