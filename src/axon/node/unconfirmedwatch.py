"""Unconfirmed transactions of a light client: the relay it watches, and its own on their way out.

    inv -> txrequest (ask one announcer) -> tx -> Delegate(TakeUnconfirmed)
        -> UnconfirmedPaymentFound
    own -> txbroadcast (offer) <- getdata, and from another peer an inv of it: it spreads

A light client cannot tell whether an unconfirmed transaction is valid; the wallet shows it as
unconfirmed. All that peers announce is asked for, so that no peer learns which are ours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from axon.machine import Instant, PeerId, earlier
from axon.node.facts import TransactionSpread, UnconfirmedPaymentFound
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.node.walletjobs import WALLET, NoteDelivery, TakeUnconfirmed
from axon.p2p.rollingset import RollingSet
from axon.p2p.txbroadcast import Delivery, TxBroadcast
from axon.p2p.txrequest import TxRequest
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction
from axon.wire.messages import GetData, Inv, InvItem, InvType, NotFound, Tx

MAX_SEEN: Final = 50_000
"""Transactions remembered as seen: an hour of the main network."""

MAX_BYTES: Final = 400_000
"""No node relays a larger transaction, so none that is larger is looked at."""

MAX_WAITING_BYTES: Final = 1_000_000
"""Transactions of one peer that wait for the wallet; a flood beyond that is not looked at. With
six peers 6 MB, and what a peer has sent goes with it."""

AT_ONCE: Final = 4
"""Given to the wallet at a time, a peer each: so the peers take turns, and few are in its lane."""

_TX_KINDS: Final = frozenset((InvType.TX, InvType.WTX, InvType.WITNESS_TX))


@dataclass(frozen=True, slots=True)
class UnconfirmedTaken:
    """Continuation: the wallet has looked at an unconfirmed transaction of a peer."""

    txid: Txid
    peer: PeerId


@dataclass(slots=True)
class _Waiting:
    """Transactions of one peer that wait for the wallet."""

    host: str
    transactions: deque[Transaction] = field(default_factory=deque)
    size_bytes: int = 0

    def add(self, transaction: Transaction) -> None:
        self.transactions.append(transaction)
        self.size_bytes += transaction.size_bytes

    def take(self) -> Transaction:
        transaction = self.transactions.popleft()
        self.size_bytes -= transaction.size_bytes
        return transaction


class UnconfirmedWatch:
    """Unconfirmed transactions of one light client.

    Args:
        outbox: where effects go.
        rng: for the parts.
        is_behind: whether a peer's chain is known to be behind ours.
    """

    def __init__(self, outbox: Outbox, rng: Random, is_behind: Callable[[PeerId], bool]) -> None:
        self._outbox = outbox
        self.txrequest = TxRequest(rng)
        self.broadcast = TxBroadcast(rng, is_behind)
        self._seen: RollingSet[bytes] = RollingSet(MAX_SEEN)
        self._waiting: dict[PeerId, _Waiting] = {}  # Whose turn is next comes first.
        self._working = 0
        self._noted: dict[Txid, bool] = {}  # What the wallet was told of its own, by `shown`.
        self._wanted: dict[PeerId, deque[InvItem]] = {}  # Of the getdata that each peer waits for.

    def opened(self, session: Session, now: Instant) -> None:
        """A peer's handshake is complete."""
        negotiated = session.negotiated
        assert negotiated is not None, "transactions flow after the handshake"
        if not session.kind.relays_transactions:
            return
        wtxid_relay = negotiated.wtxid_relay
        self.txrequest.opened(session.peer, wtxid_relay=wtxid_relay)
        self._outbox.perform(
            self.broadcast.opened(
                session.peer, wtxid_relay=wtxid_relay, relay=negotiated.relay, now=now
            )
        )

    def closed(self, peer: PeerId, now: Instant) -> None:
        """A peer has gone."""
        self._wanted.pop(peer, None)
        self._waiting.pop(peer, None)
        self.txrequest.closed(peer, now)
        self._outbox.perform(self.broadcast.closed(peer, now))
        self._outbox.perform(self.txrequest.requests(now))

    def announced(self, session: Session, message: Inv, now: Instant) -> None:
        """Transactions that a peer has."""
        if not session.kind.relays_transactions:
            return
        peer, negotiated = session.peer, session.negotiated
        assert negotiated is not None, "transactions flow after the handshake"
        items = [item for item in message.items if item.kind in _TX_KINDS]
        for txid in self.broadcast.announced(peer, items, now):
            self._report_spread(txid)
        for item in items:
            if negotiated.wtxid_relay != (item.kind == InvType.WTX) or item.hash in self._seen:
                continue
            late = self.txrequest.overloaded(peer)
            self.txrequest.announced(peer, item, preferred=True, overloaded=late, now=now)
        self._outbox.perform(self.txrequest.requests(now))

    def received(self, session: Session, transaction: Transaction, now: Instant) -> None:
        """A transaction from a peer."""
        peer, txid, wtxid = session.peer, transaction.txid, transaction.wtxid
        held = self.broadcast.returned(peer, transaction)
        if held is not None:
            self._report_spread(held)
        asked = self.txrequest.received(peer, txid) | self.txrequest.received(peer, wtxid)
        for name in (txid, wtxid):
            self.txrequest.forget(name)
        if not asked or wtxid in self._seen or transaction.size_bytes > MAX_BYTES:
            return
        waiting = self._waiting.setdefault(peer, _Waiting(session.remote.host))
        if waiting.size_bytes + transaction.size_bytes > MAX_WAITING_BYTES:
            return
        self._seen.add(txid)
        self._seen.add(wtxid)
        waiting.add(transaction)
        self._give_on(now)

    def _give_on(self, now: Instant) -> None:
        """Give the wallet what waits, a transaction of each peer in turn."""
        while self._waiting and self._working < AT_ONCE:
            peer = next(iter(self._waiting))
            waiting = self._waiting.pop(peer)
            transaction = waiting.take()
            if waiting.transactions:
                self._waiting[peer] = waiting  # Behind all others.
            self._working += 1
            job = TakeUnconfirmed(transaction, now, waiting.host)
            self._outbox.delegate(job, WALLET, UnconfirmedTaken(transaction.txid, peer))

    def taken(self, done: UnconfirmedTaken, concerns_us: bool, now: Instant) -> None:
        """The wallet has looked at a transaction of a peer."""
        self._working -= 1
        self._give_on(now)
        if concerns_us:
            self._outbox.report(UnconfirmedPaymentFound(done.txid, done.peer))

    def requested(self, session: Session, message: GetData) -> None:
        """A peer asks for transactions."""
        self._wanted[session.peer] = deque(message.items)
        session.serving = bool(message.items)

    def serve(self, session: Session, now: Instant) -> None:
        """Give a peer the next transaction that it asked for, if it was offered that one."""
        peer, missing = session.peer, list[InvItem]()
        wanted, found = self._wanted[peer], None
        while wanted and found is None:
            item = wanted.popleft()
            if item.kind in _TX_KINDS:
                found = self.broadcast.requested(peer, item, now)
            if found is None:
                missing.append(item)
        if missing:
            self._outbox.send(peer, NotFound(tuple(missing)))
        if found is not None:
            self._outbox.send(peer, Tx(found))
            self._report_spread(found.txid)
        session.serving = bool(wanted)

    def notfound(self, peer: PeerId, message: NotFound, now: Instant) -> None:
        """A peer does not have what it was asked for."""
        for item in message.items:
            if item.kind in _TX_KINDS:
                refused = self.broadcast.missing(peer, item.hash)
                if refused is not None:
                    self._report_spread(refused)
                self.txrequest.notfound(peer, item.hash)
        self._outbox.perform(self.txrequest.requests(now))

    def send(self, transaction: Transaction, now: Instant, *, quiet: bool = False) -> None:
        """Bring a transaction of our own to the network, until it is confirmed.

        Args:
            quiet: it goes out by a private broadcast, and is asked for like any other when a peer
                announces it: who is not asked would know whose it is.
        """
        if quiet:
            self._outbox.perform(self.broadcast.add(transaction, now, quiet=True))
            return
        self._seen.add(transaction.txid)
        self._seen.add(transaction.wtxid)
        self._outbox.perform(self.broadcast.add(transaction, now))

    def handed_over(self, txid: Txid, peers: int) -> None:
        """So many strangers have taken one that goes out by a private broadcast."""
        if self.broadcast.handed_over(txid, peers):
            self._report_spread(txid)

    def settled(self, txid: Txid) -> None:
        """A transaction is confirmed, or given up."""
        self.broadcast.remove(txid)
        self._noted.pop(txid, None)

    def tick(self, now: Instant) -> None:
        """What is due."""
        self._outbox.perform(self.txrequest.tick(now))
        self._outbox.perform(self.broadcast.tick(now))

    def deadline(self) -> Instant | None:
        """When something is due."""
        return earlier(self.txrequest.deadline(), self.broadcast.deadline())

    def _report_spread(self, txid: Txid) -> None:
        spread = self.broadcast.status(txid)
        if spread is not None:
            fact = TransactionSpread(
                txid, spread.given, spread.echoed, spread.held, len(spread.refused)
            )
            self._outbox.report(fact)
            shown = spread.delivery in (Delivery.ACCEPTED, Delivery.SPREADING)
            if self._noted.get(txid) not in (True, shown) and (spread.given or shown):
                self._noted[txid] = shown
                self._outbox.delegate(NoteDelivery(txid, shown), WALLET)
