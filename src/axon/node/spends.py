"""Whether coins that a stranger showed are still unspent: what a payee asks, and the answers."""

from __future__ import annotations

from dataclasses import dataclass

from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.transaction import OutPoint, Transaction


@dataclass(frozen=True, slots=True)
class ClaimedCoin:
    """A confirmed coin, as its proof shows it.

    Args:
        outpoint: which.
        script_pubkey: of the output; nothing can be found of a coin whose script is not this.
        height: of the block that made it, which is looked through as well: it may spend the coin.
    """

    outpoint: OutPoint
    script_pubkey: bytes
    height: int


@dataclass(frozen=True, slots=True)
class Unspent:
    """No block from those that made the coins up to this one spends any of them.

    It is small, and can be kept: a later `FindSpends` goes on from there.

    Args:
        height: of the last block whose filter was matched.
        block_hash: its hash.
        peers: how many of the nodes connected agree on all filters up to there. 0 where none is in
            reach: then it rests on what was agreed in earlier runs.
    """

    height: int
    block_hash: BlockHash
    peers: int


@dataclass(frozen=True, slots=True)
class Spent:
    """A block of the best chain spends one of the coins.

    Args:
        outpoint: the first of those that are spent, in the order of the question.
        txid: what spends it.
        height: of the block.
        block_hash: its hash.
    """

    outpoint: OutPoint
    txid: Txid
    height: int
    block_hash: BlockHash


@dataclass(frozen=True, slots=True)
class SpendsUnknown:
    """It could not be found out.

    Args:
        reason: why, in a few words.
        known: up to where none of the coins is spent, to go on from there; None if not even that.
        for_good: it is because of the coins; whoever asks again is told the same.
    """

    reason: str
    known: Unspent | None = None
    for_good: bool = False


@dataclass(frozen=True, slots=True)
class FindSpends:
    """Have a light client find out whether coins are spent: `Unspent`, `Spent` or `SpendsUnknown`.

    Filters say which blocks may spend one (BIP 158), and these are read. Blocks from the one that
    made each coin up to the best are looked at, as far as they are not known from an earlier call;
    how far it is tells `SpendsSearched`. After some seconds without a node, and a minute without
    any filter, what is known is the answer.

    Args:
        coins: 1 to `spendwatch.MAX_COINS`.
        since: what an earlier call said of the same coins.
    """

    coins: tuple[ClaimedCoin, ...]
    since: Unspent | None = None


@dataclass(frozen=True, slots=True)
class StopFinding:
    """Nobody waits any more for what is asked of these coins: whether anybody did.

    Each `FindSpends` of exactly these coins is answered `SpendsUnknown`. What it found stays known.
    """

    coins: tuple[ClaimedCoin, ...]


@dataclass(frozen=True, slots=True)
class WatchPayment:
    """Have a light client look out for what goes against an unconfirmed payment.

    The answer is None, or in a few words why it cannot be watched. What is seen tell the facts
    `ConflictSeen` and `Echoed`, and of blocks `WatchedMined` and `WatchedUnmined`, until
    `StopWatching`.

    Args:
        transaction: the payment.
        coins: the confirmed coins that it and its ancestors spend. Without them nothing is told of
            blocks.
        ancestors: unconfirmed transactions on which it rests; what goes against them goes against
            it.
    """

    transaction: Transaction
    coins: tuple[ClaimedCoin, ...] = ()
    ancestors: tuple[Transaction, ...] = ()


@dataclass(frozen=True, slots=True)
class StopWatching:
    """Look out for a payment no longer: whether it was watched."""

    txid: Txid
