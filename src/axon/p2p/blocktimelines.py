"""What happened to each of the newest blocks here: who told of it, who gave it, who heard of it.

    announced, or asked for, or received --> received --> validated --> relayed

The node notes here what it sees and does; nothing is decided by it. Only a block whose header is in
the tree gets a timeline, so nobody can make some without proof of work. What a peer names before
its header is known (an `inv`) waits beside, one block for each peer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from axon.machine import MILLISECOND, SECOND, Instant, PeerId
from axon.p2p.compactblock import Sources
from axon.p2p.views import HeaderEntryView, HeaderTreeView
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.verdict import Rejected, Verdict
from axon.wire.messages import GetBlockTxn, GetData, InvType

TIMELINES_KEPT: Final = 1_200
"""Blocks: those that can be asked for at once in the first sync, and those of a day. Some 600 bytes
each, 2 kB at most."""

MOMENTS_KEPT: Final = 16
"""Of one kind for one block: the first matter, and a peer that comes again and again adds none."""

_BLOCK_KINDS: Final = frozenset(
    (InvType.BLOCK, InvType.WITNESS_BLOCK, InvType.CMPCT_BLOCK, InvType.FILTERED_BLOCK)
)


@dataclass(frozen=True, slots=True)
class PeerMoment:
    """When a peer had to do with a block.

    Args:
        peer: who.
        at: when.
        command: of the message that told of the block (`inv`, `headers`, `cmpctblock`), or asked
            for parts of it (`getblocktxn`); empty where it was neither.
    """

    peer: PeerId
    at: Instant
    command: str = ""


@dataclass(frozen=True, slots=True)
class BlockTimeline:
    """What happened to one block here, up to now.

    Args:
        hash: of the block.
        height: of its header.
        announced: who told us of it, the first one first; each peer once.
        asked: of whom it was asked, in order.
        stalled: who was asked and let us wait for too long.
        sender: who gave it; None before it came, and where it was submitted here.
        received_at: when it was whole.
        validated_at: when its verdict came; it waits for other work in between.
        reason: why it was refused; empty if it was not.
        relayed_at: when peers were first told of it.
        relayed_to: to how many.
        rebuilt: where its transactions came from; None if it was given whole.
    """

    hash: BlockHash
    height: int
    announced: tuple[PeerMoment, ...] = ()
    asked: tuple[PeerMoment, ...] = ()
    stalled: tuple[PeerMoment, ...] = ()
    sender: PeerId | None = None
    received_at: Instant | None = None
    validated_at: Instant | None = None
    reason: str = ""
    relayed_at: Instant | None = None
    relayed_to: int = 0
    rebuilt: Sources | None = None

    @property
    def began_at(self) -> Instant:
        """When it was first heard of."""
        moments = [*self.announced[:1], *self.asked[:1]]
        times = [moment.at for moment in moments]
        if self.received_at is not None:
            times.append(self.received_at)
        return min(times)

    @property
    def validation_us(self) -> int | None:
        """From when it was whole until its verdict; None before."""
        if self.received_at is None or self.validated_at is None:
            return None
        return self.validated_at - self.received_at

    def __str__(self) -> str:
        words = [
            f"block {to_hex(self.hash)} height={self.height}",
            _named("announced by", self.announced, self.began_at),
            _named("asked of", self.asked, self.began_at),
            _named("stalled by", self.stalled, self.began_at),
        ]
        if self.received_at is not None:
            source = "submitted here" if self.sender is None else f"received from {self.sender}"
            words.append(f"{source}{_after(self.received_at, self.began_at)}")
        if self.rebuilt is not None:
            words.append(f"made whole of {self.rebuilt}")
        if self.validation_us is not None:
            verdict = f"refused ({self.reason})" if self.reason else "validated"
            words.append(f"{verdict} in {self.validation_us / MILLISECOND:.1f} ms")
        if self.relayed_at is not None:
            after = _after(self.relayed_at, self.began_at)
            words.append(f"relayed to {self.relayed_to} peers{after}")
        return ", ".join(word for word in words if word)


def _after(at: Instant, began_at: Instant) -> str:
    return f" +{(at - began_at) / SECOND:.3f} s"


def _named(word: str, moments: tuple[PeerMoment, ...], began_at: Instant) -> str:
    """Who it was, each with the time since the beginning; empty if there is nobody."""
    if not moments:
        return ""
    peers = [
        f"{each.peer}{f' ({each.command})' if each.command else ''}{_after(each.at, began_at)}"
        for each in moments
    ]
    return f"{word} {'; '.join(peers)}"


@dataclass(slots=True)
class _Record:
    """A timeline that goes on; `BlockTimeline` says what is in it."""

    hash: BlockHash
    height: int
    announced: list[PeerMoment]
    asked: list[PeerMoment] = field(default_factory=list)
    stalled: list[PeerMoment] = field(default_factory=list)
    sender: PeerId | None = None
    received_at: Instant | None = None
    validated_at: Instant | None = None
    reason: str = ""
    relayed_at: Instant | None = None
    relayed_to: int = 0
    rebuilt: Sources | None = None

    def timeline(self) -> BlockTimeline:
        """As it is now."""
        return BlockTimeline(
            self.hash,
            self.height,
            tuple(self.announced),
            tuple(self.asked),
            tuple(self.stalled),
            self.sender,
            self.received_at,
            self.validated_at,
            self.reason,
            self.relayed_at,
            self.relayed_to,
            self.rebuilt,
        )


class BlockTimelines:
    """The timelines of the newest blocks; node-wide.

    Args:
        headers: all headers known.
        kept: how many; the oldest goes when one too many begins.
    """

    def __init__(self, headers: HeaderTreeView, kept: int = TIMELINES_KEPT) -> None:
        self._headers = headers
        self._kept = kept
        self._records: dict[BlockHash, _Record] = {}
        self._named: dict[PeerId, tuple[BlockHash, PeerMoment]] = {}

    def get(self, block_hash: BlockHash) -> BlockTimeline | None:
        """What is known of a block; None if nothing is."""
        record = self._records.get(block_hash)
        return None if record is None else record.timeline()

    def newest(self) -> Iterator[BlockTimeline]:
        """All, the one that began last first; to be read before anything more happens."""
        return (record.timeline() for record in reversed(self._records.values()))

    # What happened.

    def named(self, peer: PeerId, command: str, block_hash: BlockHash, now: Instant) -> None:
        """A peer named a block of which we may have no header."""
        moment = PeerMoment(peer, now, command)
        record = self._records.get(block_hash)
        if record is None:
            self._named[peer] = (block_hash, moment)
        else:
            _note_announced(record, moment)

    def announced(
        self, peer: PeerId, command: str, entry: HeaderEntryView, now: Instant, *, is_new: bool
    ) -> None:
        """A peer sent the header of a block.

        Args:
            peer: who.
            command: of its message.
            entry: of the block.
            now: the present.
            is_new: we had not known the header. A known one is news only while the block has a
                timeline: any peer that comes shows us old ones.
        """
        if is_new or entry.hash in self._records:
            _note_announced(self._of(entry), PeerMoment(peer, now, command))

    def asked(self, peer: PeerId, message: GetData | GetBlockTxn, now: Instant) -> None:
        """A peer is asked for what a message names; of it, only blocks matter here."""
        if isinstance(message, GetBlockTxn):
            entry = self._headers.get(message.block_hash)
            record = None if entry is None else self._of(entry)
            if record is not None and len(record.asked) < MOMENTS_KEPT:
                record.asked.append(PeerMoment(peer, now, message.command))
            return
        for kind, item_hash in message.items:
            if kind in _BLOCK_KINDS:
                entry = self._headers.get(BlockHash(item_hash))
                record = None if entry is None else self._of(entry)
                if record is not None and len(record.asked) < MOMENTS_KEPT:
                    record.asked.append(PeerMoment(peer, now))

    def stalled(self, peer: PeerId, now: Instant) -> None:
        """A peer has let us wait for too long: for every block that it was asked for last."""
        for record in self._records.values():
            is_awaited = record.received_at is None and record.asked
            if is_awaited and record.asked[-1].peer == peer and len(record.stalled) < MOMENTS_KEPT:
                record.stalled.append(PeerMoment(peer, now))

    def received(self, peer: PeerId | None, entry: HeaderEntryView, now: Instant) -> None:
        """A block is whole, and is validated next; of the operator's, `peer` is None."""
        record = self._of(entry)
        record.sender, record.received_at = peer, now

    def rebuilt(self, block_hash: BlockHash, sources: Sources) -> None:
        """A block was made whole of transactions that were here; `received` follows."""
        record = self._records.get(block_hash)
        if record is not None:
            record.rebuilt = sources

    def validated(self, block_hash: BlockHash, verdict: Verdict, now: Instant) -> None:
        """A block's verdict is there."""
        record = self._records.get(block_hash)
        if record is not None:
            record.validated_at = now
            record.reason = verdict.reason if isinstance(verdict, Rejected) else ""

    def relayed(self, block_hash: BlockHash, count: int, now: Instant) -> None:
        """So many more peers were told of a block."""
        record = self._records.get(block_hash)
        if record is not None and count:
            record.relayed_to += count
            if record.relayed_at is None:
                record.relayed_at = now

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self._named.pop(peer, None)

    # How it is done.

    def _of(self, entry: HeaderEntryView) -> _Record:
        """The record of a block; a new one begins with those who named the block before."""
        record = self._records.get(entry.hash)
        if record is not None:
            return record
        before = [moment for named, moment in self._named.values() if named == entry.hash]
        for moment in before:
            del self._named[moment.peer]
        before.sort(key=lambda moment: moment.at)
        record = _Record(entry.hash, entry.height, before[:MOMENTS_KEPT])
        self._records[entry.hash] = record
        if len(self._records) > self._kept:
            del self._records[next(iter(self._records))]
        return record


def _note_announced(record: _Record, moment: PeerMoment) -> None:
    told = record.announced
    if len(told) < MOMENTS_KEPT and all(each.peer != moment.peer for each in told):
        told.append(moment)
