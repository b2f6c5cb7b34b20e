"""Blocks that a caller wants to look at, beside those of the scan.

asked --blocks come, are checked--> answered, with what was made of each
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.machine import Instant
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.node.walletjobs import WALLET, WeighBlock
from axon.p2p.blockfetch import BlockFetch
from axon.p2p.faults import PeerViolation
from axon.primitives.hashes import BlockHash
from axon.primitives.verdict import Rejected

MAX_READS: Final = 50
"""Blocks wanted at a time by all callers together; more are refused."""

Done = Callable[[tuple[int, ...] | None], None]


class BlockReads:
    """The feerates of single blocks, for callers.

    Args:
        outbox: where effects go.
        blocks: brings blocks.
    """

    def __init__(self, outbox: Outbox, blocks: BlockFetch) -> None:
        self._outbox = outbox
        self._blocks = blocks
        self._wanted: dict[BlockHash, HeaderEntry] = {}
        self._known: dict[BlockHash, int] = {}  # Of blocks that a caller waits for.
        self._callers: list[tuple[tuple[BlockHash, ...], Done]] = []

    def want(self, entries: Sequence[HeaderEntry], done: Done, now: Instant) -> None:
        """Find the feerates of blocks; `done` gets them in order, or None if too many are asked."""
        if len(self._wanted) + len(entries) > MAX_READS:
            done(None)
            return
        self._callers.append((tuple([entry.hash for entry in entries]), done))
        for entry in entries:
            if entry.hash not in self._known:
                self._wanted[entry.hash] = entry
        self.settle(now)
        self._answer()

    def settle(self, now: Instant) -> None:
        """Ask for what nobody asks for any more: the scan forgets all wishes when it turns."""
        missing = [name for name in self._wanted if not self._blocks.is_wanted(name)]
        if missing:
            self._outbox.perform(self._blocks.want(missing, now))

    def received_block(self, session: Session, block_hash: BlockHash, raw: bytes) -> bool:
        """A block that was asked for; whether a caller wanted it."""
        entry = self._wanted.pop(block_hash, None)
        if entry is None:
            return False

        def weighed(outcome: object, now: Instant) -> None:
            if isinstance(outcome, Rejected):
                self._wanted[block_hash] = entry
                self._outbox.blame(session.peer, PeerViolation(f"invalid block: {outcome}"))
                self._outbox.perform(self._blocks.missing(session.peer, block_hash, now))
                return
            assert isinstance(outcome, int)
            self._known[block_hash] = outcome
            self._outbox.perform(self._blocks.arrived(block_hash, now))
            self._answer()

        self._outbox.delegate(WeighBlock(block_hash, entry.height, raw), WALLET, weighed)
        return True

    def _answer(self) -> None:
        waiting: list[tuple[tuple[BlockHash, ...], Done]] = []
        for names, done in self._callers:
            if all(name in self._known for name in names):
                done(tuple([self._known[name] for name in names]))
            else:
                waiting.append((names, done))
        self._callers = waiting
        if not waiting:
            self._known.clear()
