"""Branches that lost, told to peers that want to hear of them (BIP 332, draft 0.1.0).

    a branch beside the active chain --noticed--> known --tell--> told, once to each listener
    staletip of a listener --received--> headers worth storing; the node has them checked

Who listens has said so before its `verack` (BIP 434). Nothing is asked for: neither headers nor
blocks, and no block is downloaded because of a stale tip. So we say that we want headers alone.

What is stored is bounded as for `headers`: a branch must have nearly the work of ours. What is told
is what the listener surely can place: it has shown, or was sent, the block that the branch builds
on. For the same end a listener is told each new tip of ours, also one that it has told us.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from axon.machine import Instant, PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.headerchecks import least_work
from axon.p2p.peerchains import PeerChains
from axon.p2p.presync import claimed_work
from axon.p2p.views import BlockChainView, HeaderEntryView, is_active
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.wire.messages import Feature, Inv, InvItem, InvType, StaleTip
from axon.wire.messages.staletips import MAX_STALE_HEADERS

FEATURE: Final = Feature("BIP332", b"\x00")
"""What we say before `verack`: that we listen, and do not wait for blocks."""

RECENT_WINDOW: Final = 1_000
"""A stale tip may be so many blocks below ours: a week of them."""

MAX_FIRST: Final = 10
"""Stale tips known before that a new listener is told: ten kilobytes at most."""

MAX_STALE_KNOWN: Final = 100
"""Stale tips that are remembered; one a week is usual. The oldest gives way."""

_T = TypeVar("_T")


@dataclass(slots=True)
class _Listener:
    told: dict[BlockHash, None] = field(default_factory=dict)  # Or it told us.
    waiting: dict[BlockHash, HeaderEntryView] = field(default_factory=dict)


class StaleTips:
    """The stale tips of one node; node-wide.

    Args:
        chain: what we know and hold.
        peer_chains: what each peer has.
        easiest_bits: tips with this target are told nobody, for they cost nothing; None where all
            targets are that easy, or none is.
        tips: the ends of all branches known at the start.
    """

    def __init__(
        self,
        chain: BlockChainView,
        peer_chains: PeerChains,
        easiest_bits: int | None = None,
        tips: Iterable[HeaderEntryView] = (),
    ) -> None:
        self._chain = chain
        self._peer_chains = peer_chains
        self._easiest_bits = easiest_bits
        self._known: dict[BlockHash, HeaderEntryView] = {}
        self._ahead: dict[BlockHash, HeaderEntryView] = {}  # Of more work than our tip, yet.
        self._listeners: dict[PeerId, _Listener] = {}
        for tip in tips:
            self._learn(tip)

    def opened(self, peer: PeerId, data: bytes | None) -> None:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            data: what its feature says; None if it has not named it. Other data than the one byte
                that is agreed on is passed over, as BIP 332 has it.
        """
        if data not in (b"\x00", b"\x01"):
            return
        known = [entry for entry in self._known.values() if self._is_stale(entry)]
        best = sorted(known, key=lambda entry: entry.chainwork)[-MAX_FIRST:]
        self._listeners[peer] = _Listener(waiting={entry.hash: entry for entry in best})

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self._listeners.pop(peer, None)

    def received(self, peer: PeerId, message: StaleTip, now: Instant) -> tuple[Header, ...]:
        """A branch that a peer tells of.

        Returns:
            Its headers, if they are to be checked and stored: then `noticed` follows for the last
            that is valid. Nothing for a branch that is known or too weak, of who does not listen
            itself, or while we are catching up.
        """
        ours = self._listeners.get(peer)
        if ours is None or self._chain.in_initial_sync(now):
            return ()
        name = message.tip.hash
        _note(ours, name)
        headers = self._chain.headers
        start = headers.get(message.fork_point)
        if start is None or headers.get(name) is not None:
            return ()
        if start.chainwork + claimed_work(message.headers) < least_work(self._chain):
            return ()
        return message.headers

    def noticed(self, entry: HeaderEntryView, now: Instant) -> list[Action]:
        """A header is known, or its block has left the active chain: is it a stale tip?"""
        if self._chain.in_initial_sync(now) or is_active(self._chain.active, entry):
            return []
        if entry.chainwork > self._chain.active.tip.chainwork:
            self._ahead[entry.hash] = entry
            _shorten(self._ahead)
            return []
        if not self._learn(entry):
            return []
        for ours in self._listeners.values():
            if entry.hash not in ours.told:
                ours.waiting[entry.hash] = entry
                _shorten(ours.waiting)
        return [action for peer in self._listeners for action in self.tell(peer)]

    def tip_moved(self, announced: Iterable[PeerId], now: Instant) -> list[Action]:
        """Our tip is another one.

        Args:
            announced: who was told of it already.
            now: the present.
        """
        ahead, self._ahead = self._ahead, {}
        actions = [action for entry in ahead.values() for action in self.noticed(entry, now)]
        if self._chain.in_initial_sync(now):
            return actions
        tip = InvItem(InvType.BLOCK, self._chain.active.tip.hash)
        told = frozenset(announced)
        return actions + [Send(peer, Inv((tip,))) for peer in self._listeners if peer not in told]

    def tell(self, peer: PeerId) -> list[Action]:
        """A peer may have shown what it has: tell it what it can place now."""
        ours = self._listeners.get(peer)
        if ours is None or not ours.waiting:
            return []
        actions: list[Action] = []
        for name, entry in list(ours.waiting.items()):
            if self._peer_chains.has(peer, entry) or not self._is_stale(entry):
                del ours.waiting[name]
                continue
            message = self._message(peer, entry)
            if message is not None:
                del ours.waiting[name]
                _note(ours, name)
                actions.append(Send(peer, message))
        return actions

    def _message(self, peer: PeerId, entry: HeaderEntryView) -> StaleTip | None:
        """The branch from the last block that a peer has; None if that is not known."""
        headers: list[Header] = []
        walk = entry
        while not self._peer_chains.has(peer, walk):
            if walk.parent is None or is_active(self._chain.active, walk):
                return None
            headers.append(walk.header)
            walk = walk.parent
        stored = self._chain.is_held(entry.hash)
        return StaleTip(walk.hash, tuple(reversed(headers)), stored)

    def _learn(self, entry: HeaderEntryView) -> bool:
        """Remember a stale tip; whether it is one, and news."""
        if entry.hash in self._known or not self._is_stale(entry):
            return False
        if any(other.ancestor(entry.height) is entry for other in self._known.values()):
            return False  # Something builds on it.
        parent = entry.parent
        while parent is not None and not is_active(self._chain.active, parent):
            self._known.pop(parent.hash, None)
            parent = parent.parent
        self._known[entry.hash] = entry
        _shorten(self._known)
        return True

    def _is_stale(self, entry: HeaderEntryView) -> bool:
        """Whether it ends a branch that may be told of."""
        active = self._chain.active
        if entry.bits == self._easiest_bits or self._chain.headers.is_invalid(entry.hash):
            return False
        if entry.height < active.tip.height - RECENT_WINDOW:
            return False
        if entry.chainwork > active.tip.chainwork:
            return False
        length = 0
        walk: HeaderEntryView | None = entry
        while walk is not None and not is_active(active, walk):
            length += 1
            if length > MAX_STALE_HEADERS:
                return False
            walk = walk.parent
        return length > 0


def _note(ours: _Listener, name: BlockHash) -> None:
    ours.told[name] = None
    _shorten(ours.told)


def _shorten(table: dict[BlockHash, _T]) -> None:
    """The oldest gives way."""
    while len(table) > MAX_STALE_KNOWN:
        del table[next(iter(table))]
