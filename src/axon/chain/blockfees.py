"""What recent blocks charged: the one thing that tells a light client what a fee buys.

The coinbase takes the subsidy and all fees, so what it pays beyond the subsidy, over the size of
the other transactions, is the average feerate of a block. Miners take the best payments first; so
who pays what the dearest of the last blocks charged on average gets into the next one or soon
after, and who can wait pays what the cheapest did.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from axon.primitives.block import Block

BLOCKS: Final = 6
"""How many blocks are looked at: an hour."""

MIN_FEERATE_SAT_KVB: Final = 1_000
"""Below 1 sat/vB not every node passes a payment on."""

SOON: Final = 2
HOURS: Final = 24
"""Up to these targets, in blocks, the dearest and the middle block count; beyond, the cheapest."""

_FULL_VSIZE: Final = 500_000
"""A block with less in it than half of what it could hold had room: anything was enough."""


def feerate_of_block(block: Block, subsidy_sat: int) -> int:
    """The average feerate of a block in sat per 1,000 vbytes; the minimum if it had room left.

    Args:
        block: checked against its header.
        subsidy_sat: what its miner may take beside the fees.
    """
    taken_sat = sum(output.amount_sat for output in block.transactions[0].outputs)
    vsize = sum((item.weight_wu + 3) // 4 for item in block.transactions[1:])
    if vsize < _FULL_VSIZE:
        return MIN_FEERATE_SAT_KVB
    return max((taken_sat - subsidy_sat) * 1_000 // vsize, MIN_FEERATE_SAT_KVB)


def feerate_for(target: int, feerates: Sequence[int], floor_sat_kvb: int) -> int:
    """What to pay to be in one of the next blocks, in sat per 1,000 vbytes.

    Args:
        target: within how many blocks, at least 1.
        feerates: of the last blocks; none if there are none.
        floor_sat_kvb: what peers ask for at least.
    """
    if not feerates:
        found = MIN_FEERATE_SAT_KVB
    elif target <= SOON:
        found = max(feerates)
    elif target <= HOURS:
        found = int(median(feerates))
    else:
        found = min(feerates)
    return max(found, floor_sat_kvb, MIN_FEERATE_SAT_KVB)
