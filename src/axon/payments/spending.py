"""Whether a payment is what the payee wants, and whether nodes would take it.

It is put through a memory pool of its own, its unconfirmed ancestors first, so that it is judged by
exactly the rules by which nodes judge it: amounts, fees, lock times, maturity, forms that are
relayed, sizes, topology. Then its scripts are verified. Where its coins come from is another
question (`proof`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from axon.chain.coins import Coin
from axon.mempool.outcome import Admitted, Refused
from axon.mempool.policy import Policy
from axon.mempool.pool import Mempool
from axon.payments.headerchain import HeaderChainView, tip_context
from axon.payments.refusals import in_words
from axon.payments.verdict import CoinClaim, PaymentLevel, Verdict, Wanted
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import (
    OutPoint,
    Transaction,
    TxOut,
    outpoint_index,
    outpoint_txid,
)
from axon.primitives.verdict import Rejected
from axon.wallet.unconfirmed import ScriptCheck


@dataclass(frozen=True, slots=True)
class Placed:
    """A previous transaction, and the block that is said to have it.

    Args:
        transaction: with or without its witness.
        height: of the block.
    """

    transaction: Transaction
    height: int


@dataclass(frozen=True, slots=True)
class Examined:
    """A payment that is well formed and signed.

    Args:
        claims: the coins of blocks that it and its unconfirmed ancestors spend, in their order.
        fee_sat: of the payment alone.
    """

    claims: tuple[CoinClaim, ...]
    fee_sat: int


def examine(
    payment: Transaction,
    placed: Sequence[Placed],
    unconfirmed: Sequence[Transaction],
    wanted: Wanted,
    chain: HeaderChainView,
    check_scripts: ScriptCheck,
    policy: Policy,
) -> Examined | Verdict:
    """Look at a payment and all that is in no block yet.

    Args:
        payment: signed.
        placed: the transactions of blocks that are spent from, all of them.
        unconfirmed: its ancestors that are in no block, all of them, parents first.
        wanted: what it must pay.
        chain: the payee's; for lock times and maturity.
        check_scripts: runs scripts, by the rules by which nodes relay.
        policy: of the pool.

    Returns:
        What was found, or the refusal, without its height.
    """
    spending = [*unconfirmed, payment]
    refused = _check_amount(payment, wanted) or _check_once(spending, placed)
    if refused is not None:
        return refused
    coins = _claimed(spending, placed)
    if isinstance(coins, Verdict):
        return coins
    pool, tip, fee_sat = Mempool(policy), tip_context(chain), 0
    signed: list[tuple[Transaction, Sequence[TxOut]]] = []
    for transaction in spending:
        who = _name(transaction, payment)
        prepared = pool.prepare(transaction, coins, tip, 0)
        if isinstance(prepared, Refused):
            return _no(in_words(who, prepared), prepared.reason)
        admitted = pool.admit(prepared, coins, tip, 0)
        assert isinstance(admitted, Admitted), admitted
        signed.append((transaction, prepared.spent))
        fee_sat = prepared.fee_sat
    for transaction, spent in signed:
        judged = check_scripts(transaction, spent)
        if isinstance(judged, Rejected):
            return _no(
                f"{_name(transaction, payment)} is not signed by the owners of what it spends"
                f" as nodes want it: {judged.reason}",
                "script-verify-failed",
            )
    claims = tuple(
        [
            CoinClaim(point, coin.script_pubkey, coin.amount_sat, coin.height)
            for point, coin in coins.items()
        ]
    )
    return Examined(claims, fee_sat)


def _check_amount(payment: Transaction, wanted: Wanted) -> Verdict | None:
    paid_sat = sum(
        output.amount_sat
        for output in payment.outputs
        if output.script_pubkey == wanted.script_pubkey
    )
    if paid_sat <= 0:
        return _no("it pays nothing to the address that you gave", "wrong-address")
    if paid_sat < wanted.amount_sat:
        return _no(
            f"it pays {paid_sat} sat, and {wanted.amount_sat} sat were asked for", "wrong-amount"
        )
    return None


def _check_once(spending: Iterable[Transaction], placed: Sequence[Placed]) -> Verdict | None:
    """Each output is spent once, by all transactions of the packet together.

    Those of blocks count as well: a coin that one of them spends is gone.
    """
    spent = {
        point: f"a transaction of block {item.height}"
        for item in placed
        for point in item.transaction.prevouts
    }
    for transaction in spending:
        for point in transaction.prevouts:
            if point in spent:
                return _no(
                    f"output {_point(point)} is spent twice: {spent[point]} spends it already",
                    "spent-twice",
                )
            spent[point] = "another input"
    return None


def _claimed(
    spending: Sequence[Transaction], placed: Sequence[Placed]
) -> dict[OutPoint, Coin] | Verdict:
    """The coins of blocks that are spent, in the order in which they are."""
    sources = {item.transaction.txid: item for item in placed}
    made = {item.txid: len(item.outputs) for item in spending}
    coins: dict[OutPoint, Coin] = {}
    for transaction in spending:
        for point in transaction.prevouts:
            txid, index = outpoint_txid(point), outpoint_index(point)
            source = sources.get(txid)
            count = made[txid] if source is None else len(source.transaction.outputs)
            if index >= count:
                return _no(
                    f"output {_point(point)} is spent, and that transaction has {count} outputs",
                    "no-such-output",
                )
            if source is not None:
                output = source.transaction.outputs[index]
                coinbase = source.transaction.is_coinbase
                coins[point] = Coin(
                    source.height, coinbase, output.amount_sat, output.script_pubkey
                )
    return coins


def _name(transaction: Transaction, payment: Transaction) -> str:
    if transaction is payment:
        return "it"
    return f"the unconfirmed transaction {to_hex(transaction.txid)} that it builds on"


def _point(point: OutPoint) -> str:
    return f"{to_hex(outpoint_txid(point))}:{outpoint_index(point)}"


def _no(sentence: str, reason: str) -> Verdict:
    return Verdict(PaymentLevel.REFUSED, reason, sentence)
