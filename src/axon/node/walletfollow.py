"""Which blocks a wallet is to look at next, where the wallet is one of a full node.

The node's own active chain is followed, and its own blocks and filters are read: nobody is asked.
A step says what to do and is done in the wallet's lane; whoever runs it tells how far it came. When
blocks leave the chain the wallet is first told where the branches part. With each step it is told
of some blocks further down, too: should nobody know its last block one day (it was opened on
another node, or the node has lost it), the way back is found by those.

    behind --LookAt--> ... --> at the tip --block connected--> behind
           --StepBack--> where the branches part
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from axon.chain.activechain import ActiveChain
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.node.jobs import ReadBlock, ReadFilters
from axon.primitives.hashes import BlockHash

STEP_BLOCKS: Final = 100
"""Blocks of one step: their filters take 2 MB on the main network, and 20 ms to look at."""

FILTER_BYTES: Final = 1 << 26
"""Of filters read at once; those of a step take less."""


BlockPlace = tuple[int, BlockHash]
"""Height and hash of a block."""


@dataclass(frozen=True, slots=True)
class LookAt:
    """Look at blocks, upwards; height and hash of each.

    Args:
        blocks: those.
        below: some of those under them, downwards, each twice as far as the one before it.
    """

    blocks: tuple[BlockPlace, ...]
    below: tuple[BlockPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class StepBack:
    """What was above a block has left the chain; its height and hash."""

    height: int
    hash: BlockHash
    below: tuple[BlockPlace, ...] = ()


FollowStep = LookAt | StepBack


class FollowingWallet(Protocol):
    """A wallet, as far as the node's chain is shown to it."""

    def match_filters(
        self, filters: Sequence[tuple[BlockHash, bytes]], now_s: int
    ) -> tuple[bool, ...]:
        """For each block whether it may concern the wallet."""

    def take_block(self, block_hash: BlockHash, height: int, raw: bytes, now_s: int) -> object:
        """Look through a block."""


class WalletFollow:
    """How far one wallet has seen the chain.

    Args:
        headers: all that are known.
        active: the chain as it is; read anew with each question.
        marks: the block up to which the wallet has seen all, and some below it, downwards; none of
            a wallet that has seen nothing.
    """

    def __init__(
        self, headers: HeaderTree, active: ActiveChain, marks: Sequence[BlockPlace]
    ) -> None:
        self._active = active
        known = [headers.get(block_hash) for _, block_hash in marks]
        found = next((entry for entry in known if entry is not None), None)
        self._lost = bool(known) and known[0] is None
        self.seen: HeaderEntry = headers.genesis if found is None else found

    @property
    def is_done(self) -> bool:
        """Whether the wallet has seen the tip."""
        return not self._lost and self.seen is self._active.tip

    def next_step(self) -> FollowStep | None:
        """What is to be done now; None at the tip."""
        active = self._active
        if self._lost or not active.contains(self.seen):
            fork = active.fork_of(self.seen)
            return StepBack(fork.height, fork.hash, _below(active, fork.height))
        last = min(self.seen.height + STEP_BLOCKS, active.height)
        entries = [active.at(height) for height in range(self.seen.height + 1, last + 1)]
        blocks = tuple([(entry.height, entry.hash) for entry in entries if entry is not None])
        return LookAt(blocks, _below(active, blocks[0][0])) if blocks else None

    def done(self, headers: HeaderTree, block_hash: BlockHash) -> None:
        """A step was done up to a block."""
        entry = headers.get(block_hash)
        assert entry is not None, "it came from these headers"
        self._lost, self.seen = False, entry


def _below(active: ActiveChain, height: int) -> tuple[BlockPlace, ...]:
    """Blocks under a height: the next one, the one two down, four down, and so on to the first."""
    heights = [height - (1 << step) for step in range(height.bit_length())]
    if height and heights[-1] != 0:
        heights.append(0)
    entries = [active.at(each) for each in heights]
    return tuple([(entry.height, entry.hash) for entry in entries if entry is not None])


def look(
    wallet: FollowingWallet,
    step: LookAt,
    read: Callable[[object], Any],
    now_s: int,
    *,
    has_filters: bool,
    go_on: Callable[[], bool] = lambda: True,
) -> int:
    """Show blocks to a wallet; called in its lane.

    Args:
        read: does a job of `node.jobs` that only reads.
        has_filters: the node keeps filters; where one is missing the block is read.
        go_on: asked between blocks; False ends the work there.

    Returns:
        How many of the blocks were looked at. A block whose bytes are gone (`-prune`) is not.
    """
    blocks = step.blocks
    names = [block_hash for _, block_hash in blocks]
    filters: list[bytes | None] = [None] * len(names)
    if has_filters:
        found = read(ReadFilters(tuple(names), FILTER_BYTES))
        filters[: len(found)] = found
    for place, ((height, block_hash), data) in enumerate(zip(blocks, filters, strict=True)):
        # One by one: a block may have taught the wallet scripts that the next ones pay.
        if data is None or wallet.match_filters([(block_hash, data)], now_s)[0]:
            raw = read(ReadBlock(block_hash))
            if raw is None:
                return place
            wallet.take_block(block_hash, height, raw, now_s)
        if not go_on():
            return place + 1
    return len(blocks)
