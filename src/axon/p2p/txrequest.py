"""Which transaction is asked of whom, and when.

Each announcement of a transaction by a peer goes through these states:

    delayed --its time--> ready --chosen--> asked --answer, notfound or 60 s--> spent
    any --forget, or the last one spent--> gone

Of all announcers of one transaction at most one is asked at a time: a ready one, preferred peers
before others, among equals the one with the highest priority. Priorities are drawn from the
handed-in randomness, so nobody can arrange to be asked first. A spent announcer is not asked again
as long as others are left, and when all are spent the transaction is forgotten. Where somebody is
in a hurry (`hurry`), all others that are ready are asked once the first has let him wait.

Delays make it likely that somebody trustworthy is asked first: an attacker who announces early and
then is silent holds a transaction back for 60 s (BIP 339 explains the delay for txids).
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import Enum
from heapq import heappop, heappush
from random import Random
from typing import Final

from axon.machine import SECOND, Instant, PeerId, earlier
from axon.p2p.actions import Send
from axon.wire.messages import GetData, InvItem, InvType

NONPREFERRED_DELAY: Final = 2 * SECOND
"""Head start of peers that we chose over those that chose us."""

TXID_DELAY: Final = 2 * SECOND
"""Head start of announcements by wtxid: asking by txid as well would fetch some things twice."""

OVERLOADED_DELAY: Final = 2 * SECOND
"""Head start over a peer that owes us a lot already."""

REQUEST_LIMIT: Final = 60 * SECOND
"""How long a peer has for its answer before the next announcer is asked."""

MAX_IN_FLIGHT: Final = 100
"""Requests open at one peer from which it counts as overloaded; it is a slow-down, not a bound."""

MAX_ANNOUNCEMENTS: Final = 5000
"""Announcements remembered for one peer: 125 peers then cost some 200 MB at the very worst, and
honest peers announce some 70 at a time."""

MAX_GETDATA: Final = 1000
"""Items of one `getdata`: small requests let answers begin earlier."""


class _State(Enum):
    DELAYED = 0
    READY = 1
    ASKED = 2
    SPENT = 3


@dataclass(slots=True, eq=False)
class _Announcement:
    peer: PeerId
    item: InvItem
    preferred: bool
    priority: int
    serial: int
    due: Instant  # When delayed: ready from then on. When asked: spent from then on.
    state: _State = _State.DELAYED
    gone: bool = False
    asked_at: Instant = 0


@dataclass(slots=True)
class _Announcer:
    wtxid_relay: bool
    witness: bool
    bounded: bool
    announcements: dict[bytes, _Announcement]
    asked: int = 0


class TxRequest:
    """Asks for announced transactions, one announcer at a time; node-wide.

    Args:
        rng: draws the priorities.
        judged: hashes of transactions that are here and about to be judged: nobody is asked for
            them. `reopen` is to be called for each that leaves.
    """

    def __init__(self, rng: Random, judged: Container[bytes] = ()) -> None:
        self._rng = rng
        self._judged = judged
        self._peers: dict[PeerId, _Announcer] = {}
        self._by_hash: dict[bytes, dict[PeerId, _Announcement]] = {}
        self._agenda: list[tuple[Instant, int, _Announcement]] = []  # A heap; may hold old entries.
        self._open: dict[bytes, None] = {}  # Hashes for which somebody may now be chosen.
        self._wtxid_peers = 0
        self._serial = 0
        self._patience: Instant | None = None  # While somebody is in a hurry.
        self._second: list[tuple[Instant, int, bytes]] = []  # A heap: when to ask others, too.

    def __len__(self) -> int:
        """How many announcements are remembered."""
        return sum(len(peer.announcements) for peer in self._peers.values())

    def opened(
        self, peer: PeerId, *, wtxid_relay: bool, witness: bool = True, bounded: bool = True
    ) -> None:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            wtxid_relay: it announces by wtxid (BIP 339).
            witness: it can send witnesses, so they are asked for.
            bounded: it may announce only so many at a time; others are trusted with any number.
        """
        self._peers[peer] = _Announcer(wtxid_relay, witness, bounded, {})
        self._wtxid_peers += wtxid_relay

    def announced(
        self, peer: PeerId, item: InvItem, preferred: bool, overloaded: bool, now: Instant
    ) -> None:
        """A peer announced a transaction that we do not have.

        Args:
            peer: who; also the sender of an orphan whose parents are wanted.
            item: TX or WTX with its hash.
            preferred: we dialled it, or the operator trusts it.
            overloaded: it should wait longer, see `overloaded`.
            now: the present.
        """
        ours = self._peers.get(peer)
        if ours is None or item.hash in ours.announcements:
            return
        if ours.bounded and len(ours.announcements) >= MAX_ANNOUNCEMENTS:
            return
        due = now
        if not preferred:
            due += NONPREFERRED_DELAY
        if item.kind != InvType.WTX and self._wtxid_peers > 0:
            due += TXID_DELAY
        if overloaded:
            due += OVERLOADED_DELAY
        self._serial += 1
        priority = self._rng.getrandbits(64)
        entry = _Announcement(peer, item, preferred, priority, self._serial, due)
        ours.announcements[item.hash] = entry
        self._by_hash.setdefault(item.hash, {})[peer] = entry
        if due > now:
            heappush(self._agenda, (due, entry.serial, entry))
        else:
            entry.state = _State.READY
            self._open[item.hash] = None

    def has_room(self, peer: PeerId, count: int) -> bool:
        """Whether a peer may announce so many more."""
        ours = self._peers.get(peer)
        if ours is None:
            return False
        return not ours.bounded or len(ours.announcements) + count <= MAX_ANNOUNCEMENTS

    def candidates(self, tx_hash: bytes) -> list[PeerId]:
        """The peers that announced a transaction and were not asked for it in vain."""
        found = self._by_hash.get(tx_hash, {})
        return [peer for peer, entry in found.items() if entry.state is not _State.SPENT]

    def overloaded(self, peer: PeerId) -> bool:
        """Whether a peer owes us so many answers that others should be asked first."""
        return self.in_flight(peer) >= MAX_IN_FLIGHT

    def in_flight(self, peer: PeerId) -> int:
        """How many answers a peer owes us."""
        ours = self._peers.get(peer)
        return 0 if ours is None else ours.asked

    def hurry(self, patience: Instant | None, now: Instant) -> None:
        """Ask all announcers of a transaction once one has let us wait for so long; None for no
        hurry any more."""
        was, self._patience = self._patience, patience
        self._second.clear()
        if patience is None or was == patience:
            return
        for tx_hash, announcers in self._by_hash.items():
            for entry in announcers.values():
                if entry.state is _State.ASKED:
                    heappush(self._second, (entry.asked_at + patience, entry.serial, tx_hash))
        self._open_second(now)

    def requests(self, now: Instant) -> list[Send]:
        """What is to be asked now, each peer's in the order in which it announced."""
        agenda = self._agenda
        if agenda and agenda[0][0] <= now:
            self._ripen(now)
        self._open_second(now)
        if not self._open:
            return []
        chosen: dict[PeerId, list[_Announcement]] = {}
        for tx_hash in self._open:
            if tx_hash in self._judged:
                continue
            for entry in self._choose(self._by_hash.get(tx_hash, {}), now):
                entry.state = _State.ASKED
                entry.asked_at, entry.due = now, now + REQUEST_LIMIT
                heappush(self._agenda, (entry.due, entry.serial, entry))
                if self._patience is not None:
                    heappush(self._second, (now + self._patience, entry.serial, tx_hash))
                self._peers[entry.peer].asked += 1
                chosen.setdefault(entry.peer, []).append(entry)
        self._open.clear()
        return [message for peer in sorted(chosen) for message in self._ask(peer, chosen[peer])]

    def _open_second(self, now: Instant) -> None:
        """Others may be asked for what was not answered in time."""
        while self._second and self._second[0][0] <= now:
            tx_hash = heappop(self._second)[2]
            if tx_hash in self._by_hash:
                self._open[tx_hash] = None

    def received(self, peer: PeerId, tx_hash: bytes) -> bool:
        """A transaction came; call it with its txid and with its wtxid.

        Returns:
            Whether this peer had been asked for it.
        """
        return self._answered(peer, tx_hash)

    def notfound(self, peer: PeerId, tx_hash: bytes) -> None:
        """A peer does not have what it was asked for: the next one is asked."""
        self._answered(peer, tx_hash)

    def reopen(self, tx_hash: bytes) -> None:
        """A transaction was judged and may be wanted yet."""
        if tx_hash in self._by_hash:
            self._open[tx_hash] = None

    def forget(self, tx_hash: bytes) -> None:
        """A transaction is wanted no more: it is in the pool, in a block or refused."""
        for entry in self._by_hash.pop(tx_hash, {}).values():
            self._remove(entry)
        self._open.pop(tx_hash, None)

    def closed(self, peer: PeerId, now: Instant) -> None:  # noqa: ARG002
        """A peer has gone: what it was asked for is asked of others at the next `requests`."""
        ours = self._peers.pop(peer, None)
        if ours is None:
            return
        self._wtxid_peers -= ours.wtxid_relay
        for tx_hash, entry in ours.announcements.items():
            entry.gone = True
            others = self._by_hash[tx_hash]
            del others[peer]
            self._settle(tx_hash, others)

    def tick(self, now: Instant) -> list[Send]:
        """What is to be asked now; every part of a node has a `tick`, here it is `requests`."""
        return self.requests(now)

    def deadline(self) -> Instant | None:
        """When `requests` has something to do; 0 for at once."""
        if self._open:
            return 0
        agenda = self._agenda
        while agenda and not self._is_current(agenda[0]):
            heappop(agenda)
        while self._second and self._second[0][2] not in self._by_hash:
            heappop(self._second)
        soonest = agenda[0][0] if agenda else None
        return earlier(soonest, self._second[0][0] if self._second else None)

    @staticmethod
    def _is_current(item: tuple[Instant, int, _Announcement]) -> bool:
        due, _, entry = item
        waits = entry.state in (_State.DELAYED, _State.ASKED)
        return waits and entry.due == due and not entry.gone

    def _ripen(self, now: Instant) -> None:
        """Delayed announcements become ready, requests without an answer become spent."""
        agenda = self._agenda
        while agenda and agenda[0][0] <= now:
            item = heappop(agenda)
            if not self._is_current(item):
                continue
            entry = item[2]
            tx_hash = entry.item.hash
            if entry.state is _State.DELAYED:
                entry.state = _State.READY
                self._open[tx_hash] = None
            else:
                self._spend(entry)
                self._settle(tx_hash, self._by_hash[tx_hash])

    def _choose(self, announcers: dict[PeerId, _Announcement], now: Instant) -> list[_Announcement]:
        """Whom to ask: one, or none while somebody is being asked; all once he is late and we are
        in a hurry."""
        ready: list[_Announcement] = []
        best: _Announcement | None = None
        late = False
        for entry in announcers.values():
            if entry.state is _State.ASKED:
                if self._patience is None or now < entry.asked_at + self._patience:
                    return []
                late = True
            elif entry.state is _State.READY:
                ready.append(entry)
                if best is None or (
                    (entry.preferred, entry.priority) > (best.preferred, best.priority)
                ):
                    best = entry
        if late or best is None:
            return ready
        return [best]

    def _ask(self, peer: PeerId, entries: list[_Announcement]) -> list[Send]:
        entries.sort(key=lambda entry: entry.serial)
        tx_kind = InvType.WITNESS_TX if self._peers[peer].witness else InvType.TX
        items = [
            entry.item if entry.item.kind == InvType.WTX else InvItem(tx_kind, entry.item.hash)
            for entry in entries
        ]
        return [
            Send(peer, GetData(tuple(items[start : start + MAX_GETDATA])))
            for start in range(0, len(items), MAX_GETDATA)
        ]

    def _answered(self, peer: PeerId, tx_hash: bytes) -> bool:
        entry = self._by_hash.get(tx_hash, {}).get(peer)
        if entry is None:
            return False
        was_asked = entry.state is _State.ASKED
        self._spend(entry)
        self._settle(tx_hash, self._by_hash[tx_hash])
        return was_asked

    def _spend(self, entry: _Announcement) -> None:
        if entry.state is _State.ASKED:
            self._peers[entry.peer].asked -= 1
        entry.state = _State.SPENT

    def _settle(self, tx_hash: bytes, announcers: dict[PeerId, _Announcement]) -> None:
        """One announcer of a transaction is out: choose again, or forget it if all are."""
        if any(entry.state is not _State.SPENT for entry in announcers.values()):
            self._open[tx_hash] = None
            return
        for entry in announcers.values():
            self._remove(entry)
        del self._by_hash[tx_hash]
        self._open.pop(tx_hash, None)

    def _remove(self, entry: _Announcement) -> None:
        entry.gone = True
        ours = self._peers[entry.peer]
        del ours.announcements[entry.item.hash]
        if entry.state is _State.ASKED:
            ours.asked -= 1
