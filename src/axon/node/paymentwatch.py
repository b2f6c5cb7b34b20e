"""Unconfirmed payments that a payee looks out for: who shows them, and what goes against them.

    watched --a peer announces or sends it--> Echoed
    watched --a peer shows what spends the same--> ConflictSeen, again for each host that shows it
    watched --a block spends what it spends--> WatchedMined --the block is left--> WatchedUnmined

All that peers announce is asked for (`node/unconfirmedwatch`), each of one peer at a time; while
a payment is watched all who announce the same are asked once the first lets us wait for
`PATIENCE`, so nobody hides a rival by announcing it and being silent. What is asked of each peer is
bounded there: `MAX_ANNOUNCEMENTS` names at a time, `MAX_GETDATA` in a message. Nodes do not relay
what goes against what they have, so a rival is seen only where peers of ours have it, and nobody
can tell here whether it is valid: hosts that show it are counted, and the payee decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from axon.machine import SECOND, Instant, PeerId
from axon.mempool.policy import MAX_STANDARD_WEIGHT
from axon.node.outbox import Outbox
from axon.node.recentspends import RecentSpends
from axon.node.session import Session
from axon.node.spendfacts import ConflictSeen, Echoed, WatchedMined, WatchedUnmined
from axon.node.spends import ClaimedCoin, Spent, WatchPayment
from axon.node.spendwatch import MAX_COINS, SpendWatch
from axon.p2p.txrequest import TxRequest
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, Transaction, outpoint
from axon.wire.messages import InvItem

PATIENCE: Final = 2 * SECOND
"""How long one peer may let us wait for what it announced: a rival is told 5 s after it was first
announced, and announcements by txid wait for 2 s already."""

MAX_WATCHED: Final = 16
"""Payments watched at a time."""

MAX_ANCESTORS: Final = 25
"""Unconfirmed ancestors of one: no pool takes more."""

MAX_RIVALS: Final = 16
"""Rivals of one payment that are told of: anybody can make up any number."""

MAX_HOSTS: Final = 64
"""Hosts counted for one transaction; there are never as many at a time."""


@dataclass(slots=True)
class _Shown:
    """One transaction, and by whom it is shown."""

    names: dict[bytes, None] = field(default_factory=dict)  # Txid, and wtxids under which it came.
    hosts: dict[str, None] = field(default_factory=dict)

    def add(self, hosts: Iterable[str]) -> bool:
        """These hosts show it; whether that is news."""
        before = len(self.hosts)
        for host in hosts:
            if len(self.hosts) < MAX_HOSTS:
                self.hosts[host] = None
        return len(self.hosts) > before


@dataclass(slots=True)
class _Watched:
    """One payment."""

    transaction: Transaction
    family: dict[Txid, Transaction]  # It and its ancestors.
    claims: dict[ClaimedCoin, None]  # Confirmed coins that these spend.
    echo: _Shown = field(default_factory=_Shown)
    rivals: dict[Txid, _Shown] = field(default_factory=dict)
    mined: dict[Txid, Spent] = field(default_factory=dict)  # By what spends a coin of theirs.


class PaymentWatch:
    """The payments that one light client watches.

    Args:
        outbox: where effects go.
        spends: searches blocks.
        txrequest: asks for what is announced.
    """

    def __init__(self, outbox: Outbox, spends: SpendWatch, txrequest: TxRequest) -> None:
        self._outbox = outbox
        self._spends = spends
        self._txrequest = txrequest
        self._hosts: dict[PeerId, str] = {}
        self._recent = RecentSpends()
        self._watched: dict[Txid, _Watched] = {}
        self._spent: dict[OutPoint, list[_Watched]] = {}
        self._names: dict[bytes, list[tuple[_Watched, Txid]]] = {}
        self._looked_at = -1  # Changes of the search when blocks were last looked for.

    # Payments.

    def watch(self, command: WatchPayment, now: Instant) -> str | None:
        """Watch a payment; why not, if it cannot be."""
        transaction, txid = command.transaction, command.transaction.txid
        family = {item.txid: item for item in (*command.ancestors, transaction)}
        reason = self._spends.objection(command.coins) if command.coins else None
        if len(self._watched) >= MAX_WATCHED and txid not in self._watched:
            reason = f"{MAX_WATCHED} payments are watched"
        if len(command.ancestors) > MAX_ANCESTORS:
            reason = f"it has more than {MAX_ANCESTORS} unconfirmed ancestors"
        if sum(len(item.prevouts) for item in family.values()) > MAX_COINS:
            reason = f"it rests on more than {MAX_COINS} coins"
        if reason is not None:
            return reason
        watched = _Watched(transaction, family, dict.fromkeys(command.coins))
        watched.echo.names = {txid: None, transaction.wtxid: None}
        self._watched[txid] = watched
        self._index()
        self._spends.follow(txid, watched.claims)
        self._txrequest.hurry(PATIENCE, now)
        self._look_back(watched)
        return None

    def stop(self, txid: Txid, now: Instant) -> bool:
        """Watch a payment no longer; whether it was watched."""
        if self._watched.pop(txid, None) is None:
            return False
        self._spends.unfollow(txid)
        self._index()
        if not self._watched:
            self._txrequest.hurry(None, now)
        return True

    def _index(self) -> None:
        self._spent, self._names = {}, {}
        for watched in self._watched.values():
            for item in watched.family.values():
                for point in item.prevouts:
                    self._spent.setdefault(point, []).append(watched)
            for txid, shown in (
                (watched.transaction.txid, watched.echo),
                *watched.rivals.items(),
            ):
                for name in shown.names:
                    self._names.setdefault(name, []).append((watched, txid))

    def _look_back(self, watched: _Watched) -> None:
        """What peers sent before."""
        for item in watched.family.values():
            for point in item.prevouts:
                for spend in self._recent.find(point):
                    names = (spend.txid, spend.wtxid)
                    self._shown(watched, names, (spend.peer,), None)

    # Peers.

    def opened(self, session: Session) -> None:
        """A peer's handshake is complete."""
        self._hosts[session.peer] = session.remote.host

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self._hosts.pop(peer, None)
        self._recent.closed(peer)

    def announced(self, peer: PeerId, items: Sequence[InvItem]) -> None:
        """A peer announced transactions; called before any is asked for."""
        for item in items if self._names else ():
            for watched, txid in self._names.get(item.hash, ()):
                self._shown(watched, (txid, item.hash), (peer,), None)

    def received(self, peer: PeerId, transaction: Transaction) -> None:
        """A peer sent a transaction; called before its announcers are forgotten."""
        if peer not in self._hosts or transaction.weight_wu > MAX_STANDARD_WEIGHT:
            return  # No node relays one so large.
        self._recent.add(peer, transaction)
        concerned = [each for point in transaction.prevouts for each in self._spent.get(point, ())]
        if not concerned:
            return
        names = (transaction.txid, transaction.wtxid)
        peers = [peer, *[each for name in names for each in self._txrequest.candidates(name)]]
        for txid in dict.fromkeys([each.transaction.txid for each in concerned]):
            self._shown(self._watched[txid], names, peers, transaction)

    def _shown(
        self,
        watched: _Watched,
        names: tuple[Txid, bytes],
        peers: Iterable[PeerId],
        transaction: Transaction | None,
    ) -> None:
        """Peers show the payment, what it rests on, or what goes against it."""
        txid, payment = names[0], watched.transaction.txid
        if txid != payment and txid in watched.family:
            return
        shown = watched.echo if txid == payment else watched.rivals.get(txid)
        if shown is None:
            if len(watched.rivals) >= MAX_RIVALS:
                return
            shown = watched.rivals[txid] = _Shown()
        if len(shown.names) < MAX_RIVALS and not all(name in shown.names for name in names):
            shown.names |= dict.fromkeys(names)
            self._index()
        hosts = [self._hosts[peer] for peer in peers if peer in self._hosts]
        if not shown.add(hosts):
            return
        count = len(shown.hosts)
        if txid == payment:
            self._outbox.report(Echoed(payment, count))
        else:
            self._outbox.report(ConflictSeen(payment, txid, count, transaction))

    # Blocks.

    def settle(self) -> None:
        """What is known of blocks may have changed."""
        if self._looked_at == self._spends.changes:
            return
        self._looked_at = self._spends.changes
        for watched in self._watched.values():
            self._look_at_blocks(watched)

    def _look_at_blocks(self, watched: _Watched) -> None:
        txid, was = watched.transaction.txid, watched.mined
        spends = [self._spends.spent(claim) for claim in watched.claims]
        watched.mined = {spend.txid: spend for spend in spends if spend is not None}
        for by in was:
            if by not in watched.mined and (by == txid or by not in watched.family):
                self._outbox.report(WatchedUnmined(txid, by))
        more = len(watched.claims)
        for by, spend in watched.mined.items():
            if by in was and was[by].block_hash == spend.block_hash:
                continue
            if by == txid or by not in watched.family:
                fact = WatchedMined(txid, by, spend.height, spend.block_hash)
                self._outbox.report(fact)
            else:
                watched.claims |= dict.fromkeys(_made(watched, by, spend.height))
        if len(watched.claims) > more:
            self._spends.follow(txid, watched.claims)


def _made(watched: _Watched, txid: Txid, height: int) -> list[ClaimedCoin]:
    """The coins that an ancestor makes, and the payment or another spends: they are in a block."""
    spent = {point for item in watched.family.values() for point in item.prevouts}
    return [
        ClaimedCoin(outpoint(txid, index), output.script_pubkey, height)
        for index, output in enumerate(watched.family[txid].outputs)
        if outpoint(txid, index) in spent
    ]
