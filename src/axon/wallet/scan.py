"""Blocks in, payments out: what of a block is ours, and what happens when it leaves the chain.

A block is looked through until nothing more is found: a payment moves the window of watched scripts
on, and the wider window may know another output of the same block. Each payment found keeps the
Merkle proof that it is in the block, so that it can be shown to anybody who has the headers. What
spends the same as a promised payment is kept as well: it tells that the promise is broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from axon.chain.blockbody import read_body
from axon.chain.filters import may_match
from axon.chain.parts import spends_and_makes
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.transaction import OutPoint, outpoint
from axon.primitives.verdict import Accepted, Rejected, Verdict
from axon.wallet import records
from axon.wallet.ledger import WalletLedger
from axon.wallet.records import Changes, Confirmation, Mark, Seen


@dataclass(frozen=True, slots=True)
class BlockTaken:
    """What came of a block.

    Args:
        verdict: rejected if the bytes are not the block; then nothing has changed.
        found: our transactions in it, in block order.
        scripts_grew: more scripts are watched now: filters from this block on, which were matched
            with the fewer ones, are to be matched again.
    """

    verdict: Verdict
    found: tuple[Txid, ...] = ()
    scripts_grew: bool = False


def match_filters(
    filters: Sequence[tuple[BlockHash, bytes]], scripts: Sequence[bytes]
) -> tuple[bool, ...]:
    """For each block whether it may have one of these scripts, by its filter (BIP 158)."""
    return tuple([may_match(data, block_hash, scripts) for block_hash, data in filters])


def worth_reading(
    filters: Sequence[tuple[BlockHash, bytes]], scripts: Sequence[bytes]
) -> tuple[bool, ...]:
    """For each block, which is at hand, whether it is to be looked through (BIP 158).

    A small block is, whatever its filter says: a number for each of many scripts, of which a new
    wallet of descriptors has 8,000, takes longer than the block.
    """
    return tuple(
        [
            len(data) < len(scripts) or may_match(data, block_hash, scripts)
            for block_hash, data in filters
        ]
    )


def take_block(ledger: WalletLedger, block_hash: BlockHash, height: int, raw: bytes) -> BlockTaken:
    """Look through a block of the best chain.

    Args:
        block_hash: whose header was checked.
        height: of that header.
        raw: the whole block, as a peer sent it.

    Raises:
        StorageError: the disk refused.
    """
    block = read_body(block_hash, raw, segwit=ledger.network.has_segwit(height))
    if isinstance(block, Rejected):
        return BlockTaken(block)
    counts, size = ledger.revealed_counts(), ledger.book.size
    positions = _ours(ledger, block)
    changes: Changes = {}
    if any(
        confirmation.height == height and confirmation.hash != block_hash
        for confirmation in ledger.confirmed.values()
    ):
        changes |= _unconfirmed_above(
            ledger, height - 1
        )  # The chain had moved, and `follow_chain` was not called.
    for position in positions:
        changes |= _confirmed(ledger, block, height, position)
    changes |= ledger.revealed_since(counts)
    ledger.commit(changes)
    kept = [block.transactions[position] for position in positions]
    found = tuple([item.txid for item in kept if ledger.concerns(item)])
    return BlockTaken(Accepted(), found, ledger.book.size > size)


def follow_chain(
    ledger: WalletLedger, fork_height: int | None, mark: Mark, more: Changes | None = None
) -> None:
    """The best chain has moved; all of it up to `mark` has been looked through.

    Args:
        fork_height: blocks above it left the chain, and what they confirmed is unconfirmed again;
            None if none did.
        mark: of the chain as it is now.
        more: what else is to be written with it.

    Raises:
        StorageError: the disk refused.
    """
    changes: Changes = {} if fork_height is None else _unconfirmed_above(ledger, fork_height)
    changes[records.SCANNED_KEY] = mark.encode()
    ledger.commit({**changes, **(more or {})})


def start_over(ledger: WalletLedger, birthday_s: int | None = None) -> None:
    """Nothing counts as looked through, so nothing as confirmed, until blocks say so again.

    Args:
        birthday_s: where the scan may begin, seconds since 1970; None to leave it as it is.

    Raises:
        StorageError: the disk refused.
    """
    changes = _unconfirmed_above(ledger, -1)
    changes[records.SCANNED_KEY] = None
    if birthday_s is not None:
        changes[records.BIRTHDAY_KEY] = records.encode_u64(birthday_s)
    ledger.commit(changes)


def resume(ledger: WalletLedger) -> None:
    """A wallet was opened: blocks taken after the last mark are taken again.

    The process may have died between them and the mark, and they may have left the chain since; who
    scans begins behind the mark and would not notice.

    Raises:
        StorageError: the disk refused.
    """
    scanned = ledger.scanned
    ledger.commit(_unconfirmed_above(ledger, -1 if scanned is None else scanned.height))


def _ours(ledger: WalletLedger, block: Block) -> list[int]:
    """The positions of our transactions, and of those that break promises made to us."""
    parts = [spends_and_makes(item) for item in block.transactions]
    made: dict[OutPoint, None] = {}  # Coins of ours from this same block, which it may also spend.
    while True:
        size = ledger.book.size
        found = [
            position
            for position, (prevouts, outputs) in enumerate(parts)
            if _is_ours(ledger, block, made, position, prevouts, outputs)
        ]
        if ledger.book.size == size:
            return found


def _is_ours(
    ledger: WalletLedger,
    block: Block,
    made: dict[OutPoint, None],
    position: int,
    prevouts: Sequence[bytes],
    outputs: Sequence[tuple[bytes, bytes]],
) -> bool:
    ours = any(ledger.watches(prevout) or prevout in made for prevout in prevouts)
    for index, (_, script) in enumerate(outputs):
        if ledger.use(script):
            made[outpoint(block.transactions[position].txid, index)] = None
            ours = True
    return ours


def _confirmed(ledger: WalletLedger, block: Block, height: int, position: int) -> Changes:
    transaction = block.transactions[position]
    txid = transaction.txid
    confirmation = Confirmation(height, block.hash, block.header.time, position)
    if ledger.confirmed.get(txid) == confirmation:
        return {}  # Looked through again, for scripts that are new.
    return {
        records.TRANSACTION + txid: transaction.raw,
        records.CONFIRMATION + txid: confirmation.encode(),
        records.PROOF + txid: _proof(block, position),
        records.COINBASE + block.hash: block.transactions[0].stripped,
    }


def _proof(block: Block, position: int) -> bytes:
    """That a transaction is in a block, as Bitcoin Core's `gettxoutproof` says it.

    With the coinbase's own place in the tree: how deep it stands shows how deep the leaves are, so
    that nobody can pass an inner node of 64 bytes off as a transaction. The coinbase itself, which
    shows that its place is a leaf, is kept beside it, once for each block.
    """
    txids = [item.txid for item in block.transactions]
    wanted = [place in (0, position) for place in range(len(txids))]
    return block.header.raw + PartialMerkleTree.build(txids, wanted).encode()


def _unconfirmed_above(ledger: WalletLedger, fork_height: int) -> Changes:
    """What blocks above a height confirmed is unconfirmed again, and proven no longer."""
    changes: Changes = {}
    for txid, confirmation in ledger.confirmed.items():
        if confirmation.height <= fork_height:
            continue
        changes[records.CONFIRMATION + txid] = changes[records.PROOF + txid] = None
        changes[records.COINBASE + confirmation.hash] = None
        transaction = ledger.transactions[txid]
        if transaction.is_coinbase:  # It can be in its own block only: it counts for nothing.
            seen = Seen(confirmation.time_s, confirmation.time_s)
        else:
            seen = ledger.seen_above_conflicts(transaction, confirmation.time_s)
        changes[records.SEEN + txid] = replace(seen, mined=True).encode()
    return changes
