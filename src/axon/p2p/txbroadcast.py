"""A wallet's own transactions on their way out, and the proof that they spread.

    offered --getdata--> given      listener --inv of it, though we had not offered it--> echoed
    given --asked for it (p2p/txprobe)--> held, or refused

A transaction is offered to every peer that relays but one, the listener, drawn by chance: when it
announces the transaction to us, it has it from somebody else, so the transaction spreads. A peer
that took it and kept it to itself cannot fake that. Without an echo for a while, the listener is
offered it as well. So are peers whose chain is behind ours, who may not know the coins that it
spends: others come first, and that such a peer does not keep it says nothing. As long as there was
no echo newcomers are, too; and everybody again every few minutes until the transaction is confirmed
or given up, for pools forget.

Only who was offered a transaction is given it: else any peer that has seen it elsewhere could ask
us, and learn that it is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import Final

from axon.machine import MINUTE, SECOND, Instant, PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.txprobe import DELAYS_AFTER_OFFERED, TxProbe
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction
from axon.wire.messages import GetData, Inv, InvItem, InvType

MAX_OWN: Final = 1_000
"""Transactions held; with more, the oldest is no longer offered. An `inv` has room for as many."""

LISTEN_TIME: Final = 30 * SECOND
"""How long an echo is waited for before the listener is offered the transaction: nodes announce
every few seconds, and the way back may lead over several."""

REPEAT_MIN: Final = 3 * MINUTE
REPEAT_SPREAD: Final = 3 * MINUTE
"""After so long it is offered again; the spread hides that several belong together."""


class Delivery(StrEnum):
    """What may be said of a transaction that is in no block yet."""

    KEPT = "kept"
    """Nobody was handed it."""
    HANDED_OVER = "handed over"
    """A peer has fetched it, and nobody has shown it since."""
    REFUSED = "refused"
    """Whoever has fetched it does not keep it, and nobody is left who may."""
    ACCEPTED = "accepted"
    """A peer has it in its pool."""
    SPREADING = "spreading"
    """A peer has it from somebody else."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far a transaction has come.

    Args:
        offered: peers to which it was announced.
        given: peers that have fetched it.
        echoed: peers that announced it without having been offered it.
        held: peers that gave it back when they were asked for it.
        refused: connected peers that have fetched it and do not keep it.
        behind: the same of peers whose chain was behind ours then.
        awaited: somebody has refused it, and another may still take it.
    """

    offered: int
    given: int
    echoed: int
    held: int = 0
    refused: tuple[PeerId, ...] = ()
    behind: tuple[PeerId, ...] = ()
    awaited: bool = False

    @property
    def delivery(self) -> Delivery:
        """The same in a word."""
        if self.echoed:
            return Delivery.SPREADING
        if self.held:
            return Delivery.ACCEPTED
        if self.refused and not self.awaited:
            return Delivery.REFUSED
        return Delivery.HANDED_OVER if self.given else Delivery.KEPT


@dataclass(slots=True)
class _Own:
    transaction: Transaction
    quiet: bool = False  # It is brought out by other ways: here it is only listened for.
    due: Instant = 0  # For the listener's turn, or the next repetition.
    listener: PeerId | None = None
    # Of connected peers; the counts include those that have gone.
    offered: dict[PeerId, None] = field(default_factory=dict)
    given: dict[PeerId, None] = field(default_factory=dict)
    echoed: dict[PeerId, None] = field(default_factory=dict)
    held: dict[PeerId, None] = field(default_factory=dict)
    probes: dict[PeerId, TxProbe] = field(default_factory=dict)
    excused: dict[PeerId, None] = field(default_factory=dict)  # Were behind when they refused.
    spread: Spread = Spread(0, 0, 0)

    def count(self, offered: int = 0, given: int = 0, echoed: int = 0, held: int = 0) -> None:
        """Add to how far it has come."""
        was = self.spread
        self.spread = Spread(
            was.offered + offered, was.given + given, was.echoed + echoed, was.held + held
        )


def _nobody(_: PeerId) -> bool:
    return False


class TxBroadcast:
    """Offers own transactions; node-wide.

    Args:
        rng: draws listeners and moments.
        is_behind: whether a peer's chain is known to be behind ours.
    """

    def __init__(self, rng: Random, is_behind: Callable[[PeerId], bool] = _nobody) -> None:
        self._rng = rng
        self._is_behind = is_behind
        self._peers: dict[PeerId, bool] = {}  # Those that relay: whether by wtxid.
        self._own: dict[Txid, _Own] = {}  # Parents before children, as they were added.
        self._names: dict[bytes, Txid] = {}  # Txids and wtxids.

    # The wallet.

    def add(self, transaction: Transaction, now: Instant, *, quiet: bool = False) -> list[Action]:
        """Bring a transaction out, until `remove`.

        Args:
            quiet: it goes out by a private broadcast. No peer of ours hears of it from us, or is
                asked for it; only whether it comes back is noted.
        """
        txid = transaction.txid
        if txid in self._own:
            return []
        for rival in self._ruled_out_by(transaction):
            self.remove(rival)
        if len(self._own) >= MAX_OWN:
            self.remove(next(iter(self._own)))
        own = self._own[txid] = _Own(transaction, quiet)
        self._names[txid] = self._names[transaction.wtxid] = txid
        if quiet:
            self._plan(own, now)
            return []
        peers = list(self._peers)
        level = [peer for peer in peers if not self._is_behind(peer)]
        first = level or peers
        chosen = first if len(first) > 1 else [peer for peer in peers if peer not in first]
        if chosen:
            own.listener = chosen[int(self._rng.random() * len(chosen))]
        self._plan(own, now)
        return self._offer([own], first, now)

    def remove(self, txid: Txid) -> None:
        """A transaction is confirmed, replaced or given up."""
        own = self._own.pop(txid, None)
        if own is not None:
            self._names.pop(txid)
            self._names.pop(own.transaction.wtxid, None)

    def _ruled_out_by(self, transaction: Transaction) -> list[Txid]:
        """Those that spend what it spends, as one that it replaces does, and all that follow."""
        spent, gone = set(transaction.prevouts), dict[Txid, None]()
        for txid, own in self._own.items():
            prevouts = own.transaction.prevouts
            if not spent.isdisjoint(prevouts) or any(point[:32] in gone for point in prevouts):
                gone[txid] = None
        return list(gone)

    def handed_over(self, txid: Txid, peers: int) -> bool:
        """So many strangers have taken a quiet one by now; whether that is news."""
        own = self._own.get(txid)
        more = 0 if own is None else peers - own.spread.given
        if own is None or more <= 0:
            return False
        own.count(offered=more, given=more)
        return True

    def status(self, txid: Txid) -> Spread | None:
        """How far a transaction has come; None if it is not held."""
        own = self._own.get(txid)
        return None if own is None else self._spread(own)

    def statuses(self) -> dict[Txid, Spread]:
        """How far each transaction has come that is held."""
        return {txid: self._spread(own) for txid, own in self._own.items()}

    def _spread(self, own: _Own) -> Spread:
        unkept = [peer for peer, probe in own.probes.items() if probe.refused]
        refused = tuple([peer for peer in unkept if peer not in own.excused])
        return replace(
            own.spread,
            refused=refused,
            behind=tuple([peer for peer in unkept if peer in own.excused]),
            awaited=bool(refused) and any(self._may_keep(own, peer) for peer in self._peers),
        )

    def _may_keep(self, own: _Own, peer: PeerId) -> bool:
        """Whether a peer that can judge it has not done so yet."""
        if self._is_behind(peer):
            return False
        probe = own.probes.get(peer)
        if probe is None or probe.refused:
            return peer not in own.offered or peer in own.excused
        return probe.given or probe.due is not None

    # Peers.

    def opened(self, peer: PeerId, *, wtxid_relay: bool, relay: bool, now: Instant) -> list[Action]:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            wtxid_relay: it wants announcements by wtxid (BIP 339).
            relay: it wants announcements at all.
            now: the present.
        """
        if not relay:
            return []
        late = self._is_behind(peer) and not all(map(self._is_behind, self._peers))
        self._peers[peer] = wtxid_relay
        wanting: list[_Own] = []
        for own in self._own.values():
            if own.spread.echoed or own.quiet:
                continue
            is_out = late or not all(map(self._is_behind, own.given))
            if is_out and own.listener is None:
                own.listener = peer  # Somebody has it already; from here it may come back.
                self._plan(own, now)
            elif not late:
                wanting.append(own)
        actions = self._offer(wanting, [peer], now)
        for own in wanting:
            own.probes[peer] = TxProbe(now)  # It may have it since an earlier run of ours.
        return actions + self._ask_back(now)

    def closed(self, peer: PeerId, now: Instant) -> list[Action]:
        """A peer has gone. What it alone had, perhaps, the listener is offered at once."""
        if self._peers.pop(peer, None) is None:
            return []
        orphaned: list[_Own] = []
        for own in self._own.values():
            for peers in (own.offered, own.given, own.echoed, own.held):
                peers.pop(peer, None)
            own.probes.pop(peer, None)
            own.excused.pop(peer, None)
            if own.listener == peer:
                own.listener = None
            elif own.listener is not None and not own.given:
                own.listener = None
                self._plan(own, now)
                orphaned.append(own)
        return self._offer(orphaned, list(self._peers), now)

    def announced(self, peer: PeerId, items: Iterable[InvItem], now: Instant) -> list[Txid]:
        """A peer announced transactions.

        Returns:
            Those of our own that it cannot have from us: they spread.
        """
        echoes: list[Txid] = []
        if peer not in self._peers:
            return echoes
        for item in items:
            txid = self._names.get(item.hash)
            own = None if txid is None else self._own[txid]
            if txid is None or own is None or peer in own.offered or peer in own.echoed:
                continue
            own.echoed[peer] = None
            own.count(echoed=1)
            own.listener = None  # Nothing is left to prove.
            own.probes.clear()
            self._plan(own, now)
            echoes.append(txid)
        return echoes

    def returned(self, peer: PeerId, transaction: Transaction) -> Txid | None:
        """A peer sent a transaction; its txid if it is one of ours that the peer was asked for."""
        txid = self._names.get(transaction.wtxid)
        own = None if txid is None else self._own[txid]
        if own is None or peer not in own.probes:
            return None
        probe = own.probes[peer]
        probe.due, probe.refused = None, False
        own.excused.pop(peer, None)
        own.count(held=peer not in own.held)
        own.held[peer] = None
        return txid

    def missing(self, peer: PeerId, name: bytes) -> Txid | None:
        """A peer does not have what it was asked for; its txid if it has refused one of ours."""
        txid = self._names.get(name)
        own = None if txid is None else self._own[txid]
        probe = None if own is None else own.probes.get(peer)
        if own is None or probe is None or probe.refused or not probe.missing():
            return None
        if self._is_behind(peer):
            own.excused[peer] = None
        return txid

    def requested(self, peer: PeerId, item: InvItem, now: Instant) -> Transaction | None:
        """The transaction that a peer asks for; None if it was not offered it."""
        txid = self._names.get(item.hash)
        own = None if txid is None else self._own[txid]
        if own is None or peer not in own.offered:
            return None
        if peer not in own.given:
            own.given[peer] = None
            own.count(given=1)
        if not own.spread.echoed:
            own.probes.setdefault(peer, TxProbe(None)).handed_over(now)
            own.excused.pop(peer, None)
        return own.transaction

    # Time.

    def tick(self, now: Instant) -> list[Action]:
        """Offer again what is due, and ask who may have it."""
        due = [own for own in self._own.values() if now >= own.due]
        unechoed = [own for own in due if own.listener is not None]
        repeated = [own for own in due if own.listener is None]
        for own in due:
            own.listener = None
            self._plan(own, now)
        peers = list(self._peers)
        actions = self._offer(unechoed, peers, now) + self._offer(repeated, peers, now, again=True)
        return actions + self._ask_back(now)

    def deadline(self) -> Instant | None:
        """When something is to be offered again, or asked for."""
        if not self._peers:
            return None
        moments = [own.due for own in self._own.values()]
        for own in self._own.values():
            moments += [probe.due for probe in own.probes.values() if probe.due is not None]
        return min(moments, default=None)

    def _plan(self, own: _Own, now: Instant) -> None:
        if own.listener is not None:
            own.due = now + LISTEN_TIME
        else:
            own.due = now + REPEAT_MIN + int(self._rng.random() * REPEAT_SPREAD)

    def _ask_back(self, now: Instant) -> list[Action]:
        """Ask for what peers were handed, or may have from somebody else."""
        names: dict[PeerId, list[InvItem]] = {}
        for own in self._own.values():
            for peer, probe in own.probes.items():
                if probe.due is not None and now >= probe.due:
                    probe.ask(now)
                    names.setdefault(peer, []).append(self._name(own, peer, InvType.WITNESS_TX))
        return [Send(peer, GetData(tuple(items))) for peer, items in names.items()]

    def _name(self, own: _Own, peer: PeerId, by_txid: InvType) -> InvItem:
        """What a peer calls it: by wtxid where both speak BIP 339, else by txid, of that kind."""
        if self._peers[peer]:
            return InvItem(InvType.WTX, own.transaction.wtxid)
        return InvItem(by_txid, own.transaction.txid)

    def _offer(
        self,
        wanting: Sequence[_Own],
        peers: Sequence[PeerId],
        now: Instant,
        *,
        again: bool = False,
    ) -> list[Action]:
        """Announce transactions to those who are not listeners and were not offered them yet."""
        actions: list[Action] = []
        for peer in peers:
            items: list[InvItem] = []
            for own in wanting:
                if own.quiet or own.listener == peer or (peer in own.offered and not again):
                    continue
                if peer not in own.offered:
                    own.offered[peer] = None
                    own.count(offered=1)
                refused = peer in own.probes and own.probes[peer].refused
                if not (refused or peer in own.held or own.spread.echoed):
                    own.probes[peer] = TxProbe(now + DELAYS_AFTER_OFFERED[0])
                items.append(self._name(own, peer, InvType.TX))
            if items:
                actions.append(Send(peer, Inv(tuple(items))))
        return actions
