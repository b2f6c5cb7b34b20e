"""A chain that a node of these tests has on its disk when it starts."""

from __future__ import annotations

from functools import cache

from axon.chain.headertree import HeaderTree
from axon.machine import MINUTE, SECOND, Instant
from axon.mining.miner import mine
from axon.mining.template import next_template
from axon.node.full import FullNode
from axon.primitives.network import COINBASE_MATURITY, REGTEST
from tests.chain.chains import accepted
from tests.signing import Signer, Spendable

PEOPLE = (Signer("Alice"), Signer("Bob"), Signer("Carol"))
HISTORY_BLOCKS = 112
"""The coins of the first twelve are mature."""


@cache
def history(end: Instant, blocks: int = HISTORY_BLOCKS) -> tuple[bytes, ...]:
    """Blocks ten minutes apart, the last ten minutes before `end`, that pay everybody in turn."""
    tree = HeaderTree(REGTEST)
    raws: list[bytes] = []
    for number in range(blocks):
        found_s = (end - (blocks - number) * 10 * MINUTE) // SECOND
        script = PEOPLE[number % len(PEOPLE)].script
        block = mine(next_template(REGTEST, tree.best, (), found_s).build(script), 10_000)
        assert block is not None, "on regtest every second hash will do"
        accepted(tree.add(block.header, end))
        raws.append(block.raw)
    return tuple(raws)


def spendable(machine: FullNode, signer: Signer) -> list[Spendable]:
    """A person's coins that the next block may spend and that no entry of the pool spends."""
    above = machine.active.height + 1
    return [
        Spendable(point, coin.amount_sat)
        for point, coin in machine.coins.items()
        if coin.script_pubkey == signer.script
        and (not coin.coinbase or above - coin.height >= COINBASE_MATURITY)
        and machine.pool.spender(point) is None
    ]
