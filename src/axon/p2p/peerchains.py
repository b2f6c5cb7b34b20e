"""What each peer has of the chain, by the headers and blocks that it named, sent or was sent.

From it follows which blocks can be asked of it (p2p/blockdownload, blockfetch), of which blocks it
can be asked for filters (p2p/filtersync), and which news it lacks (p2p/blockannounce). Nothing is
taken from a height that a peer claims: it counts as having a block once it has shown the header.
"""

from __future__ import annotations

from dataclasses import dataclass

from axon.machine import PeerId
from axon.p2p.views import HeaderEntryView, HeaderTreeView
from axon.primitives.hashes import BlockHash


@dataclass(slots=True)
class _PeerChain:
    best_known: HeaderEntryView | None = None
    unresolved: BlockHash | None = None  # The last announced hash that led nowhere yet.
    best_sent: HeaderEntryView | None = None


class PeerChains:
    """The best header of each peer, as far as it is known; node-wide.

    `HeaderSync` opens and closes its peers; other parts read.

    Args:
        headers: all known headers.
    """

    def __init__(self, headers: HeaderTreeView) -> None:
        self._headers = headers
        self._peers: dict[PeerId, _PeerChain] = {}

    def opened(self, peer: PeerId) -> None:
        """A peer has finished the handshake; nothing is known of its chain."""
        self._peers[peer] = _PeerChain()

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self._peers.pop(peer, None)

    def shown(self, peer: PeerId, block_hash: BlockHash) -> None:
        """A peer announced a block or sent its header, so it has it; the header may be unknown."""
        ours = self._peers.get(peer)
        if ours is None:
            return
        self._resolve(ours)
        entry = self._headers.get(block_hash)
        if entry is None:
            ours.unresolved = block_hash  # The latest is taken for the best.
        else:
            _improve(ours, entry)

    def sent(self, peer: PeerId, block_hash: BlockHash) -> None:
        """A peer was sent this header, as an answer or as an announcement."""
        ours = self._peers.get(peer)
        entry = self._headers.get(block_hash)
        if ours is not None and entry is not None:
            ours.best_sent = entry

    def best_known(self, peer: PeerId) -> HeaderEntryView | None:
        """The best header that a peer is known to have; None before it showed one."""
        ours = self._peers.get(peer)
        if ours is None:
            return None
        if ours.unresolved is not None:
            self._resolve(ours)
        return ours.best_known

    def height(self, peer: PeerId) -> int:
        """The height of `best_known`; -1 for none."""
        best = self.best_known(peer)
        return -1 if best is None else best.height

    def common_height(self, peer: PeerId) -> int:
        """Up to which height a peer is known to have the blocks of the best chain; -1 for none."""
        known, best = self.best_known(peer), self._headers.best
        if known is None:  # Nobody needs to show the first block.
            return best.height if best is self._headers.genesis else -1
        low, high = self._headers.genesis.height, min(known.height, best.height)
        probe = high  # Mostly the whole of it.
        while low < high:
            if known.ancestor(probe) is best.ancestor(probe):
                low = probe
            else:
                high = probe - 1
            probe = (low + high + 1) // 2
        return low

    def has(self, peer: PeerId, entry: HeaderEntryView) -> bool:
        """Whether a peer has a header, by what it showed and what it was sent."""
        ours = self._peers.get(peer)
        if ours is None:
            return False
        for known in (self.best_known(peer), ours.best_sent):
            if known is not None and known.ancestor(entry.height) is entry:
                return True
        return False

    def has_block(self, peer: PeerId, block_hash: BlockHash) -> bool:
        """The same for a block whose header may be unknown: then nobody has it."""
        entry = self._headers.get(block_hash)
        return entry is not None and self.has(peer, entry)

    def _resolve(self, ours: _PeerChain) -> None:
        entry = None if ours.unresolved is None else self._headers.get(ours.unresolved)
        if entry is not None:
            ours.unresolved = None
            _improve(ours, entry)


def _improve(ours: _PeerChain, entry: HeaderEntryView) -> None:
    if ours.best_known is None or entry.chainwork >= ours.best_known.chainwork:
        ours.best_known = entry
