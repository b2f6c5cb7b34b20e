"""Whether a block could be the next one, but for its work: what miners ask before they search.

libbitcoinkernel validates only blocks that prove their work, so the rules are those of
`blockrules`, on our own view of the coins, and signature operations are counted here. A signet's
signature is not looked at; the validator has the last word when the block is submitted. In order:

    check_unproved(block)              -> Rejected | None
    (the coins that `outpoints_to_find` names are looked up)
    check_spending(block, coins)       -> Rejected | scripts to verify
"""

from __future__ import annotations

from collections.abc import Mapping

from axon.chain.coins import Coin
from axon.chain.headerentry import HeaderEntry
from axon.chain.rules import HeaderRules
from axon.consensus.blockrules import check_block, check_in_context, check_reward, spend_coins
from axon.primitives.block import Block
from axon.primitives.hashes import ZERO_HASH, BlockHash
from axon.primitives.network import Network
from axon.primitives.sigops import MAX_BLOCK_SIGOPS_COST, legacy_sigops, sigops_cost
from axon.primitives.transaction import (
    WITNESS_SCALE_FACTOR,
    OutPoint,
    Transaction,
    TxOut,
    outpoint,
)
from axon.primitives.verdict import Rejected

ScriptsToVerify = list[tuple[Transaction, tuple[TxOut, ...]]]
"""Transactions, each with the outputs it spends, in the order of its inputs."""


def check_unproved(
    block: Block, parent: HeaderEntry, network: Network, now: int
) -> Rejected | None:
    """What is wrong with a block on the tip, its work and its coins left aside.

    Args:
        block: any.
        parent: the tip.
        network: whose rules hold.
        now: microseconds since 1970.

    Returns:
        None if nothing is; `inconclusive-not-best-prevblk` if it builds on another block (BIP 22).
    """
    if block.header.prev != parent.hash:
        return Rejected("inconclusive-not-best-prevblk")
    zero = BlockHash(ZERO_HASH)  # Meets every target.
    return (
        check_alone(block)
        or HeaderRules(network).check(block.header.raw, zero, parent, now)
        or check_in_context(block, parent, network)
    )


def check_alone(block: Block) -> Rejected | None:
    """What is wrong with a block whatever is before it, its work left aside."""
    return check_block(block) or _check_legacy_sigops(block)


def outpoints_to_find(block: Block) -> list[OutPoint]:
    """All coins that matter for a block: what it spends, and what it must not make again."""
    points: list[OutPoint] = []
    for transaction in block.transactions:
        points += transaction.prevouts
        made = len(transaction.outputs)
        points += [outpoint(transaction.txid, index) for index in range(made)]
    return points


def check_spending(
    block: Block,
    parent: HeaderEntry,
    network: Network,
    coins: Mapping[OutPoint, Coin | None],
) -> ScriptsToVerify | Rejected:
    """What is wrong with what a block spends and makes, or which scripts are left to verify.

    Args:
        block: passed `check_unproved`.
        parent: the tip.
        network: for the subsidy.
        coins: as `parent` left them, those of `outpoints_to_find`.
    """
    done = spend_coins(block, parent, network, coins.get)
    if isinstance(done, Rejected):
        return done
    first, *rest = block.transactions
    outputs = [
        tuple([TxOut(coin.amount_sat, coin.script_pubkey) for coin in spent])
        for spent in done.spent[1:]
    ]
    pairs = list(zip(rest, outputs, strict=True))
    cost = legacy_sigops(first) * WITNESS_SCALE_FACTOR
    cost += sum([sigops_cost(item, spent) for item, spent in pairs])
    if cost > MAX_BLOCK_SIGOPS_COST:
        return Rejected("bad-blk-sigops", "too many sigops")
    return check_reward(block, parent, network, done) or pairs


def _check_legacy_sigops(block: Block) -> Rejected | None:
    """The signature operations that are to be seen without any coin."""
    count = sum([legacy_sigops(item) for item in block.transactions])
    if count * WITNESS_SCALE_FACTOR <= MAX_BLOCK_SIGOPS_COST:
        return None
    return Rejected("bad-blk-sigops", "out-of-bounds SigOpCount")
