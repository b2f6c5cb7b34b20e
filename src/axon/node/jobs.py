"""Slow work that a node delegates, and the lanes it runs in.

What each means says `work`. On real chains libbitcoinkernel does it, in a simulation the
in-memory validator may. Jobs of one lane run in order: what `LearnHeaders` taught is known to the
`ValidateBlock` behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from axon.chain.headerentry import HeaderEntry
from axon.chain.orders import ChainOrder
from axon.p2p.compactblock import HoldsTransaction, PartialBlock
from axon.primitives.block import Block
from axon.primitives.bloom import BloomFilter
from axon.primitives.hashes import BlockHash, Txid, Wtxid
from axon.primitives.header import Header
from axon.primitives.transaction import OutPoint, Transaction, TxOut
from axon.wire.messages import BlockTxn, CmpctBlock, GetBlockTxn

CHAIN: Final = "chain"
"""The lane of all that changes the ledger; one job at a time, in order."""

SCRIPTS: Final = "scripts"
"""The lane of script verification for the mempool: a pure function, beside the ledger's lane."""

READ: Final = "read"
"""The lane that reads blocks and filters for peers and callers."""

DECODE: Final = "decode"
"""The lane that takes long messages apart: who sent one waits."""

BLOOM: Final = "bloom"
"""The lane that matches with bloom filters: whoever makes us match much keeps nobody but those with
filters of their own waiting."""

COINS: Final = "coins"
"""The lane that looks coins up for the mempool, beside all others: who sent a transaction waits."""


COMPACT: Final = "compact"
"""The lane that makes compact blocks whole, and blocks compact: nothing else may keep them waiting,
for they are what the whole network waits for."""


def index_lane(name: str) -> str:
    """The lane of a background index: they follow the chain beside all else, each by itself."""
    return f"index {name}"


@dataclass(frozen=True, slots=True)
class LearnHeaders:
    """Keep headers that the node accepted, parents first. The outcome is None.

    Args:
        headers: which.
        best: the last of those that are the best chain now; the validator is told of it, and of
            those below, so that their blocks may come in any order. None if the best chain is as
            it was: of other branches it hears when it is to validate one of their blocks.
    """

    headers: tuple[Header, ...]
    best: HeaderEntry | None


@dataclass(frozen=True, slots=True)
class ValidateBlock:
    """Validate a block and connect what it makes the best chain.

    The outcome is a `chain.outcome.BlockOutcome`.

    Args:
        raw: the block as sent.
        follow: whether coins and filters move along at once; in initial sync they catch up later.
        entry: of its header.
        block: the same, where it has been decoded before.
    """

    raw: bytes
    follow: bool
    entry: HeaderEntry
    block: Block | None = None


@dataclass(frozen=True, slots=True)
class OrderChain:
    """Change the active chain by order, about a block whose header is known.

    The outcome is a `chain.outcome.BlockOutcome`: the first part of what moved.
    """

    order: ChainOrder
    entry: HeaderEntry


@dataclass(frozen=True, slots=True)
class FollowOrder:
    """Go on with what an order moved. The outcome is a `chain.outcome.BlockOutcome`: one more
    part."""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Move coins and filters towards the validator's tip by so many blocks.

    The outcome is the number of blocks still missing.
    """

    blocks: int


@dataclass(frozen=True, slots=True)
class AdvanceIndex:
    """Move a background index some blocks towards the validator's tip.

    The outcome is the number of blocks still missing.

    Args:
        name: which.
    """

    name: str


@dataclass(frozen=True, slots=True)
class FindTransaction:
    """Find a transaction in a block, by the index of transactions.

    The outcome is a `consensus.indexing.ConfirmedTransaction`, or None.

    Args:
        txid: which.
    """

    txid: Txid


@dataclass(frozen=True, slots=True)
class FindSpenders:
    """Find who spends outputs, by the index of spenders.

    The outcome is a list of `consensus.indexing.ConfirmedTransaction`s, None where none does.

    Args:
        outpoints: which.
    """

    outpoints: tuple[OutPoint, ...]


@dataclass(frozen=True, slots=True)
class PruneBlocks:
    """Take old blocks off the disk.

    The outcome is the height below which blocks are gone now; 0 if none is.

    Args:
        up_to: no block above this height; None for no such bound.
        target_bytes: which the block files are to stay below; None to take all that may go.
    """

    up_to: int | None
    target_bytes: int | None


@dataclass(frozen=True, slots=True)
class KeepBlock:
    """Keep a block that was pruned and fetched again.

    The outcome is a tuple of all blocks that are kept so, or None if this is another block.

    Args:
        hash: of the block asked for.
        raw: what came.
        segwit: whether witnesses hold at its height.
    """

    hash: BlockHash
    raw: bytes
    segwit: bool


@dataclass(frozen=True, slots=True)
class CountTransactions:
    """How many transactions a block has: the outcome, 0 where it is not known."""

    hash: BlockHash


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """Read a block; the outcome is its bytes as sent, or None if it is not held.

    Args:
        hash: which.
        stripped: leave its witnesses out (BIP 144): that takes a part of a second.
    """

    hash: BlockHash
    stripped: bool = False


@dataclass(frozen=True, slots=True)
class ReadCompact:
    """Read a block and make it compact; the outcome is a `cmpctblock`, or None if it is not held.

    Args:
        hash: which.
        nonce: 64 random bits.
    """

    hash: BlockHash
    nonce: int


@dataclass(frozen=True, slots=True)
class ReadTransactions:
    """Read transactions of a block; the outcome is a `blocktxn`, or the fault of who asked.

    Args:
        request: which.
    """

    request: GetBlockTxn


@dataclass(frozen=True, slots=True)
class MakeCompact:
    """Look at a block and make it compact.

    The outcome is the block and its `cmpctblock`; None if its transactions are not those that its
    header commits to.

    Args:
        block: as sent; or one that was made whole, and so is what its header commits to.
        nonce: 64 random bits.
    """

    block: bytes | Block
    nonce: int


@dataclass(frozen=True, slots=True)
class MatchCompact:
    """Look what of a compact block is here; the outcome is that of `compactblock.match`.

    Args:
        message: the compact block.
        pool: the unconfirmed transactions, by wtxid; nobody else's.
        extra: others.
    """

    message: CmpctBlock
    pool: Mapping[Wtxid, HoldsTransaction]
    extra: tuple[Transaction, ...]


@dataclass(frozen=True, slots=True)
class FillCompact:
    """Make a block whole; the outcome is that of `compactblock.fill`.

    Args:
        partial: what is here of it.
        message: the rest.
    """

    partial: PartialBlock
    message: BlockTxn


@dataclass(frozen=True, slots=True)
class DecodeTransaction:
    """Decode a transaction that is long; the outcome is that, or the DecodeError.

    Args:
        payload: of a `tx` message.
    """

    payload: bytes


@dataclass(frozen=True, slots=True)
class ReadSpent:
    """Read what a block spent; the outcome is a list of coins for each transaction, or None."""

    hash: BlockHash


@dataclass(frozen=True, slots=True)
class ReadSpentSums:
    """Read what the coins are worth that a block spent; satoshi for each transaction, or None."""

    hash: BlockHash


@dataclass(frozen=True, slots=True)
class ReadSpentAt:
    """Read what one transaction of a block spent; the outcome is a list of coins, or None.

    Args:
        hash: of the block.
        place: of the transaction in it.
    """

    hash: BlockHash
    place: int


@dataclass(frozen=True, slots=True)
class VerifyScripts:
    """Run every input's scripts under the rules of the next block, and those of relay.

    The outcome is a `primitives.verdict.Verdict`.

    Args:
        transaction: what spends.
        spent: the outputs spent, one for each input in order.
        relayed: whether the rules of relay are asked, too.
    """

    transaction: Transaction
    spent: tuple[TxOut, ...]
    relayed: bool = True


@dataclass(frozen=True, slots=True)
class FindCoins:
    """Look coins up.

    The outcome is a mapping with each outpoint's coin, None where there is none; None instead of
    the mapping if the coins are not those of the block.

    Args:
        outpoints: which.
        tip: as of which block.
        transactions: those that spend them; if one is missing, their first outputs are looked up,
            too, to tell whether they are confirmed.
    """

    outpoints: tuple[OutPoint, ...]
    tip: BlockHash
    transactions: tuple[Transaction, ...]


@dataclass(frozen=True, slots=True)
class ReadFilters:
    """Read the filters of blocks; the outcome is a list with each, None where there is none.

    Args:
        hashes: which.
        limit_bytes: the list ends behind the filter with which it is as long; one is read always.
    """

    hashes: tuple[BlockHash, ...]
    limit_bytes: int


@dataclass(frozen=True, slots=True)
class ReadFilterHeaders:
    """Read what the filter index keeps beside the filters: a list of `FilterHashes`, or None."""

    hashes: tuple[BlockHash, ...]


@dataclass(frozen=True, slots=True)
class MatchTransactions:
    """Match transactions with a bloom filter, which learns from them.

    The outcome is a list that says of each whether it matches.

    Args:
        bloom: nobody else's meanwhile.
        transactions: in order.
    """

    bloom: BloomFilter
    transactions: tuple[Transaction, ...]


@dataclass(frozen=True, slots=True)
class FilterBlock:
    """Read a block and match it with a bloom filter, which learns from it.

    The outcome is a `p2p.bloomfilters.FilteredBlock`, or None if the block is not held.

    Args:
        bloom: nobody else's meanwhile.
        hash: which.
    """

    bloom: BloomFilter
    hash: BlockHash
