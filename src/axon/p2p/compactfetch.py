"""Blocks that are fetched by short ids: which compact blocks are worth looking at, and what next.

For each peer and block:

    cmpctblock --> matching --all is here--> rebuilt
                   matching --`getblocktxn`--> waiting --`blocktxn`--> filling --> rebuilt
                   matching, filling --it is another block: `getdata`--> fallen back

Up to three peers may be asked for one block at a time, so that nobody can hold it back by naming it
first; the last of the three places is kept for a peer that we dialled. Everybody else's compact
block is only looked at in case it is whole with what we have. How long a peer may take, and what
becomes of those who never answer, `BlockDownload` says: all of this counts as asked of the peer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.blockdownload import BlockDownload
from axon.p2p.compactblock import CompactFault, PartialBlock, Rebuilt
from axon.p2p.faults import PeerViolation
from axon.p2p.highbandwidth import HighBandwidth
from axon.p2p.views import DIRECT_FETCH_AGE, BlockChainView, HeaderEntryView
from axon.primitives.hashes import BlockHash
from axon.wire.messages import BlockTxn, CmpctBlock, GetData, InvItem, InvType

MAX_PARALLEL: Final = 3
"""Peers of whom the transactions of one block are asked at a time (Bitcoin Core)."""

MAX_AHEAD: Final = 2
"""Blocks above our tip: further up, the pool says nothing of what is in them (Bitcoin Core)."""


class _Stage(Enum):
    MATCHING = auto()
    WAITING = auto()
    FILLING = auto()
    FALLEN_BACK = auto()
    TRIED = auto()  # Nothing came of it: it is not looked at again, unless we ask for it.


@dataclass(slots=True)
class _Fetch:
    """One peer's way of giving us a block. Not `asked`: it was only tried, for what we have."""

    asked: bool
    stage: _Stage = _Stage.MATCHING
    partial: PartialBlock | None = None


@dataclass(frozen=True, slots=True)
class MatchRequest:
    """Look what of a compact block is here (`compactblock.match`), for `CompactFetch.matched`."""

    peer: PeerId
    message: CmpctBlock


@dataclass(frozen=True, slots=True)
class FillRequest:
    """Make a block whole (`compactblock.fill`), for `CompactFetch.filled`."""

    peer: PeerId
    partial: PartialBlock
    message: BlockTxn


class CompactFetch:
    """Makes blocks whole; node-wide. The peers are those of `BlockDownload`.

    Args:
        chain: what we know and hold.
        download: who owes us which block.
        bandwidth: who announces to us by compact blocks.
    """

    def __init__(
        self, chain: BlockChainView, download: BlockDownload, bandwidth: HighBandwidth
    ) -> None:
        self._chain = chain
        self._download = download
        self._bandwidth = bandwidth
        # Of a peer those that it owes us, and one that is tried: its messages wait meanwhile.
        self._fetches: dict[BlockHash, dict[PeerId, _Fetch]] = {}

    def received(
        self, peer: PeerId, entry: HeaderEntryView, message: CmpctBlock, now: Instant
    ) -> MatchRequest | list[Action]:
        """A compact block whose header is good.

        Args:
            peer: who sent it.
            entry: of its header.
            message: the compact block.
            now: the present.
        """
        block_hash, tip = entry.hash, self._chain.tip
        if self._chain.has_block(block_hash) or self._chain.headers.is_invalid(block_hash):
            return []
        askers = self._download.asked_of(block_hash)
        if entry.chainwork <= tip.chainwork:
            return _ask_for_block(peer, block_hash) if peer in askers else []
        if not askers and tip.time <= now // SECOND - DIRECT_FETCH_AGE:
            return []  # Left to the download of many blocks at once.
        if entry.height > tip.height + MAX_AHEAD:
            if peer in askers:
                return _ask_for_block(peer, block_hash)
            return self._download.announced(peer, entry, now)  # It is as good as a header.
        return self._begin(peer, entry, message, now)

    def _begin(
        self, peer: PeerId, entry: HeaderEntryView, message: CmpctBlock, now: Instant
    ) -> MatchRequest | list[Action]:
        block_hash = entry.hash
        fetch = self._find(peer, block_hash, now)
        askers = self._download.asked_of(block_hash)
        asked = peer in askers
        if fetch is not None and not (asked and fetch.stage is _Stage.TRIED):
            return []  # It has said so already.
        if not asked and self._download.has_room(peer) and self._may_ask(peer, askers):
            self._download.take_on(peer, entry, now)
            asked = True
        self._fetches.setdefault(block_hash, {})[peer] = _Fetch(asked)
        return MatchRequest(peer, message)

    def matched(
        self,
        peer: PeerId,
        block_hash: BlockHash,
        outcome: PartialBlock | Rebuilt | CompactFault,
        now: Instant,
    ) -> Rebuilt | list[Action]:
        """A compact block was looked at as `received` wanted.

        Returns:
            The block, if it is whole and still wanted: then `BlockDownload.arrived` follows.
        """
        fetch = self._find(peer, block_hash, now)
        if fetch is None:
            return []
        if isinstance(outcome, PartialBlock) and fetch.asked:
            fetch.stage, fetch.partial = _Stage.WAITING, outcome
            return [Send(peer, outcome.request())]
        if isinstance(outcome, PartialBlock):
            return self._drop(peer, block_hash, now)
        return self._conclude(peer, block_hash, fetch, outcome, now)

    def received_transactions(
        self, peer: PeerId, message: BlockTxn, now: Instant
    ) -> FillRequest | list[Action]:
        """Transactions of a block; those that nobody asked for are left out."""
        block_hash = message.block_hash
        fetch = self._find(peer, block_hash, now)
        if fetch is None:
            return []
        if fetch.stage is _Stage.FALLEN_BACK:
            fault = PeerViolation("BIP 152: the transactions of a block are sent once")
            return [*self._drop(peer, block_hash, now), DisconnectPeer(peer, fault)]
        if fetch.stage is not _Stage.WAITING or fetch.partial is None:
            return []
        fetch.stage = _Stage.FILLING
        return FillRequest(peer, fetch.partial, message)

    def filled(
        self, peer: PeerId, block_hash: BlockHash, outcome: Rebuilt | CompactFault, now: Instant
    ) -> Rebuilt | list[Action]:
        """A block was made whole as `received_transactions` wanted, or could not be.

        Returns:
            As `matched`.
        """
        fetch = self._find(peer, block_hash, now)
        if fetch is None:
            return []
        if outcome is CompactFault.UNREADABLE:
            fetch.stage = _Stage.WAITING  # Such a message is left out; others may follow.
            return []
        return self._conclude(peer, block_hash, fetch, outcome, now)

    def settled(self, block_hash: BlockHash) -> None:
        """A block is stored, or invalid: what is under way is given up."""
        self._fetches.pop(block_hash, None)

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        for block_hash in list(self._fetches):
            self._forget(peer, block_hash)

    # How it is done.

    def _find(self, peer: PeerId, block_hash: BlockHash, now: Instant) -> _Fetch | None:
        """What a peer is doing for a block, unless the block came otherwise meanwhile.

        It may be in validation and not be the block at all: then it is wanted again, of anybody.
        """
        fetch = self._fetches.get(block_hash, {}).get(peer)
        if fetch is None:
            return None
        if self._chain.has_block(block_hash):
            self._drop(peer, block_hash, now)
            return None
        if fetch.asked and peer not in self._download.asked_of(block_hash):
            self._forget(peer, block_hash)
            return None
        return fetch

    def _may_ask(self, peer: PeerId, askers: Sequence[PeerId]) -> bool:
        """Whether what is missing will be asked of this peer, beside those who owe the block.

        Of the first one always. Of others only if they announce to us as we asked them to; and of
        one that dialled us not in the last place, unless one that we dialled is being asked. This
        is decided before the block is looked at: until then others may come, and find no place.
        """
        if not askers:
            return True
        if len(askers) >= MAX_PARALLEL or not self._bandwidth.is_chosen(peer):
            return False
        outbound = any(self._bandwidth.is_outbound(each) for each in (peer, *askers))
        return outbound or len(askers) < MAX_PARALLEL - 1

    def _conclude(
        self,
        peer: PeerId,
        block_hash: BlockHash,
        fetch: _Fetch,
        outcome: Rebuilt | CompactFault,
        now: Instant,
    ) -> Rebuilt | list[Action]:
        match outcome:
            case Rebuilt():
                self._forget(peer, block_hash)
                return outcome
            case CompactFault.INVALID:
                fault = PeerViolation(f"BIP 152: {outcome.value}")
                return [*self._drop(peer, block_hash, now), DisconnectPeer(peer, fault)]
            case CompactFault.FAILED if (
                fetch.asked and self._download.asked_of(block_hash)[0] == peer
            ):
                fetch.stage, fetch.partial = _Stage.FALLEN_BACK, None
                return _ask_for_block(peer, block_hash)
        return self._drop(peer, block_hash, now)

    def _drop(self, peer: PeerId, block_hash: BlockHash, now: Instant) -> list[Action]:
        """Nothing comes of it: others are asked."""
        fetch = self._fetches.get(block_hash, {}).get(peer)
        if fetch is not None:
            fetch.asked, fetch.stage, fetch.partial = False, _Stage.TRIED, None
        self._download.give_up(peer, block_hash, now)
        return []

    def _forget(self, peer: PeerId, block_hash: BlockHash) -> None:
        fetches = self._fetches.get(block_hash, {})
        fetches.pop(peer, None)
        if not fetches:
            self._fetches.pop(block_hash, None)


def _ask_for_block(peer: PeerId, block_hash: BlockHash) -> list[Action]:
    """The block itself, of a peer that owes it already."""
    return [Send(peer, GetData((InvItem(InvType.WITNESS_BLOCK, block_hash),)))]
