"""What validating a block changed: the word between the validator and everyone who follows the
chain.

A block that is valid may leave the active chain as it is, extend it by one, or move it to another
branch: then blocks of the old branch disconnect, from the tip downwards, before those of the new
one connect, upwards. Coins, filters and mempool follow an outcome step by step, in that order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from axon.chain.coins import Coin
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.transaction import OutPoint
from axon.primitives.verdict import Rejected, Verdict


@dataclass(frozen=True, slots=True)
class BlockStep:
    """One block that joins or leaves the active chain.

    Args:
        hash: the block's hash.
        height: its height; the genesis block has 0.
        block: the whole block.
    """

    hash: BlockHash
    height: int
    block: Block


@dataclass(frozen=True, slots=True)
class BlockOutcome:
    """What one validated block did to the active chain.

    Args:
        verdict: whether the block itself is valid, as far as it was looked at.
        disconnected: blocks that left the active chain, from the old tip downwards.
        connected: blocks that joined it, upwards to the new tip.
        invalid: blocks now known to be invalid for ever, and why. A refused block that is not among
            them may only have been a forgery, too early, or without its parent: its header must
            not be held against it.
        lag: how many blocks coins or filters are behind the tip now.
        coins: what transactions of `disconnected` spend, as of the new tip, so that they may be
            taken back unconfirmed; none while coins lag.
        more: this is one part of a long move, and the validator's chain goes on from here.
    """

    verdict: Verdict
    disconnected: tuple[BlockStep, ...] = ()
    connected: tuple[BlockStep, ...] = ()
    invalid: tuple[tuple[BlockHash, Rejected], ...] = ()
    lag: int = 0
    coins: Mapping[OutPoint, Coin] = field(default_factory=dict)
    more: bool = False
