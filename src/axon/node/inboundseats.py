"""Who sits among the inbound peers of a node, as `p2p/eviction` weighs it, and who has to go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from axon.machine import PeerId
from axon.node.candidates import candidate
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.p2p.admission import InboundAdmission, InboundAdmitted
from axon.p2p.banlist import BanList
from axon.p2p.eviction import InboundCandidate
from axon.p2p.faults import PeerDone


class InboundSeats:
    """The seats of those who dial us; a part of `Links`.

    Args:
        outbox: where effects go.
        sessions: all connections, by peer.
        admission: decides.
        bans: who is discouraged.
    """

    def __init__(
        self,
        outbox: Outbox,
        sessions: Mapping[PeerId, Session],
        admission: InboundAdmission,
        bans: BanList,
    ) -> None:
        self._outbox = outbox
        self._sessions = sessions
        self._admission = admission
        self._bans = bans

    def candidates(self) -> Iterator[InboundCandidate]:
        """All inbound peers, also those that have said nothing yet: silence must hold no seat."""
        return (
            candidate(session, self._bans)
            for session in self._sessions.values()
            if session.inbound and not session.is_leaving
        )

    def asked_for_transactions(self, session: Session) -> None:
        """A peer wants transactions, by its `version` or by a bloom filter.

        Raises:
            PeerDone: it dialled us, and as many as may have transactions are worth more.
        """
        session.relays = True
        if not session.inbound:
            return
        admitted = self._admission.admit_relay(session.peer, self.candidates())
        if not isinstance(admitted, InboundAdmitted):
            raise PeerDone(admitted.reason)
        if admitted.evict is not None:
            self._outbox.disconnect(
                admitted.evict, PeerDone("evicted for a new peer with transactions")
            )
