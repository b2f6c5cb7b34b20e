"""Bitcoin's rules for blocks and transactions, without scripts: what `MemoryValidator` applies.

For simulated networks on regtest only; real chains are validated by libbitcoinkernel. The checks
come in Bitcoin Core's order and their reasons have its spelling. Left out: scripts and the number
of signature operations in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from axon.chain.coins import Coin
from axon.chain.headerentry import HeaderEntry
from axon.primitives.block import MAX_BLOCK_WEIGHT, Block
from axon.primitives.blockbody import check_witnesses
from axon.primitives.hashes import to_hex
from axon.primitives.merkle import merkle_root_mutated
from axon.primitives.network import COINBASE_MATURITY, Network
from axon.primitives.script import is_unspendable, push_number
from axon.primitives.transaction import (
    COIN,
    MAX_MONEY_SAT,
    NULL_OUTPOINT,
    SEQUENCE_FINAL,
    WITNESS_SCALE_FACTOR,
    OutPoint,
    Transaction,
    outpoint,
)
from axon.primitives.verdict import Rejected

LOCKTIME_THRESHOLD: Final = 500_000_000
"""Lock times below are heights, others seconds since 1970."""

_SEQUENCE_DISABLE: Final = 1 << 31
_SEQUENCE_IS_TIME: Final = 1 << 22
_SEQUENCE_MASK: Final = 0xFFFF
_SEQUENCE_GRANULARITY: Final = 9  # 512 seconds (BIP 68).
_COINBASE_SCRIPT_SIZES: Final = range(2, 101)

MUTATED: Final = frozenset(
    {
        "bad-txnmrklroot",
        "bad-txns-duplicate",
        "bad-witness-nonce-size",
        "bad-witness-merkle-match",
        "unexpected-witness",
    }
)
"""What only shows that these bytes are not the block that the header names: another body may be."""


def check_block(block: Block) -> Rejected | None:
    """What is wrong with a block by itself; None if nothing is. Its work was checked before."""
    transactions = block.transactions
    root, mutated = merkle_root_mutated([item.txid for item in transactions])
    if root != block.header.merkle_root:
        return Rejected("bad-txnmrklroot", "hashMerkleRoot mismatch")
    if mutated:
        return Rejected("bad-txns-duplicate", "duplicate transaction")
    too_large = block.stripped_size_bytes * WITNESS_SCALE_FACTOR > MAX_BLOCK_WEIGHT
    if not transactions or too_large:
        return Rejected("bad-blk-length", "size limits failed")
    if not transactions[0].is_coinbase:
        return Rejected("bad-cb-missing", "first tx is not coinbase")
    if any(item.is_coinbase for item in transactions[1:]):
        return Rejected("bad-cb-multiple", "more than one coinbase")
    for item in transactions:
        reason = check_transaction(item)
        if reason is not None:
            detail = f"Transaction check failed (tx hash {to_hex(item.txid)}) "
            return Rejected(reason, detail)
    return None


def check_transaction(transaction: Transaction) -> str | None:
    """What is wrong with a transaction by itself, as Bitcoin Core's reason; None if nothing is."""
    inputs, outputs = transaction.inputs, transaction.outputs
    if not inputs:
        return "bad-txns-vin-empty"
    if not outputs:
        return "bad-txns-vout-empty"
    if len(transaction.stripped) * WITNESS_SCALE_FACTOR > MAX_BLOCK_WEIGHT:
        return "bad-txns-oversize"
    total = 0
    for output in outputs:
        if output.amount_sat < 0:
            return "bad-txns-vout-negative"
        if output.amount_sat > MAX_MONEY_SAT:
            return "bad-txns-vout-toolarge"
        total += output.amount_sat
        if total > MAX_MONEY_SAT:
            return "bad-txns-txouttotal-toolarge"
    if len({item.prevout for item in inputs}) != len(inputs):
        return "bad-txns-inputs-duplicate"
    if transaction.is_coinbase:
        if len(inputs[0].script_sig) not in _COINBASE_SCRIPT_SIZES:
            return "bad-cb-length"
    elif any(item.prevout == NULL_OUTPOINT for item in inputs):
        return "bad-txns-prevout-null"
    return None


def check_in_context(block: Block, parent: HeaderEntry, network: Network) -> Rejected | None:
    """What is wrong with a block after `parent`, before any coin is looked at."""
    height = parent.height + 1
    has_csv = height >= network.csv_height
    cutoff = parent.median_time_past() if has_csv else block.header.time  # BIP 113
    if not all(_is_final(item, height, cutoff) for item in block.transactions):
        return Rejected("bad-txns-nonfinal", "non-final transaction")
    begins = block.transactions[0].inputs[0].script_sig.startswith(push_number(height))
    if height >= network.bip34_height and not begins:
        return Rejected("bad-cb-height", "block height mismatch in coinbase")
    rejected = check_witnesses(block, segwit=network.has_segwit(height))
    if rejected is not None:
        return Rejected(rejected.reason, f"CheckWitnessMalleation : {rejected.detail}")
    if block.weight_wu > MAX_BLOCK_WEIGHT:
        return Rejected("bad-blk-weight", "ContextualCheckBlock : weight limit failed")
    return None


def _is_final(transaction: Transaction, height: int, time: int) -> bool:
    locktime = transaction.locktime
    if locktime < (height if locktime < LOCKTIME_THRESHOLD else time):
        return True
    return all(item.sequence == SEQUENCE_FINAL for item in transaction.inputs)


class Spending:
    """What connecting a block did to the coins, so that it can be done again or undone.

    Args:
        spent: the coins that each transaction spent; the coinbase's list is empty.
        made: the coins that are there afterwards and were not before.
        gone: the coins that were there before and are not afterwards.
        fees_sat: what its transactions pay together.
    """

    __slots__ = ("fees_sat", "gone", "made", "spent")

    def __init__(self) -> None:
        self.fees_sat = 0
        self.spent: list[list[Coin]] = []
        self.made: dict[OutPoint, Coin] = {}
        self.gone: dict[OutPoint, Coin] = {}


def connect_block(
    block: Block,
    parent: HeaderEntry,
    network: Network,
    find: Callable[[OutPoint], Coin | None],
) -> Spending | Rejected:
    """Spend and make a block's coins.

    Args:
        block: passed the other checks.
        parent: the block before it.
        network: whose rules hold.
        find: the coin at an outpoint as `parent` left it, or None.

    Returns:
        What it did, or why it may not.
    """
    done = spend_coins(block, parent, network, find)
    return (
        done if isinstance(done, Rejected) else check_reward(block, parent, network, done) or done
    )


def spend_coins(
    block: Block,
    parent: HeaderEntry,
    network: Network,
    find: Callable[[OutPoint], Coin | None],
) -> Spending | Rejected:
    """The same, but that what the coinbase pays is not looked at yet."""
    height = parent.height + 1
    for item in block.transactions:  # BIP 30
        if any(find(outpoint(item.txid, index)) for index in range(len(item.outputs))):
            return Rejected("bad-txns-BIP30", "tried to overwrite transaction")
    done = Spending()
    for item in block.transactions:
        coins: list[Coin] = []
        if done.spent:  # The first transaction spends nothing.
            found = _take_coins(item, done, find)
            if isinstance(found, Rejected):
                return found
            coins = found
            fee = _fee(item, coins, height)
            if isinstance(fee, Rejected):
                return fee
            done.fees_sat += fee
            if done.fees_sat > MAX_MONEY_SAT:
                detail = "accumulated fee in the block out of range"
                return Rejected("bad-txns-accumulated-fee-outofrange", detail)
            if height >= network.csv_height and not _sequence_final(item, coins, parent):
                detail = f"contains a non-BIP68-final transaction {to_hex(item.txid)}"
                return Rejected("bad-txns-nonfinal", detail)
        done.spent.append(coins)
        _make_coins(item, height, coinbase=len(done.spent) == 1, made=done.made)
    return done


def check_reward(
    block: Block, parent: HeaderEntry, network: Network, done: Spending
) -> Rejected | None:
    """Whether the coinbase pays more than the fees and the new coins."""
    limit = done.fees_sat + network.subsidy_sat(parent.height + 1)
    paid = sum(output.amount_sat for output in block.transactions[0].outputs)
    if paid <= limit:
        return None
    detail = f"coinbase pays too much (actual={paid} vs limit={limit})"
    return Rejected("bad-cb-amount", detail)


def _make_coins(
    item: Transaction, height: int, *, coinbase: bool, made: dict[OutPoint, Coin]
) -> None:
    txid = item.txid
    for index, output in enumerate(item.outputs):
        if not is_unspendable(output.script_pubkey):
            made[outpoint(txid, index)] = Coin(
                height, coinbase, output.amount_sat, output.script_pubkey
            )


def _take_coins(
    item: Transaction, done: Spending, find: Callable[[OutPoint], Coin | None]
) -> list[Coin] | Rejected:
    coins: list[Coin] = []
    for prevout in item.prevouts:
        coin = done.made.pop(prevout, None)
        if coin is None:
            coin = None if prevout in done.gone else find(prevout)
            if coin is None:
                detail = f"CheckTxInputs: inputs missing/spent in transaction {to_hex(item.txid)}"
                return Rejected("bad-txns-inputs-missingorspent", detail)
            done.gone[prevout] = coin
        coins.append(coin)
    return coins


def _fee(item: Transaction, coins: list[Coin], height: int) -> int | Rejected:
    total, where = 0, f" in transaction {to_hex(item.txid)}"
    for coin in coins:
        depth = height - coin.height
        if coin.coinbase and depth < COINBASE_MATURITY:
            detail = f"tried to spend coinbase at depth {depth}{where}"
            return Rejected("bad-txns-premature-spend-of-coinbase", detail)
        total += coin.amount_sat
        if total > MAX_MONEY_SAT:
            return Rejected("bad-txns-inputvalues-outofrange", where.lstrip())
    paid = sum(output.amount_sat for output in item.outputs)
    if paid > total:
        detail = f"value in ({_money(total)}) < value out ({_money(paid)}){where}"
        return Rejected("bad-txns-in-belowout", detail)
    return total - paid


def _money(amount_sat: int) -> str:
    """An amount with two to eight decimals, as Bitcoin Core's texts have it."""
    whole, rest = divmod(amount_sat, COIN)
    decimals = f"{rest:08}".rstrip("0")
    return f"{whole}.{decimals:0<2}"


def _sequence_final(item: Transaction, coins: list[Coin], parent: HeaderEntry) -> bool:
    """Whether the relative lock times of a transaction have passed (BIP 68)."""
    if item.version < 2:
        return True
    for presented, coin in zip(item.inputs, coins, strict=True):
        sequence = presented.sequence
        if sequence & _SEQUENCE_DISABLE:
            continue
        lock = sequence & _SEQUENCE_MASK
        if sequence & _SEQUENCE_IS_TIME:
            before = parent.ancestor(max(coin.height - 1, 0))
            assert before is not None, "a coin is made on the chain that spends it"
            passed_s = parent.median_time_past() - before.median_time_past()
            if passed_s < lock << _SEQUENCE_GRANULARITY:
                return False
        elif parent.height + 1 < coin.height + lock:
            return False
    return True
