"""How our new blocks are announced to each peer: compact, by headers (BIP 130) or by an `inv`.

Headers save a round trip, but only to a peer that asked for them (`sendheaders`) and that has what
they build on; everybody else is told the hash of the tip. Who has it already is told nothing. Who
asked for compact blocks (`sendcmpct` 1, BIP 152) gets one even before the block is validated: its
work is done, so nobody sends a block for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from axon.machine import Instant, PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.peerchains import PeerChains
from axon.p2p.views import ChainView, HeaderEntryView
from axon.wire.messages import CmpctBlock, Headers, Inv, InvItem, InvType

MAX_ANNOUNCED: Final = 8
"""Headers of one announcement, as in Bitcoin Core; more connected at once are no news."""


EARLY_VERSION: Final = 70_015
"""From here a peer is known not to blame us for a compact block that proves invalid (BIP 152)."""

MakeCompact = Callable[[], CmpctBlock | None]
"""Makes the newest block compact; None if it cannot be had any more."""


@dataclass(slots=True)
class _Wishes:
    headers: bool
    early: bool
    compact: bool = False


class BlockAnnounce:
    """Announces the blocks that became active; node-wide.

    Args:
        chain: says whether we are still catching up: then nothing is announced.
        peer_chains: what each peer has.
    """

    def __init__(self, chain: ChainView, peer_chains: PeerChains) -> None:
        self._chain = chain
        self._peer_chains = peer_chains
        self._peers: dict[PeerId, _Wishes] = {}
        self._early_height = -1  # Of the highest block announced before it was validated.

    def opened(self, peer: PeerId, *, prefers_headers: bool, version: int = EARLY_VERSION) -> None:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            prefers_headers: it has sent `sendheaders` already.
            version: the newest protocol version that both speak.
        """
        self._peers[peer] = _Wishes(prefers_headers, version >= EARLY_VERSION)

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self._peers.pop(peer, None)

    def prefers_headers(self, peer: PeerId) -> None:
        """A peer sent `sendheaders` (BIP 130): for good, since there is no way to take it back."""
        if peer in self._peers:
            self._peers[peer].headers = True

    def prefers_compact(self, peer: PeerId, wanted: bool) -> None:
        """A peer sent `sendcmpct` (BIP 152): blocks are to come compact, or not any more."""
        if peer in self._peers:
            self._peers[peer].compact = wanted

    def is_news(self, entry: HeaderEntryView, now: Instant) -> bool:
        """Whether a block that is not validated yet would be our next tip, and there are peers."""
        is_next = entry.parent is self._chain.tip and not self._chain.in_initial_sync(now)
        return is_next and bool(self._peers)

    def announce_early(
        self, entry: HeaderEntryView, compact: MakeCompact, now: Instant
    ) -> list[Action]:
        """A block builds on our tip and is what its header says, but is not validated yet.

        Args:
            entry: of the block.
            compact: makes it compact.
            now: the present.
        """
        peers = self._early_peers(entry, now)
        message = compact() if peers else None
        if message is None:
            return []
        self._early_height = entry.height
        for peer in peers:
            self._peer_chains.sent(peer, entry.hash)
        return [Send(peer, message) for peer in peers]

    def _early_peers(self, entry: HeaderEntryView, now: Instant) -> list[PeerId]:
        parent, chains = entry.parent, self._peer_chains
        if parent is not self._chain.tip or entry.height <= self._early_height:
            return []
        if parent is None or self._chain.in_initial_sync(now):
            return []
        return [
            peer
            for peer, wishes in self._peers.items()
            if wishes.compact
            and wishes.early
            and not chains.has(peer, entry)
            and chains.has(peer, parent)
        ]

    def announce(
        self,
        connected: Sequence[HeaderEntryView],
        now: Instant,
        compact: MakeCompact = lambda: None,
    ) -> list[Action]:
        """Our tip moved: tell all peers that do not have it, unless we are still catching up.

        Args:
            connected: the newly connected blocks, lowest first.
            now: the present.
            compact: makes the last of them compact.
        """
        if not connected or self._chain.in_initial_sync(now):
            return []
        news = connected[-MAX_ANNOUNCED:]
        actions: list[Action] = []
        for peer, wishes in self._peers.items():
            actions += self._announce_to(peer, news, wishes, compact)
        return actions

    def _announce_to(
        self,
        peer: PeerId,
        news: Sequence[HeaderEntryView],
        wishes: _Wishes,
        compact: MakeCompact,
    ) -> list[Action]:
        chains, tip = self._peer_chains, news[-1]
        if chains.has(peer, tip):
            return []
        first = next(place for place, entry in enumerate(news) if not chains.has(peer, entry))
        parent = news[first].parent
        if parent is None or chains.has(peer, parent):
            # More than one at once is a sync, or a peer that is slow: no case for short ids.
            is_next = news[first] is tip and (wishes.headers or len(news) == 1)
            message = compact() if wishes.compact and is_next else None
            if message is not None or wishes.headers:
                chains.sent(peer, tip.hash)
                headers = Headers(tuple([entry.header for entry in news[first:]]))
                return [Send(peer, message or headers)]
        return [Send(peer, Inv((InvItem(InvType.BLOCK, tip.hash),)))]
