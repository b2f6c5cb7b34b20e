"""Private broadcasts: one transaction, one connection, and nothing that says who we are.

    Opened: version -> theirs, verack -> verack -> inv -> getdata -> tx, ping -> pong -> we leave

Whom to dial says `p2p/privatedials`, which transaction has its turn `p2p/privatebroadcast`. The
transaction is in no pool of ours and is announced to nobody else until a peer sends it to us: then
the network has it, and we are one of many.
"""

from __future__ import annotations

from random import Random
from typing import Final

from axon.machine import MINUTE, Instant, PeerId, earlier
from axon.node.links import Links
from axon.node.outbox import Outbox
from axon.node.privatefacts import (
    PrivatelyEnded,
    PrivatelyRepeated,
    PrivatelyReturned,
    PrivatelySent,
)
from axon.node.session import Session
from axon.p2p.faults import PeerDone, PeerFault, PeerSilent
from axon.p2p.privatebroadcast import PEERS_EACH, PrivateBroadcast
from axon.primitives.hashes import Wtxid
from axon.primitives.transaction import Transaction
from axon.wire.messages import (
    GetData,
    Inv,
    InvItem,
    InvType,
    Message,
    Ping,
    Pong,
    Tx,
    Unknown,
)

LIFETIME: Final = 3 * MINUTE
"""Of a connection: Tor takes its time, and who takes more is of no use."""
LOOK_MIN: Final = 2 * MINUTE
LOOK_SPREAD: Final = MINUTE
"""So often it is looked which transactions came back from nowhere: at random moments."""

_TX_KINDS: Final = (InvType.TX, InvType.WITNESS_TX)


class PrivateFlow:
    """The private broadcasts of one node.

    Args:
        outbox: where effects go.
        links: the connections.
        rng: nonces and moments.
        now: the start.

    Attributes:
        book: the transactions.
    """

    def __init__(self, outbox: Outbox, links: Links, rng: Random, now: Instant) -> None:
        self._outbox = outbox
        self._links = links
        self._rng = rng
        self._pings: dict[PeerId, int] = {}  # The nonce that a peer is to send back.
        self._until: dict[PeerId, Instant] = {}  # Of each connection.
        self._look_at = now
        self.book = PrivateBroadcast()

    # The operator.

    def send(self, transaction: Transaction, now: Instant) -> bool:
        """Bring a transaction out; False if that is under way."""
        if not self.book:
            self._plan_look(now)  # While there was nothing to look at, no clock ran.
        if not self.book.add(transaction, now):
            return False
        self._links.connections.want_private(PEERS_EACH)
        return True

    def abort(self, name: bytes) -> list[Transaction]:
        """Bring those of a txid or wtxid out no more; they are returned."""
        found = [self.give_up(wtxid, "the operator ended it") for wtxid in self.book.named(name)]
        return [transaction for transaction in found if transaction is not None]

    def seen(self, wtxid: Wtxid, peer: PeerId) -> None:
        """A peer sent a transaction: if it is one that was brought out, that is done."""
        transaction = self._end(wtxid)
        if transaction is not None:
            self._outbox.report(PrivatelyReturned(transaction.txid, peer))

    def give_up(self, wtxid: Wtxid, reason: str) -> Transaction | None:
        """A transaction is of no use any more; it is returned, if it was there."""
        transaction = self._end(wtxid)
        if transaction is not None:
            self._outbox.report(PrivatelyEnded(transaction.txid, wtxid, reason))
        return transaction

    def send_again(self, transaction: Transaction) -> None:
        """A transaction that did not come back is still good: one peer more."""
        if self.book.named(transaction.wtxid):
            self._links.connections.want_private(1)
            self._outbox.report(PrivatelyRepeated(transaction.txid, transaction.wtxid))

    def _end(self, wtxid: Wtxid) -> Transaction | None:
        entry = self.book.remove(wtxid)
        if entry is None:
            return None
        self._links.connections.want_private(-entry.missing)
        return entry.transaction

    # One connection.

    def received(self, session: Session, message: Message | Unknown, now: Instant) -> None:
        """A message of a peer that was dialled for a private broadcast.

        Raises:
            PeerFault: it is of no use, or has done what it was for.
        """
        if not session.handshake.is_complete:
            self._outbox.send(session.peer, *session.handshake.received(message, now))
            if session.handshake.is_complete:
                self._offer(session, now)
            return
        match message:
            case GetData(items):
                self._hand_over(session, items)
            case Pong(nonce) if nonce == self._pings.get(session.peer):
                txid = self.book.confirmed_by(session.peer, now)
                if txid is not None:
                    self._outbox.report(PrivatelySent(txid, session.peer))
                raise PeerDone("it has the transaction")
            case _:
                pass  # Whatever else it wants to know, nobody is here.

    def _offer(self, session: Session, now: Instant) -> None:
        assert session.address is not None, "only addresses of the table are dialled so"
        self._until[session.peer] = session.opened_at + LIFETIME
        self._links.connections.handshake_complete(session.peer, now)
        transaction = self.book.pick(session.peer, session.address, now)
        if transaction is None:
            raise PeerDone("no transaction is to be brought out any more")
        self._outbox.send(session.peer, Inv((InvItem(InvType.TX, transaction.txid),)))

    def _hand_over(self, session: Session, items: tuple[InvItem, ...]) -> None:
        transaction = self.book.sent_to(session.peer)
        wanted = [item for item in items if item.kind in _TX_KINDS]
        if transaction is None or len(items) != 1 or not wanted:
            raise PeerFault("asked for something else than it was offered")
        if wanted[0].hash != transaction.txid:
            raise PeerFault("asked for another transaction than it was offered")
        nonce = self._pings[session.peer] = self._rng.getrandbits(64)
        self._outbox.send(session.peer, Tx(transaction), Ping(nonce))

    def closed(self, session: Session) -> None:
        """A connection has ended; another takes its place if it came to nothing."""
        if not session.kind.is_private:
            return
        self._pings.pop(session.peer, None)
        self._until.pop(session.peer, None)
        if not self.book.closed(session.peer) and self.book:
            self._links.connections.want_private(1)

    # Time.

    def tick(self, now: Instant) -> list[Transaction]:
        """End what takes too long.

        Returns:
            The transactions that did not come back: whoever knows whether they are still good says
            `send_again` or `give_up`.
        """
        for peer, until in self._until.items():
            if now >= until:
                self._outbox.disconnect(peer, PeerSilent("it took too long to take a transaction"))
        if not self.book or now < self._look_at:
            return []
        self._plan_look(now)
        return self.book.stale(now)

    def bring_forward(self, by: Instant) -> None:
        """Look earlier by so much at what did not come back (`mockscheduler`)."""
        self._look_at -= by

    def deadline(self) -> Instant | None:
        """When something is due."""
        soonest = min(self._until.values(), default=None)
        return earlier(soonest, self._look_at) if self.book else soonest

    def _plan_look(self, now: Instant) -> None:
        self._look_at = now + LOOK_MIN + int(self._rng.random() * LOOK_SPREAD)
