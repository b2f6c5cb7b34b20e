"""Own transactions that are brought out without leading back to us: what was sent to whom.

    added --picked for a peer--> sent --its pong--> confirmed
    added, sent, confirmed --comes back from the network, or given up--> gone
    nobody confirmed it for 5 minutes, or nothing came back for one --> stale: to another peer

The figures and the order in which transactions take their turns are Bitcoin Core's (version 31).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from axon.machine import MINUTE, Instant, PeerId
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.netaddress import NetAddress
from axon.primitives.transaction import Transaction

PEERS_EACH: Final = 3
"""To so many peers a transaction is sent at first: one may keep it to itself."""
UNCONFIRMED_STALE: Final = 5 * MINUTE
CONFIRMED_STALE: Final = MINUTE
MAX_SENDS_KEPT: Final = 100
"""Of each transaction, for `getprivatebroadcastinfo`: it may wait for days."""


@dataclass(slots=True)
class Sending:
    """One transaction on its way to one peer.

    Args:
        peer: who.
        address: where it is.
        sent_at: when it was chosen for this peer.
        confirmed_at: when the peer had it; None before.
    """

    peer: PeerId
    address: NetAddress
    sent_at: Instant
    confirmed_at: Instant | None = None


@dataclass(slots=True)
class PrivateTransaction:
    """One transaction that is brought out.

    Args:
        transaction: which.
        added_at: since when.
        sendings: the last ones, in order.
    """

    transaction: Transaction
    added_at: Instant
    sendings: list[Sending] = field(default_factory=list)
    sent: int = 0
    confirmed: int = 0
    last_sent_at: Instant = 0
    last_confirmed_at: Instant = 0

    @property
    def turn(self) -> tuple[int, int, Instant, Instant]:
        """Who is smaller comes first: sent and confirmed less, and longer ago."""
        return (self.sent, self.confirmed, self.last_sent_at, self.last_confirmed_at)

    @property
    def missing(self) -> int:
        """Peers that it was still to reach at first."""
        return max(0, PEERS_EACH - self.confirmed)

    def is_stale(self, now: Instant) -> bool:
        """Whether it is to be sent to another peer."""
        if self.confirmed:
            return self.last_confirmed_at < now - CONFIRMED_STALE
        return self.added_at < now - UNCONFIRMED_STALE


class PrivateBroadcast:
    """The transactions of one node. The operator alone adds to them, so they need no bound."""

    def __init__(self) -> None:
        self._entries: dict[Wtxid, PrivateTransaction] = {}
        self._open: dict[PeerId, tuple[PrivateTransaction, Sending]] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def entries(self) -> list[PrivateTransaction]:
        """All that are brought out, in the order in which they were added."""
        return list(self._entries.values())

    def add(self, transaction: Transaction, now: Instant) -> bool:
        """One more; False if it is there already."""
        if transaction.wtxid in self._entries:
            return False
        self._entries[transaction.wtxid] = PrivateTransaction(transaction, now)
        return True

    def remove(self, wtxid: Wtxid) -> PrivateTransaction | None:
        """Bring one out no more; None if it is not there."""
        return self._entries.pop(wtxid, None)

    def named(self, name: bytes) -> list[Wtxid]:
        """Those of a txid or wtxid."""
        return [
            wtxid
            for wtxid, entry in self._entries.items()
            if name in (wtxid, entry.transaction.txid)
        ]

    def pick(self, peer: PeerId, address: NetAddress, now: Instant) -> Transaction | None:
        """The one whose turn it is, for a peer; None if there is none left."""
        if not self._entries:
            return None
        entry = min(self._entries.values(), key=lambda each: each.turn)
        sending = Sending(peer, address, now)
        entry.sendings.append(sending)
        del entry.sendings[:-MAX_SENDS_KEPT]
        entry.sent += 1
        entry.last_sent_at = now
        self._open[peer] = (entry, sending)
        return entry.transaction

    def sent_to(self, peer: PeerId) -> Transaction | None:
        """The one that was picked for a peer; None if none was."""
        found = self._open.get(peer)
        return None if found is None else found[0].transaction

    def confirmed_by(self, peer: PeerId, now: Instant) -> Txid | None:
        """A peer has what was sent to it: its txid; None if nothing was."""
        found = self._open.get(peer)
        if found is None:
            return None
        entry, sending = found
        sending.confirmed_at = entry.last_confirmed_at = now
        entry.confirmed += 1
        return entry.transaction.txid

    def closed(self, peer: PeerId) -> bool:
        """A peer has gone; whether it had confirmed what was sent to it."""
        found = self._open.pop(peer, None)
        return found is not None and found[1].confirmed_at is not None

    def stale(self, now: Instant) -> list[Transaction]:
        """Those that are to be sent to another peer."""
        return [e.transaction for e in self._entries.values() if e.is_stale(now)]
