"""What is looked at now and then: is the tip stale, are there too many outbound peers.

When no block came for half an hour, peers may be hiding one: one more full relay peer is dialled.
That one, and the extra block relay peers that are tried in turn, are given up again when they bring
nothing better than the rest.
"""

from __future__ import annotations

from typing import Final

from axon.machine import MINUTE, SECOND, Instant
from axon.node.chainstate import ChainState
from axon.node.links import Links
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.p2p.blockdownload import BlockDownload
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.eviction import (
    OutboundCandidate,
    choose_extra_block_relay,
    choose_extra_full_relay,
)
from axon.p2p.faults import PeerDone
from axon.p2p.headersync import HeaderSync

TRIM_INTERVAL: Final = 45 * SECOND
"""How often extra outbound peers are looked at."""

STALE_CHECK_INTERVAL: Final = 10 * MINUTE
STALE_AFTER: Final = 30 * MINUTE
"""Three blocks' time without one."""


class Maintenance:
    """The slow clock of a full node: maintenance of its outbound connections.

    Args:
        outbox: where effects go.
        links: the connections.
        chain: what is known of the chain.
        headersync: knows who brings news of blocks.
        download: knows which blocks are being waited for.
        now: the start.
    """

    def __init__(
        self,
        outbox: Outbox,
        links: Links,
        chain: ChainState,
        headersync: HeaderSync,
        download: BlockDownload,
        now: Instant,
    ) -> None:
        self._outbox = outbox
        self._links = links
        self._chain = chain
        self._headersync = headersync
        self._download = download
        self._trim_at = now + TRIM_INTERVAL
        self._stale_at = now + STALE_CHECK_INTERVAL

    def deadline(self) -> Instant:
        """When something is to be looked at."""
        return min(self._trim_at, self._stale_at)

    def bring_forward(self, by: Instant) -> None:
        """What is due is due so much earlier (`mockscheduler`)."""
        self._trim_at -= by
        self._stale_at -= by

    def tick(self, now: Instant) -> None:
        """Look at what is due."""
        if now >= self._stale_at:
            self._stale_at = now + STALE_CHECK_INTERVAL
            waiting = self._download.in_flight_total > 0
            stale = now - self._chain.tip_moved_at > STALE_AFTER and not waiting
            self._links.set_stale(stale)
        if now >= self._trim_at:
            self._trim_at = now + TRIM_INTERVAL
            self._trim(now)

    def _trim(self, now: Instant) -> None:
        config = self._links.config
        full = choose_extra_full_relay(
            self._candidates(ConnectionType.FULL_RELAY), config.max_full_relay, now
        )
        block = choose_extra_block_relay(
            self._candidates(ConnectionType.BLOCK_RELAY), config.max_block_relay, now
        )
        for peer in (full, block):
            if peer is not None:
                self._outbox.disconnect(peer, PeerDone("others serve better"))
        if full is not None:
            self._links.set_stale(False)  # Somebody more was heard; that is enough for now.

    def _candidates(self, kind: ConnectionType) -> list[OutboundCandidate]:
        return [
            self._candidate(session)
            for session in self._links.sessions.values()
            if session.kind is kind and session.negotiated is not None and not session.is_leaving
        ]

    def _is_last_of_network(self, session: Session) -> bool:
        """It is kept for that: else who cuts off the other networks would cut us off."""
        address = session.address
        return address is not None and self._links.connections.is_last_of_network(address)

    def _candidate(self, session: Session) -> OutboundCandidate:
        peer, headersync = session.peer, self._headersync
        return OutboundCandidate(
            peer=peer,
            connected_at=session.opened_at,
            last_announcement_at=headersync.news_at(peer),
            last_block_at=session.last_block_at,
            blocks_in_flight=len(self._download.inflight(peer)),
            protected=headersync.is_protected(peer) or self._is_last_of_network(session),
        )
