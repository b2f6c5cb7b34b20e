"""Blocks by the short ids of their transactions: made for peers, made whole of what we have.

    cmpctblock --match--> PartialBlock --fill with blocktxn--> Block
                      \\-> Block, where nothing is missing

Only the coinbase comes with a compact block that we make: nobody else can have it. Both directions
take some milliseconds for a full block, so they are done off the loop (BIP 152).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from axon.errors import DecodeError
from axon.p2p.faults import PeerViolation
from axon.primitives.block import Block
from axon.primitives.blockbody import check_body
from axon.primitives.hashes import Wtxid
from axon.primitives.header import Header
from axon.primitives.shortid import short_id_key, short_ids
from axon.primitives.transaction import Transaction
from axon.wire.messages import BlockTxn, CmpctBlock, GetBlockTxn
from axon.wire.messages.compactblocks import MAX_INDEX, Prefilled, ShortBlock


class HoldsTransaction(Protocol):
    """An entry of the pool, as far as it matters here."""

    @property
    def transaction(self) -> Transaction:
        """With its witness."""
        ...


class CompactFault(Enum):
    """Why no block came of a compact block, or of the transactions that were asked for."""

    UNREADABLE = "it cannot be read"
    """It is left out, like any message that cannot be read."""

    INVALID = "invalid compact block, or other transactions than were asked for"
    """Its sender broke the protocol."""

    FAILED = "two transactions with one short id, or others than the block's"
    """Chance, or a peer that wants to mislead: the block itself is asked for."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the transactions of a block came from that was made whole.

    Args:
        prefilled: with the compact block.
        pool: from the pool.
        extra: from what was kept beside the pool.
        requested: asked for by `getblocktxn`.
    """

    prefilled: int
    pool: int
    extra: int
    requested: int

    def __str__(self) -> str:
        return (
            f"{self.prefilled} transactions prefilled, {self.pool} from the pool, "
            f"{self.extra} kept beside it and {self.requested} requested"
        )


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A block that was made whole; its transactions are those that its header commits to."""

    block: Block
    sources: Sources


@dataclass(frozen=True, slots=True)
class PartialBlock:
    """A block of which some transactions are not here.

    Args:
        header: its header.
        transactions: in order, None where one is missing.
        sources: of those that are here.
    """

    header: Header
    transactions: tuple[Transaction | None, ...]
    sources: Sources

    def request(self) -> GetBlockTxn:
        """What to ask for: all that is missing."""
        places = [place for place, item in enumerate(self.transactions) if item is None]
        return GetBlockTxn(self.header.hash, tuple(places))

    def fill(self, found: Sequence[Transaction]) -> Rebuilt | CompactFault:
        """The whole block.

        Args:
            found: what was missing, in order.

        Returns:
            INVALID if it is not as many, FAILED if together they are not the block.
        """
        left = iter(found)
        whole = [next(left, None) if item is None else item for item in self.transactions]
        transactions = [item for item in whole if item is not None]
        if len(transactions) < len(whole) or next(left, None) is not None:
            return CompactFault.INVALID
        block = Block.build(self.header, transactions)
        if check_body(block, segwit=True) is not None:
            return CompactFault.FAILED
        known = self.sources
        sources = Sources(known.prefilled, known.pool, known.extra, len(found))
        return Rebuilt(block, sources)


def compact_block(block: Block, nonce: int) -> CmpctBlock:
    """A block by short ids, its coinbase prefilled.

    Args:
        block: with its coinbase.
        nonce: 64 random bits.
    """
    coinbase, *others = block.transactions
    names = short_ids(short_id_key(block.header, nonce), [item.wtxid for item in others])
    return CmpctBlock.build(block.header, nonce, names, (Prefilled(0, coinbase),))


def match(
    message: CmpctBlock,
    pool: Mapping[Wtxid, HoldsTransaction],
    extra: Iterable[Transaction],
) -> PartialBlock | Rebuilt | CompactFault:
    """What of a block is here, and the block itself if that is all of it.

    Args:
        message: the compact block; nobody has looked at it but for its header.
        pool: all unconfirmed transactions.
        extra: others that may be in the block; may be here twice, or in the pool.
    """
    try:
        short = message.short_block()
    except DecodeError:
        return CompactFault.UNREADABLE
    places = _place_prefilled(short)
    if places is None:
        return CompactFault.INVALID
    free = [place for place, item in enumerate(places) if item is None]
    wanted = dict(zip(short.short_ids, free, strict=True))
    if len(wanted) < len(free):
        return CompactFault.FAILED
    header = message.header
    others = {item.wtxid: item for item in extra if item.wtxid not in pool}
    from_pool = from_extra = 0
    for place, wtxid in _look_up(wanted, header, short.nonce, [*pool, *others]).items():
        if wtxid in pool:
            places[place] = pool[wtxid].transaction
            from_pool += 1
        else:
            places[place] = others[wtxid]
            from_extra += 1
    sources = Sources(len(short.prefilled), from_pool, from_extra, 0)
    partial = PartialBlock(header, tuple(places), sources)
    return partial if None in places else partial.fill(())


def fill(partial: PartialBlock, message: BlockTxn) -> Rebuilt | CompactFault:
    """The whole block, with the transactions that were asked for."""
    try:
        return partial.fill(message.transactions())
    except DecodeError:
        return CompactFault.UNREADABLE


def pick(block: Block, request: GetBlockTxn) -> BlockTxn | PeerViolation:
    """The transactions that a peer asks for; a violation if it names places behind the last."""
    transactions = block.transactions
    if request.indexes and request.indexes[-1] >= len(transactions):
        return PeerViolation("BIP 152: getblocktxn names transactions of the block")
    return BlockTxn.build(block.hash, [transactions[place] for place in request.indexes])


def _place_prefilled(short: ShortBlock) -> list[Transaction | None] | None:
    """The places of a block with the transactions that came with it; None if they do not fit."""
    count = len(short.short_ids) + len(short.prefilled)
    if not count:
        return None
    places: list[Transaction | None] = [None] * count
    for number, (place, transaction) in enumerate(short.prefilled):
        if place > min(MAX_INDEX, len(short.short_ids) + number):
            return None
        places[place] = transaction
    return places


def _look_up(
    wanted: Mapping[bytes, int], header: Header, nonce: int, wtxids: Sequence[Wtxid]
) -> dict[int, Wtxid]:
    """Which transactions are wanted, by place; none where two have the same short id.

    One of the two may be the right one, but it costs less to ask for it than to guess wrongly.
    """
    found: dict[int, list[Wtxid]] = {}
    names = short_ids(short_id_key(header, nonce), wtxids)
    for name, wtxid in zip(names, wtxids, strict=True):
        place = wanted.get(name)
        if place is not None:
            found.setdefault(place, []).append(wtxid)
    return {place: hits[0] for place, hits in found.items() if len(hits) == 1}
