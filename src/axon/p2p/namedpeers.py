"""The peers that the operator named: `-connect` and `-addnode`, dialled for as long as they stay.

When each is due says `redial`; here is how many of them there may be at a time, and which dials
and connections are theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.connectionsconfig import MAX_ADDED, ConnectionsConfig
from axon.p2p.connectiontable import Connection, ConnectionTable
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.redial import IMPATIENT_DELAY, MAX_DELAY, STEADY, Redial, Target
from axon.p2p.requests import DialRequest, address_of


@dataclass(frozen=True, slots=True)
class AddedNode:
    """One entry of `getaddednodeinfo`; `peer` is None while it is not connected."""

    target: Target
    peer: PeerId | None


class NamedPeers:
    """The operator's list; a part of `Connections`.

    Args:
        config: what the operator decided at the start.
        table: which connections there are.
        rng: spreads the dials.
        now: the start.
    """

    def __init__(
        self, config: ConnectionsConfig, table: ConnectionTable, rng: Random, now: Instant
    ) -> None:
        self._table = table
        self._v2 = config.v2
        self._cjdns = config.cjdns
        max_delay = IMPATIENT_DELAY if config.impatient else MAX_DELAY
        self._fixed = Redial(config.connect or (), rng, now, max_delay)
        self._added = Redial(config.added, rng, now, max_delay)

    def add(self, target: Target, now: Instant) -> bool:
        """`addnode add`: a peer to stay connected to; False if it is one already."""
        return self._added.add(target, now)

    def remove(self, name: str) -> bool:
        """`addnode remove`: stay no longer; False if it is none. A connection is left alone."""
        return self._added.remove(name)

    def added(self) -> list[AddedNode]:
        """`getaddednodeinfo`: all that were added, in that order."""
        return [AddedNode(t, self._table.peer_at(t.endpoint)) for t in self._added.targets]

    def deadline(self) -> Instant | None:
        """When the next dial is due."""
        moments = [self._fixed.deadline(self._table.is_busy)]
        if self._room_for_added() > 0:
            moments.append(self._added.deadline(self._table.is_busy))
        return min((moment for moment in moments if moment is not None), default=None)

    def tick(self, now: Instant) -> list[DialRequest]:
        """The dials that are due, of added peers no more than there is room for."""
        due = self._fixed.due(now, self._table.is_busy)
        named_twice = [target.endpoint for target in due]
        added = self._added.due(now, self._table.is_busy)
        added = [target for target in added if target.endpoint not in named_twice]
        due += added[: max(0, self._room_for_added())]
        return [
            DialRequest(
                target.endpoint,
                ConnectionType.MANUAL,
                target.v2 and self._v2,
                address_of(target.endpoint, cjdns=self._cjdns),
            )
            for target in due
        ]

    def dial_failed(self, request: DialRequest, now: Instant) -> None:
        """Nobody answered a dial: its peer is tried again later, ever more patiently."""
        if request.kind is ConnectionType.MANUAL:
            for redial in (self._fixed, self._added):
                redial.failed(request.endpoint, now)

    def closed(self, connection: Connection, request: DialRequest, now: Instant) -> None:
        """A connection that we dialled has ended; it is in the table no more."""
        open_for = now - connection.opened_at
        if request.kind is ConnectionType.MANUAL:
            for redial in (self._fixed, self._added):
                if open_for >= STEADY:
                    redial.ended(request.endpoint, now)
                else:
                    redial.failed(request.endpoint, now)
        served = connection.ready and open_for >= SECOND
        if served and not any(c.ready and c.request for c in self._table.open.values()):
            for redial in (self._fixed, self._added):  # Nobody is left: whoever else there is.
                redial.bring_forward(now, request.endpoint)

    def _room_for_added(self) -> int:
        return MAX_ADDED - sum(self._table.is_busy(t.endpoint) for t in self._added.targets)
