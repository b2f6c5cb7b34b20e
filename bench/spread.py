"""Another chain of full blocks: every output has a script of its own, as on the main network.

Filters say which scripts a block has, so a chain that pays one person over and over has tiny ones.
Here each block has a thousand scripts that it pays to and a thousand that it spends from. Nobody
signs: an output pays to the hash of a script that holds a number and is satisfied by being shown.
"""

from __future__ import annotations

import time
from hashlib import sha256
from typing import Final

from axon.primitives.network import REGTEST, TARGET_SPACING_S
from axon.primitives.script import push
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut, outpoint
from axon.swarm.signer import Signer, Spendable
from bench.chain import CACHE, INPUTS, PREPARING, BuiltChain, coinbase_of, mined

_PAIRS: Final = INPUTS // 2
_FEE_SAT: Final = 300
_DROP, _TRUE = b"\x75", b"\x51"


def open_script(number: int) -> bytes:
    """A script that is satisfied by being shown, one for each number."""
    return push(number.to_bytes(4, "little")) + _DROP + _TRUE


def locked(number: int) -> bytes:
    """What an output says that pays to it (BIP 141)."""
    return b"\x00\x20" + sha256(open_script(number)).digest()


class SpreadChain:
    """The chain, and the coins that its last block made.

    Args:
        blocks: how many are full.

    Attributes:
        built: the file.
        coins: each with the number of its script.
    """

    def __init__(self, blocks: int) -> None:
        CACHE.mkdir(parents=True, exist_ok=True)
        path = CACHE / f"spread-{blocks}.dat"
        height = blocks + PREPARING
        start = int(time.time()) - height * TARGET_SPACING_S
        self.coins: list[tuple[Spendable, int]] = []
        self._next = 0
        last = REGTEST.genesis.header
        with path.open("wb") as file:
            for number in range(1, height + 1):
                content = self._content(number)
                block = mined(number, last, content, start + number * TARGET_SPACING_S)
                file.write(REGTEST.magic + len(block.raw).to_bytes(4, "little") + block.raw)
                last = block.header
        tip_hex = last.hash[::-1].hex()
        self.built = BuiltChain(path, height, tip_hex, path.stat().st_size, blocks * INPUTS)

    def _content(self, number: int) -> list[Transaction]:
        if number < PREPARING:
            return []
        if number == PREPARING:
            return [self._split()]
        before, self.coins = self.coins, []
        return [self._move(before[at : at + 2]) for at in range(0, 2 * _PAIRS, 2)]

    def _split(self) -> Transaction:
        """The first coinbase, split into the coins that full blocks move."""
        amount = REGTEST.subsidy_sat(1)
        coin = Spendable(outpoint(coinbase_of(1, []).txid, 0), amount)
        outputs = self._outputs(INPUTS, amount // INPUTS - 100)
        transaction = Signer("bench").pay([coin], outputs)
        self._made(transaction)
        return transaction

    def _move(self, coins: list[tuple[Spendable, int]]) -> Transaction:
        amount = sum(coin.amount_sat for coin, _ in coins)
        outputs = self._outputs(2, (amount - _FEE_SAT) // 2)
        transaction = show([(coin.outpoint, number) for coin, number in coins], outputs)
        self._made(transaction)
        return transaction

    def _outputs(self, count: int, each_sat: int) -> list[TxOut]:
        first, self._next = self._next, self._next + count
        return [TxOut(each_sat, locked(first + index)) for index in range(count)]

    def _made(self, transaction: Transaction) -> None:
        first = self._next - len(transaction.outputs)
        for index, output in enumerate(transaction.outputs):
            coin = Spendable(outpoint(transaction.txid, index), output.amount_sat)
            self.coins.append((coin, first + index))


def show(spent: list[tuple[OutPoint, int]], outputs: list[TxOut]) -> Transaction:
    """A transaction that spends such coins by showing their scripts."""
    inputs = [TxIn(point, witness=(open_script(number),)) for point, number in spent]
    return Transaction.build(2, inputs, outputs, 0)
