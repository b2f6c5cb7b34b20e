"""Which blocks a wallet is to look at next, where the wallet is one of a full node.

The node's own active chain is followed, and its own blocks and filters are read: nobody is asked.
A step says what to do and is done in the wallet's lane; whoever runs it tells how far it came. When
blocks leave the chain the wallet is first told where the branches part.

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


@dataclass(frozen=True, slots=True)
class LookAt:
    """Look at blocks, upwards; height and hash of each."""

    blocks: tuple[tuple[int, BlockHash], ...]


@dataclass(frozen=True, slots=True)
class StepBack:
    """What was above a block has left the chain; its height and hash."""

    height: int
    hash: BlockHash


FollowStep = LookAt | StepBack


class FollowingWallet(Protocol):
    """A wallet, as far as the node's chain is shown to it."""

    def match_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> tuple[bool, ...]:
        """For each block whether it may concern the wallet."""

    def take_block(self, block_hash: BlockHash, height: int, raw: bytes, now_s: int) -> object:
        """Look through a block."""


class WalletFollow:
    """How far one wallet has seen the chain.

    Args:
        headers: all that are known.
        active: the chain as it is; read anew with each question.
        height: of the block up to which the wallet has seen all.
        block_hash: of that block.
    """

    def __init__(
        self, headers: HeaderTree, active: ActiveChain, height: int, block_hash: BlockHash
    ) -> None:
        self._active = active
        entry = headers.get(block_hash)
        if entry is None:  # Of a chain that these headers do not know: look below it.
            self._lost = True
            entry = active.at(max(min(height, active.height) - 1, 0)) or headers.genesis
        else:
            self._lost = False
        self.seen: HeaderEntry = entry

    @property
    def is_done(self) -> bool:
        """Whether the wallet has seen the tip."""
        return not self._lost and self.seen is self._active.tip

    def next_step(self) -> FollowStep | None:
        """What is to be done now; None at the tip."""
        active = self._active
        if self._lost or not active.contains(self.seen):
            fork = active.fork_of(self.seen)
            return StepBack(fork.height, fork.hash)
        last = min(self.seen.height + STEP_BLOCKS, active.height)
        entries = [active.at(height) for height in range(self.seen.height + 1, last + 1)]
        blocks = tuple([(entry.height, entry.hash) for entry in entries if entry is not None])
        return LookAt(blocks) if blocks else None

    def done(self, headers: HeaderTree, block_hash: BlockHash) -> None:
        """A step was done up to a block."""
        entry = headers.get(block_hash)
        assert entry is not None, "it came from these headers"
        self._lost, self.seen = False, entry


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
        if data is None or wallet.match_filters([(block_hash, data)])[0]:
            raw = read(ReadBlock(block_hash))
            if raw is None:
                return place
            wallet.take_block(block_hash, height, raw, now_s)
        if not go_on():
            return place + 1
    return len(blocks)
