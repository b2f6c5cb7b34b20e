"""Which block is asked of whom: from many peers at once, in a window ahead of what is connected.

A request goes through these states; a block is asked of one peer at a time, unless it is a compact
block (p2p/compactfetch):

    wanted --getdata--> in flight --block--> unvalidated --verdict--> stored, or gone
    in flight --peer closed, notfound--> wanted again

Each peer has a cursor on its own chain (p2p/blockcursor): below it everything is in hand or in
flight somewhere. When a request is lost, all cursors go back to the last block in hand.

How long each may take says `p2p/blocksinflight`.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.blockcursor import BlockCursor, BlocksInHand, BlockSource
from axon.p2p.blocksinflight import MAX_ASKED, MAX_IN_FLIGHT, BlocksInFlight
from axon.p2p.peerchains import PeerChains
from axon.p2p.views import (
    DIRECT_FETCH_AGE,
    KEPT_BLOCKS,
    BlockChainView,
    HeaderEntryView,
    is_active,
)
from axon.primitives.hashes import BlockHash
from axon.wire.messages import GetData, InvItem, InvType

WINDOW: Final = 1024
"""How far ahead of the last block in hand without gaps is asked for: peers of different speed find
work, yet blocks come to lie on disk roughly in order."""

MAX_LOST: Final = 8 * MAX_IN_FLIGHT
"""Blocks of silent peers that are remembered until they come."""

MAX_UNVALIDATED: Final = 64
"""Blocks that arrived and wait for their verdict. When judging is slower than the line, nothing
more is asked for; else the blocks that wait would fill the memory."""

MAX_FORGED: Final = 10
"""Forged blocks after which a peer that may stay is asked for nothing more: it would not end."""

LIMITED_DEPTH: Final = KEPT_BLOCKS - 2
"""How far below its best a NETWORK_LIMITED peer is asked: two more may come meanwhile."""


class BlockDownload:
    """Fetches blocks; node-wide.

    Args:
        chain: what we know and hold.
        peer_chains: what each peer has.
        rng: shuffles whom to ask first.
    """

    def __init__(self, chain: BlockChainView, peer_chains: PeerChains, rng: Random) -> None:
        self._chain = chain
        self._headers = chain.headers
        self._active = chain.active
        self._peer_chains = peer_chains
        self._rng = rng
        self._peers: dict[PeerId, BlockSource] = {}
        self._order: list[PeerId] = []
        self._in_flight = BlocksInFlight()
        self._in_hand = BlocksInHand(chain)
        self._lost: dict[BlockHash, None] = {}  # Who was asked kept silent; none has come since.
        self._preferred = 0
        self._verdicts = 0  # Counts up whenever a window may have moved.
        self._restless = False  # Something happened that may allow new requests.

    # What happened.

    def opened(
        self, peer: PeerId, *, preferred: bool, serves_blocks: bool = True, limited: bool = False
    ) -> None:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            preferred: dialled by us, or trusted; others are asked in the first sync only if there
                is no such peer.
            serves_blocks: it offers NETWORK or NETWORK_LIMITED, and WITNESS.
            limited: it offers NETWORK_LIMITED but not NETWORK.
        """
        cursor = BlockCursor(self._chain, self._in_hand)
        self._in_flight.opened(peer)
        self._peers[peer] = BlockSource(preferred and serves_blocks, serves_blocks, limited, cursor)
        # At random: who comes first finds the most to do. But whoever let us wait for a block may
        # come back at once, and is asked after those who were there meanwhile.
        count = len(self._order)
        place = count if self._lost else int(self._rng.random() * (count + 1))
        self._order.insert(place, peer)
        self._preferred += preferred and serves_blocks
        self._restless = True

    def update(self, now: Instant) -> list[Action]:
        """Ask for what is wanted now. To be called when anything changed; cheap if nothing did."""
        self._restless = False
        initial = self._chain.in_initial_sync(now)
        actions: list[Action] = []
        for peer in self._order:
            ours = self._peers[peer]
            if ours.cursor.is_at(self._peer_chains.best_known(peer)):
                continue  # Near the tip that is all of them, after each message of one.
            room = self._in_flight.room(peer)
            if room <= 0 or not ours.serves:
                continue
            if len(self._in_hand.unvalidated) >= MAX_UNVALIDATED:
                break
            if initial and (ours.limited or not self._syncs_from(ours)):
                continue
            wanted = self._next_blocks(peer, ours, room, now)
            if wanted:
                actions.append(self._request(peer, wanted, now))
        return actions

    def announced(self, peer: PeerId, entry: HeaderEntryView, now: Instant) -> list[Action]:
        """A peer sent headers up to `entry`: near the tip, ask it for their blocks at once."""
        ours, tip = self._peers.get(peer), self._active.tip
        if ours is None or not ours.serves or self._headers.is_invalid(entry.hash):
            return []
        if tip.time <= now // SECOND - DIRECT_FETCH_AGE or entry.chainwork < tip.chainwork:
            return []
        missing: list[HeaderEntryView] = []
        walk: HeaderEntryView | None = entry
        while walk is not None and not is_active(self._active, walk):
            if len(missing) > MAX_IN_FLIGHT:
                return []  # A large reorganisation: left to `update`.
            if walk.hash not in self._in_hand and walk.hash not in self._in_flight:
                missing.append(walk)
            walk = walk.parent
        wanted = missing[::-1][: self._in_flight.room(peer)]
        if not wanted:
            return []
        parent = entry.parent
        is_next = parent is not None and is_active(self._active, parent)
        alone = len(wanted) == 1 and not self._in_flight
        return [self._request(peer, wanted, now, compact=ours.compact and alone and is_next)]

    def provides_compact(self, peer: PeerId) -> None:
        """A peer may be asked for compact blocks, and we have a pool to make use of them."""
        ours = self._peers.get(peer)
        if ours is not None:
            ours.compact = True

    def fetch(self, peer: PeerId, entry: HeaderEntryView, now: Instant) -> list[Action]:
        """The operator wants this block of this peer, whoever was asked for it before."""
        for asked in self._in_flight.asked_of(entry.hash):
            self._in_flight.release(asked, entry.hash, now)
        return [self._request(peer, [entry], now)]

    def arrived(self, peer: PeerId, block_hash: BlockHash, now: Instant) -> bool:
        """A whole block came, from whomever.

        Returns:
            Whether it had been asked for. Then `validated` must follow, unless we had it or its
            header is known to be invalid.
        """
        self._lost.pop(block_hash, None)
        asked = block_hash in self._in_flight
        if peer in self._in_flight.asked_of(block_hash):
            self._in_flight.release(peer, block_hash, now)
            self._peers[peer].given += 1
        if asked:
            if not (self._chain.has_block(block_hash) or self._headers.is_invalid(block_hash)):
                self._in_hand.unvalidated[block_hash] = peer
            self._restless = True
        return asked

    def settled(self, block_hash: BlockHash, now: Instant) -> None:
        """A block is stored, or invalid, whoever gave it: nobody owes it any more."""
        for peer in self._in_flight.asked_of(block_hash):
            self._in_flight.release(peer, block_hash, now)

    def notfound(self, peer: PeerId, block_hash: BlockHash, now: Instant) -> None:
        """A peer has not what its headers promised: nothing more is asked of it."""
        if peer in self._in_flight.asked_of(block_hash):
            self._ask_no_more(self._peers[peer])
            self.give_up(peer, block_hash, now)

    def validated(self, block_hash: BlockHash, ok: bool) -> PeerId | None:
        """A block that had arrived was validated: stored, or refused.

        Whoever sent other bytes under the name of a block is disconnected. If it may stay, as a
        trusted peer may, it is asked again after all others, `MAX_FORGED` times.

        Args:
            block_hash: as `arrived`.
            ok: it is stored; else it was not that block, or the headers say that it is invalid.

        Returns:
            Who sent it; None if it had not been asked for.
        """
        self._restless = True
        sender = self._in_hand.unvalidated.pop(block_hash, None)
        if not ok:
            if sender in self._peers and not self._headers.is_invalid(block_hash):
                self._note_forgery(sender)
            self.rearranged()
        else:
            self._in_flight.connected()
            self._verdicts += 1
        return sender

    def rearranged(self) -> None:
        """What had been in hand, or invalid, may be so no more."""
        self._restless = True
        self._verdicts += 1
        for ours in self._peers.values():
            ours.cursor.unsettle()

    def closed(self, peer: PeerId, now: Instant) -> None:  # noqa: ARG002
        """A peer has gone; what it was asked for is wanted again."""
        ours = self._peers.pop(peer, None)
        if ours is None:
            return
        self._order.remove(peer)
        self._preferred -= ours.preferred
        self._restless = True
        if self._in_flight.closed(peer):
            self._rewind()

    # Time.

    def tick(self, now: Instant) -> list[Action]:
        """Disconnect those whose time is up, then `update`."""
        look_at = self._in_flight.look_at
        is_due = look_at is not None and now >= look_at
        if not (is_due or self._restless):
            return []
        actions: list[Action] = []
        if is_due:
            for peer, fault in self._in_flight.overdue(self._order, now):
                self._peers[peer].serves = False  # Until the node has closed it.
                self._note_lost(peer)
                actions.append(DisconnectPeer(peer, fault))
        actions += self.update(now)
        return actions + self._relieve(now) if is_due else actions

    def deadline(self) -> Instant | None:
        """When `tick` has something to do; 0 for at once."""
        return 0 if self._restless else self._in_flight.look_at

    def asked_of(self, block_hash: BlockHash) -> tuple[PeerId, ...]:
        """The peers that owe us a block, the one that was asked first first."""
        return self._in_flight.asked_of(block_hash)

    def has_room(self, peer: PeerId) -> bool:
        """Whether a peer may be asked for one more block."""
        return peer in self._peers and self._in_flight.room(peer) > 0

    def take_on(self, peer: PeerId, entry: HeaderEntryView, now: Instant) -> None:
        """A peer owes us a block from now on, perhaps beside others; it has room for it."""
        self._in_flight.take_on(peer, entry, now)

    def give_up(self, peer: PeerId, block_hash: BlockHash, now: Instant) -> None:
        """Nothing came, or will come, of what a peer was asked for."""
        if peer in self._in_flight.asked_of(block_hash):
            if self._in_flight.release(peer, block_hash, now):
                self._rewind()
            self._restless = True

    # What is known.

    def inflight(self, peer: PeerId) -> list[int]:
        """Heights of the blocks asked of a peer, in the order of asking."""
        if peer not in self._peers:
            return []
        return [entry.height for entry in self._in_flight.owed(peer).values()]

    def synced_blocks(self, peer: PeerId) -> int:
        """The last height up to which we have what a peer has; -1 if its chain is unknown."""
        common = self.last_common(peer)
        return -1 if common is None else common.height

    def last_common(self, peer: PeerId) -> HeaderEntryView | None:
        """The last block in hand of a peer's chain without gaps; None before it showed one."""
        ours, best = self._peers.get(peer), self._peer_chains.best_known(peer)
        if ours is None or best is None:
            return None
        return ours.cursor.settle(best)

    @property
    def in_flight_total(self) -> int:
        """How many blocks are in flight."""
        return len(self._in_flight)

    # How it is done.

    def _note_lost(self, peer: PeerId) -> None:
        """What a silent peer was asked for; the oldest are forgotten first."""
        self._lost |= dict.fromkeys(self._in_flight.owed(peer))
        for block_hash in list(self._lost)[: max(0, len(self._lost) - MAX_LOST)]:
            del self._lost[block_hash]

    def _note_forgery(self, sender: PeerId | None) -> None:
        assert sender is not None, "somebody sent it"
        self._order.sort(key=sender.__eq__)  # To the end, where it is asked last.
        self._peers[sender].forged += 1
        if self._peers[sender].forged >= MAX_FORGED:
            self._ask_no_more(self._peers[sender])

    def _ask_no_more(self, ours: BlockSource) -> None:
        ours.serves = False
        self._preferred -= ours.preferred  # Others need not stand back for it.
        ours.preferred = False

    def _syncs_from(self, ours: BlockSource) -> bool:
        return ours.preferred or self._preferred == 0 or not self._in_flight

    def _next_blocks(
        self, peer: PeerId, ours: BlockSource, count: int, now: Instant
    ) -> list[HeaderEntryView]:
        """Up to `count` blocks of a peer's chain that are neither in hand nor in flight."""
        best, cursor = self._peer_chains.best_known(peer), ours.cursor
        if best is None or cursor.is_at(best):
            return []
        if best is cursor.target and ours.blocked_at == self._verdicts:
            return []
        if best.chainwork < max(self._active.tip.chainwork, self._chain.minimum_chainwork):
            return []
        common = cursor.settle(best)
        window_end = common.height + WINDOW
        wanted: list[HeaderEntryView] = []
        while len(wanted) < count and (entry := cursor.peek(window_end + 1)) is not None:
            block_hash = entry.hash
            if block_hash not in self._in_flight and block_hash not in self._in_hand:
                if self._headers.is_invalid(block_hash):
                    break
                if entry.height > window_end:
                    ours.blocked_at = self._verdicts
                    if not wanted and not self._in_flight.owed(peer):
                        self._blame(common, best, now)
                    break
                if not ours.limited or best.height - entry.height < LIMITED_DEPTH:
                    wanted.append(entry)
            cursor.advance()
        return wanted

    def _relieve(self, now: Instant) -> list[Action]:
        """Ask idle peers for what silent ones owe, first those who have given most."""
        actions: list[Action] = []
        staying = [peer for peer in self._order if self._peers[peer].serves]
        for silent in self._in_flight.silent(staying, now):
            self._in_flight.relieved(silent, now)
            idle = [peer for peer in staying if self._is_idle(peer)]
            for peer in sorted(idle, key=lambda each: -self._peers[each].given)[:1]:
                owed = self._in_flight.owed(silent).values()
                wanted = [entry for entry in owed if self._may_help(peer, entry)]
                actions += [self._request(peer, wanted, now)] if wanted else []
        return actions

    def _may_help(self, peer: PeerId, entry: HeaderEntryView) -> bool:
        best, asked = self._peer_chains.best_known(peer), self.asked_of(entry.hash)
        is_lacking = entry.hash not in self._in_hand and len(asked) < MAX_ASKED
        return is_lacking and best is not None and best.ancestor(entry.height) is entry

    def _is_idle(self, peer: PeerId) -> bool:
        ours, best = self._peers[peer], self._peer_chains.best_known(peer)
        is_free = not ours.limited and not self._in_flight.owed(peer)
        return is_free and best is not None and best is ours.cursor.position

    def _blame(self, common: HeaderEntryView, best: HeaderEntryView, now: Instant) -> None:
        """The window is full: time the one who was asked for the block that would move it."""
        first = best.ancestor(common.height + 1)
        if first is not None:
            self._in_flight.blame(first.hash, now)

    def _request(
        self,
        peer: PeerId,
        wanted: Sequence[HeaderEntryView],
        now: Instant,
        *,
        compact: bool = False,
    ) -> Action:
        for entry in wanted:
            self.take_on(peer, entry, now)
        kind = InvType.CMPCT_BLOCK if compact else InvType.WITNESS_BLOCK
        return Send(peer, GetData(tuple([InvItem(kind, entry.hash) for entry in wanted])))

    def _rewind(self) -> None:
        """Something below the cursors is wanted again."""
        self._verdicts += 1
        for ours in self._peers.values():
            ours.cursor.rewind()
