"""Single blocks for a light client: asked of one peer, soon of a second, until one gives them.

    wanted --asked--> asked --PATIENCE--> asked of one more --...--> arrived

Those are asked first that are known to have the block: others say nothing, and cost a second each.

A light client needs few blocks, but those at once: somebody waits for his balance. So a peer that
does not answer within a second is not waited for, though it may still answer first; only who brings
nothing for `SILENCE` is given up. Whether the bytes are the block its header promises is the node's
to find out; it says `lied` of whoever sent something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.faults import PeerSilent
from axon.p2p.peerchains import PeerChains
from axon.primitives.hashes import BlockHash
from axon.wire.messages import GetData, InvItem, InvType

PATIENCE: Final = SECOND
"""After so long another peer is asked as well."""

SILENCE: Final = 60 * SECOND
"""After so long without its block a peer is disconnected: a full block may take that long on a poor
line."""

MAX_WANTED: Final = 1_000
"""Blocks wanted at a time, the node's own bound."""

MAX_IN_FLIGHT: Final = 8
"""Blocks asked of one peer at a time."""


@dataclass(slots=True)
class _Wanted:
    """One wanted block."""

    asked: dict[PeerId, Instant] = field(default_factory=dict)  # Whom, and when.
    failed: dict[PeerId, None] = field(default_factory=dict)  # Who does not have it, or lied.
    retry_at: Instant = 0


class BlockFetch:
    """The blocks that a light client wants; node-wide.

    Args:
        peer_chains: what each peer has.
        rng: picks whom to ask.
    """

    def __init__(self, peer_chains: PeerChains, rng: Random) -> None:
        self._rng = rng
        self._peer_chains = peer_chains
        self._peers: dict[PeerId, dict[BlockHash, None]] = {}  # With what was asked of each.
        self._wanted: dict[BlockHash, _Wanted] = {}

    def opened(self, peer: PeerId) -> None:
        """A peer that serves blocks with witnesses has finished the handshake."""
        self._peers[peer] = {}

    def closed(self, peer: PeerId, now: Instant) -> list[Action]:
        """A peer has gone; what was asked of it is asked of others."""
        asked = self._peers.pop(peer, {})
        for block_hash in asked:
            wanted = self._wanted[block_hash]
            del wanted.asked[peer]
            wanted.retry_at = now
        for wanted in self._wanted.values():
            wanted.failed.pop(peer, None)
        return self.tick(now)

    def want(self, block_hashes: Sequence[BlockHash], now: Instant) -> list[Action]:
        """Ask for these blocks; the first named are the most urgent."""
        for block_hash in block_hashes:
            if block_hash not in self._wanted:
                assert len(self._wanted) < MAX_WANTED, "the node wants a bounded number"
                self._wanted[block_hash] = _Wanted(retry_at=now)
        return self.tick(now)

    def cancel_all(self) -> None:
        """Nothing is wanted any more; what still comes is ignored."""
        self._wanted.clear()
        for asked in self._peers.values():
            asked.clear()

    def cancel(self, block_hashes: Iterable[BlockHash]) -> None:
        """These are not wanted any more; what still comes of them is ignored."""
        for block_hash in block_hashes:
            wanted = self._wanted.pop(block_hash, None)
            for peer in () if wanted is None else wanted.asked:
                self._peers[peer].pop(block_hash, None)

    def is_wanted(self, block_hash: BlockHash) -> bool:
        """Whether this block is waited for."""
        return block_hash in self._wanted

    def arrived(self, block_hash: BlockHash, now: Instant) -> list[Action]:
        """A wanted block is here and good; room for others."""
        wanted = self._wanted.pop(block_hash, None)
        if wanted is None:
            return []
        for peer in wanted.asked:
            self._peers[peer].pop(block_hash, None)
        return self.tick(now)

    def missing(self, peer: PeerId, block_hash: BlockHash, now: Instant) -> list[Action]:
        """A peer does not have a block, or sent something else under its name."""
        wanted = self._wanted.get(block_hash)
        if wanted is None or peer not in self._peers:
            return []
        self._peers[peer].pop(block_hash, None)
        wanted.asked.pop(peer, None)
        wanted.failed[peer] = None
        wanted.retry_at = now
        return self.tick(now)

    def tick(self, now: Instant) -> list[Action]:
        """Ask for what waits, and give up who has been silent for too long."""
        actions: list[Action] = []
        for peer, asked in self._peers.items():
            since = [self._wanted[block_hash].asked[peer] for block_hash in asked]
            if since and now - min(since) >= SILENCE:
                actions.append(DisconnectPeer(peer, PeerSilent("a block did not arrive in time")))
        requests: dict[PeerId, list[InvItem]] = {}
        for block_hash, wanted in self._wanted.items():
            if now < wanted.retry_at:
                continue
            chosen = self._choose(block_hash, wanted)
            if chosen is None:
                continue
            wanted.asked[chosen] = now
            wanted.retry_at = now + PATIENCE
            self._peers[chosen][block_hash] = None
            requests.setdefault(chosen, []).append(InvItem(InvType.WITNESS_BLOCK, block_hash))
        actions += [Send(peer, GetData(tuple(items))) for peer, items in requests.items()]
        return actions

    def deadline(self) -> Instant | None:
        """When somebody is to be asked, or given up."""
        moments: list[Instant] = []
        for wanted in self._wanted.values():
            if self._able(wanted):
                moments.append(wanted.retry_at)
            elif wanted.asked:
                moments.append(min(wanted.asked.values()) + SILENCE)
        return min(moments, default=None)

    def _able(self, wanted: _Wanted) -> list[PeerId]:
        """Who may be asked for it and was not yet."""
        return [
            peer
            for peer, asked in self._peers.items()
            if peer not in wanted.asked and peer not in wanted.failed and len(asked) < MAX_IN_FLIGHT
        ]

    def _choose(self, block_hash: BlockHash, wanted: _Wanted) -> PeerId | None:
        """The least busy of those that have it, or else of all; by chance among equals."""
        able = self._able(wanted)
        able = [peer for peer in able if self._peer_chains.has_block(peer, block_hash)] or able
        if not able:
            return None
        fewest = min(len(self._peers[peer]) for peer in able)
        idle = [peer for peer in able if len(self._peers[peer]) == fewest]
        return idle[int(self._rng.random() * len(idle))]
