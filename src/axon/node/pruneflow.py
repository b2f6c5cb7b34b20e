"""Old blocks leave the disk: by themselves where a size is set, or when the operator asks. He may
also have one fetched from a peer.

    blocks grew, or the operator --Delegate(PruneBlocks)--> pruned: the chain is told what is gone
    a block that is gone, fetched again --Delegate(KeepBlock)--> kept

The work is done in the lane of the chain: nothing else changes the ledger meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from axon.machine import Instant, PeerId
from axon.node.chainstate import ChainState
from axon.node.jobs import CHAIN, KeepBlock, PruneBlocks
from axon.node.outbox import Outbox
from axon.node.prunefacts import BlocksPruned
from axon.node.session import Session
from axon.node.settings import NodeSettings
from axon.p2p.blockdownload import BlockDownload
from axon.p2p.faults import PeerViolation
from axon.primitives.hashes import BlockHash
from axon.wire.messages import Services

LOOK_EACH_BYTES: Final = 16 * 1024 * 1024
"""So many bytes of new blocks are worth a look at the disk: by as much the block files grow."""

SYNC_SLACK_BYTES: Final = 2 * 1024 * 1024 * 1024
"""By so much the target may be passed in initial sync: the validator writes down its coins whenever
blocks go, which at a hundred blocks a second would take most of the time."""


@dataclass(frozen=True, slots=True)
class ChainPruned:
    """Continuation: the disk was looked at; the operator's ticket, or None."""

    ticket: int | None


@dataclass(frozen=True, slots=True)
class BlockKept:
    """Continuation: a block that had been pruned came again, from this peer, which waits."""

    hash: BlockHash
    peer: PeerId


class PruneFlow:
    """Has old blocks taken off the disk.

    Args:
        outbox: where effects go.
        sessions: all connections, by peer.
        chain: what is known of the chain; told what is gone.
        target_bytes: which the block files are to stay below; 0 for no such size, None if nothing
            is ever pruned.
        after_height: with a chain no longer than this nothing is pruned of itself.
    """

    def __init__(
        self,
        outbox: Outbox,
        sessions: Mapping[PeerId, Session],
        chain: ChainState,
        target_bytes: int | None,
        after_height: int,
    ) -> None:
        self._outbox = outbox
        self._sessions = sessions
        self._chain = chain
        self._target_bytes = target_bytes
        self._after_height = after_height
        self._looking = False
        self._grown_bytes = LOOK_EACH_BYTES  # Of the last run's blocks some may be left to prune.

    @classmethod
    def of(
        cls,
        outbox: Outbox,
        sessions: Mapping[PeerId, Session],
        chain: ChainState,
        settings: NodeSettings,
    ) -> Self:
        """As the operator decided."""
        after_height = settings.network.prune_after_height
        return cls(outbox, sessions, chain, settings.prune_target_bytes, after_height)

    def completed(self, continuation: ChainPruned | BlockKept, outcome: object) -> None:
        """Slow work is done."""
        match continuation:
            case ChainPruned():
                assert isinstance(outcome, int)
                self.pruned(continuation, outcome)
            case BlockKept():
                assert outcome is None or isinstance(outcome, tuple)
                self.kept(continuation, outcome)

    def stored(self, size_bytes: int) -> None:
        """A block of this size was stored."""
        if not self._target_bytes or self._chain.active.height <= self._after_height:
            return
        self._grown_bytes += size_bytes
        if self._grown_bytes < LOOK_EACH_BYTES or self._looking:
            return
        self._looking, self._grown_bytes = True, 0
        slack = SYNC_SLACK_BYTES if self._chain.initial_sync else 0
        job = PruneBlocks(None, self._target_bytes + slack)
        self._outbox.delegate(job, CHAIN, ChainPruned(None))

    def prune(self, up_to: int, ticket: int) -> None:
        """The operator wants blocks up to this height gone; answered with what is gone then."""
        self._outbox.delegate(PruneBlocks(up_to, None), CHAIN, ChainPruned(ticket))

    def pruned(self, done: ChainPruned, below: int) -> None:
        """Below this height blocks are gone now."""
        before = self._chain.pruned_below
        if below > before:
            self._chain.pruned_below = below
            self._outbox.report(BlocksPruned(below))
        if done.ticket is None:
            self._looking = False
        else:
            self._outbox.answer(done.ticket, below)

    def fetch(
        self, block_hash: BlockHash, peer: PeerId, download: BlockDownload, now: Instant
    ) -> str | None:
        """The operator wants a block of this peer; why that cannot be, or None if it was asked."""
        session, entry = self._sessions.get(peer), self._chain.headers.get(block_hash)
        if session is None:
            return "Peer does not exist"
        negotiated = session.negotiated
        if negotiated is None or not negotiated.services & Services.WITNESS:
            return "Pre-SegWit peer"
        if not session.kind.is_lasting:
            return "Peer not fully connected"
        assert entry is not None, "callers ask for blocks whose header is known"
        self._outbox.perform(download.fetch(peer, entry, now))
        return None

    def keep(self, session: Session, block_hash: BlockHash, raw: bytes) -> None:
        """A block came that was pruned, and that the operator asked for; its peer waits."""
        session.busy = True
        headers = self._chain.headers
        entry = headers.get(block_hash)
        assert entry is not None, "the operator asks for known blocks"
        job = KeepBlock(block_hash, raw, headers.network.has_segwit(entry.height))
        self._outbox.delegate(job, CHAIN, BlockKept(block_hash, session.peer))

    def kept(self, done: BlockKept, fetched: tuple[BlockHash, ...] | None) -> None:
        """It is on the disk again, with these others; None if it was another block."""
        session = self._sessions.get(done.peer)
        if session is not None:
            session.busy = False
        if fetched is not None:
            self._chain.fetched = frozenset(fetched)
        elif session is not None:
            fault = PeerViolation("Bitcoin Core: no mutated blocks: it is not the block asked for")
            self._outbox.disconnect(done.peer, fault)
