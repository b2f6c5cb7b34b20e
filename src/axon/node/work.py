"""What each job means: calls of a worker that owns the ledger, off the loop."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

from axon.chain.coins import Coin, Coins
from axon.chain.filterindex import FilterIndex
from axon.chain.headerentry import HeaderEntry
from axon.chain.orders import ChainOrder
from axon.chain.outcome import BlockOutcome
from axon.chain.telling import KnowsHeaders, tell
from axon.errors import DecodeError
from axon.mempool.acceptance import coins_that_tell
from axon.mempool.policy import MAX_STANDARD_WEIGHT
from axon.node.jobs import (
    AdvanceIndex,
    CatchUp,
    CountTransactions,
    DecodeTransaction,
    FillCompact,
    FilterBlock,
    FindCoins,
    FindSpenders,
    FindTransaction,
    FollowOrder,
    KeepBlock,
    LearnHeaders,
    MakeCompact,
    MatchCompact,
    MatchTransactions,
    OrderChain,
    PruneBlocks,
    ReadBlock,
    ReadCompact,
    ReadFilterHeaders,
    ReadFilters,
    ReadSpent,
    ReadSpentAt,
    ReadSpentSums,
    ReadTransactions,
    ValidateBlock,
    VerifyScripts,
)
from axon.p2p.bloomfilters import filter_block, match_all
from axon.p2p.compactblock import compact_block, fill, match, pick
from axon.p2p.faults import PeerFault
from axon.p2p.filterserving import FilterHashes
from axon.p2p.serving import CANNOT_BE_READ
from axon.primitives.block import Block
from axon.primitives.blockbody import check_body
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.header import Header
from axon.primitives.transaction import OutPoint, Transaction, TxOut
from axon.primitives.verdict import Verdict
from axon.wire.messages import CmpctBlock, Tx


class ValidatorView(KnowsHeaders, Protocol):
    """As `consensus.validator.Validator`, as far as jobs need it."""

    def read_block(self, block_hash: BlockHash) -> bytes | None:
        """The bytes of a stored block, or None."""

    def read_spent(self, block_hash: BlockHash) -> list[list[Coin]] | None:
        """What a block spent, by transaction, or None."""

    def read_spent_sums(self, block_hash: BlockHash) -> list[int] | None:
        """What that is worth, by transaction, or None."""

    def read_spent_at(self, block_hash: BlockHash, place: int) -> list[Coin] | None:
        """What one transaction of a block spent, or None."""

    def transaction_count(self, block_hash: BlockHash) -> int:
        """How many transactions a block has; 0 if that is not known."""

    def verify_scripts(
        self, transaction: Transaction, spent: Sequence[TxOut], *, relayed: bool
    ) -> Verdict:
        """Whether each input satisfies the script of what it spends."""


class IndexingView(Protocol):
    """As `consensus.indexing.Indexing`, as far as jobs need it."""

    def advance(self, name: str) -> int:
        """Move an index some blocks on; how many it is behind."""

    def transaction(self, txid: Txid) -> object:
        """The transaction of this txid; None if none is known."""

    def spender(self, point: OutPoint) -> object:
        """The transaction that spends an output; None if none does."""


class LedgerView(Protocol):
    """As `consensus.ledger.Ledger`, as far as jobs need it."""

    @property
    def validator(self) -> ValidatorView:
        """Decides which blocks are valid, and holds them."""

    @property
    def coins(self) -> Coins:
        """The unspent outputs."""

    @property
    def filters(self) -> FilterIndex | None:
        """The filters of blocks; None if none are kept."""

    @property
    def indexing(self) -> IndexingView:
        """The background indexes."""

    @property
    def lag(self) -> int:
        """Blocks by which coins or filters are behind."""

    def validate(self, raw: bytes, *, follow: bool, block: Block | None) -> BlockOutcome:
        """Validate a block."""

    def carry_out(self, order: ChainOrder, block_hash: BlockHash) -> BlockOutcome:
        """Change the active chain by order."""

    def follow(self) -> BlockOutcome:
        """The next part of what an order moved."""

    def learn_headers(self, headers: Sequence[Header], best: HeaderEntry | None) -> None:
        """Keep headers, and tell the validator of a new best one."""

    def catch_up(self, limit: int) -> int:
        """Move coins and filters on; how many blocks were done."""

    def prune(self, up_to: int | None, target_bytes: int | None) -> int:
        """Take old blocks off the disk; below which height they are gone."""

    def keep(
        self, block_hash: BlockHash, raw: bytes, *, segwit: bool
    ) -> tuple[BlockHash, ...] | None:
        """Keep a block that was pruned; all that are kept so, or None if this is not it."""


def perform(ledger: LedgerView, job: object) -> object:
    """Do one job; its outcome."""
    match job:
        case ValidateBlock(raw, follow, entry, block):
            tell(ledger.validator, entry.parent or entry)
            return ledger.validate(raw, follow=follow, block=block)
        case VerifyScripts(transaction, spent, relayed):
            return ledger.validator.verify_scripts(transaction, spent, relayed=relayed)
        case ReadBlock(block_hash, stripped):
            held = ledger.validator.read_block(block_hash)
            return Block.decode(held).stripped() if stripped and held is not None else held
        case ReadCompact(block_hash, nonce):
            held = ledger.validator.read_block(block_hash)
            return None if held is None else compact_block(Block.decode(held), nonce)
        case ReadTransactions(request):
            held = ledger.validator.read_block(request.block_hash)
            if held is None:
                return PeerFault(CANNOT_BE_READ)
            return pick(Block.decode(held), request)
        case MakeCompact(Block() as block, nonce):
            return block, compact_block(block, nonce)
        case MakeCompact(bytes() as raw, nonce):
            return _make_compact(raw, nonce)
        case MatchCompact(message, pool, extra):
            return match(message, pool, extra)
        case FillCompact(partial, transactions):
            return fill(partial, transactions)
        case DecodeTransaction(payload):
            return decode_transaction(payload)
        case CountTransactions(block_hash):
            return ledger.validator.transaction_count(block_hash)
        case PruneBlocks(up_to, target_bytes):
            return ledger.prune(up_to, target_bytes)
        case KeepBlock(block_hash, raw, segwit):
            return ledger.keep(block_hash, raw, segwit=segwit)
        case ReadSpent(block_hash):
            return ledger.validator.read_spent(block_hash)
        case OrderChain(order, entry):
            tell(ledger.validator, entry)
            return ledger.carry_out(order, entry.hash)
        case FollowOrder():
            return ledger.follow()
        case ReadSpentSums(block_hash):
            return ledger.validator.read_spent_sums(block_hash)
        case ReadSpentAt(block_hash, place):
            return ledger.validator.read_spent_at(block_hash, place)
        case LearnHeaders(headers, best):
            ledger.learn_headers(headers, best)
            return None
        case CatchUp(blocks):
            ledger.catch_up(blocks)
            return ledger.lag
        case AdvanceIndex(name):
            return ledger.indexing.advance(name)
        case FindTransaction(txid):
            return ledger.indexing.transaction(txid)
        case FindSpenders(outpoints):
            return [ledger.indexing.spender(point) for point in outpoints]
        case MatchTransactions(bloom, transactions):
            return match_all(bloom, transactions)
        case FilterBlock(bloom, block_hash):
            held = ledger.validator.read_block(block_hash)
            return None if held is None else filter_block(held, bloom)
        case FindCoins():
            return _find_coins(ledger, job)
        case ReadFilters(hashes, limit_bytes):
            return _up_to(_index(ledger).filters(hashes), limit_bytes)
        case ReadFilterHeaders(hashes):
            found = _index(ledger).entries(hashes)
            return [None if item is None else FilterHashes(*item) for item in found]
    raise AssertionError(f"no job: {job!r}")


def _make_compact(raw: bytes, nonce: int) -> tuple[Block, CmpctBlock] | None:
    try:
        block = Block.decode(raw)
    except DecodeError:
        return None
    return (
        None if check_body(block, segwit=True) is not None else (block, compact_block(block, nonce))
    )


def decode_transaction(payload: bytes) -> Transaction | DecodeError:
    """The transaction in a `tx` message, or why there is none.

    It is taken apart as far as the loop will want it: what is too heavy is refused as it is.
    """
    try:
        transaction = Tx.decode(payload).transaction
    except DecodeError as error:
        return error
    transaction.work_out(parts=transaction.weight_wu <= MAX_STANDARD_WEIGHT)
    return transaction


def _up_to(filters: list[bytes | None], limit_bytes: int) -> list[bytes | None]:
    for place, size_bytes in enumerate(accumulate(len(item or b"") for item in filters), 1):
        if size_bytes >= limit_bytes:
            return filters[:place]
    return filters


def _find_coins(ledger: LedgerView, job: FindCoins) -> dict[OutPoint, Coin | None] | None:
    found = ledger.coins.read(job.outpoints, job.tip)
    if found is None or None not in found.values():
        return found
    made = ledger.coins.read(coins_that_tell(job.transactions), job.tip)
    return None if made is None else found | made


def _index(ledger: LedgerView) -> FilterIndex:
    assert ledger.filters is not None, "filters are asked for only where they are kept"
    return ledger.filters
