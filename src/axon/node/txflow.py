"""How transactions flow through a full node: from an announcement to the pool and on to others.

    inv -> txdownload (ask one announcer) -> tx -> admission -> txoutcomes -> txrelay (announce)
    a parent is missing -> orphans (ask for the parents) -> tried again when they are in
    it pays too little -> packageflow, with a child that pays for both

Nothing of peers is taken in during initial sync, nor while the coins lag behind the tip; the
operator's transactions wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from axon.machine import MINUTE, Instant, PeerId, earlier
from axon.mempool.pool import Mempool
from axon.node.admission import Admission
from axon.node.chainstate import ChainState
from axon.node.outbox import Outbox
from axon.node.packageflow import PackageFlow
from axon.node.session import Session
from axon.node.txoutcomes import TxOutcomes
from axon.p2p.extratransactions import DEFAULT_EXTRA_TRANSACTIONS, ExtraTransactions
from axon.p2p.faults import PeerFault
from axon.p2p.txbacklog import SEND_RATE
from axon.p2p.txrelay import TxRelay
from axon.primitives.transaction import MAX_MONEY_SAT, Transaction
from axon.wire.messages import InvItem, InvType, NotFound

MAINTENANCE_INTERVAL: Final = MINUTE
"""How often expired entries are looked for, and whether the pool's minimum feerate has fallen."""

_TX_KINDS = frozenset((InvType.TX, InvType.WTX, InvType.WITNESS_TX))


class TxFlow:
    """Transactions of a full node.

    Args:
        outbox: where effects go.
        sessions: all connections, by peer.
        pool: the unconfirmed.
        chain: what is known of the chain.
        rng: for the parts.
        blocks_only: peers are to send no transactions (`-blocksonly`).
        announce_pool: newcomers are told of the pool (`-announcepool`).
        send_rate: transactions a second announced to inbound peers (`-txsendrate`).
        extra_limit: transactions kept beside the pool (`-blockreconstructionextratxn`).
    """

    def __init__(
        self,
        outbox: Outbox,
        sessions: Mapping[PeerId, Session],
        pool: Mempool,
        chain: ChainState,
        rng: Random,
        *,
        blocks_only: bool = False,
        announce_pool: bool = False,
        send_rate: int = SEND_RATE,
        extra_limit: int = DEFAULT_EXTRA_TRANSACTIONS,
    ) -> None:
        self._outbox = outbox
        self.pool = pool
        self._chain = chain
        self._blocks_only = blocks_only
        self.outcomes = TxOutcomes(
            outbox,
            pool,
            chain,
            TxRelay(
                rng,
                pool,
                min_relay_sat_kvb=pool.policy.min_relay_feerate_sat_kvb,
                blocks_only=blocks_only,
                announce_pool=announce_pool,
                send_rate=send_rate,
            ),
            rng,
            ExtraTransactions(extra_limit),
        )
        self.download, self.txrelay = self.outcomes.download, self.outcomes.txrelay
        self.orphans, self.fees = self.download.orphans, self.outcomes.fees
        self.packages = PackageFlow(outbox, chain, self.outcomes)
        self.admission = Admission(outbox, sessions, chain, self.outcomes, self.packages)
        self._maintenance_at: Instant = 0

    # From peers.

    def opened(self, session: Session, now: Instant) -> None:
        """A peer's handshake is complete."""
        negotiated = session.negotiated
        assert negotiated is not None, "transactions flow after the handshake"
        if not session.kind.relays_transactions:
            return
        peer = session.peer
        self.download.opened(
            peer,
            wtxid_relay=negotiated.wtxid_relay,
            preferred=not session.inbound or session.may("noban"),
            trusted=session.may("relay"),
        )
        self.txrelay.opened(
            peer,
            inbound=session.inbound,
            wtxid_relay=negotiated.wtxid_relay,
            relay=negotiated.relay,
            noban=session.may("noban"),
            forcerelay=session.may("forcerelay"),
            bloom=session.offers_bloom,
            version=negotiated.common_version,
            now=now,
        )

    def closed(self, peer: PeerId, now: Instant) -> None:
        """A peer has gone."""
        self.admission.closed(peer)
        self.download.closed(peer, now)
        self.txrelay.closed(peer, now)

    def announced(self, session: Session, items: Sequence[InvItem], now: Instant) -> None:
        """Transactions that a peer has.

        Raises:
            PeerFault: it was told not to announce any.
        """
        if not self._may_send(session):
            raise PeerFault("transaction inv sent in violation of protocol")
        peer, negotiated = session.peer, session.negotiated
        assert negotiated is not None, "transactions flow after the handshake"
        open_ = self._chain.takes_transactions
        for item in items:
            if item.kind not in _TX_KINDS:
                continue
            if negotiated.wtxid_relay != (item.kind == InvType.WTX):
                continue  # It agreed to name them the other way.
            self.txrelay.known(peer, item.hash)
            if open_:
                self.download.announced(peer, item, now)
        self._outbox.perform(self.download.txrequest.requests(now))

    def received(self, session: Session, transaction: Transaction, now: Instant) -> None:
        """A transaction from a peer, which waits until it is settled.

        Raises:
            PeerFault: it was told not to send any.
        """
        if not self._may_send(session):
            raise PeerFault("transaction sent in violation of protocol")
        peer, txid, wtxid = session.peer, transaction.txid, transaction.wtxid
        self.txrelay.has(peer, transaction)
        self.download.txrequest.received(peer, txid)
        self.download.txrequest.received(peer, wtxid)
        if not self._chain.takes_transactions or self.admission.join(session, wtxid):
            return
        if self.download.is_known(wtxid):
            known = self.pool.get(txid)
            if known is not None and session.may("forcerelay"):
                self.outcomes.announce(known, now)
            return
        if not self.download.pays_too_little(wtxid):
            self.admission.take(session, transaction, now)
            return
        pair = self.download.find_pair(transaction, (peer,))
        if pair is not None:
            self.admission.take_pair(session, pair, now)

    def _may_send(self, session: Session) -> bool:
        if not session.kind.relays_transactions:
            return False
        return not self._blocks_only or session.may("relay")

    def serve(self, peer: PeerId, item: InvItem, now: Instant) -> Transaction | None:
        """A transaction that a peer asks for; None if it may not have it, or there is none."""
        transaction = self.txrelay.find(peer, item, now)
        if transaction is not None:
            self.pool.mark_broadcast(transaction.txid)
        return transaction

    def notfound(self, peer: PeerId, message: NotFound) -> None:
        """A peer does not have what it was asked for."""
        for item in message.items:
            if item.kind in _TX_KINDS:
                self.download.txrequest.notfound(peer, item.hash)

    # The chain moves.

    def resume(self, now: Instant) -> None:
        """What moved the coins, or might have, is done: go on with what waits for them."""
        self.admission.resume(now)
        self.packages.resume(now)

    # Time.

    def minimum_changed(self, now: Instant) -> None:
        """Tell peers which feerate they need not go below."""
        minimum = self.pool.min_feerate(now) if self._chain.takes_transactions else MAX_MONEY_SAT
        self.txrelay.minimum_changed(minimum, now)

    def tick(self, now: Instant) -> None:
        """What is due."""
        self._outbox.perform(self.download.txrequest.tick(now))
        if now >= self._maintenance_at:
            self._maintenance_at = now + MAINTENANCE_INTERVAL
            self.outcomes.removed(self.pool.enforce_limits(now), "expiry")
        self.minimum_changed(now)  # Who is told now is told what is asked for now.
        self._outbox.perform(self.txrelay.tick(now))

    def deadline(self) -> Instant | None:
        """When something is due."""
        soonest = earlier(self.download.txrequest.deadline(), self.txrelay.deadline())
        return earlier(soonest, self._maintenance_at) if len(self.pool) else soonest
