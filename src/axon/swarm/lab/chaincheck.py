"""A chain validated from genesis by a second code path, and the sums that follow from it.

The nodes' blocks were validated by libbitcoinkernel; here the in-memory validator
(`consensus/memoryvalidator`), which shares no code with it, validates them again, all rules but
scripts, and the coins are counted anew from the outputs and inputs alone. What the nodes say of
their coins is held against that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from axon.consensus.memoryvalidator import MemoryValidator, World
from axon.errors import DecodeError
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.script import is_unspendable
from axon.primitives.transaction import OutPoint, outpoint
from axon.primitives.verdict import Rejected


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What came of it.

    Args:
        height, tip_hex: how far the chain was looked at.
        fault: why the next block is refused; empty if all are good.
        allowed_sat: what all blocks together may create.
        unclaimed_sat: what their miners left, and what was burnt for good.
        coins_sat: what all coins are worth, counted anew.
        coins: how many there are.
    """

    height: int
    tip_hex: str
    fault: str
    allowed_sat: int
    unclaimed_sat: int
    coins_sat: int
    coins: int


def check_chain(blocks: Iterable[bytes], now_us: int) -> ChainCheck:
    """Validate a chain.

    Args:
        blocks: in order, the one after the genesis block first.
        now_us: the time of day; a block from too far ahead is refused.
    """
    validator = MemoryValidator(World(), lambda: now_us)
    count = _Count()
    fault = ""
    for height, raw in enumerate(blocks, start=1):
        verdict = validator.process_block(raw).verdict
        if isinstance(verdict, Rejected):
            fault = f"height {height}: {verdict}"
            break
        if validator.tip()[1] != height:
            fault = f"height {height}: it does not follow the block before"
            break
        try:
            count.add(Block.decode(raw), height)
        except (DecodeError, KeyError) as error:
            fault = f"height {height}: {error!r}"
            break
    tip, height = validator.tip()
    return ChainCheck(
        height,
        to_hex(tip),
        fault,
        count.allowed_sat,
        count.unclaimed_sat,
        sum(count.coins.values()),
        len(count.coins),
    )


class _Count:
    """Coins by their outputs and inputs, with nothing else in mind."""

    def __init__(self) -> None:
        self.coins: dict[OutPoint, int] = {}
        self.allowed_sat = 0
        self.unclaimed_sat = 0

    def add(self, block: Block, height: int) -> None:
        """Count one block.

        Raises:
            KeyError: it spends what there is not.
        """
        subsidy_sat = REGTEST.subsidy_sat(height)
        self.allowed_sat += subsidy_sat
        before_sat = created_sat = burnt_sat = 0
        for place, transaction in enumerate(block.transactions):
            if place:
                before_sat += sum(self.coins.pop(spent) for spent in transaction.prevouts)
            for index, output in enumerate(transaction.outputs):
                created_sat += output.amount_sat
                if is_unspendable(output.script_pubkey):
                    burnt_sat += output.amount_sat
                else:
                    self.coins[outpoint(transaction.txid, index)] = output.amount_sat
        self.unclaimed_sat += subsidy_sat + before_sat - created_sat + burnt_sat
