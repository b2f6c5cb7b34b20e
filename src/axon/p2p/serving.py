"""What we give when asked: headers, inventories, blocks and transactions.

Transactions are in memory and go out at once. Blocks are read one at a time, off the loop:

    idle --getdata--> queued --next_read--> reading --block_read--> queued, or idle

Items of one peer are answered strictly in order, and while any wait (`is_busy`) its further
messages should wait too, as Bitcoin Core does: when its pong comes back, its blocks have come.

Whom to trust with what: blocks off the active chain are served only if they are recent, or they
would tell which forks we have seen; nothing is served below the depth that a pruned node promises;
old blocks cost the most, so they are the first to go when the operator limits the upload.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from axon.machine import DAY, SECOND, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.faults import PeerFault, PeerViolation
from axon.p2p.views import (
    BLOCK_INTERVAL_S,
    ActiveChainView,
    BloomFilter,
    HeaderEntryView,
    HeaderTreeView,
    find_fork,
    is_active,
)
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.target import work
from axon.primitives.transaction import Transaction
from axon.wire.messages import (
    BlockMessage,
    GetBlocks,
    GetData,
    GetHeaders,
    Inv,
    InvItem,
    InvType,
    MerkleBlock,
    Message,
    NotFound,
    Tx,
)
from axon.wire.messages import Headers as HeadersMessage

MAX_HEADERS: Final = 2000
"""HeaderTreeView of one answer."""

MAX_BLOCKS_INV: Final = 500
"""Blocks of one answer to getblocks; the last one's delivery then brings the next `inv`."""

MAX_LOCATOR: Final = 101
"""Hashes of a locator; honest ones have some 30, and each is looked up."""

MAX_QUEUE: Final = 50_000
"""Items that wait for one peer, as many as one getdata may hold: 4 MB. It must not ask for more
before it has those."""

STALE_LIMIT_S: Final = 30 * 24 * 3600
"""Blocks off the active chain are served for a month after they lost."""

HISTORICAL_S: Final = 7 * 24 * 3600
"""Blocks older than a week count as history when the upload is limited."""

LIMITED_BLOCKS: Final = 288 + 2
"""How deep a pruned node serves (BIP 159), with two for races."""

PRUNED_INV_MARGIN: Final = 288 - 6
"""How deep a pruned node names blocks: what may be gone within the hour is not."""

COMPACT_DEPTH: Final = 5
"""Deeper blocks are served whole: the asker has none of their transactions any more."""

COMPACT_AGE_S: Final = 20 * BLOCK_INTERVAL_S
"""The same where our tip is older than this."""

UPLOAD_CYCLE: Final = DAY
"""Over which the operator's upload limit counts."""

_BLOCK_SIZE_BYTES = 4_000_000  # The largest; kept free for each block still to come in a cycle.

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
    noban: bool
    download: bool
    queue: deque[InvItem] = field(default_factory=deque)
    reading: InvItem | None = None
    bloom: BloomFilter | None = None
    continue_at: BlockHash | None = None


class UploadTarget:
    """The operator's limit of bytes sent in a day (`-maxuploadtarget`).

    Args:
        limit_bytes: 0 for none.
    """

    def __init__(self, limit_bytes: int = 0) -> None:
        self.limit_bytes = limit_bytes
        self._cycle_start: Instant | None = None
        self._sent_bytes = 0

    def sent(self, size_bytes: int, now: Instant) -> None:
        """So many bytes went out, to whomever."""
        if self._cycle_start is None or now - self._cycle_start > UPLOAD_CYCLE:
            self._cycle_start = now
            self._sent_bytes = 0
        self._sent_bytes += size_bytes

    def left_bytes(self) -> int:
        """What may still be sent in this cycle; 0 without a limit."""
        return max(0, self.limit_bytes - self._sent_bytes)

    def left_us(self, now: Instant) -> int:
        """Until the cycle ends; 0 without a limit."""
        if not self.limit_bytes:
            return 0
        if self._cycle_start is None:
            return UPLOAD_CYCLE
        return max(0, self._cycle_start + UPLOAD_CYCLE - now)

    def is_reached(self, now: Instant, *, historical: bool) -> bool:
        """Whether the limit is reached.

        Args:
            now: the present.
            historical: for old blocks it is reached earlier, so that the new ones of the cycle
                still fit in.
        """
        if not self.limit_bytes:
            return False
        if not historical:
            return self._sent_bytes >= self.limit_bytes
        blocks_left = self.left_us(now) // (BLOCK_INTERVAL_S * SECOND)
        reserve = blocks_left * _BLOCK_SIZE_BYTES
        return self._sent_bytes >= self.limit_bytes - reserve


class Serving:
    """Answers requests for headers, blocks and transactions; node-wide.

    Args:
        headers: all known headers.
        active: the connected blocks.
        have: whether a block's bytes can be read.
        transaction: what a peer may have of the pool and the newest block (`TxRelay.find`).
        bloom: bloom filters are offered (BIP 37).
        compact: makes the `cmpctblock` of a block's bytes; None if they are not spoken.
        pruned: we keep only the last blocks, and say so.
        minimum_chainwork: before our chain has so much, our headers are of no use to anybody.
        upload: the operator's limit.
    """

    def __init__(
        self,
        headers: HeaderTreeView,
        active: ActiveChainView,
        *,
        have: Callable[[BlockHash], bool],
        transaction: Callable[[PeerId, InvItem, Instant], Transaction | None],
        bloom: bool = False,
        compact: Callable[[bytes], Message] | None = None,
        pruned: bool = False,
        minimum_chainwork: int = 0,
        upload: UploadTarget | None = None,
    ) -> None:
        self._headers = headers
        self._active = active
        self._have = have
        self._transaction = transaction
        self._bloom = bloom
        self._compact = compact
        self._pruned = pruned
        self._minimum_chainwork = minimum_chainwork
        self._upload = upload or UploadTarget()
        self._peers: dict[PeerId, _ServedPeer] = {}

    def opened(
        self,
        peer: PeerId,
        *,
        transactions: bool,
        noban: bool = False,
        download: bool = False,
    ) -> None:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            transactions: it is answered when it asks for transactions; else such requests are
                passed over in silence (block-relay-only, or it wants no announcements).
            noban: the operator trusts it.
            download: it may have what others may not: before our sync is over, above the limit.
        """
        self._peers[peer] = _ServedPeer(transactions, noban, download)

    def set_bloom(self, peer: PeerId, bloom: BloomFilter | None) -> None:
        """A peer sent or cleared its bloom filter."""
        ours = self._peers.get(peer)
        if ours is not None:
            ours.bloom = bloom

    def received(
        self, peer: PeerId, message: GetHeaders | GetBlocks | GetData, now: Instant
    ) -> list[Action]:
        """A request; afterwards look at `next_read`.

        Raises:
            PeerViolation: it asks for more items than may wait.
            PeerFault: its locator is too long.
        """
        ours = self._peers[peer]
        match message:
            case GetHeaders(hashes, stop):
                return self._send_headers(peer, ours, hashes, stop)
            case GetBlocks(hashes, stop):
                return self._send_inventory(peer, ours, hashes, stop)
            case GetData(items):
                if len(items) + len(ours.queue) > MAX_QUEUE:
                    raise PeerViolation(f"getdata: at most {MAX_QUEUE} items")
                ours.queue.extend(items)
                return self._proceed(peer, ours, now)

    def next_read(self, peer: PeerId) -> ReadRequest | None:
        """The block that is to be read for a peer, said once; None if one is being read."""
        ours = self._peers.get(peer)
        if ours is None or ours.reading is not None or not ours.queue:
            return None
        ours.reading = ours.queue.popleft()  # `_proceed` left a block there that it may have.
        return ReadRequest(peer, ours.reading)

    def block_read(
        self, peer: PeerId, item: InvItem, raw: bytes | None, now: Instant
    ) -> list[Action]:
        """A block was read; afterwards look at `next_read` again.

        Args:
            peer: as the request says.
            item: as the request says.
            raw: the block with its witnesses; None if it could not be read.
            now: the present.

        Raises:
            PeerFault: there is no such block any more, and it would wait for it in vain.
        """
        ours = self._peers.get(peer)
        if ours is None or ours.reading != item:
            return []
        ours.reading = None
        if raw is None:
            raise PeerFault("a block that it asked for cannot be read")
        actions = self._send_block(peer, ours, item, raw, now)
        if item.hash == ours.continue_at:
            ours.continue_at = None
            tip = InvItem(InvType.BLOCK, self._active.tip.hash)
            actions.append(Send(peer, Inv((tip,))))
        return actions + self._proceed(peer, ours, now)

    def is_busy(self, peer: PeerId) -> bool:
        """Whether a peer still waits for what it asked for, so that its other messages wait."""
        ours = self._peers.get(peer)
        return ours is not None and (ours.reading is not None or bool(ours.queue))

    def closed(self, peer: PeerId, now: Instant) -> None:  # noqa: ARG002
        """A peer has gone; what is being read for it is thrown away."""
        self._peers.pop(peer, None)

    def _may_show(self, entry: HeaderEntryView) -> bool:
        if is_active(self._active, entry):
            return True
        return self._have(entry.hash) and may_request(self._headers, self._active, entry)

    def _send_headers(
        self, peer: PeerId, ours: _ServedPeer, hashes: tuple[BlockHash, ...], stop: BlockHash
    ) -> list[Action]:
        if len(hashes) > MAX_LOCATOR:
            raise PeerFault(f"getheaders: at most {MAX_LOCATOR} hashes in a locator")
        active = self._active
        if active.tip.chainwork < self._minimum_chainwork and not ours.download:
            return [Send(peer, HeadersMessage(()))]  # Ours may lead anywhere yet.
        if not hashes:
            entry = self._headers.get(stop)
            if entry is None or not self._may_show(entry):
                return []
            return [Send(peer, HeadersMessage((entry.header,)))]
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
        return [Send(peer, HeadersMessage(tuple(found)))]

    def _send_inventory(
        self, peer: PeerId, ours: _ServedPeer, hashes: tuple[BlockHash, ...], stop: BlockHash
    ) -> list[Action]:
        if len(hashes) > MAX_LOCATOR:
            raise PeerFault(f"getblocks: at most {MAX_LOCATOR} hashes in a locator")
        active = self._active
        height = find_fork(active, self._headers, hashes).height
        lowest = active.tip.height - PRUNED_INV_MARGIN if self._pruned else -1
        items: list[InvItem] = []
        while True:
            height += 1
            entry = active.at(height)
            if entry is None or entry.hash == stop:
                break
            if self._pruned and (height <= lowest or not self._have(entry.hash)):
                break
            items.append(InvItem(InvType.BLOCK, entry.hash))
            if len(items) == MAX_BLOCKS_INV:
                ours.continue_at = entry.hash
                break
        return [Send(peer, Inv(tuple(items)))] if items else []

    def _proceed(self, peer: PeerId, ours: _ServedPeer, now: Instant) -> list[Action]:
        """Work the queue off up to the next block that is to be read."""
        if ours.reading is not None:
            return []
        actions: list[Action] = []
        missing: list[InvItem] = []
        queue = ours.queue
        while queue:
            item = queue[0]
            if item.kind in _BLOCKS:
                try:
                    if self._may_have(ours, item, now):
                        break
                except PeerFault as fault:
                    queue.clear()
                    return [*actions, DisconnectPeer(peer, fault)]
            elif item.kind in _TRANSACTIONS and ours.transactions:
                transaction = self._transaction(peer, item, now)
                if transaction is None:
                    missing.append(item)
                else:
                    bare = item.kind == InvType.TX
                    actions.append(Send(peer, Tx(_stripped(transaction) if bare else transaction)))
            queue.popleft()
        if missing:
            actions.append(Send(peer, NotFound(tuple(missing))))
        return actions

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
        if self._pruned and depth > LIMITED_BLOCKS and not ours.noban:
            raise PeerFault("it asked for a block below what a pruned node keeps")
        if item.kind == InvType.FILTERED_BLOCK and (not self._bloom or ours.bloom is None):
            return False
        return self._have(BlockHash(item.hash))

    def _send_block(
        self, peer: PeerId, ours: _ServedPeer, item: InvItem, raw: bytes, now: Instant
    ) -> list[Action]:
        if item.kind == InvType.BLOCK:
            return [Send(peer, BlockMessage(Block.decode(raw).stripped()))]
        if item.kind == InvType.FILTERED_BLOCK:
            return _filtered(peer, Block.decode(raw), ours.bloom)
        if item.kind == InvType.CMPCT_BLOCK and self._compact is not None:
            tip, entry = self._active.tip, self._headers.get(BlockHash(item.hash))
            if (
                entry is not None
                and entry.height >= tip.height - COMPACT_DEPTH
                and tip.time > now // SECOND - COMPACT_AGE_S
            ):
                return [Send(peer, self._compact(raw))]
        return [Send(peer, BlockMessage(raw))]


def may_request(headers: HeaderTreeView, active: ActiveChainView, entry: HeaderEntryView) -> bool:
    """Whether a block may be spoken of to anybody.

    Blocks of the active chain may; others only for a month, by their time and by the work that the
    best chain is ahead. Old forks would be a fingerprint: which of them we know.
    """
    if is_active(active, entry):
        return True
    if headers.is_invalid(entry.hash):
        return False
    best = headers.best
    ahead_s = (best.chainwork - entry.chainwork) * BLOCK_INTERVAL_S // work(best.bits)
    return best.time - entry.time < STALE_LIMIT_S and ahead_s < STALE_LIMIT_S


def _stripped(transaction: Transaction) -> Transaction:
    if not transaction.has_witness:
        return transaction
    return Transaction.decode(transaction.stripped)


def _filtered(peer: PeerId, block: Block, bloom: BloomFilter | None) -> list[Action]:
    """A `merkleblock` and the transactions that it proves (BIP 37)."""
    if bloom is None:
        return []
    matches = [bloom.matches(transaction) for transaction in block.transactions]
    tree = PartialMerkleTree.build([item.txid for item in block.transactions], matches)
    actions: list[Action] = [Send(peer, MerkleBlock(block.header, tree))]
    for transaction, match in zip(block.transactions, matches, strict=True):
        if match:
            actions.append(Send(peer, Tx(_stripped(transaction))))
    return actions
