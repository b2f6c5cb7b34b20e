"""Which outbound peers are worth keeping, by their chain.

    level --behind our tip--> lagging --20 min--> asked --2 min--> given up
    lagging, asked --reached the tip we had then--> lagging anew, or level
    any --chain as good as ours--> protected, as long as few are

Whom we dialled ourselves should know the best chain. One that does not is cut off from the network,
or is there to cut us off. The figures are Bitcoin Core's.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from axon.machine import MINUTE, Instant, PeerId
from axon.p2p.faults import PeerFault
from axon.p2p.peerchains import PeerChains
from axon.p2p.views import ChainView, HeaderEntryView

CHAIN_SYNC_TIMEOUT: Final = 20 * MINUTE
"""How long a peer may be behind before it is asked for its headers once more."""

ANSWER_TIMEOUT: Final = 2 * MINUTE
"""How long it then has."""

MAX_PROTECTED: Final = 4
"""Outbound peers with a good chain that are never disconnected for falling behind: if our own tip
leads the wrong way, somebody must stay who says so."""


class Overdue(Enum):
    """What to do with a peer whose time is up."""

    NOTHING = "nothing"
    ASK = "ask"
    GIVE_UP = "give up"


class ChainLag:
    """The clock of one outbound peer."""

    __slots__ = ("_asked", "benchmark", "until")

    def __init__(self) -> None:
        self._asked = False
        self.until: Instant | None = None
        """When its time is up; None while it is level with us."""
        self.benchmark: HeaderEntryView | None = None
        """Our tip when the clock was started, which is all it has to reach."""

    def consider(self, best: HeaderEntryView | None, tip: HeaderEntryView, now: Instant) -> None:
        """Start, restart or stop the clock.

        Args:
            best: the best header that the peer is known to have.
            tip: ours.
            now: the present.
        """
        if best is not None and best.chainwork >= tip.chainwork:
            self.stop()
            return
        benchmark = self.benchmark
        caught_up = (
            benchmark is not None and best is not None and best.chainwork >= benchmark.chainwork
        )
        if self.until is None or caught_up:
            self.until = now + CHAIN_SYNC_TIMEOUT
            self.benchmark = tip
            self._asked = False

    def stop(self) -> None:
        """It is level with us, or it is to be kept whatever its chain."""
        self.until = None
        self.benchmark = None

    def overdue(self, now: Instant) -> Overdue:
        """What is due, after `consider`."""
        if self.until is None or now < self.until:
            return Overdue.NOTHING
        if self._asked:
            self.until = None
            return Overdue.GIVE_UP
        self._asked = True
        self.until = now + ANSWER_TIMEOUT
        return Overdue.ASK


class _OutboundPeer:
    __slots__ = ("lag", "protectable", "protected", "syncing")

    def __init__(self, protectable: bool) -> None:
        self.protectable = protectable
        self.protected = False
        self.syncing = False
        self.lag = ChainLag()


class OutboundChains:
    """The chains of the peers that we chose; a part of `HeaderSync`.

    Args:
        chain: what we know.
        peer_chains: what each peer has.
    """

    def __init__(self, chain: ChainView, peer_chains: PeerChains) -> None:
        self._chain = chain
        self._peer_chains = peer_chains
        self._peers: dict[PeerId, _OutboundPeer] = {}
        self._look_at: Instant | None = None  # Nobody has been behind for too long before.

    def opened(self, peer: PeerId, *, protectable: bool) -> None:
        """An outbound peer of our choice has finished the handshake.

        Args:
            peer: not known yet.
            protectable: it may be protected; not so a connection for blocks alone.
        """
        self._peers[peer] = _OutboundPeer(protectable)

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self._peers.pop(peer, None)

    def is_protected(self, peer: PeerId) -> bool:
        """Whether a peer is to be kept even if it falls behind."""
        ours = self._peers.get(peer)
        return ours is not None and ours.protected

    def started(self, peer: PeerId, now: Instant) -> None:
        """A peer was asked for headers for the first time: from now on it may be behind."""
        ours = self._peers.get(peer)
        if ours is not None:
            ours.syncing = True
            self.consider(peer, now)

    def consider(self, peer: PeerId, now: Instant) -> None:
        """Our tip moved, or a peer showed more: start or stop the clock of one that is behind."""
        ours = self._peers.get(peer)
        if ours is not None:
            self._weigh(peer, ours, now)
            self._watch(ours)

    def check_use(self, peer: PeerId, full: bool, now: Instant) -> None:
        """Protect a peer whose chain is as good as ours.

        Args:
            peer: one that has just sent valid headers.
            full: there are more behind them.
            now: the present.

        Raises:
            PeerFault: its whole chain has too little work to be of use.
        """
        ours, best = self._peers.get(peer), self._peer_chains.best_known(peer)
        if ours is None or best is None:
            return
        too_little = best.chainwork < self._chain.minimum_chainwork
        if too_little and not full and self._chain.in_initial_sync(now):
            raise PeerFault("its chain has too little work to be of use")
        if (
            ours.protectable
            and not ours.protected
            and best.chainwork >= self._chain.tip.chainwork
            and sum([other.protected for other in self._peers.values()]) < MAX_PROTECTED
        ):
            ours.protected = True
            ours.lag.stop()

    # Time.

    def deadline(self) -> Instant | None:
        """When `tick` has something to do."""
        return self._look_at

    def tick(self, now: Instant) -> list[tuple[PeerId, HeaderEntryView | None]]:
        """Whose time is up.

        Returns:
            For each the entry from which its headers are to be asked for once more; None if it was
            asked in vain and is to be disconnected.
        """
        self._look_at = None
        overdue: list[tuple[PeerId, HeaderEntryView | None]] = []
        for peer, ours in self._peers.items():
            if ours.lag.until is not None and now >= ours.lag.until:
                self._weigh(peer, ours, now)
                verdict, benchmark = ours.lag.overdue(now), ours.lag.benchmark
                if verdict is Overdue.GIVE_UP:
                    overdue.append((peer, None))
                elif verdict is Overdue.ASK:
                    assert benchmark is not None, "a clock runs against a benchmark"
                    overdue.append((peer, benchmark.parent or benchmark))
            self._watch(ours)
        return overdue

    def _weigh(self, peer: PeerId, ours: _OutboundPeer, now: Instant) -> None:
        if ours.syncing and not ours.protected:
            ours.lag.consider(self._peer_chains.best_known(peer), self._chain.tip, now)

    def _watch(self, ours: _OutboundPeer) -> None:
        due = ours.lag.until
        if due is not None and (self._look_at is None or due < self._look_at):
            self._look_at = due
