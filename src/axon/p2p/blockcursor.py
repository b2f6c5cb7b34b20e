"""How far the blocks of one peer's chain are in hand or asked for, and which comes next.

A cursor moves along the peer's best known chain and forward only, so the cost of a block does not
grow with the window; when a request is lost it goes back to the last block that is in hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from axon.machine import PeerId
from axon.p2p.views import BlockChainView, HeaderEntryView
from axon.primitives.hashes import BlockHash

_BATCH = 128  # Entries of a peer's chain that are looked up at a time.


class BlocksInHand:
    """The blocks that need not be asked for: stored, or arrived and not yet validated.

    Args:
        chain: what we hold.
    """

    __slots__ = ("_chain", "unvalidated")

    def __init__(self, chain: BlockChainView) -> None:
        self._chain = chain
        self.unvalidated: dict[BlockHash, PeerId] = {}
        """Those that wait for their verdict, and who sent each."""

    def __contains__(self, block_hash: BlockHash) -> bool:
        return block_hash in self.unvalidated or self._chain.has_block(block_hash)


class BlockCursor:
    """The cursor of one peer.

    Args:
        chain: what we know and hold.
        in_hand: shared by the cursors of all peers.
    """

    __slots__ = ("_ahead", "_chain", "_in_hand", "common", "position", "target")

    def __init__(self, chain: BlockChainView, in_hand: BlocksInHand) -> None:
        self._chain = chain
        self._in_hand = in_hand
        self._ahead: list[HeaderEntryView] = []  # After the position, last one first.
        self.common: HeaderEntryView | None = None
        """The last block of the peer's chain in hand without gaps; None before `settle`."""
        self.position: HeaderEntryView | None = None
        """Up to here everything is in hand, or in flight somewhere."""
        self.target: HeaderEntryView | None = None
        """The peer's best header at the last `settle`."""

    def settle(self, best: HeaderEntryView) -> HeaderEntryView:
        """Come onto the chain that ends in `best`, and up to what is in hand.

        Returns:
            `common`.
        """
        common = self._settle_common(best)
        if best is not self.target:
            self.target = best
            if self.position is not None and not _leads_to(self.position, best):
                self.position = None
            self._ahead.clear()
        if self.position is None:
            self.position = common
            self._ahead.clear()
        elif self.position.height < common.height:
            while self._ahead and self._ahead[-1].height <= common.height:
                self._ahead.pop()
            self.position = common
        return common

    def peek(self, up_to: int) -> HeaderEntryView | None:
        """The block after `position`; None at the end of the chain.

        Args:
            up_to: none above this height need be found.
        """
        if not self._ahead:
            self._look_ahead(up_to)
        return self._ahead[-1] if self._ahead else None

    def is_at(self, best: HeaderEntryView | None) -> bool:
        """Whether nothing of a chain that ends there is ahead, as was found out before."""
        return best is self.position and best is self.target

    def advance(self) -> None:
        """Go past the block that `peek` has shown."""
        self.position = self._ahead.pop()

    def rewind(self) -> None:
        """Something below `position` is wanted again."""
        self.position = None
        self._ahead.clear()

    def unsettle(self) -> None:
        """What was in hand may be so no more: look at the whole chain again."""
        self.rewind()
        self.common = None

    def _settle_common(self, best: HeaderEntryView) -> HeaderEntryView:
        tip, common = self._chain.active.tip, self.common
        if best.ancestor(tip.height) is tip:
            if common is None or common.height < tip.height or not _leads_to(common, best):
                common = tip
        elif common is None or not _leads_to(common, best):
            common = self._fork(best)
        while common is not best:
            child = best.ancestor(common.height + 1)
            if child is None or child.hash not in self._in_hand:
                break
            common = child
        self.common = common
        return common

    def _fork(self, best: HeaderEntryView) -> HeaderEntryView:
        """The last active block on the chain that ends in `best`."""
        active = self._chain.active
        low, high = self._chain.headers.genesis.height, min(best.height, active.tip.height)
        while low < high:
            middle = (low + high + 1) // 2
            if active.at(middle) is best.ancestor(middle):
                low = middle
            else:
                high = middle - 1
        entry = best.ancestor(low)
        assert entry is not None, "all chains share the root"
        return entry

    def _look_ahead(self, up_to: int) -> None:
        best, position = self.target, self.position
        assert best is not None, "settled"
        assert position is not None, "settled"
        base = position.height
        entry = best.ancestor(min(best.height, up_to, base + _BATCH))
        while entry is not None and entry.height > base:
            self._ahead.append(entry)
            entry = entry.parent


def _leads_to(entry: HeaderEntryView, best: HeaderEntryView) -> bool:
    return best.ancestor(entry.height) is entry


@dataclass(slots=True)
class BlockSource:
    """A peer of whom blocks are asked.

    Args:
        preferred: before others.
        serves: it is asked at all.
        limited: it has the newest blocks only.
        cursor: on its chain.
        compact: it may be asked for compact blocks.
        blocked_at: verdicts given when its window was found to be full.
        given: blocks that it was asked for and sent.
        forged: those that were not what their header names.
    """

    preferred: bool
    serves: bool
    limited: bool
    cursor: BlockCursor
    compact: bool = False
    blocked_at: int = -1
    given: int = 0
    forged: int = 0
