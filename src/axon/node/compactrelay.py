"""The newest block, kept for who asks for it by short ids or by places, and told of early.

    block rebuilt or whole --Delegate(MakeCompact)--> announced to those who asked for compact
        blocks, unless it is validated before

A block that builds on our tip, and whose transactions are those that its header commits to, has had
its work done: it is passed on before it is validated (BIP 152), which is what makes blocks spread
fast. What is given here may yet prove invalid, and who asked for it knows that. Its short ids take
some milliseconds where it is full, so they are made off the loop, once for all who will ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from axon.chain.headertree import HeaderEntry
from axon.machine import Instant
from axon.node.chainstate import ChainState
from axon.node.jobs import COMPACT, MakeCompact
from axon.node.outbox import Outbox
from axon.p2p.blockannounce import BlockAnnounce
from axon.p2p.blocktimelines import BlockTimelines
from axon.p2p.compactblock import compact_block, pick
from axon.p2p.faults import PeerViolation
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.wire.messages import BlockTxn, CmpctBlock, GetBlockTxn


@dataclass(frozen=True, slots=True)
class CompactMade:
    """Continuation: a block was made compact, to be told of early."""

    entry: HeaderEntry


class CompactRelay:
    """The newest block of a full node, in every form.

    Args:
        outbox: where effects go.
        chain: what is known.
        announcer: tells peers of it.
        timelines: noted there.
        rng: draws the nonces of short ids.
    """

    def __init__(
        self,
        outbox: Outbox,
        chain: ChainState,
        announcer: BlockAnnounce,
        timelines: BlockTimelines,
        rng: Random,
    ) -> None:
        self._outbox = outbox
        self._chain = chain
        self._announcer = announcer
        self._timelines = timelines
        self._rng = rng
        self._block: Block | None = None
        self._message: CmpctBlock | None = None

    # It comes.

    def came_whole(self, entry: HeaderEntry, raw: bytes, now: Instant) -> None:
        """A block came as it is, and is validated next: it may be told of before, once looked at.

        Args:
            entry: of its header.
            raw: whatever was sent under this header.
            now: the present.
        """
        self._make(entry, raw, now)

    def made(
        self, done: CompactMade, outcome: tuple[Block, CmpctBlock] | None, now: Instant
    ) -> None:
        """A block was made compact; None if its transactions are not those of its header."""
        if outcome is None:
            return
        is_newest = self._block is not None and self._block.hash == done.entry.hash
        if done.entry.hash in self._chain.validating:
            self._block, self._message = outcome
            told = self._announcer.announce_early(done.entry, self.compact, now)
            self._outbox.perform(told)
            self._timelines.relayed(done.entry.hash, len(told), now)
        elif is_newest and self._message is None:
            self._message = outcome[1]

    def rebuilt(self, entry: HeaderEntry, block: Block, now: Instant) -> None:
        """A block was made whole, and is validated next."""
        self._keep(block)
        self._make(entry, block, now)

    def connected(self, block: Block) -> None:
        """A block is our tip."""
        self._keep(block)

    def _keep(self, block: Block) -> None:
        if self._block is None or self._block.hash != block.hash:
            self._block, self._message = block, None

    def _make(self, entry: HeaderEntry, block: bytes | Block, now: Instant) -> None:
        if self._announcer.is_news(entry, now):
            self._outbox.delegate(MakeCompact(block, self.nonce()), COMPACT, CompactMade(entry))

    # It is asked for.

    def nonce(self) -> int:
        """For the short ids of one compact block: 64 bits that nobody knows before."""
        return self._rng.getrandbits(64)

    def compact(self) -> CmpctBlock | None:
        """The newest block by short ids; None before there is one."""
        if self._message is None and self._block is not None:
            self._message = compact_block(self._block, self.nonce())
        return self._message

    def compact_of(self, block_hash: BlockHash) -> CmpctBlock | None:
        """A block by short ids, if it is the newest."""
        is_newest = self._block is not None and self._block.hash == block_hash
        return self.compact() if is_newest else None

    def transactions_of(self, request: GetBlockTxn) -> BlockTxn | PeerViolation | None:
        """What a peer asks for of the newest block; None if it asks of another."""
        if self._block is None or self._block.hash != request.block_hash:
            return None
        return pick(self._block, request)

    def forget(self, block_hash: BlockHash) -> None:
        """A block is invalid: it is not given any more."""
        if self._block is not None and self._block.hash == block_hash:
            self._block = self._message = None
