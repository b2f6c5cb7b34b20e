"""The statistics of one block, as `getblockstats` counts them; all amounts in satoshi."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from axon.chain.coins import Coin
from axon.primitives.block import Block
from axon.primitives.encoding import compact_size
from axon.primitives.script import is_unspendable
from axon.primitives.transaction import WITNESS_SCALE_FACTOR, Transaction
from axon.rpc.amounts import Json

COIN_OVERHEAD: Final = 40
"""Bytes counted for a coin beside its output: outpoint, and height with the coinbase flag."""

PERCENTILES: Final = ((1, 10), (1, 4), (1, 2), (3, 4), (9, 10))


@dataclass(slots=True)
class _Sums:
    """What is added up over the transactions behind the coinbase."""

    fees: list[int] = field(default_factory=list)
    feerates: list[tuple[int, int]] = field(default_factory=list)  # With their weights.
    sizes: list[int] = field(default_factory=list)
    weight: int = 0
    inputs: int = 0
    outputs: int = 0
    paid: int = 0
    coins: int = 0
    coin_bytes: int = 0
    coin_bytes_actual: int = 0
    witness: list[Transaction] = field(default_factory=list)


def block_stats(block: Block, spent: Sequence[Sequence[Coin]], *, genesis: bool) -> dict[str, Json]:
    """All that follows from the block and the coins that it spends; slow for full blocks.

    Args:
        genesis: whether it is the genesis block, whose coins do not exist.
    """
    sums = _Sums()
    for transaction, coins in zip(block.transactions, spent, strict=True):
        paid = _count_outputs(transaction, sums, counted=not genesis)
        if not transaction.is_coinbase:
            _count(transaction, coins, paid, sums)
    others, weight, total_fee = len(sums.sizes), sums.weight, sum(sums.fees)
    rates = [rate for rate, _ in sums.feerates]
    return {
        "avgfee": total_fee // others if others else 0,
        "avgfeerate": total_fee * WITNESS_SCALE_FACTOR // weight if weight else 0,
        "avgtxsize": sum(sums.sizes) // others if others else 0,
        "feerate_percentiles": _percentiles(sums.feerates, weight),
        "ins": sums.inputs,
        "maxfee": max(sums.fees, default=0),
        "maxfeerate": max(rates, default=0),
        "maxtxsize": max(sums.sizes, default=0),
        "medianfee": _median(sums.fees),
        "mediantxsize": _median(sums.sizes),
        "minfee": min(sums.fees, default=0),
        "minfeerate": min(rates, default=0),
        "mintxsize": min(sums.sizes, default=0),
        "outs": sums.outputs,
        "swtotal_size": sum([transaction.size_bytes for transaction in sums.witness]),
        "swtotal_weight": sum([transaction.weight_wu for transaction in sums.witness]),
        "swtxs": len(sums.witness),
        "total_out": sums.paid,
        "total_size": sum(sums.sizes),
        "total_weight": weight,
        "totalfee": total_fee,
        "txs": len(block.transactions),
        "utxo_increase": sums.outputs - sums.inputs,
        "utxo_size_inc": sums.coin_bytes,
        "utxo_increase_actual": sums.coins - sums.inputs,
        "utxo_size_inc_actual": sums.coin_bytes_actual,
    }


def _coin_bytes(script: bytes) -> int:
    return 8 + len(compact_size(len(script))) + len(script) + COIN_OVERHEAD


def _count_outputs(transaction: Transaction, sums: _Sums, *, counted: bool) -> int:
    paid = 0
    for output in transaction.outputs:
        paid += output.amount_sat
        size = _coin_bytes(output.script_pubkey)
        sums.coin_bytes += size
        if counted and not is_unspendable(output.script_pubkey):
            sums.coins += 1
            sums.coin_bytes_actual += size
    sums.outputs += len(transaction.outputs)
    return paid


def _count(transaction: Transaction, coins: Sequence[Coin], paid: int, sums: _Sums) -> None:
    sums.inputs += len(coins)
    sums.paid += paid
    sums.sizes.append(transaction.size_bytes)
    weight = transaction.weight_wu
    sums.weight += weight
    if transaction.has_witness:
        sums.witness.append(transaction)
    given = 0
    for coin in coins:
        given += coin.amount_sat
        size = _coin_bytes(coin.script_pubkey)
        sums.coin_bytes -= size
        sums.coin_bytes_actual -= size
    fee = given - paid
    sums.fees.append(fee)
    sums.feerates.append((fee * WITNESS_SCALE_FACTOR // weight, weight))


def _median(values: Sequence[int]) -> int:
    if not values:
        return 0
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) // 2


def _percentiles(feerates: Sequence[tuple[int, int]], total_weight: int) -> list[int]:
    """The feerate at which so much of the weight is reached, cheapest first."""
    if not feerates:
        return [0] * len(PERCENTILES)
    found: list[int] = []
    below = 0
    for rate, weight in sorted(feerates):
        below += weight
        while len(found) < len(PERCENTILES):
            part, whole = PERCENTILES[len(found)]
            if below * whole < total_weight * part:
                break
            found.append(rate)
    return found
