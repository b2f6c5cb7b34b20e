"""What a wallet must say, worked out anew each time from the chain and what was heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from axon.primitives.block import Block
from axon.primitives.hashes import Txid
from axon.primitives.network import COINBASE_MATURITY
from axon.primitives.transaction import OutPoint, Transaction, TxOut, outpoint
from axon.wallet.coins import Balance
from axon.wallet.records import Keychain


@dataclass
class Model:
    """Dictionaries of coins.

    Args:
        scripts: ours, and for what.
        waiting: unconfirmed transactions, the one to be believed most last.
    """

    scripts: Mapping[bytes, Keychain]
    waiting: dict[Txid, Transaction] = field(default_factory=dict)

    def wait(self, transaction: Transaction, *, first: bool = False) -> None:
        """It is unconfirmed, and believed before all that wait already; or, as first, after."""
        self.waiting.pop(transaction.txid, None)
        if first:
            self.waiting = {transaction.txid: transaction, **self.waiting}
        else:
            self.waiting[transaction.txid] = transaction

    def counted(self, blocks: Sequence[Block]) -> dict[Txid, Transaction]:
        """The unconfirmed transactions that count."""
        mined = {item.txid for block in blocks for item in block.transactions}
        spent = {
            point: True
            for block in blocks
            for item in block.transactions
            for point in item.prevouts
        }
        counted: dict[Txid, Transaction] = {}
        taken: dict[OutPoint, Txid] = {}

        def fits(item: Transaction) -> bool:
            """Nothing spends the same, and what it builds on fits as well."""
            if item.txid in mined or item.txid in counted:
                return True
            if item.is_coinbase or any(point in spent or point in taken for point in item.prevouts):
                return False
            return all(
                fits(self.waiting[Txid(point[:32])])
                for point in item.prevouts
                if Txid(point[:32]) in self.waiting
            )

        def count(item: Transaction) -> None:
            if item.txid in mined or item.txid in counted:
                return
            for point in item.prevouts:
                parent = self.waiting.get(Txid(point[:32]))
                if parent is not None:
                    count(parent)
                taken[point] = item.txid
            counted[item.txid] = item

        for item in reversed(self.waiting.values()):
            if fits(item):
                count(item)
        return counted

    def coins(self, blocks: Sequence[Block]) -> dict[OutPoint, tuple[TxOut, int, bool]]:
        """Unspent outputs of ours: each with its height (-1: unconfirmed), and whether mined."""
        coins: dict[OutPoint, tuple[TxOut, int, bool]] = {}
        for height, block in enumerate(blocks):
            for item in block.transactions:
                self._apply(coins, item, height)
        unconfirmed = self.counted(blocks).values()
        for item in unconfirmed:
            self._apply(coins, item, -1)
        for item in unconfirmed:
            for point in item.prevouts:
                coins.pop(point, None)
        return coins

    def _apply(
        self, coins: dict[OutPoint, tuple[TxOut, int, bool]], item: Transaction, height: int
    ) -> None:
        for point in item.prevouts:
            coins.pop(point, None)
        for index, output in enumerate(item.outputs):
            if output.script_pubkey in self.scripts:
                coins[outpoint(item.txid, index)] = output, height, item.is_coinbase

    def balance(self, blocks: Sequence[Block]) -> Balance:
        """Sums of the coins."""
        confirmed = trusted = untrusted = immature = 0
        for output, height, mined in self.coins(blocks).values():
            if height < 0:
                if self.scripts[output.script_pubkey] is Keychain.CHANGE:
                    trusted += output.amount_sat
                else:
                    untrusted += output.amount_sat
            elif mined and len(blocks) - height < COINBASE_MATURITY:
                immature += output.amount_sat
            else:
                confirmed += output.amount_sat
        return Balance(confirmed, trusted, untrusted, immature)
