"""Whether a block could be the next one, but for its work: what callers ask before they search.

libbitcoinkernel validates only blocks that prove their work, so the rules are those of
`consensus.blockrules`, on our own view of the coins, with the kernel running the scripts. They do
not count signature operations, nor look at a signet's signature; the validator has the last word
when the block is submitted.
"""

from __future__ import annotations

from axon.chain.rules import HeaderRules
from axon.consensus.blockrules import check_block, check_in_context, connect_block
from axon.node.jobs import VerifyScripts
from axon.primitives.block import Block
from axon.primitives.hashes import ZERO_HASH, BlockHash
from axon.primitives.transaction import OutPoint, TxOut, outpoint
from axon.primitives.verdict import Accepted, Rejected, Verdict
from axon.rpc.daemon import Daemon

INCONCLUSIVE = "inconclusive"
"""BIP 22's word where not enough is known to decide."""


async def check_proposal(daemon: Daemon, block: Block) -> Verdict:
    """Validate a block as if it had enough work.

    Returns:
        `inconclusive...` for a block that does not build on the tip, and while the coins are behind
        it.
    """
    node = daemon.node
    parent = node.active.tip
    if block.header.prev != parent.hash:
        return Rejected("inconclusive-not-best-prevblk")
    rejected = await daemon.off_loop(check_block, block)
    if rejected is None:
        # A hash of zero meets every target.
        rules, zero = HeaderRules(node.network), BlockHash(ZERO_HASH)
        rejected = rules.check(block.header.raw, zero, parent, daemon.clock.now())
    if rejected is None:
        rejected = await daemon.off_loop(check_in_context, block, parent)
    if rejected is not None:
        return rejected
    if not node.follows or node.active.tip is not parent:
        return Rejected(INCONCLUSIVE)
    tip, coins = await daemon.read_coins(_outpoints(block))
    if tip is not parent:
        return Rejected(INCONCLUSIVE)
    done = await daemon.off_loop(connect_block, block, parent, node.network, coins.get)
    if isinstance(done, Rejected):
        return done
    for transaction, spent in list(zip(block.transactions, done.spent, strict=True))[1:]:
        outputs = tuple([TxOut(coin.amount_sat, coin.script_pubkey) for coin in spent])
        verdict = await daemon.run(VerifyScripts(transaction, outputs))
        if isinstance(verdict, Rejected):
            return verdict
    return Accepted()


def _outpoints(block: Block) -> list[OutPoint]:
    """All coins that matter for a block: what it spends, and what it must not make again."""
    points: list[OutPoint] = []
    for transaction in block.transactions:
        points += transaction.prevouts
        made = len(transaction.outputs)
        points += [outpoint(transaction.txid, index) for index in range(made)]
    return points
