"""A light client gets to know more nodes than it keeps: every two minutes one more on trial.

Peers that all tell the same story may be one person. So now and then a further node is dialled, and
of all of them the one goes whose news of blocks are the oldest. Whoever keeps a wallet from the
chain with the most work has to keep it from every node it knows, again and again.
"""

from __future__ import annotations

from typing import Final

from axon.machine import MINUTE, SECOND, Instant
from axon.node.links import Links
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.eviction import OutboundCandidate, choose_extra_full_relay
from axon.p2p.faults import PeerDone
from axon.p2p.headersync import HeaderSync

TRIAL_INTERVAL: Final = 2 * MINUTE
"""How often a further node is dialled: as often as full nodes send their feelers."""

TRIM_INTERVAL: Final = 45 * SECOND
"""How long after that one is given up."""


class Rotation:
    """The slow clock of a light client.

    Args:
        outbox: where effects go.
        links: the connections.
        headersync: knows who brought news of blocks.
        now: the start.
    """

    def __init__(self, outbox: Outbox, links: Links, headersync: HeaderSync, now: Instant) -> None:
        self._outbox = outbox
        self._links = links
        self._headersync = headersync
        self._trial_at = now + TRIAL_INTERVAL
        self._trim_at: Instant | None = None

    def deadline(self) -> Instant:
        """When something is due."""
        return self._trial_at if self._trim_at is None else min(self._trial_at, self._trim_at)

    def tick(self, now: Instant) -> None:
        """Do what is due."""
        if now >= self._trial_at:
            self._trial_at = now + TRIAL_INTERVAL
            self._trim_at = now + TRIM_INTERVAL
            self._links.set_stale(True)
        if self._trim_at is not None and now >= self._trim_at:
            self._trim_at = None
            self._links.set_stale(False)
            self._trim(now)

    def _trim(self, now: Instant) -> None:
        candidates = [
            self._candidate(session)
            for session in self._links.sessions.values()
            if session.kind is ConnectionType.FULL_RELAY and session.negotiated is not None
        ]
        wanted = self._links.config.max_full_relay
        worst = choose_extra_full_relay(candidates, wanted, now)
        if worst is not None:
            self._outbox.disconnect(worst, PeerDone("others bring news sooner"))

    def _candidate(self, session: Session) -> OutboundCandidate:
        return OutboundCandidate(
            peer=session.peer,
            connected_at=session.opened_at,
            last_announcement_at=self._headersync.news_at(session.peer),
            last_block_at=session.last_block_at,
            blocks_in_flight=0,
            protected=False,
        )
