"""Who owes us which block, since when, and for how long that is borne.

A block is usually asked of one peer. It is asked of several at once only where compact blocks are
made whole: whoever announced one first may never send what is missing (BIP 152).

Three clocks run against silence. A peer that alone holds the window back is *stalling*: it has two
seconds, more after others have failed the same way, for then it is our own line that is slow. And
the oldest request of each peer may take ten minutes, five more for each other peer that sends.
Where nothing waits behind a block, at the end of the chain, that is long: so when a peer that owes
several has sent none for ten seconds, somebody who has nothing to do is asked for them, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.faults import PeerSilent
from axon.p2p.views import HeaderEntryView
from axon.primitives.hashes import BlockHash
from axon.primitives.network import TARGET_SPACING_S

MAX_IN_FLIGHT: Final = 16
"""Blocks asked of one peer at a time: 64 MB at worst that wait for one slow link."""

STALL_MIN: Final = 2 * SECOND
STALL_MAX: Final = 64 * SECOND
"""How long a peer may hold the window back."""

STALL_DECAY: Final = 0.85
"""By which that time shrinks with each block connected, once it has grown."""

TIMEOUT_BASE: Final = TARGET_SPACING_S * SECOND
TIMEOUT_PER_PEER: Final = TARGET_SPACING_S * SECOND // 2
"""How long the oldest request may take, and how much longer for each other peer that sends."""


RELIEF_AFTER: Final = 10 * SECOND
"""How long a peer that owes several blocks may send none before another is asked for them, too."""

MAX_ASKED: Final = 4
"""Peers that one block is asked of: so many times its bytes may come at worst."""


@dataclass(slots=True)
class _Debt:
    blocks: dict[BlockHash, HeaderEntryView] = field(default_factory=dict)  # As they were asked.
    since: Instant = 0  # From when the oldest request is timed.
    stalling_since: Instant | None = None
    relief_at: Instant = 0  # When others are asked for the same, if it owes several.


class BlocksInFlight:
    """All requests for blocks that have not come."""

    def __init__(self) -> None:
        self._asked: dict[BlockHash, dict[PeerId, None]] = {}
        self._debts: dict[PeerId, _Debt] = {}
        self._stall_timeout: int = STALL_MIN
        self._downloading = 0  # Peers with something in flight.
        self.look_at: Instant | None = None
        """Nobody's time is up before."""

    def __len__(self) -> int:
        return len(self._asked)

    def __contains__(self, block_hash: BlockHash) -> bool:
        return block_hash in self._asked

    def asked_of(self, block_hash: BlockHash) -> tuple[PeerId, ...]:
        """The peers that owe us a block, the one that was asked first first."""
        return tuple(self._asked.get(block_hash, ()))

    def owed(self, peer: PeerId) -> Mapping[BlockHash, HeaderEntryView]:
        """What a peer owes us, in the order of asking."""
        return self._debts[peer].blocks

    def room(self, peer: PeerId) -> int:
        """How many more blocks a peer may be asked for."""
        return MAX_IN_FLIGHT - len(self._debts[peer].blocks)

    # What happened.

    def opened(self, peer: PeerId) -> None:
        """A peer has come; it owes nothing."""
        self._debts[peer] = _Debt()

    def take_on(self, peer: PeerId, entry: HeaderEntryView, now: Instant) -> None:
        """A peer owes us a block from now on, perhaps beside others."""
        debt = self._debts[peer]
        if not debt.blocks:
            self._downloading += 1
            debt.since = now
            self._watch(now + self._patience())
        debt.blocks[entry.hash] = entry
        if len(debt.blocks) == 2:
            self._put_off(debt, now)
        self._asked.setdefault(entry.hash, {})[peer] = None

    def release(self, peer: PeerId, block_hash: BlockHash, now: Instant) -> bool:
        """A peer owes us this block no more; whether nobody does."""
        debt = self._debts[peer]
        if next(iter(debt.blocks)) == block_hash:
            debt.since = max(debt.since, now)
        del debt.blocks[block_hash]
        self._put_off(debt, now)
        debt.stalling_since = None
        if not debt.blocks:
            self._downloading -= 1
        return self._forget(peer, block_hash)

    def closed(self, peer: PeerId) -> bool:
        """A peer has gone; whether it owed anything."""
        debt = self._debts.pop(peer)
        self._downloading -= bool(debt.blocks)
        for block_hash in debt.blocks:
            self._forget(peer, block_hash)
        return bool(debt.blocks)

    def connected(self) -> None:
        """A block has come in that moves the window: our line is not that slow."""
        if self._stall_timeout > STALL_MIN:
            self._stall_timeout = max(STALL_MIN, int(self._stall_timeout * STALL_DECAY))

    def blame(self, block_hash: BlockHash, now: Instant) -> None:
        """The window is full for want of this block: time the one who was asked for it."""
        for peer in self.asked_of(block_hash)[:1]:
            debt = self._debts[peer]
            if debt.stalling_since is None:
                debt.stalling_since = now
                self._watch(now + self._stall_timeout)

    # Time.

    def overdue(self, peers: Iterable[PeerId], now: Instant) -> list[tuple[PeerId, PeerSilent]]:
        """Of these, all peers, those whose time is up and why; `look_at` is set anew."""
        self.look_at = None
        found: list[tuple[PeerId, PeerSilent]] = []
        for peer in peers:
            fault = self._fault(self._debts[peer], now)
            if fault is not None:
                found.append((peer, fault))
        return found

    def silent(self, peers: Iterable[PeerId], now: Instant) -> list[PeerId]:
        """Of these, who owes several blocks and has sent none for a while."""
        debts = self._debts
        return [
            peer for peer in peers if len(debts[peer].blocks) > 1 and now >= debts[peer].relief_at
        ]

    def relieved(self, peer: PeerId, now: Instant) -> None:
        """Others were asked for what a peer owes, or nobody could be: look again after a while."""
        self._put_off(self._debts[peer], now)

    def _put_off(self, debt: _Debt, now: Instant) -> None:
        debt.relief_at = now + RELIEF_AFTER
        if len(debt.blocks) > 1:
            self._watch(debt.relief_at)

    def _fault(self, debt: _Debt, now: Instant) -> PeerSilent | None:
        if debt.stalling_since is not None:
            due = debt.stalling_since + self._stall_timeout
            if now >= due:
                # One at a time: the next gets more, in case the line is ours.
                self._stall_timeout = min(2 * self._stall_timeout, STALL_MAX)
                return PeerSilent("it holds the block download back")
            self._watch(due)
        if debt.blocks:
            due = debt.since + self._patience()
            if now >= due:
                return PeerSilent("a block did not arrive in time")
            self._watch(due)
        if len(debt.blocks) > 1 and debt.relief_at > now:
            self._watch(debt.relief_at)
        return None

    def _patience(self) -> int:
        return TIMEOUT_BASE + TIMEOUT_PER_PEER * max(0, self._downloading - 1)

    def _watch(self, due: Instant) -> None:
        if self.look_at is None or due < self.look_at:
            self.look_at = due

    def _forget(self, peer: PeerId, block_hash: BlockHash) -> bool:
        peers = self._asked[block_hash]
        del peers[peer]
        if not peers:
            del self._asked[block_hash]
        return not peers
