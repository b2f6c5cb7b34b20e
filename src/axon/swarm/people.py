"""The people of a story: who holds how much, as one node tells it, and how they pay each other.

Everything here asks a node by RPC: its ledger for the coins that are confirmed, its pool for the
payments that wait. So the same question to two nodes shows whether they agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from axon.errors import AxonError
from axon.primitives.hashes import Txid, from_hex
from axon.primitives.transaction import COIN, OutPoint, Transaction, TxOut, outpoint
from axon.rpc.errors import Code, RpcError
from axon.swarm.processes import NodeProcess
from axon.swarm.purse import Purse, Spendable

STAMP_SAT: Final = 10_000
"""The fee of every payment: 0.0001 coins, some forty times what nodes ask for at least."""

_LOOKS: Final = 10
"""Attempts to read a pool that changes meanwhile."""


class Broke(AxonError):
    """Somebody wants to pay more than he holds."""


@dataclass(frozen=True, slots=True)
class View:
    """What one node says of some purses.

    Args:
        confirmed: outputs in its ledger, by script.
        waiting: transactions in its pool.
    """

    confirmed: Mapping[bytes, tuple[Spendable, ...]]
    waiting: tuple[Transaction, ...]

    def ledger_sat(self, purse: Purse) -> int:
        """What the ledger says a purse holds."""
        return sum(coin.amount_sat for coin in self.confirmed.get(purse.script, ()))

    def spendable(self, purse: Purse) -> list[Spendable]:
        """The coins of a purse when all waiting payments are counted, the largest first."""
        spent = {prevout for item in self.waiting for prevout in item.prevouts}
        found = list(self.confirmed.get(purse.script, ()))
        for item in self.waiting:
            for index, output in enumerate(item.outputs):
                if output.script_pubkey == purse.script:
                    found.append(Spendable(outpoint(item.txid, index), output.amount_sat))
        free = [coin for coin in found if coin.outpoint not in spent]
        return sorted(free, key=lambda coin: (-coin.amount_sat, coin.outpoint))

    def total_sat(self, purse: Purse) -> int:
        """What a purse holds when all waiting payments are counted."""
        return sum(coin.amount_sat for coin in self.spendable(purse))


def look(node: NodeProcess, purses: Sequence[Purse]) -> View:
    """Ask a node what these purses hold.

    Raises:
        RpcError: the node's own error.
    """
    for _ in range(_LOOKS):
        try:
            waiting = tuple(_pool(node))
        except RpcError as error:
            if error.code != Code.NOT_FOUND:
                raise
            continue  # A block took the payment between two questions.
        return View(_ledger(node, purses), waiting)
    raise Broke(f"{node.name} never holds still")


def _pool(node: NodeProcess) -> list[Transaction]:
    names = node.rpc("getrawmempool")
    return [Transaction.decode(bytes.fromhex(node.rpc("getrawtransaction", n))) for n in names]


def _ledger(node: NodeProcess, purses: Sequence[Purse]) -> dict[bytes, tuple[Spendable, ...]]:
    wanted = [f"addr({purse.address()})" for purse in purses]
    found: dict[bytes, list[Spendable]] = {}
    for item in node.rpc("scantxoutset", "start", wanted)["unspents"]:
        place = outpoint(Txid(from_hex(item["txid"])), item["vout"])
        coin = Spendable(place, amount_sat(item["amount"]))
        found.setdefault(bytes.fromhex(item["scriptPubKey"]), []).append(coin)
    return {script: tuple(coins) for script, coins in found.items()}


def amount_sat(amount: Decimal | int) -> int:
    """An amount of RPC, in satoshi."""
    return int(amount * COIN)


def in_coins(sat: int) -> str:
    """An amount in coins, as people write it: 30, or 0.0001."""
    whole, rest = divmod(sat, COIN)
    return f"{whole}.{rest:08d}".rstrip("0") if rest else str(whole)


class StampBox:
    """Small coins that are nobody's: each payment takes one along as its fee.

    So every payment costs a fee, as it must, and everybody's money stays in whole coins.
    """

    def __init__(self) -> None:
        self.purse = Purse("the stamp box")
        self._stamps: list[Spendable] = []

    @property
    def left(self) -> int:
        """Stamps not used yet."""
        return len(self._stamps)

    def cut(self, coin: Spendable, count: int) -> Transaction:
        """The transaction that makes stamps of a coin; one stamp's worth of it is its own fee."""
        rest = coin.amount_sat - (count + 1) * STAMP_SAT
        assert rest > 0, "a coin is worth more than its stamps"
        outputs = [TxOut(STAMP_SAT, self.purse.script)] * count + [TxOut(rest, self.purse.script)]
        transaction = self.purse.pay([coin], outputs)
        for index in range(count):
            self._stamps.append(Spendable(outpoint(transaction.txid, index), STAMP_SAT))
        return transaction

    def take(self) -> Spendable:
        """A stamp; nobody gets it again."""
        if not self._stamps:
            raise Broke("the stamp box is empty")
        return self._stamps.pop()


def payment(view: View, payer: Purse, payee: Purse, amount: int, stamps: StampBox) -> Transaction:
    """A signed payment of whole coins, change to the payer, a stamp for the fee.

    Args:
        view: which coins the payer holds.
        payer, payee: whose.
        amount: in whole coins.
        stamps: where the fee comes from.

    Raises:
        Broke: the payer holds less, or no stamp is left.
    """
    wanted = amount * COIN
    chosen: list[Spendable] = []
    for coin in view.spendable(payer):
        if sum(item.amount_sat for item in chosen) >= wanted:
            break
        chosen.append(coin)
    change = sum(item.amount_sat for item in chosen) - wanted
    if change < 0:
        raise Broke(f"{payer.owner} wants to pay {amount} and holds {in_coins(wanted + change)}")
    outputs = [TxOut(wanted, payee.script)]
    if change:
        outputs.append(TxOut(change, payer.script))
    signers: list[tuple[Purse, Spendable]] = [(payer, coin) for coin in chosen]
    return Purse.cosign([*signers, (stamps.purse, stamps.take())], outputs)


def coinbase_coin(transaction: Transaction) -> Spendable:
    """The first output of a transaction, as a coin."""
    place: OutPoint = outpoint(transaction.txid, 0)
    return Spendable(place, transaction.outputs[0].amount_sat)
