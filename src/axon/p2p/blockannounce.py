"""How our new blocks are announced to each peer: by headers (BIP 130) or by an `inv`.

Headers save a round trip, but only to a peer that asked for them (`sendheaders`) and that has what
they build on; everybody else is told the hash of the tip. Who has it already is told nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.machine import Instant, PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.peerchains import PeerChains
from axon.p2p.views import ChainView, HeaderEntryView
from axon.wire.messages import Headers, Inv, InvItem, InvType

MAX_ANNOUNCED: Final = 8
"""Headers of one announcement, as in Bitcoin Core; more connected at once are no news."""


class BlockAnnounce:
    """Announces the blocks that became active; node-wide.

    Args:
        chain: says whether we are still catching up: then nothing is announced.
        peer_chains: what each peer has.
    """

    def __init__(self, chain: ChainView, peer_chains: PeerChains) -> None:
        self._chain = chain
        self._peer_chains = peer_chains
        self._peers: dict[PeerId, bool] = {}  # Whether it wants headers.

    def opened(self, peer: PeerId, *, prefers_headers: bool) -> None:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            prefers_headers: it has sent `sendheaders` already.
        """
        self._peers[peer] = prefers_headers

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self._peers.pop(peer, None)

    def prefers_headers(self, peer: PeerId) -> None:
        """A peer sent `sendheaders` (BIP 130): for good, since there is no way to take it back."""
        if peer in self._peers:
            self._peers[peer] = True

    def announce(self, connected: Sequence[HeaderEntryView], now: Instant) -> list[Action]:
        """Our tip moved: tell all peers that do not have it, unless we are still catching up.

        Args:
            connected: the newly connected blocks, lowest first.
            now: the present.
        """
        if not connected or self._chain.in_initial_sync(now):
            return []
        news = connected[-MAX_ANNOUNCED:]
        actions: list[Action] = []
        for peer, by_headers in self._peers.items():
            actions += self._announce_to(peer, news, by_headers)
        return actions

    def _announce_to(
        self, peer: PeerId, news: Sequence[HeaderEntryView], by_headers: bool
    ) -> list[Action]:
        chains, tip = self._peer_chains, news[-1]
        if chains.has(peer, tip):
            return []
        if by_headers:
            first = next(place for place, entry in enumerate(news) if not chains.has(peer, entry))
            parent = news[first].parent
            if parent is None or chains.has(peer, parent):
                chains.sent(peer, tip.hash)
                return [Send(peer, Headers(tuple([entry.header for entry in news[first:]])))]
        return [Send(peer, Inv((InvItem(InvType.BLOCK, tip.hash),)))]
