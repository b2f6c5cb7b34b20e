"""Which peers headers are asked of, and how long each of them has for its answer.

First one peer is asked until the best header is less than a day old, then every peer.

    idle --chosen--> syncing --no more headers--> exhausted: soon the next is chosen
    syncing --15 min and 1 ms a header--> disconnected, if others could do better
    syncing --no answer for `patience`--> stalled: another is asked as well (light clients)
    any --no answer for 2 min--> disconnected (light clients)

Where Bitcoin Core waits for the first peer although that has no more, until the time is up, we ask
the next after a few seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from axon.machine import DAY, MILLISECOND, MINUTE, SECOND, Instant, PeerId, earlier
from axon.p2p.actions import Action, DisconnectPeer
from axon.p2p.faults import PeerSilent
from axon.p2p.views import HeaderEntryView
from axon.primitives.network import TARGET_SPACING_S

RESPONSE_TIME: Final = 2 * MINUTE
"""How long a getheaders is waited for before another may go to the same peer."""

SYNC_TIMEOUT: Final = 15 * MINUTE
SYNC_TIMEOUT_PER_HEADER: Final = MILLISECOND
"""How long the one peer of the first sync has, by the number of headers that time suggests."""

NEXT_AFTER: Final = 10 * SECOND
"""How long after a peer had no more headers another is asked. In Bitcoin Core each block that is
announced meanwhile makes it ask exactly one more peer. Light clients do not wait."""

RECENT: Final = DAY
"""A best header younger than this ends the sync from one peer alone."""


@dataclass(slots=True)
class _SyncPeer:
    preferred: bool
    serves: bool
    noban: bool
    syncing: bool = False
    exhausted: bool = False  # It has no more headers for us.
    replaced_at: Instant = 0  # From when on another may be asked instead.
    stalled: bool = False  # It has not answered for a while; others are asked meanwhile.
    asked_at: Instant | None = None  # While a getheaders is not answered.
    sync_until: Instant | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether headers are on their way from it, as far as one can know."""
        return self.syncing and not self.exhausted and not self.stalled

    def suffices(self, now: Instant) -> bool:
        """Whether no other peer is asked beside it yet."""
        return self.is_at_work or (self.exhausted and now < self.replaced_at)


class SyncPeers:
    """The choice of peers to sync headers from; a part of `HeaderSync`.

    Args:
        rng: picks the next peer to sync from.
        patience: how long the one peer of the first sync may leave a question open before another
            is asked, too; None to wait for it.
    """

    def __init__(self, rng: Random, patience: Instant | None) -> None:
        self._rng = rng
        self._patience = patience
        self._peers: dict[PeerId, _SyncPeer] = {}
        self._look_at: Instant | None = None  # No peer's time is up before.

    def opened(self, peer: PeerId, *, preferred: bool, serves: bool, noban: bool) -> None:
        """A peer has finished the handshake; the arguments are those of `HeaderSync.opened`."""
        self._peers[peer] = _SyncPeer(preferred, serves, noban)

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self._peers.pop(peer, None)

    def is_syncing(self, peer: PeerId) -> bool:
        """Whether a peer was chosen to sync from, now or earlier."""
        return self._peers[peer].syncing

    def has_answered(self, peer: PeerId) -> bool:
        """Whether a peer has told all it has, and owes no answer."""
        ours = self._peers[peer]
        return ours.syncing and ours.exhausted and ours.asked_at is None

    # Questions and answers.

    def try_ask(self, peer: PeerId, now: Instant) -> bool:
        """Note that a peer is to be sent a getheaders; False while one is not answered yet."""
        asked_at = self._peers[peer].asked_at
        if asked_at is not None and 0 <= now - asked_at <= RESPONSE_TIME:
            return False
        self.asked(peer, now)
        return True

    def asked(self, peer: PeerId, now: Instant) -> None:
        """A peer was sent a getheaders."""
        ours = self._peers[peer]
        ours.asked_at = now
        self._watch(ours)

    def answered(self, peer: PeerId) -> None:
        """A peer sent headers that may be its answer."""
        ours = self._peers[peer]
        ours.asked_at, ours.stalled = None, False

    def exhausted(self, peer: PeerId, now: Instant) -> None:
        """A peer has no more headers for us; in the first sync another may have."""
        ours = self._peers[peer]
        if ours.syncing and not ours.exhausted:
            ours.exhausted = True
            ours.sync_until = None
            ours.replaced_at = now + (NEXT_AFTER if self._patience is None else 0)
            self._look_at = earlier(self._look_at, ours.replaced_at)

    # The choice.

    def choose(self, best: HeaderEntryView, now: Instant) -> list[PeerId]:
        """Whom to begin to sync from now; `started` is to follow for each that was asked."""
        if _is_recent(best, now):
            return [peer for peer, ours in self._peers.items() if ours.serves and not ours.syncing]
        if any(ours.suffices(now) for ours in self._peers.values()):
            return []
        able = [peer for peer, ours in self._peers.items() if ours.serves and not ours.syncing]
        preferred = [peer for peer in able if self._peers[peer].preferred]
        pool = preferred or able
        return [pool[int(self._rng.random() * len(pool))]] if pool else []

    def started(self, peer: PeerId, best: HeaderEntryView, now: Instant) -> None:
        """A peer that was chosen was asked for what follows `best`."""
        ours = self._peers[peer]
        ours.syncing = True
        expected = max(0, now // SECOND - best.time) // TARGET_SPACING_S
        ours.sync_until = now + SYNC_TIMEOUT + expected * SYNC_TIMEOUT_PER_HEADER
        self._watch(ours)

    # Time.

    def deadline(self) -> Instant | None:
        """When `tick` has something to do."""
        return self._look_at

    def tick(self, best: HeaderEntryView, now: Instant) -> list[Action]:
        """Note who stalls, and disconnect those whose time is up; then look at `choose` again."""
        self._look_at = None
        actions: list[Action] = []
        for peer, ours in self._peers.items():
            stall_at, silent_at = self._stall_at(ours), self._silent_at(ours)
            ours.stalled = ours.stalled or (stall_at is not None and now >= stall_at)
            if silent_at is not None and now >= silent_at:
                silence = PeerSilent("a getheaders was not answered")
                actions.append(DisconnectPeer(peer, silence))
                continue
            if ours.exhausted and now < ours.replaced_at:
                self._look_at = earlier(self._look_at, ours.replaced_at)
            if ours.sync_until is not None and now >= ours.sync_until:
                if self._is_too_slow(peer, ours, best, now):
                    slowness = PeerSilent("headers did not arrive in time")
                    actions.append(DisconnectPeer(peer, slowness))
            self._watch(ours)
        return actions

    def _is_too_slow(
        self, peer: PeerId, ours: _SyncPeer, best: HeaderEntryView, now: Instant
    ) -> bool:
        """Whether a peer whose time is up goes for others; else it gets more time, or none."""
        ours.sync_until = None
        if _is_recent(best, now):
            return False
        at_work = [other for other in self._peers.values() if other.syncing and not other.exhausted]
        others = any(other.preferred for name, other in self._peers.items() if name != peer)
        if not (len(at_work) == 1 and others):
            ours.sync_until = now + MINUTE  # It is the best we have; look again.
            return False
        if ours.noban:
            ours.syncing = False
        return not ours.noban

    def _stall_at(self, ours: _SyncPeer) -> Instant | None:
        """When a peer that we sync from counts as stalled."""
        if self._patience is None or ours.asked_at is None or not ours.is_at_work:
            return None
        return ours.asked_at + self._patience

    def _silent_at(self, ours: _SyncPeer) -> Instant | None:
        """When a peer of an impatient client has owed an answer for too long."""
        if self._patience is None or ours.asked_at is None:
            return None
        return ours.asked_at + RESPONSE_TIME

    def _watch(self, ours: _SyncPeer) -> None:
        for due in (ours.sync_until, self._stall_at(ours), self._silent_at(ours)):
            if due is not None and (self._look_at is None or due < self._look_at):
                self._look_at = due


def _is_recent(best: HeaderEntryView, now: Instant) -> bool:
    return best.time * SECOND > now - RECENT
