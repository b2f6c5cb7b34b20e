"""What we give when asked: headers, inventories, blocks and transactions.

What a `getdata` names is given one thing at a time, each when the peer has room for it: a short
request can name megabytes many thousand times over.

    idle --getdata--> queued --take_next--> queued, or idle (a transaction, or what is missing)
                      queued --take_next--> reading (a block) --block_read--> queued, or idle

Items of one peer are answered strictly in order, and while any wait (`is_busy`) its further
messages wait too, as Bitcoin Core does: when its pong comes back, its blocks have come.

Whom to trust with what: blocks off the active chain are served only if they are recent, or they
would tell which forks we have seen; old blocks cost the most, so they are the first to go when the
operator limits the upload.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from axon.machine import DAY, SECOND, Instant, PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.bloomfilters import FilteredBlock
from axon.p2p.disclosure import may_request
from axon.p2p.faults import PeerFault
from axon.p2p.uploadtarget import UploadTarget
from axon.p2p.views import (
    DIRECT_FETCH_AGE,
    KEPT_BLOCKS,
    BlockChainView,
    HeaderEntryView,
    find_fork,
    is_active,
)
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.network import TARGET_SPACING_S
from axon.primitives.transaction import Transaction
from axon.wire.messages import (
    BlockMessage,
    CmpctBlock,
    GetBlocks,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvItem,
    InvType,
    Message,
    NotFound,
    Tx,
)
from axon.wire.messages.headers import MAX_HEADERS, MAX_LOCATOR

MAX_BLOCKS_INV: Final = 500
"""Blocks of one answer to getblocks; the last one's delivery then brings the next `inv`."""

HISTORICAL_S: Final = 7 * DAY // SECOND
"""Blocks older than a week count as history when the upload is limited."""

MAX_COMPACT_DEPTH: Final = 5
"""Blocks below our tip up to which blocks are given compact; nobody's pool holds what is in older
ones, so these are given as they are (Bitcoin Core)."""

MAX_TRANSACTIONS_DEPTH: Final = 10
"""The same for single transactions of blocks: whoever makes us read for them has to take it all."""

CANNOT_BE_READ: Final = "a block that it asked for cannot be read"
RACE_BLOCKS: Final = 2
"""Blocks that may have come since a peer looked at what we promise (BIP 159)."""

LIKELY_KEPT: Final = KEPT_BLOCKS - 3600 // TARGET_SPACING_S
"""So many last blocks are named in answers to getblocks: those asked for within an hour are there
when all are promised."""

_TRANSACTIONS = (InvType.TX, InvType.WTX, InvType.WITNESS_TX)
_BLOCKS = (
    InvType.BLOCK,
    InvType.WITNESS_BLOCK,
    InvType.FILTERED_BLOCK,
    InvType.CMPCT_BLOCK,
)


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Read a block from disk and hand it to `Serving.block_read`."""

    peer: PeerId
    item: InvItem


@dataclass(slots=True)
class _ServedPeer:
    transactions: bool
    download: bool
    noban: bool
    has_filter: bool = False
    queue: deque[InvItem] = field(default_factory=deque)  # Of one getdata at most.
    missing: list[InvItem] = field(default_factory=list)  # Of these, what we do not have.
    reading: InvItem | None = None
    continue_at: BlockHash | None = None


class TransactionSource(Protocol):
    """The transactions that a node gives away."""

    def serve(self, peer: PeerId, item: InvItem, now: Instant) -> Transaction | None:
        """The transaction that a peer asks for; None if it may not have it, or there is none."""
        ...


class Serving:
    """Answers requests for headers, blocks and transactions; node-wide.

    Args:
        chain: what we know and hold.
        transactions: of the pool and the newest block.
        upload: the operator's limit.
        limited: we promise the last blocks alone (BIP 159): who asks for older ones is
            disconnected, whether they are here or not, or he would find out up to where they are.
    """

    def __init__(
        self,
        chain: BlockChainView,
        transactions: TransactionSource,
        upload: UploadTarget | None = None,
        *,
        limited: bool = False,
    ) -> None:
        self._chain = chain
        self._headers = chain.headers
        self._active = chain.active
        self._transactions = transactions
        self._upload = upload or UploadTarget()
        self._limited = limited
        self._peers: dict[PeerId, _ServedPeer] = {}

    def opened(
        self,
        peer: PeerId,
        *,
        transactions: bool,
        download: bool = False,
        noban: bool = False,
    ) -> None:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            transactions: it is answered when it asks for transactions; else such requests are
                passed over in silence (block-relay-only, or it wants no announcements).
            download: it may have what others may not: before our sync is over, above the limit.
            noban: it is not disconnected for asking for old blocks.
        """
        self._peers[peer] = _ServedPeer(transactions, download, noban)

    def filters(self, peer: PeerId, has_filter: bool) -> None:
        """A peer has set a bloom filter (BIP 37), or taken it back; it may ask by it, or not."""
        ours = self._peers.get(peer)
        if ours is not None:
            ours.has_filter = has_filter

    def received(self, peer: PeerId, message: GetHeaders | GetBlocks | GetData) -> list[Action]:
        """A request; afterwards `take_next` is called for as long as `is_busy`.

        Raises:
            PeerFault: its locator is too long.
        """
        ours = self._peers[peer]
        match message:
            case GetHeaders(hashes, stop):
                return self._send_headers(peer, ours, hashes, stop)
            case GetBlocks(hashes, stop):
                return self._send_inventory(peer, ours, hashes, stop)
            case GetData(items):
                assert not self.is_busy(peer), "its messages wait while it is busy"
                ours.queue.extend(items)
                return []

    def take_next(self, peer: PeerId, now: Instant) -> ReadRequest | list[Action]:
        """The next thing that a peer asked for: a block to be read, or something to be sent.

        Raises:
            PeerFault: it may not have that block, and would wait for it in vain.
        """
        ours = self._peers[peer]
        while ours.queue:
            is_block = ours.queue[0].kind in _BLOCKS
            if is_block and ours.missing:
                break  # In order: that they are missing is said first.
            item = ours.queue.popleft()
            if is_block:
                if self._may_have(ours, item, now):
                    ours.reading = item
                    return ReadRequest(peer, item)
            elif item.kind in _TRANSACTIONS and ours.transactions:
                transaction = self._transactions.serve(peer, item, now)
                if transaction is not None:
                    bare = item.kind == InvType.TX
                    return [Send(peer, Tx(_stripped(transaction) if bare else transaction))]
                ours.missing.append(item)
        missing, ours.missing = ours.missing, []
        return [Send(peer, NotFound(tuple(missing)))] if missing else []

    def block_read(self, peer: PeerId, item: InvItem, raw: bytes | None) -> list[Action]:
        """A block was read that `take_next` named.

        Args:
            peer: as the request says.
            item: as the request says.
            raw: the block, without its witnesses if a BLOCK is asked for; None if it could not be
                read.

        Raises:
            PeerFault: there is no such block any more, and it would wait for it in vain.
        """
        return self._give(peer, item, None if raw is None else [BlockMessage(raw)])

    def compact_read(self, peer: PeerId, item: InvItem, message: CmpctBlock) -> list[Action]:
        """A block was read, and made compact, that `take_next` named and `gives_compact` allows.

        Args:
            peer: as the request says.
            item: as the request says, a CMPCT_BLOCK.
            message: the block.
        """
        return self._give(peer, item, [message])

    def gives_compact(self, item: InvItem, now: Instant) -> bool:
        """Whether a block that is asked for is given compact: it is near our tip, and that is new.

        One that is asked for compact and is not is given as it is, with its witnesses.
        """
        if (
            item.kind != InvType.CMPCT_BLOCK
            or self._active.tip.time <= now // SECOND - DIRECT_FETCH_AGE
        ):
            return False
        entry = self._headers.get(BlockHash(item.hash))
        return entry is not None and entry.height >= self._active.tip.height - MAX_COMPACT_DEPTH

    def gives_transactions(self, block_hash: BlockHash) -> bool:
        """Whether single transactions of a block are given; else it is given whole."""
        entry = self._headers.get(block_hash)
        lowest = self._active.tip.height - MAX_TRANSACTIONS_DEPTH
        return entry is not None and entry.height >= lowest

    def pass_over(self, peer: PeerId, item: InvItem) -> None:
        """A block that `take_next` named is not given after all, in silence: it is invalid."""
        ours = self._peers.get(peer)
        if ours is not None and ours.reading == item:
            ours.reading = None

    def block_filtered(
        self, peer: PeerId, item: InvItem, found: FilteredBlock | None
    ) -> list[Action]:
        """A block was read that `take_next` named, and matched with the peer's bloom filter.

        Args:
            peer: as the request says.
            item: as the request says, a FILTERED_BLOCK.
            found: what the peer gets of it; None if it could not be read.

        Raises:
            PeerFault: there is no such block any more, and it would wait for it in vain.
        """
        if found is None:
            return self._give(peer, item, None)
        transactions = [Tx(_stripped(transaction)) for transaction in found.transactions]
        return self._give(peer, item, [found.merkleblock, *transactions])

    def _give(
        self, peer: PeerId, item: InvItem, messages: Sequence[Message] | None
    ) -> list[Action]:
        ours = self._peers.get(peer)
        if ours is None or ours.reading != item:
            return []
        ours.reading = None
        if messages is None:
            raise PeerFault(CANNOT_BE_READ)
        actions: list[Action] = [Send(peer, message) for message in messages]
        if item.hash == ours.continue_at:
            ours.continue_at = None
            tip = InvItem(InvType.BLOCK, self._active.tip.hash)
            actions.append(Send(peer, Inv((tip,))))
        return actions

    def is_busy(self, peer: PeerId) -> bool:
        """Whether a peer still waits for what it asked for, so that its other messages wait."""
        ours = self._peers.get(peer)
        if ours is None:
            return False
        return ours.reading is not None or bool(ours.queue) or bool(ours.missing)

    def closed(self, peer: PeerId, now: Instant) -> None:  # noqa: ARG002
        """A peer has gone; what is being read for it is thrown away."""
        self._peers.pop(peer, None)

    def _may_show(self, entry: HeaderEntryView) -> bool:
        if is_active(self._active, entry):
            return True
        return self._chain.has_block(entry.hash) and may_request(self._headers, self._active, entry)

    def _send_headers(
        self, peer: PeerId, ours: _ServedPeer, hashes: tuple[BlockHash, ...], stop: BlockHash
    ) -> list[Action]:
        if len(hashes) > MAX_LOCATOR:
            raise PeerFault(f"getheaders: at most {MAX_LOCATOR} hashes in a locator")
        active = self._active
        if active.tip.chainwork < self._chain.minimum_chainwork and not ours.download:
            return [Send(peer, Headers(()))]  # Ours may lead anywhere yet.
        if not hashes:
            entry = self._headers.get(stop)
            if entry is None or not self._may_show(entry):
                return []
            return [Send(peer, Headers((entry.header,)))]
        height = find_fork(active, self._headers, hashes).height
        found: list[Header] = []
        while len(found) < MAX_HEADERS:
            height += 1
            entry = active.at(height)
            if entry is None:
                break
            found.append(entry.header)
            if entry.hash == stop:
                break
        return [Send(peer, Headers(tuple(found)))]

    def _send_inventory(
        self, peer: PeerId, ours: _ServedPeer, hashes: tuple[BlockHash, ...], stop: BlockHash
    ) -> list[Action]:
        if len(hashes) > MAX_LOCATOR:
            raise PeerFault(f"getblocks: at most {MAX_LOCATOR} hashes in a locator")
        active = self._active
        height = find_fork(active, self._headers, hashes).height
        items: list[InvItem] = []
        while True:
            height += 1
            entry = active.at(height)
            if entry is None or entry.hash == stop:
                break
            if self._limited and height <= active.tip.height - LIKELY_KEPT:
                break
            items.append(InvItem(InvType.BLOCK, entry.hash))
            if len(items) == MAX_BLOCKS_INV:
                ours.continue_at = entry.hash
                break
        return [Send(peer, Inv(tuple(items)))] if items else []

    def _may_have(self, ours: _ServedPeer, item: InvItem, now: Instant) -> bool:
        """Whether to answer a request for a block; False is silence, as Bitcoin Core keeps it.

        Raises:
            PeerFault: it may not have that block, and would wait for it in vain.
        """
        entry = self._headers.get(BlockHash(item.hash))
        if entry is None or not self._may_show(entry):
            return False
        age_s = self._headers.best.time - entry.time
        historical = age_s > HISTORICAL_S or item.kind == InvType.FILTERED_BLOCK
        if historical and not ours.download and self._upload.is_reached(now, historical=True):
            raise PeerFault("the limit for serving old blocks is reached")
        depth = self._active.tip.height - entry.height
        if self._limited and not ours.noban and depth > KEPT_BLOCKS + RACE_BLOCKS:
            raise PeerFault("it asked for a block below those that are promised")
        if item.kind == InvType.FILTERED_BLOCK and not ours.has_filter:
            return False
        return self._chain.is_held(entry.hash)


def _stripped(transaction: Transaction) -> Transaction:
    if not transaction.has_witness:
        return transaction
    return Transaction(transaction.stripped, 0)  # A long one would take long to decode again.
