"""What a full node knows of the chain now: headers, the active chain, blocks beside it, coins' lag.

One value that all parts of the node read, those of p2p as a `BlockChainView`; `blockflow` changes
it, and nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from axon.chain.activechain import ActiveChain
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.chain.orders import ChainOrder
from axon.chain.outcome import BlockOutcome
from axon.machine import SECOND, Instant
from axon.mempool.locks import TipContext
from axon.primitives.hashes import BlockHash


@dataclass(frozen=True, slots=True)
class Gone:
    """What was pruned.

    Args:
        below: blocks of the active chain below this height are on the disk no more; 0 for none.
        fetched: those of them that were fetched again.
    """

    below: int = 0
    fetched: frozenset[BlockHash] = frozenset()


NOTHING_GONE: Final = Gone()


class ChainState:
    """The chain of a full node.

    Args:
        headers: all headers known.
        active: the blocks connected.
        stored: blocks that are held although they are not active.
        now: the start.
        max_tip_age_s: a tip older than this means initial sync (`-maxtipage`).
        minimum_chainwork: so does a chain with less work.
        lag: blocks by which coins and filters are behind.
        gone: blocks that are on the disk no more.
    """

    def __init__(
        self,
        headers: HeaderTree,
        active: ActiveChain,
        stored: frozenset[BlockHash],
        now: Instant,
        *,
        max_tip_age_s: int,
        minimum_chainwork: int,
        lag: int,
        gone: Gone = NOTHING_GONE,
    ) -> None:
        self.headers = headers
        self.active = active
        self.minimum_chainwork = minimum_chainwork
        self.initial_sync = True
        self.lag = lag
        self.pruned_below = gone.below
        self.tip_moved_at = now
        self.fetched = gone.fetched
        self.validating: dict[BlockHash, None] = {}  # Blocks that the validator has now.
        self.catching_up = False  # Coins and filters are being moved towards the tip.
        self._max_tip_age_us = max_tip_age_s * SECOND
        self._held: dict[BlockHash, None] = dict.fromkeys(stored)  # Not active, but with data.
        self._lost: dict[BlockHash, None] = {}  # Of these, those that were active once.
        self._tip_context: TipContext | None = None

    # What is known.

    @property
    def follows(self) -> bool:
        """Whether coins and filters are at the tip, as far as the node has been told."""
        return self.lag == 0

    @property
    def is_moving(self) -> bool:
        """Whether a job is under way that may move the coins."""
        return self.catching_up or bool(self.validating)

    @property
    def takes_transactions(self) -> bool:
        """Whether transactions of peers are taken in now."""
        return self.follows and not self.initial_sync

    @property
    def tip(self) -> HeaderEntry:
        """The newest block of the active chain."""
        return self.active.tip

    def in_initial_sync(self, now: Instant) -> bool:  # noqa: ARG002
        """Whether the tip is still old."""
        return self.initial_sync

    def has_block(self, block_hash: BlockHash) -> bool:
        """Whether a block is held, or being validated; or was held, and is pruned."""
        if block_hash in self._held or block_hash in self.validating:
            return True
        entry = self.headers.get(block_hash)
        return entry is not None and self.active.contains(entry)

    def is_held(self, block_hash: BlockHash) -> bool:
        """Whether a block is held, or being validated, and not pruned."""
        return self.has_block(block_hash) and not self._is_gone(block_hash)

    def is_stored(self, block_hash: BlockHash) -> bool:
        """Whether a block can be read: it is held, not being validated, and not pruned."""
        return block_hash not in self.validating and self.is_held(block_hash)

    def is_pruned(self, block_hash: BlockHash) -> bool:
        """Whether a block was held, and is gone from the disk."""
        return self._is_gone(block_hash) and self.has_block(block_hash)

    def _is_gone(self, block_hash: BlockHash) -> bool:
        """Whether a block that we had is gone, by its height."""
        if not self.pruned_below or block_hash in self.fetched:
            return False
        entry = self.headers.get(block_hash)
        return entry is not None and entry.height < self.pruned_below

    def status(self, entry: HeaderEntry) -> str:
        """What is known of a block, in the words of `getchaintips`."""
        if self.active.contains(entry):
            return "active"
        if self.headers.is_invalid(entry.hash):
            return "invalid"
        if entry.hash in self._lost:
            return "valid-fork"
        return "valid-headers" if entry.hash in self._held else "headers-only"

    def tip_context(self) -> TipContext:
        """What the pool must know of the active chain; worked out once for each tip."""
        tip, known = self.active.tip, self._tip_context
        if known is None or known.hash != tip.hash:
            known = TipContext(tip.height, tip.median_time_past(), tip.hash, self._past_at)
            self._tip_context = known
        return known

    def _past_at(self, height: int) -> int:
        entry = self.active.at(height)
        assert entry is not None, "heights up to the tip are active"
        return entry.median_time_past()

    # What changes it.

    def were_active(self, left: Iterable[BlockHash]) -> None:
        """Of the blocks that are held, these have been active in an earlier run."""
        self._lost |= dict.fromkeys(left)

    def hold(self, block_hash: BlockHash) -> None:
        """A block's bytes are stored."""
        self._held[block_hash] = None

    def mark_invalid(self, block_hash: BlockHash) -> None:
        """A block is invalid, and all that builds on it."""
        self._held.pop(block_hash, None)
        self.headers.mark_invalid(block_hash)

    def obey(self, order: ChainOrder, block_hash: BlockHash) -> None:
        """An order about a known block was carried out."""
        if order is ChainOrder.INVALIDATE and block_hash != self.headers.genesis.hash:
            self.headers.mark_invalid(block_hash, set_aside=True)
        elif order is ChainOrder.RECONSIDER:
            self.headers.reconsider(block_hash)

    def move(self, outcome: BlockOutcome, now: Instant) -> tuple[HeaderEntry, ...]:
        """Follow the validator's active chain; the blocks that joined it, upwards."""
        for step in outcome.disconnected:
            left = self.active.disconnect()
            assert left.hash == step.hash, "the active chain follows the validator"
            self._held[left.hash] = self._lost[left.hash] = None
        joined: list[HeaderEntry] = []
        for step in outcome.connected:
            entry = self.headers.get(step.hash)
            assert entry is not None, "the validator knows no header that the node does not"
            self.active.connect(entry)
            self._held.pop(step.hash, None)
            joined.append(entry)
        self.lag = outcome.lag
        self.tip_moved_at = now
        return tuple(joined)

    def leave_initial_sync(self, now: Instant) -> bool:
        """Whether the tip has just become recent; then initial sync never returns."""
        tip = self.active.tip
        if not self.initial_sync or tip.chainwork < self.minimum_chainwork:
            return False
        if tip.time * SECOND < now - self._max_tip_age_us:
            return False
        self.initial_sync = False
        return True
